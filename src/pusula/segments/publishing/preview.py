"""What definitions would do to the members that are shown, worked out without changing anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pusula.profiles import relations as profiles
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids
from pusula.segments import actions, catalog, evaluate, kernel
from pusula.segments.everybody.bucket import Found
from pusula.segments.everybody.compare import Written
from pusula.segments.facts import block
from pusula.segments.kernel import Plan
from pusula.segments.language import Definition, DefinitionError, parse
from pusula.segments.models import Segment, SegmentVersion
from pusula.segments.naming import naming, with_named
from pusula.segments.showing import Limit

BLOCK = 50_000  # profiles whose rows are in memory together
SAMPLE = 8

OnProgress = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    """Hear of progress and say nothing."""


@dataclass(frozen=True)
class Change:
    """How many are in a segment by its new meaning, and who enters and leaves (a few ids of them).

    ``error`` says why the segment could not be evaluated: it would keep its members.
    """

    n_members: int = 0
    n_entering: int = 0
    n_leaving: int = 0
    entering: tuple[int, ...] = ()
    leaving: tuple[int, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Preview:
    """The changes by segment key: of the candidates, and of those that name them."""

    at: int
    n_profiles: int
    changes: Mapping[str, Change]


def preview(
    candidates: Mapping[str, Definition], *, at: int, on_progress: OnProgress = silent
) -> Preview:
    """Return what publishing ``candidates``, by key, would do at the moment ``at``.

    The other segments mean what is shown of them. Every profile is read, block by block; nothing
    is written and nobody is held up. ``on_progress`` hears how many of how many are done.
    """
    trial = Trial.of(candidates, at=at)
    segments = dict(Segment.objects.filter(key__in=trial.keys).values_list("pk", "key"))
    changes = {key: Change(error=error) for key, error in trial.errors.items()}
    changes |= dict.fromkeys(trial.keys, Change())
    n_profiles = 0
    for found in trial.run(on_progress):
        n_profiles += len(found.ids)
        written = Written.of(found.ids, list(segments)).members
        present = {key: written[pk].ids for pk, key in segments.items()}
        for key, members in found.members.items():
            changes[key] = _counted(changes[key], members, present.get(key, _NOBODY))
    return Preview(at, n_profiles, changes)


@dataclass(frozen=True)
class Trial:
    """Definitions made ready to be evaluated for everybody beside those that stay as they are.

    ``keys`` are the segments whose members change: the candidates and, behind them, the segments
    in use that name them. ``limits`` are those set by the data that nobody has published yet,
    measured over everybody. ``errors`` are, by key, why some of the segments cannot be evaluated.
    """

    at: int
    plan: Plan
    keys: tuple[str, ...]
    errors: Mapping[str, str]
    limits: Mapping[str, Limit]

    @classmethod
    def of(cls, candidates: Mapping[str, Definition], *, at: int) -> Trial:
        """Return the trial of ``candidates``; limits that they lack are measured now."""
        shown = definitions_in_use()
        together = {**shown, **candidates}
        affected = [*candidates, *naming(candidates, shown)]
        needed = with_named(affected, together)
        schema, published = catalog.schema(), evaluate.published_cut_points()
        plan = kernel.compile(needed, schema, published)
        limits = _measure(plan, at)
        if limits:
            values = {key: limit.value for key, limit in limits.items()}
            plan = kernel.compile(needed, schema, published | values)
        errors = {key: plan.failed[key].message for key in affected if key in plan.failed}
        keys = tuple(key for key in affected if key not in errors)
        return cls(at, plan, keys, errors, limits)

    def run(self, on_progress: OnProgress = silent) -> Iterator[Found]:
        """Evaluate everybody, block by block."""
        total, done = Profile.objects.count(), 0
        for ids in profiles.blocks(BLOCK):
            yield self.evaluate(ids)
            done += len(ids)
            on_progress(done, max(done, total))

    def evaluate(self, ids: Ids) -> Found:
        """Evaluate the profiles ``ids`` (ascending)."""
        found = self.plan.evaluate(block(ids, self.plan.requirements), self.at)
        members = {key: ids[found.members[key]] for key in self.keys}
        return Found(ids, members, found.next_flip)


def definitions_in_use() -> dict[str, Definition]:
    """Return what every segment in use means: its shown version, else its newest, by key.

    One that no longer fits what this installation knows is left out.
    """
    schema = catalog.schema()
    found = {}
    for key, version in versions_in_use().items():
        try:
            found[key] = parse(version.definition, schema)
        except DefinitionError:
            continue
    return found


def versions_in_use() -> dict[str, SegmentVersion]:
    """Return the shown version of every segment in use, by key; of one not yet shown the newest."""
    newest = actions.newest_versions()
    shown = Segment.objects.filter(archived_at=None).exclude(version=None)
    versions = {s.key: s.version for s in shown.select_related("version") if s.version is not None}
    return newest | versions


_NOBODY: Ids = np.empty(0, np.int64)


def _counted(so_far: Change, members: Ids, present: Ids) -> Change:
    """Add a block: who is in by the new meaning, and who is in now."""
    entering = np.setdiff1d(members, present, assume_unique=True)
    leaving = np.setdiff1d(present, members, assume_unique=True)
    return Change(
        n_members=so_far.n_members + len(members),
        n_entering=so_far.n_entering + len(entering),
        n_leaving=so_far.n_leaving + len(leaving),
        entering=(*so_far.entering, *entering[:SAMPLE].tolist())[:SAMPLE],
        leaving=(*so_far.leaving, *leaving[:SAMPLE].tolist())[:SAMPLE],
    )


def _measure(plan: Plan, at: int) -> dict[str, Limit]:
    """Return the limits of ``plan`` that are not published yet, measured over everybody."""
    missing = {key: each for key, each in plan.populations.items() if key not in plan.cut_points}
    if not missing:
        return {}
    narrowed = replace(plan, populations=missing)
    parts: dict[str, list[npt.NDArray[np.float64]]] = defaultdict(list)
    for ids in profiles.blocks(BLOCK):
        found = narrowed.population_values(block(ids, plan.requirements), at)
        for key, values in found.items():
            parts[key].append(values)
    limits = {}
    for key, population in missing.items():
        values = np.concatenate([np.empty(0), *parts[key]])
        limits[key] = Limit(population.cut_point(values), len(values))
    return limits
