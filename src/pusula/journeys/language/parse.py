"""Journeys read from what YAML or JSON gives, checked against names, refused with a path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from pusula.journeys.language import literals
from pusula.journeys.language.entries import EntryReader
from pusula.journeys.language.nodes import SERVICE_HOLDOUT, Journey, Reentry, Rule
from pusula.journeys.language.schema import (
    CLASSES,
    DEFAULT_LIMITS,
    KEYED,
    RULES,
    Limits,
    Names,
)
from pusula.journeys.language.steps import StepReader, words
from pusula.lib.text import code_key
from pusula.segments.language import literals as common
from pusula.segments.language.place import Place

_LOWEST = 9
REQUIRED = ("journey", "title", "entry", "steps")
OPTIONAL = (
    "description", "keyed_by", "purpose", "class", "priority", "holdout", "who", "reentry",
    "goal", "exit_when",
)  # fmt: skip


def parse(document: object, names: Names, limits: Limits = DEFAULT_LIMITS) -> Journey:
    """Return the journey that ``document`` (mappings, lists, scalars) states.

    Raises ``DefinitionError`` at the first thing that the language or ``names`` does not know.
    """
    fields = Place(document, "").record(REQUIRED, OPTIONAL)
    keyed_by = fields["keyed_by"].choice(KEYED, "word") if "keyed_by" in fields else "profile"
    reader = EntryReader(names, keyed_by)
    steps = StepReader(reader, limits)
    entries = fields["entry"].items("entries", limits.entries)
    exits = fields["exit_when"].items("exits", limits.exits) if "exit_when" in fields else ()
    found = Journey(
        key=literals.key(fields["journey"]),
        title=words(fields["title"], 200),
        description=words(fields["description"], 2_000) if "description" in fields else None,
        keyed_by=cast("Literal['profile', 'order']", keyed_by),
        entries=tuple(reader.entry(each) for each in entries),
        who=reader.condition(fields["who"]) if "who" in fields else None,
        reentry=_reentry(fields["reentry"]) if "reentry" in fields else Reentry(),
        goal=reader.trigger_or_condition(fields["goal"]) if "goal" in fields else None,
        exit_when=tuple(reader.trigger_or_condition(each) for each in exits),
        steps=steps.steps(fields["steps"]),
        **_manners(fields),
    )
    steps.finish()
    return found


def _manners(fields: Mapping[str, Place]) -> dict[str, Any]:
    """Return how the journey speaks to people, as far as it is said."""
    found: dict[str, Any] = {}
    if "purpose" in fields:
        found["purpose"] = code_key(fields["purpose"].text("a purpose such as marketing", 30))
    if "class" in fields:
        found["is_commercial"] = fields["class"].choice(CLASSES, "class") == "commercial"
    if "priority" in fields:
        found["priority"] = _priority(fields["priority"])
    if "holdout" in fields:
        found["holdout"] = literals.holdout(fields["holdout"])
    elif not found.get("is_commercial", True):
        found["holdout"] = SERVICE_HOLDOUT
    return found


def _priority(place: Place) -> int:
    found = common.count(place)
    if not 1 <= found <= _LOWEST:
        raise place.expected("a priority from 1 (first) to 9")
    return found


def _reentry(place: Place) -> Reentry:
    if isinstance(place.value, str):
        return Reentry(cast("Rule", place.choice(RULES, "rule")))
    fields = place.record(("after",), ("rule",))
    rule = fields["rule"].choice(RULES, "rule") if "rule" in fields else "one_at_a_time"
    if rule == "never":
        raise fields["rule"].error("who never comes in again does so after no time")
    return Reentry(cast("Rule", rule), literals.length(fields["after"]))
