"""Definitions read from what YAML or JSON gives, checked against a schema, refused with a path."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from pusula.lib.text import code_key
from pusula.segments.language.aggregates import AggregateReader
from pusula.segments.language.nodes import (
    AllOf,
    AnyOf,
    Condition,
    ConsentTest,
    Definition,
    InSegment,
    Not,
    TraitTest,
    Words,
)
from pusula.segments.language.place import Place, hint
from pusula.segments.language.schema import DEFAULT_LIMITS, Limits, Schema
from pusula.segments.language.value_tests import TestReader

KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def parse(document: object, schema: Schema, limits: Limits = DEFAULT_LIMITS) -> Definition:
    """Return the definition that ``document`` (mappings, lists, scalars) states.

    Raises ``DefinitionError`` at the first thing that the language or ``schema`` does not know.
    """
    fields = Place(document, "").record(("segment", "title", "where"), ("description",))
    return Definition(
        key=_key(fields["segment"]),
        title=_words(fields["title"], 200),
        description=_words(fields["description"], 2_000) if "description" in fields else None,
        where=_ConditionReader(schema, limits).read(fields["where"]),
    )


def parse_condition(
    document: object, schema: Schema, limits: Limits = DEFAULT_LIMITS, path: str = "where"
) -> Condition:
    """Return the condition that ``document`` states; the paths of errors start with ``path``."""
    return _ConditionReader(schema, limits).read(Place(document, path))


def _key(place: Place) -> str:
    key = place.text("a key such as 'repeat-guests'", 80)
    if not KEY.fullmatch(key):
        raise place.expected("small letters, digits and hyphens such as 'repeat-guests'")
    return key


def _words(place: Place, most: int) -> Words:
    fields = place.record(("tr", "en"), ())
    return Words(tr=fields["tr"].text("a text", most), en=fields["en"].text("a text", most))


@dataclass
class _ConditionReader:
    """Reads one condition; counts its leaves."""

    schema: Schema
    limits: Limits
    n_leaves: int = field(default=0, init=False)

    def read(self, place: Place, depth: int = 1) -> Condition:
        if depth > self.limits.depth:
            raise place.error(f"nested more than {self.limits.depth} deep")
        key, below = place.single((*_GROUPS, *_LEAVES), "a condition")
        if key in _GROUPS:
            return _GROUPS[key](self, below, depth + 1)
        self.n_leaves += 1
        if self.n_leaves > self.limits.leaves:
            raise place.error(f"more than {self.limits.leaves} conditions")
        return _LEAVES[key](self, below)

    def parts(self, place: Place, depth: int) -> tuple[Condition, ...]:
        places = place.items("conditions", self.limits.leaves)
        return tuple(self.read(part, depth) for part in places)


def _all(reader: _ConditionReader, place: Place, depth: int) -> Condition:
    return AllOf(reader.parts(place, depth))


def _any(reader: _ConditionReader, place: Place, depth: int) -> Condition:
    return AnyOf(reader.parts(place, depth))


def _not(reader: _ConditionReader, place: Place, depth: int) -> Condition:
    return Not(reader.read(place, depth))


def _trait(reader: _ConditionReader, place: Place) -> Condition:
    fields = place.fields("a trait and its test such as {city: {is: İzmir}}")
    if len(fields) != 1:
        raise place.error("expected exactly one trait; join several with all or any")
    name, below = next(iter(fields.items()))
    traits = reader.schema.traits
    if name not in traits:
        raise below.error(f"unknown trait{hint(name, list(traits))}")
    test = TestReader(reader.schema, reader.limits, traits[name]).read(below)
    return TraitTest(name, traits[name], test)


def _orders(reader: _ConditionReader, place: Place) -> Condition:
    return AggregateReader(reader.schema, reader.limits, "orders").read(place)


def _events(reader: _ConditionReader, place: Place) -> Condition:
    return AggregateReader(reader.schema, reader.limits, "events").read(place)


def _consent(reader: _ConditionReader, place: Place) -> Condition:
    fields = place.record(("channel", "purpose", "is"), ())
    purpose = fields["purpose"].text("a purpose such as marketing", 30)
    status = fields["is"].choice(("granted", "refused", "unknown"), "consent")
    return ConsentTest(
        channel=fields["channel"].choice(reader.schema.channels, "channel"),
        purpose=code_key(purpose),
        status=cast("Literal['granted', 'refused', 'unknown']", status),
    )


def _segment(_: _ConditionReader, place: Place) -> Condition:
    return InSegment(_key(place))


_GROUPS: Mapping[str, Callable[[_ConditionReader, Place, int], Condition]] = {
    "all": _all,
    "any": _any,
    "not": _not,
}
_LEAVES: Mapping[str, Callable[[_ConditionReader, Place], Condition]] = {
    "trait": _trait,
    "orders": _orders,
    "events": _events,
    "consent": _consent,
    "segment": _segment,
}
