"""Runs the kernel over stored profiles and writes what it found: who is in which segment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.db.models import Count, Max

from pusula.lake import locks
from pusula.lib import clock
from pusula.lib.sayings import kept
from pusula.profiles import relations as profiles
from pusula.profiles.relations import Ids
from pusula.segments import actions, catalog, kernel, showing
from pusula.segments.actions import Moves
from pusula.segments.facts import block
from pusula.segments.kernel import Block, Plan
from pusula.segments.language import Definition, DefinitionError, parse
from pusula.segments.models import CutPoint, Debt, ProfileSet, Segment, SegmentVersion

# Profiles per block: their rows are in memory together, about 1 kB for each profile.
BLOCK = 50_000
# Of a range of ids this part at least is asked for, or they are fetched by their numbers.
_DENSE = 0.2
# Traits come and go without a word to us: a compiled plan is thrown away when it is this old.
_KEEP = clock.MINUTE


@contextmanager
def alone() -> Iterator[None]:
    """Open a transaction beside which no other evaluation runs."""
    with transaction.atomic():
        locks.take(connection, actions.LOCK)
        yield


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
    with alone():
        if pays is not None:
            Debt.objects.filter(pk=pays).delete()
        pass_ = Pass(shown_versions(), at, cause)
        pass_.evaluate_all(ids)
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
            errors[key] = kept(error.saying)
    made = kernel.compile(definitions, schema, published_cut_points())
    return made, errors | {key: kept(error.saying) for key, error in made.failed.items()}


def published_cut_points() -> dict[str, float]:
    """Return the newest published value of every cut-point, by its key."""
    rows = CutPoint.objects.order_by("key", "published_at").values_list("key", "value")
    return dict(rows)


@dataclass(frozen=True)
class Compiled:
    """Versions made ready to run: those that can be, by key, and why the others cannot."""

    plan: Plan
    versions: Mapping[str, SegmentVersion]
    errors: Mapping[str, str]


def compile_(versions: Mapping[str, SegmentVersion]) -> Compiled:
    """Return ``versions`` made ready to run."""
    made, errors = plan(versions)
    return Compiled(made, {k: v for k, v in versions.items() if k not in errors}, errors)


class Shown:
    """The shown versions made ready to run, again only when they or the cut-points change."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._until = 0
        self._compiled: Compiled | None = None

    def compiled(self, at: int) -> Compiled:
        """Return them as they are; ``at`` is now. Errors are noted where they are new."""
        key = _shown_key()
        if self._compiled is None or key != self._key or at >= self._until:
            versions = shown_versions()
            self._compiled = compile_(versions)
            self._key, self._until = key, at + _KEEP
            showing.mark_stale(self._compiled.errors, at)
        return self._compiled

    def forget(self) -> None:
        """Compile anew next time: what was read may have been undone."""
        self._compiled = None


class Pass:
    """One evaluation on its way: what is evaluated, and what has been found so far."""

    def __init__(
        self,
        versions: Mapping[str, SegmentVersion],
        at: int,
        cause: str,
        compiled: Compiled | None = None,
    ) -> None:
        self.at = at
        self.cause = cause
        compiled = compiled or compile_(versions)
        self.plan, self.versions, self.errors = compiled.plan, compiled.versions, compiled.errors
        self.moves: dict[str, Moves] = defaultdict(Moves)
        self.n_profiles = 0

    def evaluate_all(self, ids: Ids) -> None:
        """Evaluate any number of ``ids`` (ascending), those that lie far apart by their numbers."""
        for start in range(0, len(ids), BLOCK):
            part = ids[start : start + BLOCK]
            is_dense = len(part) >= _DENSE * (part[-1] - part[0] + 1)
            size = BLOCK if is_dense else profiles.LISTED
            for begin in range(0, len(part), size):
                self.evaluate(part[begin : begin + size])

    def evaluate(self, ids: Ids) -> None:
        """Evaluate ``ids`` and write the differences."""
        self.evaluate_block(block(ids, self.plan.requirements))

    def evaluate_block(self, facts: Block, *, moment: int | Ids | None = None) -> Ids:
        """Evaluate the profiles of ``facts`` as of ``moment`` (else now); write the differences.

        ``moment`` may be one for each profile. Returns when each must be evaluated again.
        """
        ids = facts.profile_ids
        moment = self.at if moment is None else moment
        found = self.plan.evaluate(facts, moment)
        moves = actions.record_members(
            ids,
            {v.segment_id: ids[found.members[key]] for key, v in self.versions.items()},
            {v.segment_id: v for v in self.versions.values()},
            at=moment,
            cause=self.cause,
        )
        for key, version in self.versions.items():
            self.moves[key] += moves[version.segment_id]
        flips = np.maximum(found.next_flip, moment + 1)
        actions.record_due(ids, flips, at=self.at)
        self.n_profiles += len(ids)
        return flips

    def finish(self) -> Outcome:
        """Mark what could not be evaluated as stale, its last members kept."""
        showing.mark_stale(self.errors, self.at)
        return Outcome(self.n_profiles, dict(self.moves), self.errors)


def shown_versions() -> dict[str, SegmentVersion]:
    """Return the versions whose members are shown, by key."""
    shown = Segment.objects.filter(archived_at=None).exclude(version=None)
    return {s.key: s.version for s in shown.select_related("version") if s.version is not None}


def _shown_key() -> tuple[object, ...]:
    """Return what changes when the shown versions, the cut-points or the sets named do."""
    shown = Segment.objects.filter(archived_at=None).exclude(version=None).order_by("pk")
    newest = CutPoint.objects.aggregate(n=Max("pk"))["n"]
    sets = ProfileSet.objects.aggregate(n=Max("pk"), many=Count("pk"))
    return (newest, sets["n"], sets["many"], *shown.values_list("pk", "version_id"))
