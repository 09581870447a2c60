"""Customers graded by the limits in force, a few at a time, whenever facts or time change them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import connection

from pusula.lake import rows
from pusula.profiles import computed
from pusula.profiles import relations as profiles
from pusula.profiles.actions import Value
from pusula.profiles.computed import Computed
from pusula.profiles.models import TraitKind
from pusula.profiles.relations import Ids
from pusula.rfm import config as rules
from pusula.rfm import cuts, days
from pusula.rfm.cuts import Cuts, Grading
from pusula.rfm.models import RfmDue, RfmVersion
from pusula.rfm.purchases import Standing, standing
from pusula.rfm.rules import Config

SOURCE = "rfm"
GROUP = "rfm_group"
_SCORES = ("rfm_r", "rfm_f", "rfm_m")
_STRANGE = "-"  # a trait of this name that is none of ours
_DUE = "rfm_rfmdue"


@dataclass(frozen=True)
class InForce:
    """The rules and limits of a version, made ready to grade by."""

    number: int
    config: Config
    cuts: Cuts
    groups: tuple[str, ...]

    @classmethod
    def of(cls, version: RfmVersion) -> InForce:
        """Return those of ``version``."""
        config = rules.parse(version.config, f"RFM version {version.number}")
        return cls(version.number, config, cuts.read(version.cuts), tuple(config.named_groups))


def version() -> RfmVersion | None:
    """Return the version by which whoever is graded now is graded; ``None`` without rules.

    While it is brought into force it is not yet the one that is published.
    """
    return RfmVersion.objects.exclude(begun_at=None).order_by("-begun_at", "-pk").first()


def in_force() -> InForce | None:
    """Return rules and limits to grade by; ``None`` where nobody has set rules."""
    held = version()
    return None if held is None else InForce.of(held)


class Grader:
    """Grades by the version in force; read again only when another one is published."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._held: InForce | None = None

    def forget(self) -> None:
        """Read the version anew next time: what was read may have been undone."""
        self._number = None

    def look(self) -> InForce | None:
        """Return what is in force now."""
        found = version()
        if found is None:
            self._held = None
        elif found.number != self._number or self._held is None:
            self._held = InForce.of(found)
        self._number = found.number if found else None
        return self._held


@dataclass(frozen=True)
class Written:
    """Whose traits grading has changed, and of how many of them the group, if it was looked at."""

    changed: set[int]
    n_moved: int


def grade(ids: Ids, at: int, by: InForce) -> set[int]:
    """Grade ``ids`` (ascending) as of the moment ``at``; return those whose traits changed.

    In the caller's transaction, beside which nobody else grades. Writes when time alone could next
    change them.
    """
    if not len(ids):
        return set()
    held = standing(ids, at, by.config)
    graded = by_rules(held, by)
    changed = computed.write(list(_traits(ids, held, graded, at, by)), source=SOURCE)
    _note_due(ids, held.bought.profile_ids, next_change(held, by))
    return changed


def grade_many(ids: Ids, at: int, by: InForce) -> Written:
    """Grade as ``grade`` does, thousands at once: only those who stand otherwise are written."""
    held = standing(ids, at, by.config)
    graded = by_rules(held, by)
    names = np.array(["", *by.groups])
    place = np.searchsorted(ids, held.bought.profile_ids)
    found = np.zeros((4, len(ids)), np.int64)
    found[:, place] = np.stack([graded.group + 1, graded.r, graded.f, graded.m])
    told = _told(ids)
    is_moved = names[found[0]] != told[0]
    differs = is_moved | (found[1:] != told[1]).any(axis=0)
    written = ids[differs]
    some = _traits(written, held, graded, at, by)
    changed = computed.write(list(some), source=SOURCE)
    due_at = np.full(len(ids), days.NEVER)
    due_at[place] = next_change(held, by)
    is_late = due_at != _noted(ids)
    _note_due(ids[is_late], ids[is_late], due_at[is_late])
    return Written(changed, int(is_moved.sum()))


def _told(ids: Ids) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int64]]:
    """Return the group of each of ``ids`` as its traits tell it, and its three scores; 0: none."""
    where, bounds = profiles.narrowed(ids)
    groups: list[str] = [""] * len(ids)
    scores = np.zeros((len(_SCORES), len(ids)), np.int64)
    sql = f"SELECT profile_id, name, text, number FROM profiles_trait WHERE {where} AND name IN (%s"
    with connection.cursor() as cursor:
        cursor.execute(sql + ", %s" * len(_SCORES) + ")", [*bounds, GROUP, *_SCORES])
        found = cursor.fetchall()
    place = {profile_id: n for n, profile_id in enumerate(ids.tolist())}
    rank = {name: n for n, name in enumerate(_SCORES)}
    for profile_id, name, text, number in found:
        if (n := place.get(profile_id)) is None:
            continue
        if name == GROUP:
            groups[n] = text or _STRANGE
        else:
            scores[rank[name], n] = -1 if number is None else number
    return np.array(groups, dtype=str), scores


def by_rules(held: Standing, by: InForce) -> Grading:
    """Return how whoever is in ``held`` is graded."""
    bought = held.bought
    return cuts.grade(
        bought.keys,
        bought.recency_days,
        bought.frequency,
        bought.monetary_minor,
        ever=bought.ever,
        cuts=by.cuts,
        config=by.config,
    )


