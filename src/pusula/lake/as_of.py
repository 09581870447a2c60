"""Two clocks: since when a row holds, and when we learned of it; versions as spans of time.

A version holds from the moment it is both true and thinkable: asked with what was known at one
moment, from just after ``changed_at``, or from ``recorded_at`` if that came first (a change told
ahead of its time is believed at once, as the present state believes it). Asked at several moments
with what was known at each, from ``recorded_at``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

# Columns that tables of versions have besides their own: the version holds at moments in [,).
SINCE = "since_at"
UNTIL = "until_at"
EVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class AsOf:
    """The state at the moment ``at`` as it was known at ``known_at``.

    ``known_at`` equal to ``at`` asks what was believed then; the present moment asks what is known
    today of how it was.
    """

    at: int
    known_at: int


@dataclass(frozen=True, slots=True)
class Span:
    """The moments ``first_at`` to ``last_at``, both included, as known at ``known_at``.

    ``None``: each as it was known at that moment itself.
    """

    first_at: int
    last_at: int
    known_at: int | None

    @classmethod
    def at(cls, as_of: AsOf) -> Span:
        """Return the span that is one moment."""
        return cls(as_of.at, as_of.at, as_of.known_at)

    @property
    def told_by(self) -> int:
        """Rows recorded later than this are unknown at every moment of the span."""
        return self.last_at if self.known_at is None else self.known_at

    def since(self, changed: str, recorded: str) -> str:
        """Return SQL for the moment from which on a version holds; arguments are SQL as well."""
        if self.known_at is None:
            return recorded
        return f"case when {changed} < {recorded} then {changed} + 1 else {recorded} end"


def versions(
    span: Span,
    *,
    table: str,
    columns: Sequence[str],
    of: Sequence[str],
    order: Sequence[str],
    condition: str,
    changed: str = "changed_at",
    recorded: str = "recorded_at",
) -> str:
    """Return SQL for the versions in ``table`` that hold at some moment of ``span``.

    ``of`` are the columns that versions of one thing share; of those that could hold at a moment
    the last by ``order`` does. ``condition`` picks whole things, never some of their versions. The
    result has ``columns``, ``SINCE`` and ``UNTIL``. Its parameters stand in front of those of
    ``condition``: see ``parameters``. All arguments are SQL of our own code.
    """
    needed = ", ".join(dict.fromkeys([*columns, *of, *order]))
    return f"""select {", ".join(columns)}, {SINCE}, coalesce({UNTIL}, {EVER}) as {UNTIL} from (
  select told.*, min({SINCE}) over (
    partition by {", ".join(of)} order by {", ".join(f"{column} desc" for column in order)}
    rows between unbounded preceding and 1 preceding
  ) as {UNTIL}
  from (
    select {needed}, {span.since(changed, recorded)} as {SINCE} from {table}
    where {recorded} <= %s and {condition}
  ) told
) held
where {SINCE} <= %s and ({UNTIL} is null or ({UNTIL} > %s and {UNTIL} > {SINCE}))"""


def parameters(span: Span, condition: Sequence[object]) -> list[object]:
    """Return the parameters of ``versions``, those of its condition among them."""
    return [span.told_by, *condition, span.last_at, span.first_at]


def encoded(table: pa.Table) -> pa.Table:
    """Return ``table`` with each different text of a column once: quicker to look at repeatedly."""
    for index, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(
                index, field.name, table.column(index).combine_chunks().dictionary_encode()
            )
    return table


def at(table: pa.Table, moment: int) -> pa.Table:
    """Return the rows of ``table`` that hold at ``moment``, without the columns of their spans.

    A table without such columns holds at every moment.
    """
    if SINCE in table.column_names:
        table = table.filter(pa.array(table[SINCE].to_numpy() <= moment)).drop_columns([SINCE])
    if UNTIL in table.column_names:
        table = table.filter(pa.array(table[UNTIL].to_numpy() > moment)).drop_columns([UNTIL])
    return table
