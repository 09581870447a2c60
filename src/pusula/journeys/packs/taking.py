"""Packs taken over: a draft with its templates, and what it asks for that the company lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pusula.campaigns import templates
from pusula.campaigns.models import Template
from pusula.campaigns.templates import Says
from pusula.events.models import Event
from pusula.journeys import versions
from pusula.journeys.language import Journey as Definition
from pusula.journeys.language import Names, graph, parse
from pusula.journeys.language.nodes import OnEvent, OnSegment, Schedule
from pusula.journeys.models import Journey
from pusula.journeys.packs.letters import Letter
from pusula.journeys.packs.library import Scenario
from pusula.lib import clock
from pusula.segments import catalog
from pusula.segments.language.nodes import AggregateTest, InSegment, SequenceTest
from pusula.segments.language.references import leaves
from pusula.segments.language.schema import Kind
from pusula.segments.models import Segment

_SENTENCES: dict[str, Promise] = {
    "site": _("The buttons lead to an example: put the address of your site into the templates."),
    "trait": _(
        "No customer has the trait %(names)s as a day: bring it in with an import or by identify."
    ),
    "instead": _(
        "No customer has the trait %(names)s as a day: name one in the draft that there is "
        "(%(instead)s), or bring it in with an import or by identify."
    ),
    "segment": _(
        "There is no segment %(names)s: take it over with `pusula segments apply --shipped`."
    ),
    "event": _("Nobody has told of this event yet (any of them will do): %(names)s."),
}


@dataclass(frozen=True, slots=True)
class Missing:
    """Something a journey asks for that the company's data does not have.

    ``kind`` is event, trait, segment or site; of an event any of ``names`` would do. ``instead``
    are traits of that kind that customers have.
    """

    kind: str
    names: tuple[str, ...]
    instead: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What is missing and the way out, in the active language."""
        words = {"names": ", ".join(self.names), "instead": ", ".join(self.instead)}
        return str(_SENTENCES["instead" if self.instead else self.kind]) % words


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a pack: the journey's key, and whether it is new; what it still lacks."""

    key: str
    is_new: bool
    n_templates: int
    missing: tuple[Missing, ...]


def parsed(scenario: Scenario) -> Definition:
    """Return the journey of a pack, as if all it asks for were there."""
    schema = catalog.schema()
    traits = {name: Kind(kind) for name, kind in scenario.traits.items()}
    names = Names(schema=replace(schema, traits={**schema.traits, **traits}))
    return parse(scenario.document, names)


def missing(scenario: Scenario) -> tuple[Missing, ...]:
    """Return what the journey asks for that this company's data does not have, each once."""
    return tuple(dict.fromkeys(_missing(scenario)))


def add(scenario: Scenario, *, by: str = "", at: int | None = None) -> Added:
    """Take a pack over as a draft with its templates; nobody comes in before it is published.

    A journey or a template of the same name that is there already stays as it is.
    """
    at = clock.now() if at is None else at
    with transaction.atomic():
        if Journey.objects.filter(key=scenario.key).exists():
            return Added(scenario.key, is_new=False, n_templates=0, missing=missing(scenario))
        there = set(Template.objects.values_list("name", flat=True))
        new = [one for one in scenario.letters if one.name not in there]
        for one in new:
            templates.save(
                None, name=one.name, channel=one.channel, says=_says(one, scenario.language),
                by=by, at=at,
            )  # fmt: skip
        versions.save(parsed(scenario), by=by, at=at)
    return Added(scenario.key, is_new=True, n_templates=len(new), missing=missing(scenario))


def _says(letter: Letter, language: str) -> dict[str, Says]:
    """Return what a template says by language, ``language`` to everybody of whom none is known."""
    return {
        "" if tag == language else tag: Says(
            subject=said.subject,
            preheader=said.preheader,
            text=said.text,
            html=said.html,
            details={"url": said.url} if said.url else {},
        )
        for tag, said in letter.said.items()
    }


def _missing(scenario: Scenario) -> Iterator[Missing]:
    if not scenario.has_site:
        yield Missing("site", ())
    definition = parsed(scenario)
    known = catalog.schema().traits
    for name, kind in scenario.traits.items():
        if known.get(name) != kind:
            yield Missing("trait", (name,), tuple(n for n, k in known.items() if k == kind))
    segments = set(Segment.objects.filter(archived_at=None).values_list("key", flat=True))
    for key in dict.fromkeys(_segments(definition)):
        if key not in segments:
            yield Missing("segment", (key,))
    for names in dict.fromkeys(_events(definition)):
        if not Event.objects.filter(name__in=names).exists():
            yield Missing("event", names)


def _segments(definition: Definition) -> Iterator[str]:
    made = graph(definition)
    for trigger in made.triggers.values():
        if isinstance(trigger, OnSegment):
            yield trigger.key
    for entry in definition.entries:
        if isinstance(entry, Schedule):
            yield entry.segment
    for condition in made.conditions.values():
        for leaf in leaves(condition):
            if isinstance(leaf, InSegment):
                yield leaf.key


def _events(definition: Definition) -> Iterator[tuple[str, ...]]:
    """Yield the names of events that each trigger and condition waits for."""
    made = graph(definition)
    for trigger in made.triggers.values():
        if isinstance(trigger, OnEvent):
            yield trigger.names
    for condition in made.conditions.values():
        for leaf in leaves(condition):
            if isinstance(leaf, AggregateTest) and leaf.aggregate.names:
                yield leaf.aggregate.names
            elif isinstance(leaf, SequenceTest):
                yield from (step.names for step in leaf.sequence.steps if step.names)
