"""Funnels: who went through steps in their order within a time, counted in people.

A way begins with any first step in the span. Of one that begins there, each next step is the
earliest behind the step before it, and must come within the window after the first. A person is
counted as far as the best of their ways leads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection
from django.utils.translation import gettext as _

from pusula.lake import arrow
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.measurement.attribution.credit import Ints, bisect
from pusula.measurement.attribution.touches import Span
from pusula.measurement.reports import blocks
from pusula.measurement.reports.blocks import Page
from pusula.orders import machine
from pusula.profiles.models import Profile

ORDER = "order"  # the step of an order that is alive; other steps are names of events
MOST_STEPS = 8
MOST_WINDOW_DAYS = 365
_ALIVE = tuple(sorted(machine.ALIVE))
_READ = pa.schema([("profile_id", pa.int64()), ("at", pa.int64())])


class FunnelError(PusulaError):
    """A funnel that cannot be counted."""

    code = "funnel"
    status = 422


@dataclass(frozen=True)
class Funnel:
    """How many people reached each step; ``steps`` are names of events, or ``ORDER``."""

    steps: tuple[str, ...]
    window_days: int
    n: tuple[int, ...]
    people: tuple[Ints, ...]  # of each step, those who reached it, ascending

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        whole = self.n[0] if self.n else 0
        return {
            "window_days": self.window_days,
            "steps": [
                {
                    "step": step,
                    "n": n,
                    "share_of_first": n / whole if whole else None,
                    "share_of_before": n / before if before else None,
                }
                for step, n, before in zip(self.steps, self.n, (whole, *self.n), strict=False)
            ],
        }


def funnel(steps: tuple[str, ...], span: Span, window_days: int) -> Funnel:
    """Return who went through ``steps``, the first of them in ``span``."""
    if not 2 <= len(steps) <= MOST_STEPS:  # noqa: PLR2004 - one step leads nowhere
        raise FunnelError(
            _("A funnel has 2 to %(most)s steps, not %(n)s.")
            % {"most": MOST_STEPS, "n": len(steps)}
        )
    if not 1 <= window_days <= MOST_WINDOW_DAYS:
        raise FunnelError(
            _("The time of a funnel is 1 to %(most)s days.") % {"most": MOST_WINDOW_DAYS}
        )
    people = _reached(steps, span, window_days)
    return Funnel(steps, window_days, tuple(len(ids) for ids in people), tuple(people))


def people(
    steps: tuple[str, ...],
    span: Span,
    window_days: int,
    place: int,
    *,
    after: int | None,
    limit: int,
) -> Page:
    """Return the next people behind the number ``after`` who reached the step at ``place``."""

    def among(low: int, high: int) -> list[int]:
        ways = _reached(steps[: place + 1], span, window_days, (low, high))
        found: list[int] = ways[place].tolist()
        return found

    return blocks.page(among, Profile, after=after, limit=limit)


def _reached(
    steps: tuple[str, ...], span: Span, window_days: int, among: tuple[int, int] | None = None
) -> list[Ints]:
    """Return the people who reached each step; ``among``: of these numbers only."""
    window = window_days * clock.DAY
    who, began = _read(steps[0], span, among)
    reached, is_open = began.copy(), np.ones(len(who), np.bool_)
    people = [np.unique(who)]
    for step in steps[1:]:
        if not is_open.any():  # nobody is left who could reach it
            people.append(who[:0])
            continue
        profiles, at = _read(step, Span(span.from_at, span.until_at + window), among)
        low = np.searchsorted(profiles, who, side="left").astype(np.int64)
        high = np.searchsorted(profiles, who, side="right").astype(np.int64)
        place = bisect(at, low, high, reached)  # the first behind the step before
        there = is_open & (place < high)
        reached = np.append(at, 0)[np.where(there, place, len(at))]
        is_open = there & (reached < began + window)
        people.append(np.unique(who[is_open]))
    return people


def _read(step: str, span: Span, among: tuple[int, int] | None) -> tuple[Ints, Ints]:
    """Return who did ``step`` when, by person and moment."""
    if step == ORDER:
        marks = ", ".join(["%s"] * len(_ALIVE))
        sql = f"""
        SELECT profile_id, ordered_at FROM orders_order
        WHERE ordered_at >= %s AND ordered_at < %s AND status IN ({marks}) AND net_base_minor >= 0
        """
        params: list[Any] = [span.from_at, span.until_at, *_ALIVE]
    else:
        # Of some people: by the index of people. That of names would read everybody's each time.
        name = "name" if among is None else "coalesce(name, '')"
        sql = f"SELECT profile_id, at FROM events_event WHERE {name} = %s AND at >= %s AND at < %s"
        params = [step, span.from_at, span.until_at]
    if among is not None:
        sql, params = f"{sql} AND profile_id > %s AND profile_id <= %s", [*params, *among]
    with connection.cursor() as cursor:
        table = arrow.fetch(cursor, sql, params, _READ)
    profiles, at = table["profile_id"].to_numpy(), table["at"].to_numpy()
    order = np.lexsort((at, profiles))
    return profiles[order], at[order]