@dataclass(frozen=True)
class Graded:
    """How a customer stands at a moment by the rules in force; money in the company's currency."""

    recency_days: int
    frequency: int
    monetary_minor: int
    r: int
    f: int
    m: int
    group: str


def of_profile(profile_id: int, at: int, by: InForce) -> Graded | None:
    """Return how a customer is graded at the moment ``at``; ``None`` for who is not in the pool."""
    held = standing(np.array([profile_id], np.int64), at, by.config)
    graded = by_rules(held, by)
    if not len(graded.group) or graded.group[0] < 0:
        return None
    bought = held.bought
    return Graded(
        recency_days=int(bought.recency_days[0]),
        frequency=int(bought.frequency[0]),
        monetary_minor=int(bought.monetary_minor[0]),
        r=int(graded.r[0]),
        f=int(graded.f[0]),
        m=int(graded.m[0]),
        group=by.groups[graded.group[0]],
    )


def _traits(ids: Ids, held: Standing, graded: Grading, at: int, by: InForce) -> Iterator[Computed]:
    """Yield what the four traits of everybody in ``ids`` are."""
    found = zip(
        held.bought.profile_ids.tolist(),
        *(each.tolist() for each in (graded.group, graded.r, graded.f, graded.m)),
        strict=True,
    )
    inside = {profile_id: scores for profile_id, *scores in found if scores[0] >= 0}
    for profile_id in ids.tolist():
        scores = inside.get(profile_id)
        group = Value(TraitKind.TEXT, by.groups[scores[0]]) if scores else None
        yield Computed(profile_id, GROUP, group, at)
        for nth, name in enumerate(_SCORES, 1):
            value = Value(TraitKind.NUMBER, float(scores[nth])) if scores else None
            yield Computed(profile_id, name, value, at)


def next_change(held: Standing, by: InForce) -> Ids:
    """Return for each profile of ``held`` when time alone could change its grade.

    At the start of a day its recency crosses a limit, or an order leaves the window; a moment after
    it was placed an order is there that is known already.
    """
    zone = settings.PUSULA.time_zone
    config, recency = by.config, held.bought.recency_days
    limits = [*by.cuts.recency]
    if config.pool.ordered_within_days is not None:
        limits.append(config.pool.ordered_within_days)
    measures = {
        "calendar_days": days.when_calendar_days,
        "floor_days": days.when_floor_days,
    }
    crossed = np.full(len(recency), days.NEVER)
    ordered = held.last_at != days.NEVER
    crossed[ordered] = days.next_crossing(
        recency[ordered], held.last_at[ordered], limits, measures[config.recency.measure], zone
    )
    leaving = days.leaving(held.first_at, config.look_back_months, zone)
    coming = np.where(held.next_at == days.NEVER, days.NEVER, held.next_at + 1)
    soonest: Ids = np.minimum(np.minimum(crossed, leaving), coming)
    return soonest


def _note_due(ids: Ids, profile_ids: Ids, due_at: Ids) -> None:
    """Write when those of ``ids`` with orders are due; the others never are."""
    is_due = due_at != days.NEVER
    due, moments = profile_ids[is_due], due_at[is_due]
    idle = np.setdiff1d(ids, due, assume_unique=True)
    for part in rows.parts(idle.tolist()):
        RfmDue.objects.filter(profile_id__in=part).delete()
    rows.upsert(connection, _DUE, ("profile_id", "due_at"), (due.tolist(), moments.tolist()))


def _noted(ids: Ids) -> Ids:
    """Return when each of ``ids`` is due as it is written; ``days.NEVER`` for who is not."""
    where, bounds = profiles.narrowed(ids)
    noted = np.full(len(ids), days.NEVER)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT profile_id, due_at FROM {_DUE} WHERE {where}", bounds)
        found = np.array(cursor.fetchall(), np.int64).reshape(-1, 2)
    found = found[np.isin(found[:, 0], ids)]
    noted[np.searchsorted(ids, found[:, 0])] = found[:, 1]
    return noted


def put_off(ids: Ids, until: Ids) -> None:
    """Make ``ids`` due ``until`` each, whoever grades them then."""
    rows.upsert(connection, _DUE, ("profile_id", "due_at"), (ids.tolist(), until.tolist()))


def due(at: int, limit: int) -> list[tuple[int, int]]:
    """Return (profile, moment) of those to be graded again by ``at``, the longest due first."""
    found = RfmDue.objects.filter(due_at__lte=at).order_by("due_at", "profile_id")
    return list(found.values_list("profile_id", "due_at")[:limit])


def due_among(profile_ids: Ids, at: int) -> list[tuple[int, int]]:
    """Return (profile, moment) of those of ``profile_ids`` that are due by ``at``."""
    found: list[tuple[int, int]] = []
    for part in rows.parts(profile_ids.tolist()):
        late = RfmDue.objects.filter(profile_id__in=part, due_at__lte=at)
        found += late.values_list("profile_id", "due_at")
    return found


def next_due_at() -> int | None:
    """Return when the next profile is to be graded though nothing happens to it."""
    return RfmDue.objects.order_by("due_at").values_list("due_at", flat=True).first()
