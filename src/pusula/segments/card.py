"""What is worth saying of one customer: sentences made of the same conditions as segments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import yaml

from pusula.lake.as_of import AsOf
from pusula.segments import catalog, evaluate, facts, kernel
from pusula.segments.kernel import Explanation, Plan
from pusula.segments.kernel.evidence import Row
from pusula.segments.language import Definition, DefinitionError, leaves, parse_condition
from pusula.segments.language.nodes import (
    AggregateTest,
    AllOf,
    Condition,
    Population,
    Words,
)
from pusula.segments.language.schema import Schema

_ALL_FACTS = "card"
_NO_WORDS = Words(tr="", en="")
# How a value is written that is read off the rows behind the fact, not measured by a condition.
OF_ROWS = frozenset({"place", "most"})


@dataclass(frozen=True)
class Book:
    """A file of facts: its package and name, and the word that each begins with."""

    package: str
    file: str
    word: str


CARD = Book("pusula.segments", "card_facts.yaml", "fact")


@dataclass(frozen=True)
class FactDefinition:
    """A fact as it is written down.

    ``values`` are, by the name under which a sentence speaks of them, how each is written and the
    condition that measures it (of ``OF_ROWS``: the columns it is read from). ``says`` are the
    sentences by language and plural form ("one", "other").
    """

    key: str
    icon: str
    tone: str
    facet: str
    where: Condition
    values: Mapping[str, tuple[str, Condition | tuple[str, ...]]]
    says: Mapping[str, Mapping[str, str]]

    @property
    def measured(self) -> dict[str, Condition]:
        """The conditions behind the values, by their names."""
        return {
            name: asked for name, (_, asked) in self.values.items() if not isinstance(asked, tuple)
        }

    @property
    def definition(self) -> Definition:
        """The fact as a segment."""
        return Definition(f"{_ALL_FACTS}:{self.key}", _NO_WORDS, self.where)  # no segment's key


@dataclass(frozen=True)
class Fact:
    """A fact that holds of somebody: why, and what was found for each of its values.

    ``changes_at`` is when it could stop to hold with nothing new (``None``: never), ``rows`` are
    those behind it, the newest first, at most ``evidence.MOST``.
    """

    definition: FactDefinition
    why: Explanation
    found: Mapping[str, Explanation]

    @property
    def changes_at(self) -> int | None:
        """The next moment at which it could change by itself."""
        moments = [each.changes_at for each in _leaves_of(self.why) if each.changes_at is not None]
        return min(moments, default=None)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows behind its first condition that has any."""
        held = (each.rows for each in _leaves_of(self.why) if each.holds)
        return next(filter(None, held), ())


def facts_of(
    profile_id: int, *, at: int, as_of: AsOf | None = None, book: Book = CARD
) -> list[Fact]:
    """Return the facts of ``book`` that hold of a profile at the moment ``at``, in its order.

    With ``as_of`` only what was so, and known, then. A fact that this installation cannot work out
    (a trait it does not know, a mean that nobody has published) is left out.
    """
    schema, ids = catalog.schema(), np.array([profile_id], np.int64)
    said = (schema.currency, schema.tz, tuple(sorted(schema.traits.items())), schema.models)
    limits = evaluate.published_cut_points()
    ready = _ready(_Asked((book, said, tuple(sorted(limits.items()))), book, schema, limits))
    known = facts.block(ids, ready.plan.requirements, as_of)
    if not len(known):
        return []
    members = ready.plan.evaluate(known, at).members
    held = [each for each in ready.facts if members[each.key][0]]
    if not held:
        return []
    # Only what holds is explained: all in one go.
    together = AllOf(tuple(AllOf((fact.where, *fact.measured.values())) for fact in held))
    plan = _compiled({_ALL_FACTS: together}, schema, limits)
    root = kernel.explain(plan, facts.block(ids, plan.requirements, as_of), 0, _ALL_FACTS, at)
    return [
        Fact(fact, part.parts[0], dict(zip(fact.measured, part.parts[1:], strict=True)))
        for fact, part in zip(held, root.parts, strict=True)
    ]


def fact_definitions(schema: Schema) -> dict[str, Definition]:
    """Return the facts that compare with limits set by the data, as segments, by key.

    Whoever publishes limits publishes theirs too.
    """
    return {
        fact.definition.key: fact.definition
        for fact in catalogue(schema)
        if any(
            isinstance(leaf, AggregateTest) and isinstance(leaf.test, Population)
            for leaf in leaves(fact.definition.where)
        )
    }


def catalogue(schema: Schema, book: Book = CARD) -> tuple[FactDefinition, ...]:
    """Return the facts that ``schema`` has the words for, in the order in which they are said."""
    return tuple(_read(schema, book))


def _read(schema: Schema, book: Book) -> Iterator[FactDefinition]:
    for document in documents(schema.currency, book):
        where = _first_known(document["where"], schema)
        if where is not None:
            yield FactDefinition(
                key=document[book.word],
                icon=document["icon"],
                tone=document.get("tone", ""),
                facet=document.get("facet", "orders"),
                where=where,
                values={
                    name: _value(value, schema)
                    for name, value in document.get("values", {}).items()
                },
                says={
                    language: said if isinstance(said, dict) else {"other": said}
                    for language, said in document["says"].items()
                },
            )


def _first_known(where: object, schema: Schema) -> Condition | None:
    """Return the first of several ways to say it that ``schema`` has the words for."""
    for way in where if isinstance(where, list) else [where]:
        try:
            return parse_condition(way, schema)
        except DefinitionError:
            continue
    return None


def _value(value: Mapping[str, Any], schema: Schema) -> tuple[str, Condition | tuple[str, ...]]:
    ((how, asked),) = value.items()
    if how in OF_ROWS:
        return how, tuple(asked) if isinstance(asked, list) else (asked,)
    return how, parse_condition(asked, schema)


@lru_cache(maxsize=4)
def documents(currency: str, book: Book = CARD) -> list[dict[str, Any]]:
    """Return what ``book`` says, as it is written."""
    file = resources.files(book.package).joinpath(book.file)
    text = file.read_text(encoding="utf-8").replace("CURRENCY", currency)
    found: list[dict[str, Any]] = yaml.safe_load(text)
    return found


@dataclass(frozen=True)
class _Asked:
    """What facts are worked out with; ``key`` says all of it that they depend on."""

    key: tuple[object, ...]
    book: Book = field(compare=False)
    schema: Schema = field(compare=False)
    limits: Mapping[str, float] = field(compare=False)


@dataclass(frozen=True)
class _Ready:
    """A plan for all facts, and those of them that can be worked out."""

    plan: Plan
    facts: tuple[FactDefinition, ...]


@lru_cache(maxsize=4)
def _ready(asked: _Asked) -> _Ready:
    made = catalogue(asked.schema, asked.book)
    plan = _compiled({fact.key: fact.where for fact in made}, asked.schema, asked.limits)
    return _Ready(plan, tuple(fact for fact in made if fact.key not in plan.failed))


def _compiled(
    conditions: Mapping[str, Condition], schema: Schema, limits: Mapping[str, float]
) -> Plan:
    definitions = {key: Definition(key, _NO_WORDS, where) for key, where in conditions.items()}
    return kernel.compile(definitions, schema, limits)


def _leaves_of(explained: Explanation) -> Iterator[Explanation]:
    if explained.parts:
        for part in explained.parts:
            yield from _leaves_of(part)
    else:
        yield explained
