"""What conditions speak of: the words that need codes, and the rows and columns they look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pusula.orders import machine
from pusula.segments.kernel.columns import Words, coded
from pusula.segments.kernel.rows import NAME
from pusula.segments.language.nodes import (
    Aggregate,
    AggregateTest,
    Among,
    Column,
    ColumnTest,
    ConsentTest,
    InBucket,
    InSet,
    ReachTest,
    ScoreTest,
    Sequence,
    SequenceTest,
    Test,
    TraitTest,
    Within,
)
from pusula.segments.language.schema import Kind
from pusula.segments.language.windows import Since, Window

# Where the value of a trait stands.
TRAIT_COLUMNS = {
    Kind.TEXT: Column("text", Kind.TEXT),
    Kind.LIST: Column("text", Kind.LIST),
    Kind.NUMBER: Column("number", Kind.NUMBER),
    Kind.BOOL: Column("number", Kind.NUMBER),
    Kind.DAY: Column("day", Kind.DAY),
}
STATUSES = ("granted", "refused")

# Conditions without parts, but other segments.
Leaf = (
    TraitTest
    | AggregateTest
    | SequenceTest
    | ConsentTest
    | ReachTest
    | ScoreTest
    | InSet
    | InBucket
)

# What a profile's first and last order are told by: those that are neither cancelled nor no-shows.
ORDER_TIME = Column("ordered_at", Kind.MOMENT)
ORDER_STATUS = Column("status", Kind.TEXT)
DEAD = Among(tuple(sorted(machine.DEAD)))

_Tests = tuple[ColumnTest, ...]


@dataclass(frozen=True, slots=True)
class Needed:
    """Rows that a condition looks at: a relation, event names (if named), and columns."""

    relation: str
    names: tuple[str, ...]
    columns: frozenset[Column]


def needed(leaf: Leaf) -> Iterator[Needed]:
    """Yield the rows of relations that ``leaf`` looks at, those of its anchors included."""
    match leaf:
        case AggregateTest(aggregate, _):
            rows = (*row_tests(aggregate), *aggregate.of)
            columns = {aggregate.by, *(row.column for row in rows)}
            if aggregate.column is not None:
                columns.add(aggregate.column)
            yield Needed(aggregate.relation, aggregate.names, frozenset(columns))
        case SequenceTest(sequence, _, _):
            for step in sequence.steps:
                columns = {step.by, *(row.column for row in step.where)}
                same = same_column(sequence)
                if same is not None:
                    columns.add(same)
                yield Needed(step.relation, step.names, frozenset(columns))
    if any(anchor != "created" for anchor in anchors(leaf)):
        yield Needed("orders", (), frozenset({ORDER_TIME, ORDER_STATUS}))


def anchors(leaf: Leaf) -> Iterator[str]:
    """Yield the anchors of the profile's own that windows of ``leaf`` are bound by."""
    match leaf:
        case AggregateTest(aggregate, test):
            rows = (*row_tests(aggregate), *aggregate.of)
            yield from _anchors([test, *(row.test for row in rows)])
        case SequenceTest(sequence, _, test):
            yield from _anchors([test, *(row.test for row in _all_rows(sequence))])
        case TraitTest(_, _, test) | ScoreTest(_, _, test):
            yield from _anchors([test])


def row_tests(aggregate: Aggregate) -> tuple[ColumnTest, ...]:
    """Return what rows must stand to count: the columns' tests, and the window last."""
    return windowed(aggregate.where, aggregate.by, aggregate.window)


def step_tests(sequence: Sequence, step: int) -> tuple[ColumnTest, ...]:
    """Return what rows must stand to be those of a step: the first lies in the window."""
    asked = sequence.steps[step]
    return windowed(asked.where, asked.by, None if step else sequence.window)


def same_column(sequence: Sequence) -> Column | None:
    """Return the column or property, a text, that must be the same in the whole sequence."""
    return None if sequence.same is None else Column(sequence.same, Kind.TEXT)


def _all_rows(sequence: Sequence) -> Iterator[ColumnTest]:
    return (row for step in range(len(sequence.steps)) for row in step_tests(sequence, step))


