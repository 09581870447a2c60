"""Reads of RFM runs: their groups, their grid, their people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from django.db.models import Q, QuerySet

from pusula.profiles.models import Trait
from pusula.profiles.relations import Ids
from pusula.rfm import config as rules
from pusula.rfm import figures
from pusula.rfm.cautions import Caution
from pusula.rfm.figures import Bin
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
    whole = RfmRun.objects.filter(is_whole=True).defer("figures")
    return whole.order_by("-as_of_on", "-created_at", "-pk")


def told_profiles() -> Ids:
    """Return the profiles whose traits tell an RFM group, ascending."""
    rows = Trait.objects.filter(name="rfm_group").order_by("profile_id")
    return np.fromiter(rows.values_list("profile_id", flat=True).iterator(10_000), np.int64)


def n_told() -> int:
    """Return how many profiles have traits that tell an RFM group."""
    return Trait.objects.filter(name="rfm_group").count()


def config(run: RfmRun) -> Config:
    """Return the rules of a run."""
    return rules.parse(run.config, f"RFM {run.as_of_on}")


def warnings(run: RfmRun) -> tuple[Caution, ...]:
    """Return what a person should know about a run."""
    return msgspec.convert(run.warnings, tuple[Caution, ...])


def groups(run: RfmRun) -> tuple[Group, ...]:
    """Return all groups of a run in the order of its rules, those with nobody included."""
    found = figures.together(figures.bins(run), lambda one: one.group)
    revenue = sum(one.revenue_minor for those in found.values() for one in those)
    return tuple(_group(name, found.get(name, []), run.n_profiles, revenue) for name in run.groups)


def _group(name: str, those: Sequence[Bin], n_profiles: int, revenue: int) -> Group:
    n = sum(one.n for one in those)
    own = sum(one.revenue_minor for one in those)
    return Group(
        name=name,
        n=n,
        share=n / n_profiles if n else 0.0,
        revenue_minor=own,
        revenue_share=own / revenue if n and revenue else 0.0,
        recency_mean=sum(one.days for one in those) / n if n else None,
        frequency_mean=sum(one.orders for one in those) / n if n else None,
        monetary_mean_minor=own / n if n else None,
    )


def grid(run: RfmRun) -> tuple[Cell, ...]:
    """Return every cell of R x F, R falling and F rising, those with nobody included."""
    found = figures.together(figures.bins(run), lambda one: (one.r, one.f))
    made_with = config(run)
    names = {code: name for name, codes in made_with.named_groups.items() for code in codes}
    return tuple(
        Cell(
            r=r,
            f=f,
            group=names[f"{r}{f}"],
            n=sum(one.n for one in those),
            revenue_minor=sum(one.revenue_minor for one in those),
        )
        for r in range(made_with.recency.levels, 0, -1)
        for f in range(1, made_with.frequency.quantiles + 1)
        for those in (found.get((r, f), []),)
    )


def cube(run: RfmRun) -> dict[str, int]:
    """Return how many have each combination of scores, like R5F4M5; those with nobody missing."""
    found = figures.together(figures.bins(run), lambda one: (one.r, one.f, one.m))
    return {
        f"R{r}F{f}M{m}": sum(one.n for one in those) for (r, f, m), those in sorted(found.items())
    }


def scores_of(profile_id: int) -> QuerySet[RfmScore]:
    """Return what a profile scored, the newest day first."""
    return (
        RfmScore.objects.filter(profile_id=profile_id)
        .select_related("run")
        .order_by("-run__as_of_on", "-run__created_at")
    )


@dataclass(frozen=True)
class People:
    """Who in a run is in a group or cell: how many, and a page of them, the most revenue first."""

    n: int
    page: list[RfmScore]
    is_more: bool


def people(
    run: RfmRun, group: str = "", r: int = 0, f: int = 0, *, after: int | None, n: int
) -> People:
    """Return ``n`` of a group, or of a cell of the grid, behind the score ``after``.

    An empty ``group`` and a zero score do not narrow. Each group lies in the order of the list: it
    is read only as far as the page goes.
    """
    wanted = {"group": group, "r": r, "f": f}
    narrowed = {name: value for name, value in wanted.items() if value}
    those = [
        one
        for one in figures.bins(run)
        if all(getattr(one, name) == value for name, value in narrowed.items())
    ]
    found: list[RfmScore] = []
    scores = behind(RfmScore.objects.filter(run=run, **narrowed), after)
    for name in {one.group for one in those}:
        found += scores.filter(group=name).select_related("profile").order_by(*LISTED)[: n + 1]
    found.sort(key=lambda score: (-score.monetary_minor, score.profile_id))
    return People(sum(one.n for one in those), found[:n], len(found) > n)


LISTED = ("-monetary_minor", "profile_id")


def behind(found: QuerySet[RfmScore], after: int | None) -> QuerySet[RfmScore]:
    """Return those of ``found``, which is in the order of lists, behind the score ``after``."""
    last = found.filter(pk=after).first() if after is not None else None
    if last is None:
        return found
    alike = Q(monetary_minor=last.monetary_minor, profile_id__gt=last.profile_id)
    # The first condition says nothing new; by it an index is read from there on.
    return found.filter(
        Q(monetary_minor__lte=last.monetary_minor)
        & (alike | Q(monetary_minor__lt=last.monetary_minor))
    )


@dataclass(frozen=True)
class Class:
    """The profiles that share one score of a measure: from which value to which it goes."""

    score: int
    n: int
    low: int  # days, orders, or minor units
    high: int


def classes(run: RfmRun, measure: str) -> tuple[Class, ...]:
    """Return the classes of ``measure`` ("r", "f" or "m") that have people, the best first."""
    found = figures.together(figures.bins(run), lambda one: getattr(one, measure))
    return tuple(
        Class(
            score,
            sum(one.n for one in those),
            min(getattr(one, f"{measure}_range")[0] for one in those),
            max(getattr(one, f"{measure}_range")[1] for one in those),
        )
        for score, those in sorted(found.items(), reverse=True)
    )


def recencies(run: RfmRun) -> list[int]:
    """Return the days since the last order of everybody in a run."""
    return list(RfmScore.objects.filter(run=run).values_list("recency_days", flat=True))
