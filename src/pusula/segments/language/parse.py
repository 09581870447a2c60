"""Definitions read from what YAML or JSON gives, checked against a schema, refused with a path."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from pusula.lib.text import code_key
from pusula.segments.language import literals
from pusula.segments.language.aggregates import AggregateReader
from pusula.segments.language.nodes import (
    AllOf,
    AnyOf,
    Condition,
    ConsentTest,
    Definition,
    InBucket,
    InSegment,
    InSet,
    Not,
    ReachTest,
    ScoreTest,
    TraitTest,
    Words,
)
from pusula.segments.language.place import Place, hint
from pusula.segments.language.schema import DEFAULT_LIMITS, Kind, Limits, Schema
from pusula.segments.language.sequences import SequenceReader
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
        where=ConditionReader(schema, limits).read(fields["where"]),
    )


def parse_condition(
    document: object, schema: Schema, limits: Limits = DEFAULT_LIMITS, path: str = "where"
) -> Condition:
    """Return the condition that ``document`` states; the paths of errors start with ``path``."""
    return ConditionReader(schema, limits).read(Place(document, path))


def _key(place: Place) -> str:
    key = place.text("a key such as 'repeat-guests'", 80)
    if not KEY.fullmatch(key):
        raise place.expected("small letters, digits and hyphens such as 'repeat-guests'")
    return key


def _words(place: Place, most: int) -> Words:
    fields = place.record(("tr", "en"), ())
    return Words(tr=fields["tr"].text("a text", most), en=fields["en"].text("a text", most))


@dataclass
class ConditionReader:
    """Reads one condition; counts its leaves."""

    schema: Schema
    limits: Limits
    n_leaves: int = field(default=0, init=False)

    def read(self, place: Place, depth: int = 1) -> Condition:
        """Return the condition at ``place``, which stands ``depth`` deep."""
        if depth > self.limits.depth:
            raise place.error("nested more than %(most)s deep", most=self.limits.depth)
        key, below = place.single((*_GROUPS, *LEAVES), "a condition")
        if key in _GROUPS:
            return _GROUPS[key](self, below, depth + 1)
        self.n_leaves += 1
        if self.n_leaves > self.limits.leaves:
            raise place.error("more than %(most)s conditions", most=self.limits.leaves)
        return LEAVES[key](self, below)

    def parts(self, place: Place, depth: int) -> tuple[Condition, ...]:
        """Return the conditions of the list at ``place``."""
        places = place.items("conditions", self.limits.leaves)
        return tuple(self.read(part, depth) for part in places)


def _all(reader: ConditionReader, place: Place, depth: int) -> Condition:
    return AllOf(reader.parts(place, depth))


def _any(reader: ConditionReader, place: Place, depth: int) -> Condition:
    return AnyOf(reader.parts(place, depth))


def _not(reader: ConditionReader, place: Place, depth: int) -> Condition:
    return Not(reader.read(place, depth))


def _trait(reader: ConditionReader, place: Place) -> Condition:
    fields = place.fields("a trait and its test such as {city: {is: İzmir}}")
    if len(fields) != 1:
        raise place.error("expected exactly one trait; join several with all or any")
    name, below = next(iter(fields.items()))
    traits = reader.schema.traits
    if name not in traits:
        raise below.error("unknown trait", hint(name, list(traits)))
    test = TestReader(reader.schema, reader.limits, traits[name]).read(below)
    return TraitTest(name, traits[name], test)


def _aggregate(relation: str) -> Callable[[ConditionReader, Place], Condition]:
    return lambda reader, place: AggregateReader(reader.schema, reader.limits, relation).read(place)


def _sequence(reader: ConditionReader, place: Place) -> Condition:
    return SequenceReader(reader.schema, reader.limits).read(place)


def _consent(reader: ConditionReader, place: Place) -> Condition:
    channel, purpose, status = _consented(reader, place, CONSENTS, "consent")
    return ConsentTest(channel, purpose, cast("Literal['granted', 'refused', 'unknown']", status))


def _reach(reader: ConditionReader, place: Place) -> Condition:
    channel, purpose, state = _consented(reader, place, REACHES, "reach")
    return ReachTest(
        channel,
        purpose,
        cast(
            "Literal['reachable', 'unreachable', 'suppressed', 'no_address', 'not_in_iys']", state
        ),
    )


def _consented(
    reader: ConditionReader, place: Place, words: tuple[str, ...], what: str
) -> tuple[str, str, str]:
    """Return a channel, a purpose, and what is asked about them."""
    fields = place.record(("channel", "purpose", "is"), ())
    purpose = fields["purpose"].text("a purpose such as marketing", 30)
    channel = fields["channel"].choice(reader.schema.channels, "channel")
    return channel, code_key(purpose), fields["is"].choice(words, what)


def _score(reader: ConditionReader, place: Place) -> Condition:
    fields = place.record(("model",), SCORES)
    found = [word for word in SCORES if word in fields]
    if len(found) != 1:
        raise place.one_of(SCORES, found)
    of = cast("Literal['value', 'decile', 'scored_at']", found[0])
    tests = TestReader(
        reader.schema,
        reader.limits,
        Kind.MOMENT if of == "scored_at" else Kind.NUMBER,
        constant=literals.decile if of == "decile" else None,
    )
    model = _known(fields["model"].text("a model", 60), reader.schema.models, fields["model"])
    return ScoreTest(model, of, tests.read(fields[of]))


def _list(reader: ConditionReader, place: Place) -> Condition:
    return InSet("list", _known(_key(place), reader.schema.lists, place))


def _campaign(reader: ConditionReader, place: Place) -> Condition:
    fields = place.record(("key",), ("arm",))
    campaigns = reader.schema.campaigns
    key = _known(_key(fields["key"]), campaigns, fields["key"])
    if "arm" not in fields:
        return InSet("campaign", key)
    arm = fields["arm"].text("an arm such as 'holdout'", 40)
    return InSet("campaign", key, _known(arm, campaigns and campaigns[key], fields["arm"]))


def _known(name: str, known: Collection[str] | None, place: Place) -> str:
    """Return a name, one of those that are known if anybody knows them."""
    if known is not None and name not in known:
        raise place.error("there is no %(name)r", hint(name, known), name=name)
    return name


def _bucket(_: ConditionReader, place: Place) -> Condition:
    fields = place.record(("name", "to"), ("from",))
    low = literals.per_cent(fields["from"]) if "from" in fields else literals.NONE
    high = literals.per_cent(fields["to"])
    if low >= high:
        raise place.error("'from' must be less than 'to'")
    return InBucket(_key(fields["name"]), low, high)


def _segment(_: ConditionReader, place: Place) -> Condition:
    return InSegment(_key(place))


CONSENTS = ("granted", "refused", "unknown")
REACHES = ("reachable", "unreachable", "suppressed", "no_address", "not_in_iys")
SCORES = ("value", "decile", "scored_at")

_GROUPS: Mapping[str, Callable[[ConditionReader, Place, int], Condition]] = {
    "all": _all,
    "any": _any,
    "not": _not,
}
LEAVES: Mapping[str, Callable[[ConditionReader, Place], Condition]] = {
    "trait": _trait,
    "orders": _aggregate("orders"),
    "items": _aggregate("items"),
    "events": _aggregate("events"),
    "sequence": _sequence,
    "consent": _consent,
    "reach": _reach,
    "score": _score,
    "list": _list,
    "campaign": _campaign,
    "bucket": _bucket,
    "segment": _segment,
}