def windowed(
    where: tuple[ColumnTest, ...], by: Column, window: Window | None
) -> tuple[ColumnTest, ...]:
    """Return the tests of rows with that of their window, if any, last."""
    return where if window is None else (*where, ColumnTest(by, Within(window)))


def _anchors(tests: Iterable[Test]) -> Iterator[str]:
    for test in tests:
        if isinstance(test, Within):
            ends = (test.window.start, test.window.end)
            yield from (end.anchor for end in ends if isinstance(end, Since))


def mentioned_words(leaves: Iterable[Leaf]) -> dict[str, dict[Column, Words]]:
    """Return the words that conditions mention, by relation and column."""
    mentioned: dict[str, dict[Column, list[str]]] = defaultdict(lambda: defaultdict(list))
    for leaf in leaves:
        for relation, column, words in _mentioned(leaf):
            mentioned[relation][column] += words
        if any(anchor != "created" for anchor in anchors(leaf)):
            mentioned["orders"][ORDER_STATUS] += _constants(DEAD)
    return {
        relation: {column: coded(words) for column, words in columns.items()}
        for relation, columns in mentioned.items()
    }


def _mentioned(leaf: Leaf) -> Iterator[tuple[str, Column, list[str]]]:
    match leaf:
        case TraitTest(name, kind, test):
            yield "traits", NAME, [name]
            yield "traits", TRAIT_COLUMNS[kind], _constants(test)
        case AggregateTest(aggregate, test):
            yield from row_words(
                aggregate.relation, aggregate.names, (*aggregate.where, *aggregate.of)
            )
            if aggregate.column is not None and aggregate.kind is Kind.TEXT:
                yield aggregate.relation, aggregate.column, _constants(test)
        case SequenceTest(sequence, _, _):
            for step in sequence.steps:
                yield from row_words(step.relation, step.names, step.where)
        case ConsentTest():
            for status in STATUSES:
                yield from row_words("consents", (), consent_tests(leaf, status))
        case ReachTest() | ScoreTest() | InSet():
            yield from row_words(*_chosen(leaf))


def _chosen(leaf: ReachTest | ScoreTest | InSet) -> tuple[str, tuple[str, ...], _Tests]:
    """Return the table that ``leaf`` looks at, and how its rows are chosen."""
    match leaf:
        case ReachTest():
            return "reach", (), reach_tests(leaf)
        case ScoreTest():
            return "scores", (), score_tests(leaf)
        case InSet():
            return "sets", (), set_tests(leaf)


def row_words(
    relation: str, names: Iterable[str], tests: Iterable[ColumnTest]
) -> Iterator[tuple[str, Column, list[str]]]:
    """Yield the words by which rows are chosen: event names and constants of tests."""
    yield relation, NAME, list(names)
    for row in tests:
        yield relation, row.column, _constants(row.test)


def consent_tests(consent: ConsentTest, status: str) -> tuple[ColumnTest, ...]:
    """Return what a row of the consents must stand to say that ``status`` was decided."""
    return words_equal(channel=consent.channel, purpose=consent.purpose, status=status)


def reach_tests(reach: ReachTest) -> tuple[ColumnTest, ...]:
    """Return what a row must stand to say that somebody is in the state, or is reachable."""
    state = "reachable" if reach.state == "unreachable" else reach.state
    return words_equal(channel=reach.channel, purpose=reach.purpose, state=state)


def score_tests(score: ScoreTest) -> tuple[ColumnTest, ...]:
    """Return what a row must stand to be a score of the model."""
    return words_equal(model=score.model)


def set_tests(picked: InSet) -> tuple[ColumnTest, ...]:
    """Return what a row must stand to say that somebody is in the set, or in its arm."""
    arm = {} if picked.arm is None else {"arm": picked.arm}
    return words_equal(sort=picked.sort, key=picked.key, **arm)


def words_equal(**words: str) -> tuple[ColumnTest, ...]:
    """Return tests that text columns hold exactly these words."""
    return tuple(
        ColumnTest(Column(name, Kind.TEXT), Among((word,))) for name, word in words.items()
    )


def _constants(test: Test) -> list[str]:
    if isinstance(test, Among):
        return [value for value in test.values if isinstance(value, str)]
    return []
