"""What a rebuild found, written: in one transaction, in turn with live steps.

Whoever a live step evaluated meanwhile is evaluated again; of the others the differences hold. A
difference that nothing explains (no new definition, limit, debt or due flip) is drift: put right,
and kept as an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from django.db import connection, transaction

from pusula.lake import locks, rows
from pusula.lib import clock
from pusula.profiles import relations as profiles
from pusula.profiles import unheard
from pusula.profiles.merging import is_merging
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids
from pusula.segments import actions, queries, showing
from pusula.segments.actions import Moves
from pusula.segments.everybody.compare import NOTHING, Differences, Evaluator, Question
from pusula.segments.models import (
    Debt,
    Drift,
    Due,
    Segment,
    SegmentVersion,
)
from pusula.segments.naming import naming
from pusula.segments.showing import Limit

_GONE = -1
CAUSE = "run"
CAUSE_DEFINITION = "definition"  # what is shown means something else: nobody has done anything
_NAMED = 20  # profiles that a drift names
_PAGE = 20_000


@dataclass(frozen=True)
class Work:
    """A rebuild on its way.

    ``versions`` are those asked about, by segment key, ``shown`` the ids of the versions that were
    shown when it began, ``errors`` why some cannot be evaluated. ``explained`` are the segments
    whose differences have a reason, ``debts`` the debts whose facts it reads.
    """

    question: Question
    versions: Mapping[str, SegmentVersion]
    shown: Mapping[str, int | None]
    errors: Mapping[str, str]
    limits: Mapping[str, Limit]
    explained: frozenset[str]
    debts: Sequence[int]


@dataclass(frozen=True)
class Wrong:
    """How many were wrongly out of a segment and in it, and all of them."""

    n_missing: int
    n_surplus: int
    ids: Ids


@dataclass(frozen=True)
class Outcome:
    """What a rebuild did: moves, errors and drift by segment key.

    ``n_again`` are the profiles that live steps evaluated meanwhile, evaluated once more.
    """

    n_profiles: int
    moves: Mapping[str, Moves] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    drift: Mapping[str, Wrong] = field(default_factory=dict)
    n_again: int = 0


def settle(work: Work, found: Sequence[Differences]) -> Outcome:
    """Write what was ``found`` of everybody, publish the limits and show the versions."""
    at = work.question.at
    with transaction.atomic():
        locks.take(connection, actions.LOCK)
        work = _still_asked(work)
        again, again_at = _evaluated_since(work.question, found)
        left_out = np.union1d(again, _gone(found, work.question.since_at))
        kept = [_without(each, left_out) for each in found]
        drift = _drift(work, kept)
        Debt.objects.filter(pk__in=work.debts).delete()
        renewed = _again(work.question, again, again_at)
        moves = _write(work, kept, at) + _write(work, renewed, again_at)
        showing.publish(work.limits, at)
        ids = work.question.segments
        showing.show({pk: work.versions[key] for key, pk in ids.items()}, at)
        showing.mark_stale(work.errors, at)
        _note(work, drift, at)
    return Outcome(
        n_profiles=sum(each.n_profiles for each in found),
        moves=_summed(moves),
        errors=work.errors,
        drift=drift,
        n_again=len(again),
    )


def confirm(work: Work, found: Sequence[Differences], *, repair: bool) -> Outcome:
    """Look again at what seems wrong in ``found``; note what is, and ``repair`` it."""
    n_profiles = sum(each.n_profiles for each in found)
    suspects = [wrong.ids for wrong in _drift(work, found).values()]
    if not suspects:
        return Outcome(n_profiles, errors=work.errors)
    with transaction.atomic():
        locks.take(connection, actions.LOCK)
        work = _still_asked(work)
        ids = _existing(np.unique(np.concatenate(suspects)))
        at = max(work.question.at, _newest_evaluation(ids))
        seen = _again(work.question, ids, at)
        drift = _drift(work, seen)
        moves = _write(work, seen, at) if repair and drift else []
        _note(work, drift, at)
    return Outcome(n_profiles, _summed(moves), work.errors, drift, n_again=len(ids))


def _still_asked(work: Work) -> Work:
    """Return ``work`` without the segments that mean something else by now.

    Because another version is shown of them, or of one that they name.
    """
    now = dict(
        Segment.objects.filter(archived_at=None, key__in=list(work.versions)).values_list(
            "key", "version"
        )
    )
    changed = {key for key in work.versions if now.get(key, _GONE) != work.shown[key]}
    kept = now.keys() - changed - set(naming(changed, work.question.task.definitions))
    segments = {key: pk for key, pk in work.question.segments.items() if key in kept}
    return replace(
        work,
        question=replace(work.question, segments=segments),
        errors={key: error for key, error in work.errors.items() if key in kept},
    )


def _evaluated_since(question: Question, found: Sequence[Differences]) -> tuple[Ids, int]:
    """Return who was evaluated after being read, and the newest moment of such an evaluation.

    Not "evaluated after we began": a live step takes its moment before it waits for its turn.
    """
    since_at = min(question.since_at, clock.now() - clock.HOUR)
    rows_ = Due.objects.filter(evaluated_at__gte=since_at).order_by("profile_id")
    pairs = rows_.values_list("profile_id", "evaluated_at").iterator(_PAGE)
    present = np.fromiter((n for row in pairs for n in row), np.int64).reshape(-1, 2)
    recent = [NOTHING, *(each.recent for each in found)]
    ids = np.concatenate([each.ids for each in recent])
    seen_at = np.full(len(present), -1)
    place = np.searchsorted(ids, present[:, 0])
    inside = np.flatnonzero(place < len(ids))
    inside = inside[ids[place[inside]] == present[inside, 0]]
    seen_at[inside] = np.concatenate([each.values for each in recent])[place[inside]]
    late = present[present[:, 1] != seen_at]
    return late[:, 0], max([question.at, *late[:, 1].tolist()])


def _newest_evaluation(ids: Ids) -> int:
    newest = 0
    for part in rows.parts(ids.tolist()):
        found = Due.objects.filter(profile_id__in=part).values_list("evaluated_at", flat=True)
        newest = max([newest, *found])
    return newest


def _gone(found: Sequence[Differences], since_at: int) -> Ids:
    """Return the profiles to be written that do not exist any more: erased, or merged."""
    last_id = max((each.last_id for each in found), default=0)
    n_present = Profile.objects.filter(pk__lte=last_id).count()
    if n_present == sum(each.n_profiles for each in found) and not is_merging(since_at):
        return NOTHING.ids
    ids = [NOTHING.ids]
    for each in found:
        ids += [*each.enters.values(), *(one.ids for one in each.leaves.values()), each.dues.ids]
    written = np.unique(np.concatenate(ids))
    return np.setdiff1d(written, _existing(written), assume_unique=True)


def _existing(ids: Ids) -> Ids:
    if not len(ids):
        return ids
    if len(ids) <= profiles.LISTED:
        found = Profile.objects.filter(pk__in=ids.tolist())
    else:
        found = Profile.objects.filter(pk__gte=int(ids[0]), pk__lte=int(ids[-1]))
    present = found.order_by("pk").values_list("pk", flat=True).iterator(_PAGE)
    return np.intersect1d(ids, np.fromiter(present, np.int64), assume_unique=True)


def _without(differences: Differences, ids: Ids) -> Differences:
    """Return the differences of other profiles than ``ids``."""
    if not len(ids):
        return differences
    return replace(
        differences,
        enters={
            key: np.setdiff1d(each, ids, assume_unique=True)
            for key, each in differences.enters.items()
        },
        leaves={key: each.without(ids) for key, each in differences.leaves.items()},
        dues=differences.dues.without(ids),
    )


def _again(question: Question, ids: Ids, at: int) -> list[Differences]:
    """Evaluate ``ids`` once more, at the moment ``at``, a few at a time: they lie scattered."""
    evaluator = Evaluator(replace(question, task=replace(question.task, at=at)))
    return [
        evaluator.compare(ids[start : start + profiles.LISTED])
        for start in range(0, len(ids), profiles.LISTED)
    ]


def _drift(work: Work, found: Sequence[Differences]) -> dict[str, Wrong]:
    """Return the differences that nothing explains, by segment key.

    A debt explains them all: nobody knows whom its facts touched. Of whom something was written
    beside the log is looked at by the next live step.
    """
    if work.debts or queries.debts():
        return {}
    wrong = {}
    for key in work.question.segments.keys() - work.explained:
        missing = np.concatenate(
            [NOTHING.ids, *(np.setdiff1d(each.enters[key], each.excused) for each in found)]
        )
        surplus = np.concatenate(
            [NOTHING.ids, *(np.setdiff1d(each.leaves[key].ids, each.excused) for each in found)]
        )
        ids = np.union1d(missing, surplus)
        waiting = np.array(sorted(unheard.among(ids.tolist())), np.int64)
        missing, surplus = np.setdiff1d(missing, waiting), np.setdiff1d(surplus, waiting)
        if len(missing) or len(surplus):
            ids = np.union1d(missing, surplus)
            wrong[key] = Wrong(len(missing), len(surplus), ids)
    return wrong


def _write(work: Work, found: Sequence[Differences], at: int) -> list[dict[str, Moves]]:
    """Write entries, exits and next flips; return the moves by segment key, one per part."""
    return [_write_part(work, each, at) for each in found]


def _write_part(work: Work, found: Differences, at: int) -> dict[str, Moves]:
    ids = work.question.segments
    redefined = _redefined(work)
    moves: dict[int, Moves] = {}
    for cause, keys in ((CAUSE_DEFINITION, redefined), (CAUSE, ids.keys() - redefined)):
        moves |= actions.record_moves(
            {ids[key]: found.enters[key] for key in sorted(keys)},
            {ids[key]: found.leaves[key].values for key in sorted(keys)},
            {ids[key]: work.versions[key] for key in sorted(keys)},
            at=at,
            cause=cause,
        )
    actions.record_due(found.dues.ids, np.maximum(found.dues.values, at + 1), at=at)
    return {key: moves[segment_id] for key, segment_id in ids.items()}


def _redefined(work: Work) -> set[str]:
    """Return the segments of which another version, or the first, is shown from now on.

    Those that name one of them mean something else as well.
    """
    changed = {key for key in work.question.segments if work.versions[key].pk != work.shown[key]}
    named = naming(changed, work.question.task.definitions)
    return changed | (set(named) & work.question.segments.keys())


def _summed(moves: Sequence[Mapping[str, Moves]]) -> dict[str, Moves]:
    total: dict[str, Moves] = {}
    for part in moves:
        for key, each in part.items():
            total[key] = total.get(key, Moves()) + each
    return total


def _note(work: Work, drift: Mapping[str, Wrong], at: int) -> None:
    Drift.objects.bulk_create(
        Drift(
            segment_id=work.question.segments[key],
            found_at=at,
            n_missing=wrong.n_missing,
            n_surplus=wrong.n_surplus,
            profile_ids=wrong.ids[:_NAMED].tolist(),
        )
        for key, wrong in sorted(drift.items())
    )
