"""Everybody evaluated while live steps go on, and the differences put right in one transaction.

1. Without any lock, limits set by the data are measured and every profile is evaluated, part by
part by the means given, and compared with what is written of it. 2. In one transaction,
in turn with live steps, the differences are written (``settlement``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import connection

from pusula.lake.turns import turn
from pusula.lib import clock
from pusula.lib.sayings import kept
from pusula.profiles.models import Profile
from pusula.segments import actions, card, catalog, evaluate, kernel, queries
from pusula.segments.everybody.bucket import Task
from pusula.segments.everybody.compare import Differences, Question
from pusula.segments.everybody.means import Means, Part, parts
from pusula.segments.everybody.settlement import Outcome, Work, confirm, settle
from pusula.segments.kernel import Plan
from pusula.segments.language import Definition, DefinitionError, Schema, parse
from pusula.segments.models import Segment, SegmentVersion
from pusula.segments.naming import naming, with_named
from pusula.segments.showing import Limit

# How far behind the clock the moment of a live step may be when it is committed at last.
LINGER = clock.HOUR

OnProgress = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    """Hear of progress and say nothing."""


def everybody(
    versions: Mapping[str, SegmentVersion] | None = None,
    *,
    at: int,
    means: Means | None = None,
    on_progress: OnProgress = silent,
) -> Outcome:
    """Publish limits, evaluate every profile against ``versions``, and show these.

    ``versions`` are of all segments in use, by key; the newest if not given. Readers see the
    members of before or those of after. Live steps go on meanwhile; only another rebuild waits.
    ``means`` say who computes, this process if not given. ``on_progress`` hears how many of how
    many profiles are done.
    """
    means = means or Means()
    with turn(connection, "segments.rebuild", settings.PUSULA_HOME / "run"):
        versions = versions or actions.newest_versions()
        work = begin(versions, at=at, means=means)
        return settle(work, compare(work.question, parts(), means, on_progress))


def check(*, at: int, share: int, n_shares: int, repair: bool = True) -> Outcome:
    """Compare one of ``n_shares`` shares of all profiles with what is written of them.

    Nothing is published and nobody waits; only where something is wrong it is looked at again in
    turn with live steps, noted as drift and, if ``repair``, put right.
    """
    work = begin(evaluate.shown_versions(), at=at, means=Means(), measures=False)
    found = compare(work.question, parts()[share % n_shares :: n_shares], Means())
    return confirm(work, found, repair=repair)


def begin(
    versions: Mapping[str, SegmentVersion],
    *,
    at: int,
    means: Means,
    measures: bool = True,
) -> Work:
    """Return what a rebuild of ``versions`` has to ask, with its limits measured."""
    debts = queries.debts()  # their facts are committed: whoever reads from now on sees them
    segments = {s.key: s for s in Segment.objects.filter(key__in=list(versions))}
    schema = _plain(catalog.schema())
    definitions, errors = _read(versions, schema)
    published = evaluate.published_cut_points()
    # The sentences of a customer's card compare with limits of their own.
    asking = definitions | card.fact_definitions(schema)
    plan = kernel.compile(asking, schema, published)
    limits = _limits(plan, at, means) if measures else {}
    cut_points = published | {key: limit.value for key, limit in limits.items()}
    plan = kernel.compile(definitions, schema, cut_points)
    errors |= {key: kept(error.saying) for key, error in plan.failed.items()}
    usable = {key: each for key, each in definitions.items() if key not in errors}
    changed = {
        key
        for key, segment in segments.items()
        if segment.version_id != versions[key].pk or segment.stale_since_at is not None
    }
    moved = {key for key, limit in limits.items() if published.get(key) != limit.value}
    changed |= {key for key in usable if moved & _populations(key, usable, schema)}
    return Work(
        question=Question(
            task=Task(usable, schema, cut_points, tuple(usable), at),
            segments={key: segments[key].pk for key in usable},
            since_at=min(at, clock.now()) - LINGER,
            lake=means.lake,
        ),
        versions=versions,
        shown={key: segment.version_id for key, segment in segments.items()},
        errors=errors,
        limits=limits,
        explained=frozenset(changed).union(naming(changed, usable)),
        debts=debts,
    )


def compare(
    question: Question, of: Sequence[Part], means: Means, on_progress: OnProgress = silent
) -> list[Differences]:
    """Return how the profiles of each part differ from what is written of them; no lock."""
    total, done = Profile.objects.count(), 0
    found = []
    for differences in means.differences(question, of):
        found.append(differences)
        done += differences.n_profiles
        on_progress(done, max(total, done))
    return sorted(found, key=lambda each: each.last_id)


def _plain(schema: Schema) -> Schema:
    """Return ``schema`` so that it can travel to other processes: views of mappings cannot."""
    return replace(schema, relations=dict(schema.relations), periods=dict(schema.periods))


def _read(
    versions: Mapping[str, SegmentVersion], schema: Schema
) -> tuple[dict[str, Definition], dict[str, str]]:
    definitions, errors = {}, {}
    for key, version in versions.items():
        try:
            definitions[key] = parse(version.definition, schema)
        except DefinitionError as error:
            errors[key] = kept(error.saying)
    return definitions, errors


def _limits(plan: Plan, at: int, means: Means) -> dict[str, Limit]:
    """Measure every population of ``plan`` over all profiles."""
    if not plan.populations:
        return {}
    asking: dict[str, Definition] = {}
    for key in plan.definitions:
        if _populations(key, plan.definitions, plan.schema):
            asking |= with_named([key], plan.definitions)
    task = Task(asking, plan.schema, plan.cut_points, (), at)
    values: dict[str, list[npt.NDArray[np.float64]]] = defaultdict(list)
    for found in means.populations(Question(task, {}, at, means.lake), parts()):
        for key, part in found.items():
            values[key].append(part)
    limits = {}
    for key, population in plan.populations.items():
        together = np.concatenate([np.empty(0), *values[key]])
        limits[key] = Limit(population.cut_point(together), len(together))
    return limits


def _populations(key: str, definitions: Mapping[str, Definition], schema: Schema) -> set[str]:
    """Return the keys of the populations with whose limits the definition ``key`` compares."""
    return set(kernel.compile(with_named([key], definitions), schema, {}).populations)
