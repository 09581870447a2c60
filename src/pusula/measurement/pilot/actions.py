"""Writes of pilots: prepared from a file, registered and started, stopped, points ticked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import TypeGuard

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from pusula.campaigns import templates
from pusula.campaigns.models import Template
from pusula.campaigns.templates import Says
from pusula.journeys import actions as journeys
from pusula.journeys import machine, versions
from pusula.journeys.models import Journey
from pusula.journeys.packs.letters import Letter
from pusula.lib import clock
from pusula.measurement.pilot import building, plan
from pusula.measurement.pilot.definition import (
    Definition,
    PilotError,
    Scenario,
    digest,
    plain,
    restored,
)
from pusula.measurement.pilot.models import PLANNED, RUNNING, STOPPED, Pilot, Tick
from pusula.segments import catalog
from pusula.segments import queries as segments
from pusula.segments.language import parse
from pusula.segments.language.references import references
from pusula.segments.publishing import changeset, publication
from pusula.segments.publishing.preview import OnProgress, silent


def prepare(
    definition: Definition, *, by: str = "", at: int, on_progress: OnProgress = silent
) -> Pilot:
    """Make a pilot with its segments, templates and journeys; nobody gets anything yet.

    Segments that come with the program and are missing are taken over first. The same file again
    changes what it says, and counts anew; raises ``PilotError`` once the pilot has begun.
    """
    _take_segments(definition, on_progress)
    expected = plan.plain(plan.expected(definition, at=at))
    with transaction.atomic():
        held = Pilot.objects.select_for_update().filter(key=definition.pilot).first()
        if held is not None and held.state != PLANNED:
            raise PilotError(_("The pilot %(key)s has begun: it stays as it was registered.")
                             % {"key": definition.pilot})  # fmt: skip
        for scenario in definition.scenarios:
            _write(definition, scenario, by, at)
        told = {
            "definition": plain(definition), "digest": digest(definition),
            "expected": expected, "counted_at": at,
        }  # fmt: skip
        made, _new = Pilot.objects.update_or_create(
            key=definition.pilot, defaults=told, create_defaults={**told, "created_at": at}
        )
    return made


def missing_segments(definition: Definition) -> set[str]:
    """Return the keys of segments that a pilot speaks of and that there are not."""
    return {key for key in definition.used() if segments.by_key(key) is None}


def _take_segments(definition: Definition, on_progress: OnProgress) -> None:
    missing = missing_segments(definition)
    if not missing:
        return
    shipped = {str(doc["segment"]): (name, doc) for name, doc in catalog.shipped() if _is_one(doc)}
    if strange := sorted(missing - shipped.keys()):
        raise PilotError(
            _("There is no segment %(key)s, and none of this name comes with the program.")
            % {"key": strange[0]}
        )
    documents = [shipped[key] for key in sorted(_with_named(missing, shipped))]
    publication.apply(changeset.compare(documents), on_progress=on_progress)


def _is_one(document: object) -> TypeGuard[dict[str, object]]:
    return isinstance(document, dict) and "segment" in document


def _with_named(keys: set[str], shipped: Mapping[str, tuple[str, object]]) -> set[str]:
    """Return ``keys`` and the segments that their definitions speak of, as far as missing."""
    schema = catalog.schema()
    found: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key in found or key not in shipped or segments.by_key(key) is not None:
            continue
        found.add(key)
        waiting += references(parse(shipped[key][1], schema).where)
    return found


def _write(definition: Definition, scenario: Scenario, by: str, at: int) -> None:
    """Write the templates and the draft of a scenario."""
    for letter in building.letters(definition, scenario):
        held = Template.objects.filter(name=letter.name).first()
        says = _says(letter, definition.language)
        templates.save(held, name=letter.name, channel=letter.channel, says=says, by=by, at=at)
    if "whatsapp" in scenario.routes:
        _check_whatsapp(scenario)
    (made,) = versions.read([("pilot", building.document(definition, scenario))]).values()
    versions.save(made, by=by, at=at)


def _check_whatsapp(scenario: Scenario) -> None:
    name = scenario.whatsapp_template
    if not Template.objects.filter(name=name, channel="whatsapp", archived_at=None).exists():
        raise PilotError(
            _("There is no WhatsApp template “%(name)s”: make one with the approved words first.")
            % {"name": name}
        )


def _says(letter: Letter, language: str) -> dict[str, Says]:
    return {
        "" if tag == language else tag: Says(
            subject=said.subject, preheader=said.preheader, text=said.text, html=said.html,
            details={"url": said.url} if said.url else {},
        )
        for tag, said in letter.said.items()
    }  # fmt: skip


def begins_at(definition: Definition) -> int:
    """Return the moment at which its people come in."""
    begin = time.fromisoformat(definition.at)
    wall = datetime.combine(definition.starts_on, begin)
    return clock.from_datetime(wall, settings.PUSULA.time_zone)


def start(pilot: Pilot, *, agreed_n: int, by: str = "", at: int) -> Pilot:
    """Register what a pilot will be judged by, and let its journeys begin on its first day.

    ``agreed_n`` is how many people somebody agreed to write to. All of it or nothing; a second
    start changes nothing. Raises ``PilotError`` for another number of people by now, a first day
    that is over, and what keeps a journey from being published.
    """
    with transaction.atomic():
        current = Pilot.objects.select_for_update().get(pk=pilot.pk)
        if current.state != PLANNED:
            raise PilotError(_("The pilot %(key)s has begun.") % {"key": current.key})
        definition = restored(current.definition)
        if begins_at(definition) <= at:
            raise PilotError(_("Its first day has begun already: choose a later starts_on."))
        expected = plan.expected(definition, at=at)
        n = sum(one.n_treated for one in expected)
        if n != agreed_n:
            raise PilotError(
                _("By now %(n)s people would get a message: look at the plan again.") % {"n": n}
            )
        for journey in journeys_of(definition):
            versions.publish(journey.versions.latest("number"), at=at)
        current.state = RUNNING
        current.expected, current.agreed_n = plan.plain(expected), agreed_n
        current.counted_at = at
        current.registered_at, current.registered_by = at, by
        current.save()
    pilot.refresh_from_db()
    return pilot


def stop(pilot: Pilot, *, at: int) -> None:
    """Let nobody come in or go on any more; what was sent is still measured."""
    with transaction.atomic():
        current = Pilot.objects.select_for_update().get(pk=pilot.pk)
        if current.state != RUNNING:
            raise PilotError(_("The pilot %(key)s is not running.") % {"key": current.key})
        for journey in journeys_of(restored(current.definition)):
            if journey.state == machine.LIVE:
                journeys.pause(journey.key)
        current.state, current.stopped_at = STOPPED, at
        current.save(update_fields=["state", "stopped_at"])
    pilot.refresh_from_db()


def journeys_of(definition: Definition) -> list[Journey]:
    """Return the journeys of a pilot in the order of its scenarios."""
    keys = [building.journey_key(definition, one) for one in definition.scenarios]
    held = {one.key: one for one in Journey.objects.filter(key__in=keys)}
    return [held[key] for key in keys if key in held]


def tick(pilot: Pilot, item: str, *, is_done: bool, by: str = "", at: int) -> None:
    """Note that a point of the list is done, or is not after all."""
    if is_done:
        Tick.objects.get_or_create(pilot=pilot, item=item, defaults={"by": by, "at": at})
    else:
        Tick.objects.filter(pilot=pilot, item=item).delete()
