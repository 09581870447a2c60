"""What pages show of everybody in a run, counted once when it is made.

All of it follows from how many have each combination of scores, and between which values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db.models import Count, Max, Min, Sum

from pusula.rfm.models import RfmRun, RfmScore

_RANGES = {"r": "recency_days", "f": "frequency", "m": "monetary_minor"}


class Bin(msgspec.Struct, frozen=True, array_like=True):
    """Those who share a group and all three scores; ranges are from the lowest to the highest."""

    group: str
    r: int
    f: int
    m: int
    n: int
    revenue_minor: int
    days: int  # since their last orders, summed
    orders: int
    r_range: tuple[int, int]
    f_range: tuple[int, int]
    m_range: tuple[int, int]


@dataclass(frozen=True)
class Size:
    """How many a group had, and what their orders came to."""

    n: int
    revenue_minor: int


def keep(run: RfmRun) -> None:
    """Count everybody in ``run`` and keep what was found."""
    run.figures = msgspec.to_builtins(_counted(run))
    RfmRun.objects.filter(pk=run.pk).update(figures=run.figures)


def bins(run: RfmRun) -> tuple[Bin, ...]:
    """Return who is in ``run``, by group and scores; a run that kept nothing is counted now."""
    return _counted(run) if run.figures is None else _read(run.figures)


def together(found: Iterable[Bin], key: Callable[[Bin], Any]) -> dict[Any, list[Bin]]:
    """Return ``found`` by what ``key`` says of each."""
    groups: dict[Any, list[Bin]] = {}
    for one in found:
        groups.setdefault(key(one), []).append(one)
    return groups


def sizes(run: RfmRun) -> dict[str, int]:
    """Return how many each group of ``run`` had; empty groups are missing."""
    return {group: size.n for group, size in of_runs([run])[run.pk].items()}


def of_runs(runs: Iterable[RfmRun]) -> dict[int, dict[str, Size]]:
    """Return the sizes of the groups by run; empty groups are missing."""
    wanted = {run.pk: run for run in runs}
    whole = RfmRun.objects.filter(pk__in=list(wanted), figures__isnull=False)
    kept = dict(whole.values_list("pk", "figures"))
    return {
        number: _sizes(_read(kept[number]) if number in kept else _counted(run))
        for number, run in wanted.items()
    }


def _sizes(found: Iterable[Bin]) -> dict[str, Size]:
    return {
        group: Size(sum(one.n for one in those), sum(one.revenue_minor for one in those))
        for group, those in together(found, lambda one: one.group).items()
    }


def _read(plain: Any) -> tuple[Bin, ...]:
    return msgspec.convert(plain, tuple[Bin, ...])


def _counted(run: RfmRun) -> tuple[Bin, ...]:
    ranges = {
        f"{score}_{name}": of(column)
        for score, column in _RANGES.items()
        for name, of in (("low", Min), ("high", Max))
    }
    found = (
        RfmScore.objects.filter(run=run)
        .values("group", "r", "f", "m")
        .annotate(
            n=Count("pk"),
            revenue=Sum("monetary_minor"),
            days=Sum("recency_days"),
            orders=Sum("frequency"),
            **ranges,
        )
        .order_by("group", "r", "f", "m")
    )
    return tuple(
        Bin(
            row["group"],
            row["r"],
            row["f"],
            row["m"],
            row["n"],
            int(row["revenue"]),
            int(row["days"]),
            int(row["orders"]),
            (row["r_low"], row["r_high"]),
            (row["f_low"], row["f_high"]),
            (row["m_low"], row["m_high"]),
        )
        for row in found
    )
