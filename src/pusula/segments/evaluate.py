"""Runs the kernel over stored profiles and writes what it found: who is in which segment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import Count

from pusula.lake import locks
from pusula.profiles import relations as profiles
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids
from pusula.segments import actions, catalog, kernel, queries
from pusula.segments.actions import Moves
from pusula.segments.facts import block
from pusula.segments.kernel import Plan
from pusula.segments.language import Definition, DefinitionError, parse
from pusula.segments.models import (
    CutPoint,
    Debt,
    Membership,
    Segment,
    SegmentSize,
    SegmentVersion,
)

# Two evaluations at once could each write what the other no longer sees: they take turns.
_LOCK = "segments.evaluate"

# Profiles per block: their rows are in memory together, about 1 kB for each profile.
BLOCK = 50_000


@dataclass(frozen=True)
class Outcome:
    """What an evaluation did: profiles looked at, moves by segment key, errors by segment key."""

    n_profiles: int
    moves: Mapping[str, Moves]
    errors: Mapping[str, str]


def touched(ids: Ids, *, at: int, cause: str, pays: int | None = None) -> Outcome:
    """Evaluate the profiles ``ids`` (ascending) against the versions whose members are shown.

    A definition that waits for its first full evaluation stays out: its members would be only
    the few that were touched. ``pays`` is the debt that these profiles are.
    """
    with transaction.atomic():
        locks.take(connection, _LOCK)
        if pays is not None:
            Debt.objects.filter(pk=pays).delete()
        pass_ = _Pass(_shown_versions(), at, cause)
        for start in range(0, len(ids), BLOCK):
            pass_.evaluate(ids[start : start + BLOCK])
        return pass_.finish()


def everybody(
    *, at: int, on_progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Outcome:
    """Publish cut-points, evaluate every profile against the newest versions, and show these.

    One transaction: readers see the members of before or of after. ``on_progress`` hears how many
    of how many profiles are done.
    """
    total = Profile.objects.count()
    with transaction.atomic():
        locks.take(connection, _LOCK)
        # Facts written with a debt we see are facts we see; a later debt stays.
        Debt.objects.filter(pk__in=queries.debts()).delete()
        versions = actions.newest_versions()
        _publish_cut_points(_Pass(versions, at, "run").plan, at)
        pass_ = _Pass(versions, at, "run")
        for ids in profiles.blocks(BLOCK):
            pass_.evaluate(ids)
            on_progress(pass_.n_profiles, total)
        pass_.show()
        return pass_.finish()


def plan(versions: Mapping[str, SegmentVersion]) -> tuple[Plan, dict[str, str]]:
    """Return a plan for ``versions`` and, by key, why some of them are not in it."""
    schema = catalog.schema()
    definitions: dict[str, Definition] = {}
    errors = {}
    for key, version in versions.items():
        try:
            definitions[key] = parse(version.definition, schema)
        except DefinitionError as error:
            errors[key] = error.message
    made = kernel.compile(definitions, schema, published_cut_points())
    return made, errors | {key: error.message for key, error in made.failed.items()}


def published_cut_points() -> dict[str, float]:
    """Return the newest published value of every cut-point, by its key."""
    rows = CutPoint.objects.order_by("key", "published_at").values_list("key", "value")
    return dict(rows)


class _Pass:
    """One evaluation on its way: what is evaluated, and what has been found so far."""

    def __init__(self, versions: Mapping[str, SegmentVersion], at: int, cause: str) -> None:
        self.at = at
        self.cause = cause
        self.plan, self.errors = plan(versions)
        self.versions = {k: v for k, v in versions.items() if k not in self.errors}
        self.segment_ids = {key: version.segment_id for key, version in versions.items()}
        self.moves: dict[str, Moves] = defaultdict(Moves)
        self.n_profiles = 0

    def evaluate(self, ids: Ids) -> None:
        """Evaluate ``ids`` and write the differences."""
        members = self.plan.evaluate(block(ids, self.plan.requirements), self.at).members
        moves = actions.record_members(
            ids,
            {version.segment_id: ids[members[key]] for key, version in self.versions.items()},
            {version.segment_id: version for version in self.versions.values()},
            at=self.at,
            cause=self.cause,
        )
        for key, version in self.versions.items():
            self.moves[key] += moves[version.segment_id]
        self.n_profiles += len(ids)

    def show(self) -> None:
        """Show the evaluated versions, fresh for everybody, and chart their sizes."""
        sizes = _sizes()
        for version in self.versions.values():
            Segment.objects.filter(pk=version.segment_id).update(
                version=version, evaluated_at=self.at, stale_since_at=None, error=""
            )
            SegmentSize.objects.update_or_create(
                segment_id=version.segment_id,
                at=self.at,
                defaults={"n_members": sizes[version.segment_id]},
            )

    def finish(self) -> Outcome:
        """Write sizes; mark what could not be evaluated as stale, its last members kept."""
        sizes = _sizes()
        for version in self.versions.values():
            Segment.objects.filter(pk=version.segment_id).update(
                n_members=sizes[version.segment_id]
            )
        for key, error in self.errors.items():
            segment = Segment.objects.filter(pk=self.segment_ids[key])
            segment.filter(stale_since_at=None).update(stale_since_at=self.at)
            segment.update(error=error)
        return Outcome(self.n_profiles, dict(self.moves), self.errors)


def _shown_versions() -> dict[str, SegmentVersion]:
    shown = Segment.objects.filter(archived_at=None).exclude(version=None)
    return {s.key: s.version for s in shown.select_related("version") if s.version is not None}


def _sizes() -> dict[int, int]:
    rows = Membership.objects.filter(left_at=None).values_list("segment").annotate(n=Count("pk"))
    return defaultdict(int, dict(rows))


def _publish_cut_points(made: Plan, at: int) -> None:
    """Measure every population of ``made`` over all profiles and publish its limit."""
    if not made.populations:
        return
    values: dict[str, list[npt.NDArray[np.float64]]] = defaultdict(list)
    for ids in profiles.blocks(BLOCK):
        found = made.population_values(block(ids, made.requirements), at)
        for key, part in found.items():
            values[key].append(part)
    for key, population in made.populations.items():
        everybody_ = np.concatenate([np.empty(0), *values[key]])
        CutPoint.objects.create(
            key=key,
            value=population.cut_point(everybody_),
            n_population=len(everybody_),
            published_at=at,
        )
