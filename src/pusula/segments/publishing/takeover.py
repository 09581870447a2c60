"""New meanings of segments shown to everybody at once, worked out while live steps go on.

1. Everybody is evaluated outside any transaction, by the facts of one moment. 2. In one
transaction, under the lock that evaluations take turns by: profiles that a live step looked at
meanwhile are evaluated again; the differences are written; the versions are shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from django.db import connection
from django.db.models import Max

from pusula.lake import rows
from pusula.lib import clock, sayings
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids
from pusula.segments import actions, showing
from pusula.segments.actions import Moves
from pusula.segments.everybody.bucket import Found
from pusula.segments.everybody.compare import Written, ids_between
from pusula.segments.language import Definition
from pusula.segments.models import CutPoint, Due, Segment, SegmentVersion
from pusula.segments.publishing.preview import OnProgress, Trial, silent

_BATCH = 2_000
# How far behind the clock the moment of a live step may be when it is committed at last.
_LINGER = clock.HOUR
_CAUSE = "definition"


class NotPublishableError(PusulaError):
    """A definition cannot be evaluated, so its members cannot be shown."""

    code = "segment_not_publishable"


class LimitsChangedError(PusulaError):
    """The limits that definitions were evaluated with are not those that hold any more."""

    code = "segment_limits_changed"
    status = 409


@dataclass(frozen=True)
class Evaluated:
    """Everybody evaluated by new definitions; nothing is written yet.

    ``base`` are the definitions they stand beside, ``limit`` the newest limit set by the data that
    they are compared with. ``seen`` says when lately evaluated profiles were so before.
    """

    trial: Trial
    base: str
    limit: int
    seen: Mapping[int, int]
    found: tuple[Found, ...]


def evaluated(
    candidates: Mapping[str, Definition], *, at: int, on_progress: OnProgress = silent
) -> Evaluated:
    """Evaluate everybody by ``candidates`` at the moment ``at``; nothing is written.

    Raises ``NotPublishableError`` if one of them cannot be evaluated.
    """
    base, limit, seen = fingerprint(), _newest_limit(), _lately_evaluated(at)
    trial = Trial.of(candidates, at=at)
    for key in candidates:
        if key in trial.errors:
            raise NotPublishableError(
                Saying("%(key)s cannot be shown: %(why)s",
                       {"key": key, "why": sayings.found(trial.errors[key])})
            )  # fmt: skip
    return Evaluated(trial, base, limit, seen, tuple(trial.run(on_progress)))


def fingerprint() -> str:
    """Return a digest of the definitions in use and of which of them are shown."""
    newest = actions.newest_versions()
    rows = Segment.objects.filter(archived_at=None).order_by("key")
    said = [
        [key, shown, newest[key].number if key in newest else None]
        for key, shown in rows.values_list("key", "version__number")
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _newest_limit() -> int:
    return CutPoint.objects.aggregate(newest=Max("pk"))["newest"] or 0


def show(work: Evaluated, versions: Mapping[str, SegmentVersion], *, at: int) -> dict[str, Moves]:
    """Show ``versions`` of the candidates, by key, with the members that ``work`` found.

    In the caller's transaction, beside no other evaluation (``evaluate.alone``). Segments that name
    them move along. Returns the moves by key. Raises ``LimitsChangedError`` if other limits set by
    the data were published meanwhile.
    """
    if _newest_limit() != work.limit:
        raise LimitsChangedError(Saying("a full run published new limits meanwhile: try again"))
    showing.publish(work.trial.limits, at)
    shown = {s.key: s for s in Segment.objects.filter(key__in=work.trial.keys)}
    by_id = {shown[key].pk: versions.get(key) or shown[key].version for key in work.trial.keys}
    members_of = {
        pk: version for pk, version in by_id.items() if version is not None
    }  # a segment that only names a candidate, and is itself not shown yet, waits
    keys = {shown[key].pk: key for key in work.trial.keys}
    moves = dict.fromkeys(work.trial.keys, Moves())
    for found in _brought_up_to_date(work):
        written = actions.record_members(
            found.ids,
            {pk: found.members[keys[pk]] for pk in members_of},
            members_of,
            at=at,
            cause=_CAUSE,
        )
        for pk, moved in written.items():
            moves[keys[pk]] += moved
        _bring_forward(found, at)
    showing.show(members_of, at, fresh={v.segment_id for v in versions.values()})
    return moves


def _brought_up_to_date(work: Evaluated) -> Iterator[Found]:
    """Yield what was found, without who is gone; who was looked at since is evaluated again."""
    now = _lately_evaluated(work.trial.at)
    late = sorted(pk for pk, at in now.items() if work.seen.get(pk) != at)
    ids = np.array(late, np.int64)
    has_gone = Profile.objects.count() < sum(len(found.ids) for found in work.found)
    for found in work.found:
        left_out = np.union1d(ids, _gone(found)) if has_gone else ids
        yield _without(found, left_out) if len(left_out) else found
    if late:
        yield work.trial.evaluate(ids)


def _gone(found: Found) -> Ids:
    """Return the profiles of a block that do not exist any more."""
    first, last = int(found.ids[0]), int(found.ids[-1])
    return np.setdiff1d(found.ids, ids_between(first, last), assume_unique=True)


def _without(found: Found, ids: Ids) -> Found:
    """Return what was found of the profiles that are not among ``ids``."""
    kept = ~np.isin(found.ids, ids)
    members = {key: each[~np.isin(each, ids)] for key, each in found.members.items()}
    return Found(found.ids[kept], members, found.next_flips[kept])


def _lately_evaluated(at: int) -> dict[int, int]:
    """Return when profiles were evaluated, of those that were so not long before ``at``."""
    lately = Due.objects.filter(evaluated_at__gte=at - _LINGER)
    return dict(lately.values_list("profile_id", "evaluated_at").iterator(_BATCH))


def _bring_forward(found: Found, at: int) -> None:
    """Bring profiles back no later than the new meanings can change of themselves.

    Not before ``at``, since when the members are shown; as evaluated then, so that a rebuild under
    way, which knows the old meanings, looks at them again. Those that were never evaluated wait for
    their first evaluation, as in all segments.
    """
    written = Written.of(found.ids, [])
    next_flips = np.maximum(found.next_flips, at + 1)
    sooner = written.is_evaluated & (next_flips < written.due_at)
    values = (found.ids, next_flips, np.full(len(found.ids), at))
    columns = ("profile_id", "due_at", "evaluated_at")
    rows.upsert(connection, actions.DUE, columns, [each[sooner].tolist() for each in values])
