"""How people move between RFM groups: from run to run, over several runs, one person's history.

A run that is kept says who was in which group as of its day; whoever was in no group of it, because
the pool left them out or they were not customers yet, stands there as ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Literal

import numpy as np
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from pusula.lib import clock
from pusula.profiles.relations import Ids
from pusula.rfm import figures, queries
from pusula.rfm.models import RfmRun, RfmScore, RfmWays

Every = Literal["week", "month", "quarter", "year"]
MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}
ANY = "*"  # a stop that any group, or none, may fill
MOST_STEPS = 6
SHOWN = 4  # runs whose ways the page shows where it is not asked for others
_MOST_COUNTED = 60  # runs with which one is compared when it is made
_MOST_COUNTERS = 4_000_000


@dataclass(frozen=True)
class Flow:
    """How many profiles moved from one group to another; none: not in that run."""

    before: str | None
    after: str | None
    n: int


@dataclass(frozen=True)
class Path:
    """How many profiles were in these groups, one after the other; none: not in that run."""

    groups: tuple[str | None, ...]
    n: int


@dataclass(frozen=True)
class Stop:
    """What one person scored in one run; ``group`` is none where they were not scored."""

    run: RfmRun
    group: str | None
    code: str


def alike(run: RfmRun) -> QuerySet[RfmRun]:
    """Return the runs by the same rules as ``run``, the newest day first."""
    return queries.runs().filter(config_key=run.config_key)


def in_force(day: date, config_key: str | None = None) -> RfmRun | None:
    """Return the run that held on ``day``: the newest as of it, of one kind of rules if given.

    Nothing of what came after ``day`` is in it.
    """
    runs = queries.runs().filter(as_of_on__lte=day)
    return runs.first() if config_key is None else runs.filter(config_key=config_key).first()


def days(first: date, last: date, every: Every) -> list[date]:
    """Return the days from ``first`` to ``last`` that are whole weeks, months, … apart.

    Months count from ``first``: from 31 January the next is 28 February, then 31 March.
    """
    found: list[date] = []
    while (day := _later(first, every, len(found))) <= last:
        found.append(day)
    return found


def _later(first: date, every: Every, n: int) -> date:
    if every == "week":
        return date.fromordinal(first.toordinal() + 7 * n)
    return clock.add_months(first, n * MONTHS[every])


def series(last: RfmRun, every: Every, n: int) -> list[RfmRun]:
    """Return up to ``n`` runs of the same rules that end with ``last``, the oldest first.

    For each period the run in force on its day is taken; a run is there once, and gaps stay out.
    """
    runs = list(alike(last).filter(as_of_on__lte=last.as_of_on))
    found: list[RfmRun] = [last]
    for number in range(1, n):
        day = _later(last.as_of_on, every, -number)
        held = next((run for run in runs if run.as_of_on <= day), None)
        if held is None:
            break
        if held not in found:
            found.append(held)
    return found[::-1]


def transitions(before: RfmRun, after: RfmRun) -> tuple[Flow, ...]:
    """Return how many moved between the groups of two runs, most first."""
    return tuple(Flow(path.groups[0], path.groups[1], path.n) for path in paths([before, after]))


def paths(runs: Sequence[RfmRun]) -> tuple[Path, ...]:
    """Return every way that people went through ``runs`` (2 … ``MOST_STEPS``), most first.

    Whoever is in none of the runs is not counted. What was counted when a run was made stands as
    it was then.
    """
    kept = RfmWays.objects.filter(last=runs[-1], runs=_numbers(runs)).first()
    found = _walked(runs) if kept is None else _read(kept)
    return tuple(sorted(found, key=lambda path: (-path.n, [g or "" for g in path.groups])))


def keep(run: RfmRun) -> None:
    """Count the moves between ``run`` and those like it, and the ways over a few of them.

    ``run`` need not be whole yet.
    """
    others = [one for one in alike(run) if one.as_of_on != run.as_of_on][:_MOST_COUNTED]
    ordered = sorted([*others, run], key=lambda one: one.as_of_on)
    place = ordered.index(run)
    wanted = [[one, run] for one in ordered[:place]] + [[run, one] for one in ordered[place + 1 :]]
    firsts = range(max(0, place - SHOWN + 1), place + 1)
    windows = [ordered[first : first + SHOWN] for first in firsts]
    own = {run.pk: _column(run)}
    for stops in [*wanted, *(window for window in windows if len(window) == SHOWN)]:
        ways = [[path.n, *path.groups] for path in _walked(stops, own)]
        RfmWays.objects.update_or_create(
            last=stops[-1], runs=_numbers(stops), defaults={"ways": ways}
        )


def forget(run: RfmRun) -> None:
    """Forget what was counted of moves from, through or to ``run``."""
    named = [pk for pk, runs in RfmWays.objects.values_list("pk", "runs")
             if str(run.pk) in runs.split(",")]  # fmt: skip
    RfmWays.objects.filter(pk__in=named).delete()


def _numbers(runs: Sequence[RfmRun]) -> str:
    return ",".join(str(run.pk) for run in runs)


def _read(kept: RfmWays) -> list[Path]:
    return [Path(tuple(groups), n) for n, *groups in kept.ways]


Column = dict[str, Ids]  # the numbers of those in each group


def _walked(
    runs: Sequence[RfmRun], read: Mapping[int, Column] = MappingProxyType({})
) -> list[Path]:
    """Count the ways through ``runs`` from the scores of everybody; ``read`` are some, by run."""
    names = sorted({group for run in runs for group in run.groups})
    columns = [_coded(read.get(run.pk) or _column(run), names) for run in runs]
    base = len(names) + 1
    # One place for each number of a profile: they are nearly dense, and sorting takes longer.
    keys = np.zeros(1 + max(int(ids.max(initial=0)) for ids, _codes in columns), np.int64)
    for ids, codes in columns:
        keys *= base
        keys[ids] += codes
    counted, sizes = _counts(keys[keys > 0], base ** len(runs))
    titles: list[str | None] = [None, *names]
    return [
        Path(tuple(titles[code] for code in _digits(key, base, len(runs))), n)
        for key, n in zip(counted.tolist(), sizes.tolist(), strict=True)
    ]


def _counts(keys: Ids, n: int) -> tuple[Ids, Ids]:
    """Return the distinct ``keys``, all below ``n``, and how often each is there."""
    if n > _MOST_COUNTERS:
        return np.unique(keys, return_counts=True)
    sizes = np.bincount(keys, minlength=1)
    counted = np.flatnonzero(sizes)
    return counted, sizes[counted]


def _digits(key: int, base: int, n: int) -> list[int]:
    """Return the ``n`` digits of ``key`` to ``base``, the most significant first."""
    found = []
    for _ in range(n):
        key, digit = divmod(key, base)
        found.append(digit)
    return found[::-1]


def _coded(column: Column, names: Sequence[str]) -> tuple[Ids, Ids]:
    """Return who was scored, and 1 + the position of each one's group in ``names``."""
    ids, codes = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for group, members in column.items():
        ids.append(members)
        codes.append(np.full(len(members), 1 + names.index(group)))
    return np.concatenate(ids), np.concatenate(codes)


