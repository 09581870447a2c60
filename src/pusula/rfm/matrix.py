"""The moves between two runs as a matrix: counts, shares of rows, and what cannot have happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from pusula.lib import spreadsheets
from pusula.rfm import moves, queries, steps
from pusula.rfm.models import RfmRun
from pusula.rfm.moves import Flow, Path
from pusula.rfm.scoring import Edges
from pusula.rfm.steps import Hindrance, Places

Group = str | None  # none: not scored in that run


@dataclass(frozen=True)
class Matrix:
    """Who was where before (rows) and after (columns), by the groups of both runs."""

    before: RfmRun
    after: RfmRun
    flows: tuple[Flow, ...]

    @property
    def days(self) -> int:
        """How many days lie between the runs."""
        return (self.after.as_of_on - self.before.as_of_on).days

    @cached_property
    def rows(self) -> list[Group]:
        """The groups of the earlier run, those who were not in it last if there are any."""
        came: list[Group] = [None] if any(flow.before is None for flow in self.flows) else []
        return [*self.before.groups, *came]

    @cached_property
    def columns(self) -> list[Group]:
        """The groups of the later run, those who are not in it last if there are any."""
        gone: list[Group] = [None] if any(flow.after is None for flow in self.flows) else []
        return [*self.after.groups, *gone]

    @cached_property
    def counts(self) -> dict[tuple[Group, Group], int]:
        """How many moved, by both groups; pairs with nobody are missing."""
        return {(flow.before, flow.after): flow.n for flow in self.flows}

    def n(self, before: Group, after: Group) -> int:
        """Return how many moved from one group to another."""
        return self.counts.get((before, after), 0)

    @cached_property
    def sizes_before(self) -> dict[str, int]:
        """How many each group of the earlier run had, the empty ones included."""
        return {row: sum(self.n(row, column) for column in self.columns)
                for row in self.before.groups}  # fmt: skip

    @cached_property
    def sizes_after(self) -> dict[str, int]:
        """How many each group of the later run had, the empty ones included."""
        return {column: sum(self.n(row, column) for row in self.rows)
                for column in self.after.groups}  # fmt: skip

    def cells(self) -> Iterator[tuple[Group, Group, int, float | None]]:
        """Yield every pair of groups with its count and its share of the row, row by row.

        Those who were not scored before are no group that could have kept them: they have no share.
        """
        for row in self.rows:
            size = self.sizes_before.get(row, 0) if row is not None else 0
            for column in self.columns:
                if row is None and column is None:
                    continue
                n = self.n(row, column)
                yield row, column, n, n / size if size else None

    def impossible(self) -> list[tuple[str, str, Hindrance]]:
        """Return the pairs of groups between which nobody can have moved, and why.

        Nothing for runs by different rules, and for runs that kept no limits.
        """
        if self.before.config_key != self.after.config_key:
            return []
        places = _places(self.before), _places(self.after)
        if not all(places):
            return []
        time = steps.between(queries.config(self.after), self.days)
        return [
            (old, new, why)
            for old in self.before.groups
            for new in self.after.groups
            for why in (steps.possible(places[0][old], places[1][new], time),)
            if why is not None
        ]


def matrix(before: RfmRun, after: RfmRun) -> Matrix:
    """Return how people moved between two runs."""
    return Matrix(before, after, moves.transitions(before, after))


def ends(runs: Sequence[RfmRun], gone: Iterable[Path]) -> Matrix:
    """Return how people moved from the first to the last of ``runs``, given their paths."""
    counts: Counter[tuple[Group, Group]] = Counter()
    for path in gone:
        counts[path.groups[0], path.groups[-1]] += path.n
    del counts[None, None]
    return Matrix(runs[0], runs[-1], tuple(Flow(*pair, n) for pair, n in counts.most_common()))


def table(steps: Iterable[Matrix]) -> Iterator[list[str]]:
    """Yield matrices as rows of a file, a head first, then every pair of groups."""
    yield ["from_on", "to_on", "from_group", "to_group", "customers", "share_of_row"]
    for step in steps:
        days = (step.before.as_of_on.isoformat(), step.after.as_of_on.isoformat())
        for old, new, n, share in step.cells():
            groups = [spreadsheets.guarded(group or "") for group in (old, new)]
            yield [*days, *groups, str(n), "" if share is None else f"{share:.6f}"]


def _places(run: RfmRun) -> Places:
    if not run.edges:
        return {}
    made_with = queries.config(run)
    if list(made_with.named_groups) != run.groups:
        return {}
    return steps.places(made_with, msgspec.convert(run.edges, Edges))
