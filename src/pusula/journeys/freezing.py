"""What the messages of a journey say, frozen when a version is published."""

from __future__ import annotations

from pusula.campaigns import templates
from pusula.campaigns.models import Template
from pusula.consent.models import Channel
from pusula.content.language import TemplateError
from pusula.journeys.language import DefinitionError, graph
from pusula.journeys.language import Journey as Definition
from pusula.journeys.language.nodes import Message, MessageWay
from pusula.journeys.language.nodes import Task as TaskStep
from pusula.outbox import actions as outbox


def frozen(definition: Definition) -> dict[str, list[list[object]]]:
    """Freeze what the messages of a journey say: {step: [[channel, {language: content}], ...]}.

    Raises ``DefinitionError`` of a script that cannot be filled.
    """
    made: dict[str, dict[str, int]] = {}
    contents: dict[str, list[list[object]]] = {}
    for node in graph(definition).nodes.values():
        if isinstance(node.kind, Message):
            contents[node.id] = [[way.channel, _contents(way, made)] for way in node.kind.ways]
        elif isinstance(node.kind, TaskStep):
            contents[node.id] = [[Channel.CALL, _scripts(node.id, node.kind)]]
    return contents


def _scripts(step: str, kind: TaskStep) -> dict[str, int]:
    """Freeze what is said on the phone, by language."""
    found = {}
    for tag in ("tr", "en"):
        title, text = getattr(kind.title, tag), getattr(kind.script, tag)
        try:
            content = outbox.freeze(
                channel=Channel.CALL, sender="", subject=title, text=text, html=""
            )
        except TemplateError as error:
            raise DefinitionError(f"{step}.script.{tag}", error.saying) from error
        found[tag] = content.pk
    return found


def _contents(way: MessageWay, made: dict[str, dict[str, int]]) -> dict[str, int]:
    """Return the contents of one way by language; each template is frozen once.

    A template that a journey names for a language goes before the languages of another.
    """
    found: dict[str, int] = {}
    named: dict[str, int] = {}
    for tag, name in way.templates:
        if name not in made:
            made[name] = templates.freeze(Template.objects.get(name=name))
        if tag:
            named[tag] = made[name][templates.for_language(made[name], tag)]
        else:
            found |= made[name]
    return found | named