def _column(run: RfmRun) -> Column:
    """Return who was scored in ``run``, by group."""
    # The database joins the numbers of a group into one text: a tenth of the rows' own time.
    joined = (
        "group_concat(profile_id)"
        if connection.vendor == "sqlite"
        else "string_agg(profile_id::text, ',')"
    )
    sql = f'SELECT "group", {joined} FROM rfm_rfmscore WHERE run_id = %s GROUP BY "group"'
    with connection.cursor() as cursor:
        cursor.execute(sql, [run.pk])
        return {group: np.fromstring(told, np.int64, sep=",") for group, told in cursor.fetchall()}


def n_travellers(runs: Sequence[RfmRun], groups: Sequence[str | None]) -> int:
    """Return how many went through ``groups`` in ``runs``: see ``travellers``."""
    if len(runs) == 1:
        return figures.sizes(runs[0]).get(groups[0] or "", 0)
    if not any(group not in (None, ANY) for group in groups):
        return 0
    return sum(
        path.n
        for path in paths(runs)
        if all(asked in (ANY, went) for asked, went in zip(groups, path.groups, strict=True))
    )


def travellers(runs: Sequence[RfmRun], groups: Sequence[str | None]) -> QuerySet[RfmScore]:
    """Return who went through ``groups`` in ``runs``, the highest revenue first.

    Each is shown with the score of the last run in which a group is named. ``None`` asks for those
    who were not in that run, ``ANY`` for nothing.
    """
    named = [place for place, group in enumerate(groups) if group not in (None, ANY)]
    if not named:
        return RfmScore.objects.none()
    shown = named[-1]
    found = RfmScore.objects.filter(run=runs[shown], group=groups[shown])
    for place, (run, group) in enumerate(zip(runs, groups, strict=True)):
        if place == shown or group == ANY:
            continue
        there = RfmScore.objects.filter(run=run, profile_id=OuterRef("profile_id"))
        found = found.filter(~Exists(there) if group is None else Exists(there.filter(group=group)))
    return found.select_related("profile").order_by(*queries.LISTED)


def history(profile_id: int, n: int | None = 24) -> list[Stop]:
    """Return what a person scored in the last ``n`` runs by the newest rules, the oldest first.

    Without ``n`` in all of them.
    """
    newest = queries.latest()
    if newest is None:
        return []
    runs = list(alike(newest)[:n])[::-1]
    scores = {
        score.run_id: score
        for score in RfmScore.objects.filter(profile_id=profile_id, run__in=runs)
    }
    return [_stop(run, scores.get(run.pk)) for run in runs]


def _stop(run: RfmRun, score: RfmScore | None) -> Stop:
    if score is None:
        return Stop(run, None, "")
    return Stop(run, score.group, f"{score.r}-{score.f}-{score.m}")
