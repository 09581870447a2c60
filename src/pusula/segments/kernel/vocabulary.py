"""Which words of which columns conditions mention: only these need codes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pusula.segments.kernel.columns import Words, coded
from pusula.segments.language.nodes import (
    AggregateTest,
    Among,
    Column,
    ColumnTest,
    ConsentTest,
    Test,
    TraitTest,
)
from pusula.segments.language.schema import Kind

NAME = Column("name", Kind.TEXT)
# Where the value of a trait stands.
TRAIT_COLUMNS = {
    Kind.TEXT: Column("text", Kind.TEXT),
    Kind.NUMBER: Column("number", Kind.NUMBER),
    Kind.BOOL: Column("number", Kind.NUMBER),
    Kind.DAY: Column("day", Kind.DAY),
}
Leaf = TraitTest | AggregateTest | ConsentTest
STATUSES = ("granted", "refused")


def mentioned_words(
    leaves: Iterable[Leaf],
) -> dict[str, dict[Column, Words]]:
    """Return the words that conditions mention, by relation and column."""
    mentioned: dict[str, dict[Column, list[str]]] = defaultdict(lambda: defaultdict(list))
    for leaf in leaves:
        for relation, column, words in _mentioned(leaf):
            mentioned[relation][column] += words
    return {
        relation: {column: coded(words) for column, words in columns.items()}
        for relation, columns in mentioned.items()
    }


def _mentioned(leaf: Leaf) -> Iterator[tuple[str, Column, list[str]]]:
    match leaf:
        case TraitTest(name, kind, test):
            yield "traits", NAME, [name]
            yield "traits", TRAIT_COLUMNS[kind], _constants(test)
        case AggregateTest(aggregate, _):
            yield aggregate.relation, NAME, list(aggregate.names)
            for row in aggregate.where:
                yield aggregate.relation, row.column, _constants(row.test)
        case ConsentTest():
            for row in (row for status in STATUSES for row in consent_tests(leaf, status)):
                yield "consents", row.column, _constants(row.test)


def consent_tests(consent: ConsentTest, status: str) -> tuple[ColumnTest, ...]:
    """Return what a row of the consents must stand to say that ``status`` was decided."""
    words = {"channel": consent.channel, "purpose": consent.purpose, "status": status}
    return tuple(
        ColumnTest(Column(name, Kind.TEXT), Among((word,))) for name, word in words.items()
    )


def _constants(test: Test) -> list[str]:
    if isinstance(test, Among):
        return [value for value in test.values if isinstance(value, str)]
    return []
