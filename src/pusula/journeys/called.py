"""What the steps of journeys are called: by what they say to people, else by what they do."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.utils import translation

from pusula.campaigns import called
from pusula.consent import purposes
from pusula.journeys import queries
from pusula.journeys.language import Graph
from pusula.journeys.language.nodes import Approval, Kind, Message, Task
from pusula.journeys.language.sentences import PRINTERS
from pusula.journeys.language.sentences.printer import Printer
from pusula.journeys.models import Journey
from pusula.segments import catalog
from pusula.segments import queries as segments
from pusula.segments.language import DefinitionError

_ORIGIN = re.compile(r"journey:([0-9]{1,18})")  # see Journey.origin


def printer(language: str) -> Printer:
    """Return who says journeys in ``language``, segments and templates by what people call them."""
    titles = {
        one.key: segments.words(one)["title"].get(language, one.key) for one in segments.active()
    }
    with translation.override(language):
        named = {slug: str(one.title) for slug, one in purposes.known().items()}
    return PRINTERS[language](titles, called.templates(language), named)


def steps(wanted: Iterable[tuple[str, str]], language: str) -> dict[tuple[str, str], str]:
    """Return what steps are called, by the origin of their messages and their id.

    As the version in use has them, else the newest that does; what no version has is left out.
    """
    here: dict[int, set[str]] = defaultdict(set)
    for origin, step in wanted:
        if step and (of := _ORIGIN.fullmatch(origin)):
            here[int(of[1])].add(step)
    found: dict[tuple[str, str], str] = {}
    if not here:
        return found
    told = printer(language)
    for journey in Journey.objects.filter(pk__in=here).select_related("version"):
        missing = here[journey.pk]
        for graph in _graphs(journey):
            for step in missing & graph.nodes.keys():
                found[journey.origin, step] = title(graph.nodes[step].kind, told)
            missing -= graph.nodes.keys()
            if not missing:
                break
    return found


def title(step: Kind, told: Printer) -> str:
    """Return what a step is called beside the name of its journey."""
    match step:
        case Message(ways, _):
            return told.template(ways[0])
        case Task(words, _, _, _, _) | Approval(words, _, _, _):
            return words.tr if told.LANGUAGE == "tr" else words.en
    return told.step(step).removesuffix(".")


def _graphs(journey: Journey) -> Iterator[Graph]:
    """Yield the graphs of a journey, the version in use first, then from the newest on."""
    schema = catalog.schema()
    newest = journey.versions.order_by("-number")
    for version in sorted(newest, key=lambda one: one.pk != journey.version_id):
        try:
            yield queries.graph_of(version, schema)
        except DefinitionError:  # it speaks of what is not there any more
            continue
