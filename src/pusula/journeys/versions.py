"""Versions of journeys: read, saved, published, gone back to; people moved from one to another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connection, transaction

from pusula.campaigns import templates
from pusula.consent.models import Channel
from pusula.journeys import hearing, machine, planning, queries
from pusula.journeys.compiled import compile_
from pusula.journeys.errors import JourneyError
from pusula.journeys.freezing import frozen
from pusula.journeys.language import DefinitionError, Names, dump, graph, parse
from pusula.journeys.language import Journey as Definition
from pusula.journeys.models import (
    CouponPool,
    Enrollment,
    Journey,
    JourneyVersion,
    Task,
)
from pusula.lake import rows
from pusula.lib import clock
from pusula.lib.sayings import Saying
from pusula.segments import catalog, evaluate
from pusula.segments.models import Segment


@dataclass(frozen=True)
class Applied:
    """What became of one definition: the version that says it, and whether it is new."""

    key: str
    number: int
    is_changed: bool


def names() -> Names:
    """Return what journeys may speak of here: traits, segments, templates, pools."""
    known = templates.usable().order_by("name").values_list("channel", "name")
    return Names(
        schema=catalog.schema(),
        templates={
            channel: tuple(name for of, name in known if of == channel)
            for channel in Channel.values
        },
        segments=tuple(
            Segment.objects.filter(archived_at=None).values_list("key", flat=True).order_by("key")
        ),
        pools=tuple(CouponPool.objects.values_list("key", flat=True).order_by("key")),
    )


def read(documents: Iterable[tuple[str, object]]) -> dict[str, Definition]:
    """Return the journeys that ``documents`` (name, document) state, by key.

    Raises ``DefinitionError`` with the document's name in front of the path.
    """
    known = names()
    found: dict[str, Definition] = {}
    for name, document in documents:
        try:
            definition = parse(document, known)
        except DefinitionError as error:
            raise error.below(name) from error
        if definition.key in found:
            twice = Saying("%(key)s is defined twice", {"key": definition.key})
            raise DefinitionError("journey", twice).below(name)
        found[definition.key] = definition
    return found


def save(definition: Definition, *, by: str = "", at: int | None = None) -> JourneyVersion:
    """Keep a definition as the newest version of its journey; nobody comes in on it yet.

    One that says what the newest says is that one. A version that was never published is written
    over: drafts are not history.
    """
    at = clock.now() if at is None else at
    document = dump(definition)
    with transaction.atomic():
        journey, _new = Journey.objects.get_or_create(
            key=definition.key, defaults={"created_at": at}
        )
        newest = journey.versions.order_by("-number").first()
        if newest is not None and newest.definition == document:
            return newest
        if newest is not None and newest.published_at is None:
            newest.definition, newest.created_at, newest.created_by = document, at, by
            newest.save(update_fields=["definition", "created_at", "created_by"])
            return newest
        return JourneyVersion.objects.create(
            journey=journey,
            number=(newest.number if newest else 0) + 1,
            definition=document,
            created_at=at,
            created_by=by,
        )


def again(version: JourneyVersion, *, by: str = "", at: int | None = None) -> JourneyVersion:
    """Keep as a draft what an earlier version says; raise ``DefinitionError`` of what is gone."""
    return save(parse(version.definition, names()), by=by, at=at)


def apply(documents: Iterable[tuple[str, object]], *, by: str = "") -> list[Applied]:
    """Take over ``documents`` as new versions and publish what changed; all or nothing."""
    given = read(documents)
    found = []
    with evaluate.alone():
        for definition in given.values():
            version = save(definition, by=by)
            is_changed = version.published_at is None
            if is_changed:
                publish(version)
            found.append(Applied(definition.key, version.number, is_changed))
    return found


def publish(version: JourneyVersion, *, at: int | None = None) -> None:
    """Let people come in on ``version`` from now on; who is under way stays on theirs.

    What its messages say is frozen now. A draft goes live; a paused journey stays paused. Raises
    ``DefinitionError`` if the version speaks of what is gone.
    """
    with evaluate.alone():
        at = clock.now() if at is None else at
        journey = Journey.objects.select_for_update().get(pk=version.journey_id)
        if journey.state == machine.ARCHIVED:
            raise JourneyError(Saying("%(key)s is archived: resume it first", {"key": journey.key}))
        definition = parse(version.definition, names())
        version.contents = frozen(definition)
        version.published_at = at
        version.save(update_fields=["contents", "published_at"])
        compiled = compile_(version, catalog.schema())
        if compiled.plan.failed:
            raise JourneyError(
                Saying(
                    "%(place)s: %(problem)s",
                    {
                        "place": journey.key,
                        "problem": next(iter(compiled.plan.failed.values())).saying,
                    },
                )
            )
        if not Journey.objects.filter(state=machine.LIVE).exists():
            hearing.hear_from_now()
        before = None if journey.version is None else _known(journey.version)
        journey.version = version
        journey.since_at = at if journey.since_at is None else journey.since_at
        if journey.state == machine.DRAFT:
            journey.state = machine.LIVE
        journey.save(update_fields=["version", "since_at", "state"])
        planning.plan_everybody(compiled, at=at, before=before)


def migrate(
    key: str, *, to: int, steps: Mapping[str, str] | None = None, at: int | None = None
) -> int:
    """Put everybody who waits on an older version on the version number ``to``; return how many.

    Each stays at the step of the same id; ``steps`` says which step stands for one that is gone.
    Raises ``JourneyError`` if people wait at a step that has none. A passage of each says so.
    """
    with evaluate.alone():
        at = clock.now() if at is None else at
        journey = queries.named(key)
        target = journey.versions.exclude(published_at=None).filter(number=to).first()
        if target is None:
            raise JourneyError(
                Saying("%(key)s has no published version %(to)s", {"key": key, "to": to})
            )
        schema = catalog.schema()
        known = graph(parse(target.definition, Names(schema=schema))).nodes
        waiting = Enrollment.objects.filter(journey=journey, state=machine.WAITING)
        moving = waiting.exclude(version=target).order_by("pk")
        found = list(moving.values_list("pk", "version_id", "version__number", "node"))
        places = {node: (steps or {}).get(node, node) for _, _, _, node in found}
        if lost := sorted(node for node in places.values() if node and node not in known):
            raise JourneyError(
                Saying(
                    "people wait at %(lost)r: say which step stands for it now", {"lost": lost[0]}
                )
            )
        for version_id, node in sorted({(of, node) for _, of, _, node in found if node}):
            there = known[places[node]]
            if _kind(version_id, node) is not type(there.kind):
                raise JourneyError(
                    Saying(
                        "people wait at %(node)r, and %(id)r is another kind of step: "
                        "say which step of the same kind stands for it now",
                        {"node": node, "id": there.id},
                    )
                )
        rows.insert(
            connection,
            "journeys_passage",
            ("enrollment_id", "version_id", "step", "at", "result", "reason", "is_exit"),
            (
                (pk, target.pk, "", at, machine.MIGRATED, f"{number} → {to}", False)
                for pk, _, number, _ in found
            ),
        )
        standing: dict[str, list[int]] = defaultdict(list)
        for pk, _, _, node in found:
            standing[node].append(pk)
        for node, numbers in standing.items():
            for part in rows.parts(numbers):
                Enrollment.objects.filter(pk__in=part).update(version=target, node=places[node])
                asked = Task.objects.filter(enrollment__in=part, step=node, closed_at=None)
                asked.update(step=places[node])
    return len(found)


def _kind(version_id: int, node: str) -> type | None:
    """Return what kind of step people of a version wait at; ``None`` if nobody can tell."""
    definition = _known(JourneyVersion.objects.get(pk=version_id))
    return None if definition is None else type(graph(definition).nodes[node].kind)


def _known(version: JourneyVersion) -> Definition | None:
    """Return what a version says; ``None`` if it speaks of what is gone."""
    try:
        return parse(version.definition, Names(schema=catalog.schema()))
    except DefinitionError:
        return None
