"""Segments at past moments, from history alone: who was in them, how many, and why.

Nothing here looks at memberships: any definition can be asked about, also one that nobody has
published. A definition is given with those that it names: see ``stored``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pusula.lake.as_of import AsOf, Span
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.profiles import relations as profiles
from pusula.profiles.relations import Ids
from pusula.segments import catalog, facts, kernel
from pusula.segments.facts import History
from pusula.segments.kernel import Explanation, Plan
from pusula.segments.language import Definition, parse, references
from pusula.segments.models import CutPoint, Segment, SegmentSize, SegmentVersion

# Profiles per block: the rows of all their versions are in memory together.
BLOCK = 50_000
WEEK = 7 * clock.DAY

Definitions = Mapping[str, Definition]


class UnknownThenError(PusulaError):
    """Somebody is asked about at a moment at which nobody knew them."""

    code = "unknown_then"
    status = 404


class Count(NamedTuple):
    """The members at a moment, and who came and went since the moment before it.

    At the first moment everybody came.
    """

    at: int
    n_members: int
    n_entered: int
    n_left: int


def members_at(definitions: Definitions, as_of: AsOf) -> dict[str, Ids]:
    """Return the profiles that were in each segment, ascending, by the segment's key."""
    found: dict[str, list[Ids]] = defaultdict(list)
    for ids, steps in _Replay(definitions, [as_of.at], as_of.known_at).blocks():
        for masks in steps:
            for key, mask in masks.items():
                found[key].append(ids[mask])
    return {key: np.concatenate([np.empty(0, np.int64), *found[key]]) for key in definitions}


def counts(
    definitions: Definitions, moments: Iterable[int], *, known_at: int | None
) -> dict[str, list[Count]]:
    """Return the members, entries and exits of each segment at ``moments``, ascending, by its key.

    ``known_at`` ``None``: at each moment with what was known then. The rows of a profile are read
    once for all moments.
    """
    moments = sorted(set(moments))
    totals = {key: np.zeros((len(moments), 3), np.int64) for key in definitions}
    for ids, steps in _Replay(definitions, moments, known_at).blocks():
        before = {key: np.zeros(len(ids), np.bool_) for key in definitions}
        for number, masks in enumerate(steps):
            for key, mask in masks.items():
                entered, left = mask & ~before[key], before[key] & ~mask
                totals[key][number] += [mask.sum(), entered.sum(), left.sum()]
            before = masks
    return {
        key: [Count(at, *row) for at, row in zip(moments, total.tolist(), strict=True)]
        for key, total in totals.items()
    }


def sizes(
    definitions: Definitions, moments: Iterable[int], *, known_at: int | None
) -> dict[str, list[tuple[int, int]]]:
    """Return (moment, members) of each segment at ``moments``, ascending, by its key."""
    found = counts(definitions, moments, known_at=known_at)
    return {key: [(count.at, count.n_members) for count in each] for key, each in found.items()}


