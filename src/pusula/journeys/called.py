"""What the steps of journeys are called: by what they say to people, else by what they do."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pusula.campaigns import called
from pusula.consent import purposes
from pusula.journeys import advance, machine, queries
from pusula.journeys.language import Graph
from pusula.journeys.language.nodes import Approval, Coupon, Kind, Message, Task
from pusula.journeys.language.sentences import PRINTERS
from pusula.journeys.language.sentences.printer import Printer
from pusula.journeys.models import Journey
from pusula.segments import catalog
from pusula.segments import queries as segments
from pusula.segments.language import DefinitionError

OUTCOMES: dict[str, str | Promise] = {
    machine.DONE: _("Came to the end"),
    machine.GOAL: _("Reached the goal"),
    machine.EXITED: _("Left by an exit"),
    machine.CANCELLED: _("The order was cancelled"),
    machine.RESTARTED: _("Began anew"),
    machine.HELD_OUT: _("In the control group"),
    machine.MERGED: _("Was on it as two people"),
    machine.STOPPED: _("The journey was archived"),
    machine.NO_COUPON: _("No code was left"),
}
RESULTS: dict[str, str | Promise] = {
    advance.ENTERED: _("Came in"),
    machine.MIGRATED: _("Put on another version"),
    advance.WAITED: _("The time was over"),
    advance.ASKED: _("Asked for"),
    "done": _("Done"),
    "goal": _("Goal reached"),
    "continued": _("Continued further down"),
}
_ORIGIN = re.compile(r"journey:([0-9]{1,18})")  # see Journey.origin


def printer(language: str, about: Any) -> Printer:
    """Return who says in ``language`` what is ``about``, with segments and templates by name.

    That is a journey, its graph, steps of it, as they are parsed or written, or several of them:
    a company has more templates than a page could read. Of a graph its steps have names, too.
    """
    words = set(_words(about))
    titles = {
        one.key: segments.words(one)["title"].get(language, one.key)
        for one in segments.active().filter(key__in=words)
    }
    with translation.override(language):
        named = {slug: str(one.title) for slug, one in purposes.known().items()}
    told = PRINTERS[language](titles, called.templates(language, words), named)
    if isinstance(about, Graph):
        told.steps = {one.id: title(one.kind, told) for one in about.nodes.values()}
    return told


def _words(part: Any) -> Iterator[str]:
    """Yield every text in a part of a journey; the names it speaks of are among them."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        yield from _words(list(part.values()))
    elif isinstance(part, (list, tuple)):
        for each in part:
            yield from _words(each)
    elif is_dataclass(part):
        yield from _words([getattr(part, each.name) for each in fields(part)])


def steps(wanted: Iterable[tuple[str, str]], language: str) -> dict[tuple[str, str], str]:
    """Return what steps are called, by the origin of their messages and their id.

    As the version in use has them, else the newest that does; what no version has is left out.
    """
    here: dict[int, set[str]] = defaultdict(set)
    for origin, step in wanted:
        if step and (of := _ORIGIN.fullmatch(origin)):
            here[int(of[1])].add(step)
    found: dict[tuple[str, str], Kind] = {}
    for journey in Journey.objects.filter(pk__in=here).select_related("version"):
        missing = here[journey.pk]
        for graph in _graphs(journey):
            for step in missing & graph.nodes.keys():
                found[journey.origin, step] = graph.nodes[step].kind
            missing -= graph.nodes.keys()
            if not missing:
                break
    if not found:
        return {}
    told = printer(language, list(found.values()))
    return {place: title(kind, told) for place, kind in found.items()}


def title(step: Kind, told: Printer) -> str:
    """Return what a step is called beside the name of its journey."""
    match step:
        case Message(ways, _):
            return told.template(ways[0])
        case Task(words, _, _, _, _) | Approval(words, _, _, _):
            return words.tr if told.LANGUAGE == "tr" else words.en
    return told.step(step).removesuffix(".")


def result(step: Kind, code: str, told: Printer) -> str:
    """Return with what result people went on from a step, or how they left there."""
    if isinstance(step, Coupon) and code == advance.RESERVED:
        return gettext("Code reserved")
    usual = RESULTS.get(code) or OUTCOMES.get(code)
    if usual:
        return str(usual)
    try:
        return told.way(step, code).removesuffix(":")
    except (KeyError, StopIteration, ValueError, IndexError):  # it was another step then
        return code


def place(graph: Graph, where: str, told: Printer) -> str:
    """Return what decided, as it is written at a place of the definition."""
    if where == advance.CANCELLED:
        return gettext("the order was cancelled")
    if where.startswith("entry:"):
        number = int(where.removeprefix("entry:"))
        entries = graph.journey.entries
        return told.entry(entries[number]) if number < len(entries) else ""
    if where in graph.triggers:
        return told.trigger(graph.triggers[where])
    if where in graph.conditions:
        return told.condition(graph.conditions[where])
    return where


def _graphs(journey: Journey) -> Iterator[Graph]:
    """Yield the graphs of a journey, the version in use first, then from the newest on."""
    schema = catalog.schema()
    newest = journey.versions.order_by("-number")
    for version in sorted(newest, key=lambda one: one.pk != journey.version_id):
        try:
            yield queries.graph_of(version, schema)
        except DefinitionError:  # it speaks of what is not there any more
            continue
