"""Reads of RFM runs: their groups, their grid, their people."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from django.db.models import Avg, Count, Max, Min, QuerySet, Sum

from pusula.profiles.models import Trait
from pusula.profiles.relations import Ids
from pusula.rfm import config as rules
from pusula.rfm.cautions import Caution
from pusula.rfm.models import RfmRun, RfmScore
from pusula.rfm.rules import Config


@dataclass(frozen=True)
class Group:
    """One group of a run; shares are of all profiles and all revenue of the run."""

    name: str
    n: int
    share: float
    revenue_minor: int
    revenue_share: float
    recency_mean: float | None  # days; none in an empty group
    frequency_mean: float | None
    monetary_mean_minor: float | None


@dataclass(frozen=True)
class Cell:
    """The profiles that share an R and an F."""

    r: int
    f: int
    group: str
    n: int
    revenue_minor: int


def latest() -> RfmRun | None:
    """Return the run with the newest day; of several, the one made last."""
    return runs().first()


def runs() -> QuerySet[RfmRun]:
    """Return all runs, the newest day first."""
    return RfmRun.objects.order_by("-as_of_on", "-created_at", "-pk")


def told_profiles() -> Ids:
    """Return the profiles whose traits tell an RFM group, ascending."""
    rows = Trait.objects.filter(name="rfm_group").order_by("profile_id")
    return np.fromiter(rows.values_list("profile_id", flat=True).iterator(10_000), np.int64)


def config(run: RfmRun) -> Config:
    """Return the rules of a run."""
    return rules.parse(run.config, f"RFM {run.as_of_on}")


def warnings(run: RfmRun) -> tuple[Caution, ...]:
    """Return what a person should know about a run."""
    return msgspec.convert(run.warnings, tuple[Caution, ...])


def groups(run: RfmRun) -> tuple[Group, ...]:
    """Return all groups of a run in the order of its rules, those with nobody included."""
    rows = {
        row["group"]: row
        for row in RfmScore.objects.filter(run=run)
        .values("group")
        .annotate(
            n=Count("pk"),
            revenue_minor=Sum("monetary_minor"),
            recency_mean=Avg("recency_days"),
            frequency_mean=Avg("frequency"),
            monetary_mean_minor=Avg("monetary_minor"),
        )
    }
    revenue = sum(int(row["revenue_minor"]) for row in rows.values())
    return tuple(
        Group(
            name=name,
            n=row["n"] if row else 0,
            share=row["n"] / run.n_profiles if row else 0.0,
            revenue_minor=int(row["revenue_minor"]) if row else 0,
            revenue_share=int(row["revenue_minor"]) / revenue if row and revenue else 0.0,
            recency_mean=float(row["recency_mean"]) if row else None,
            frequency_mean=float(row["frequency_mean"]) if row else None,
            monetary_mean_minor=float(row["monetary_mean_minor"]) if row else None,
        )
        for name in run.groups
        for row in (rows.get(name),)
    )


def grid(run: RfmRun) -> tuple[Cell, ...]:
    """Return every cell of R x F, R falling and F rising, those with nobody included."""
    found = {
        (row["r"], row["f"]): row
        for row in RfmScore.objects.filter(run=run)
        .values("r", "f")
        .annotate(n=Count("pk"), revenue_minor=Sum("monetary_minor"))
    }
    made_with = config(run)
    names = {code: name for name, codes in made_with.named_groups.items() for code in codes}
    return tuple(
        Cell(
            r=r,
            f=f,
            group=names[f"{r}{f}"],
            n=row["n"] if row else 0,
            revenue_minor=int(row["revenue_minor"]) if row else 0,
        )
        for r in range(made_with.recency.levels, 0, -1)
        for f in range(1, made_with.frequency.quantiles + 1)
        for row in (found.get((r, f)),)
    )


def cube(run: RfmRun) -> dict[str, int]:
    """Return how many have each combination of scores, like R5F4M5; those with nobody missing."""
    found = RfmScore.objects.filter(run=run).values_list("r", "f", "m").annotate(n=Count("pk"))
    return {f"R{r}F{f}M{m}": n for r, f, m, n in found.order_by("r", "f", "m")}


def scores_of(profile_id: int) -> QuerySet[RfmScore]:
    """Return what a profile scored, the newest day first."""
    return (
        RfmScore.objects.filter(profile_id=profile_id)
        .select_related("run")
        .order_by("-run__as_of_on", "-run__created_at")
    )


def people(run: RfmRun, group: str = "", r: int = 0, f: int = 0) -> QuerySet[RfmScore]:
    """Return the scores of a group, or of one cell of the grid, the highest revenue first.

    An empty ``group`` and a zero score do not narrow.
    """
    wanted = {"group": group, "r": r, "f": f}
    narrowed = {name: value for name, value in wanted.items() if value}
    rows = RfmScore.objects.filter(run=run, **narrowed).select_related("profile")
    return rows.order_by("-monetary_minor", "pk")


@dataclass(frozen=True)
class Class:
    """The profiles that share one score of a measure: from which value to which it goes."""

    score: int
    n: int
    low: int  # days, orders, or minor units
    high: int


def classes(run: RfmRun, measure: str) -> tuple[Class, ...]:
    """Return the classes of ``measure`` ("r", "f" or "m") that have people, the best first."""
    column = {"r": "recency_days", "f": "frequency", "m": "monetary_minor"}[measure]
    rows = (
        RfmScore.objects.filter(run=run)
        .values(measure)
        .annotate(n=Count("pk"), low=Min(column), high=Max(column))
        .order_by(f"-{measure}")
    )
    return tuple(Class(row[measure], row["n"], int(row["low"]), int(row["high"])) for row in rows)


def recencies(run: RfmRun) -> list[int]:
    """Return the days since the last order of everybody in a run."""
    return list(RfmScore.objects.filter(run=run).values_list("recency_days", flat=True))