def sample(members: Ids, n: int) -> Ids:
    """Return at most ``n`` of ``members``, spread evenly over them."""
    if len(members) <= n:
        return members
    return members[np.arange(n) * len(members) // n]


def explain(definitions: Definitions, key: str, profile_id: int, as_of: AsOf) -> Explanation:
    """Return why the profile was, or was not, in the segment ``key``.

    Raises ``UnknownThenError`` if nobody knew the profile, and the segment's error if it cannot be
    evaluated.
    """
    replay = _Replay(definitions, [as_of.at], as_of.known_at)
    ids = np.array([profile_id], np.int64)
    block = facts.during(ids, replay.needs, replay.span).at(as_of.at)
    if not len(block):
        raise UnknownThenError(
            Saying(
                "customer %(profile_id)s was not known yet: ask about a later moment",
                {"profile_id": profile_id},
            )
        )
    (plan,) = replay.plans
    return kernel.explain(plan, block, 0, key, as_of.at)


def back_cast(
    definitions: Definitions, *, now: int, weeks: int = 13
) -> dict[str, list[tuple[int, int]]]:
    """Return (moment, members) of each segment now and ``weeks`` times a week before, ascending.

    With what is known now of how it was: data that was imported yesterday tells of last year.
    """
    moments = [now - week * WEEK for week in range(weeks + 1)]
    return sizes(definitions, moments, known_at=now)


def record_back_cast(versions: Iterable[SegmentVersion], *, now: int, weeks: int = 13) -> None:
    """Chart the sizes that segments would have had before ``versions`` were first shown.

    For segments that have no sizes yet from before ``now``; what was shown once stays.
    """
    charted = SegmentSize.objects.filter(at__lt=now).values("segment")
    new = SegmentVersion.objects.filter(pk__in=[version.pk for version in versions])
    asked = {
        version.segment.key: version
        for version in new.exclude(segment__in=charted).select_related("segment")
    }
    if not asked:
        return
    found = back_cast(stored(asked, versions=asked), now=now, weeks=weeks)
    SegmentSize.objects.bulk_create(
        SegmentSize(segment_id=version.segment_id, at=at, n_members=n, is_back_cast=True)
        for key, version in asked.items()
        for at, n in found[key]
        if at < now
    )


def stored(
    keys: Iterable[str],
    *,
    shown_at: int | None = None,
    versions: Mapping[str, SegmentVersion] | None = None,
) -> dict[str, Definition]:
    """Return the definitions of the segments ``keys`` and of those they name, by key.

    As they are shown now, or as they were shown at ``shown_at`` (now, where nothing was). Some
    ``versions`` may be given by key. A definition that names an unknown segment fails when it is
    evaluated. Raises ``DefinitionError`` if one speaks of what is not there any more.
    """
    schema = catalog.schema()
    known = dict(versions or {})
    found: dict[str, Definition] = {}
    waiting = list(keys)
    while waiting:
        missing = [key for key in waiting if key not in known]
        known |= _versions(missing, shown_at)
        waiting = [key for key in waiting if key in known and key not in found]
        for key in waiting:
            found[key] = parse(known[key].definition, schema)
        named = {name for key in waiting for name in references(found[key].where)}
        waiting = sorted(named - found.keys())
    return found


def _versions(keys: Iterable[str], shown_at: int | None) -> dict[str, SegmentVersion]:
    """Return by key the version of each segment that is shown, or was at ``shown_at``."""
    segments = Segment.objects.filter(key__in=list(keys)).select_related("version")
    found = {segment.key: segment.version for segment in segments if segment.version is not None}
    newest = SegmentVersion.objects.filter(segment__in=segments).order_by("number")
    for version in newest.select_related("segment"):
        key = version.segment.key
        if key not in found or (
            shown_at is not None
            and version.published_at is not None
            and version.published_at <= shown_at
        ):
            found[key] = version
    return found


class _Replay:
    """Definitions evaluated at several moments, with the rows of each block read once."""

    def __init__(
        self, definitions: Definitions, moments: Sequence[int], known_at: int | None
    ) -> None:
        """``moments`` are ascending. Raises the error of a definition that cannot be evaluated."""
        self.span = Span(moments[0], moments[-1], known_at)
        self._moments = moments
        schema = catalog.schema()
        bare = kernel.compile(definitions, schema, {})
        self.needs = bare.requirements
        self.plans: list[Plan] = []
        for limits in self._limits(bare):
            if self.plans and self.plans[-1].cut_points == limits:
                self.plans.append(self.plans[-1])
            else:
                self.plans.append(kernel.compile(definitions, schema, limits))
        for plan in self.plans:
            for error in plan.failed.values():
                raise error

    def blocks(self) -> Iterator[tuple[Ids, Iterator[dict[str, npt.NDArray[np.bool_]]]]]:
        """Yield profiles and, for each moment in turn, who of them was in each segment."""
        for ids in profiles.blocks(BLOCK):
            history = facts.during(ids, self.needs, self.span)
            yield history.facts.profile_ids, self._masks(history)

    def _masks(self, history: History) -> Iterator[dict[str, npt.NDArray[np.bool_]]]:
        for plan, moment in zip(self.plans, self._moments, strict=True):
            members = plan.evaluate(history.at(moment), moment).members
            existing = history.since <= moment
            masks = {}
            for key, mask in members.items():
                masks[key] = np.zeros(len(existing), np.bool_)
                masks[key][existing] = mask
            yield masks

    def _limits(self, bare: Plan) -> list[dict[str, float]]:
        """Return the limits set by the data that held at each moment.

        Those that were published by then; where none was, those that would have been published.
        """
        published: dict[str, list[tuple[int, float]]] = defaultdict(list)
        rows = CutPoint.objects.filter(key__in=list(bare.populations)).order_by("published_at")
        for key, at, value in rows.values_list("key", "published_at", "value"):
            published[key].append((at, value))
        limits: list[dict[str, float]] = [{} for _ in self._moments]
        missing: list[tuple[int, str]] = []
        for number, moment in enumerate(self._moments):
            for key in bare.populations:
                by_then = [value for at, value in published[key] if at <= moment]
                if by_then:
                    limits[number][key] = by_then[-1]
                else:
                    missing.append((number, key))
        self._measure(bare, missing, limits)
        return limits

    def _measure(
        self, bare: Plan, missing: Sequence[tuple[int, str]], limits: Sequence[dict[str, float]]
    ) -> None:
        """Fill in the ``missing`` limits: of which moment, by its number, and which."""
        if not missing:
            return
        numbers = sorted({number for number, _key in missing})
        values: dict[tuple[int, str], list[npt.NDArray[np.float64]]] = defaultdict(list)
        for ids in profiles.blocks(BLOCK):
            history = facts.during(ids, self.needs, self.span)
            for number in numbers:
                moment = self._moments[number]
                found = bare.population_values(history.at(moment), moment)
                for key, part in found.items():
                    values[number, key].append(part)
        for number, key in missing:
            everybody = np.concatenate([np.empty(0), *values[number, key]])
            limits[number][key] = bare.populations[key].cut_point(everybody)
