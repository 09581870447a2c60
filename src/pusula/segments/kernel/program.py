"""Definitions compiled: every distinct condition one step, aggregates grouped by their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.lib.text import fold
from pusula.segments.kernel.columns import Words
from pusula.segments.kernel.populations import MissingCutPointError, Statistic, populations
from pusula.segments.kernel.vocabulary import Leaf, mentioned_words, needed, row_tests
from pusula.segments.language import patterns
from pusula.segments.language.dump import dump_condition
from pusula.segments.language.nodes import (
    Aggregate,
    AggregateTest,
    AllOf,
    Among,
    AnyOf,
    Column,
    ColumnTest,
    Condition,
    Contains,
    Definition,
    Ends,
    Has,
    InSegment,
    Matches,
    Not,
    Population,
    SequenceTest,
    Starts,
    Test,
    TraitTest,
)
from pusula.segments.language.parse import parse_condition
from pusula.segments.language.place import DefinitionError
from pusula.segments.language.references import evaluation_order
from pusula.segments.language.schema import Limits, Schema
from pusula.segments.language.windows import Window

_ANY_SIZE = Limits(leaves=1_000_000, depth=1_000, values=1_000_000)  # parsing has set the limits


@dataclass(frozen=True, slots=True)
class Combine:
    """All of the steps ``operands`` hold, or at least one of them."""

    is_all: bool
    operands: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Negate:
    """The step ``operand`` does not hold."""

    operand: int


Step = Leaf | Combine | Negate


@dataclass(frozen=True, slots=True)
class RowSet:
    """The rows that stand ``tests``, and what is measured over them for which steps."""

    tests: tuple[ColumnTest, ...]
    measured: tuple[tuple[Aggregate, Mapping[int, AggregateTest]], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The row sets of one relation and set of event names.

    ``hull``: if every row set has a window over the same time, that time and the windows.
    """

    relation: str
    names: tuple[str, ...]
    row_sets: tuple[RowSet, ...]
    hull: tuple[Column, tuple[Window, ...]] | None


@dataclass(frozen=True)
class Program:
    """Steps in an order in which each one's operands stand before it.

    ``roots`` are the last steps of the segments, ``failed`` the segments that cannot be evaluated
    and why, ``errors`` the steps for which this is so.
    """

    schema: Schema
    definitions: Mapping[str, Definition]
    steps: tuple[Step, ...]
    errors: Mapping[int, PusulaError]
    roots: Mapping[str, int]
    failed: Mapping[str, PusulaError]
    cut_points: Mapping[str, float]
    limits: Mapping[AggregateTest, Mapping[Statistic, float]]  # published, of each leaf with some
    groups: tuple[Group, ...]
    words: Mapping[str, Mapping[Column, Words]]  # relation → column → mentioned words
    relations: frozenset[str]  # whose rows some step looks at
    step_of: Mapping[Step, int]


def assemble(
    definitions: Mapping[str, Definition], schema: Schema, cut_points: Mapping[str, float]
) -> Program:
    """Compile ``definitions``; one that cannot be evaluated fails alone, with those naming it."""
    fitting, failed = _fitting(definitions, schema)
    order, unresolved = evaluation_order(fitting)
    builder = _Builder(schema, cut_points)
    for key in order:
        builder.roots[key] = builder.add(definitions[key].where)
    failed |= unresolved
    failed |= {k: builder.errors[s] for k, s in builder.roots.items() if s in builder.errors}
    return Program(
        schema=schema,
        definitions=definitions,
        steps=tuple(builder.step_of),
        errors=builder.errors,
        roots={key: step for key, step in builder.roots.items() if key not in failed},
        failed=failed,
        cut_points=cut_points,
        limits=dict(_limits(builder.step_of, schema.currency, cut_points)),
        groups=tuple(_grouped(builder.step_of)),
        words=mentioned_words(leaves(builder.step_of)),
        relations=frozenset(
            each.relation for leaf in leaves(builder.step_of) for each in needed(leaf)
        ),
        step_of=builder.step_of,
    )


def _limits(
    steps: Iterable[Step], currency: str, cut_points: Mapping[str, float]
) -> Iterator[tuple[AggregateTest, Mapping[Statistic, float]]]:
    """Yield the leaves that compare with populations, and those limits that are published."""
    for step in steps:
        if isinstance(step, AggregateTest) and isinstance(step.test, Population):
            asked = populations(step, currency)
            yield (
                step,
                {p.statistic: cut_points[p.key] for p in asked if p.key in cut_points},
            )


def leaves(steps: Iterable[Step]) -> Iterator[Leaf]:
    """Yield the steps that are conditions of their own."""
    for step in steps:
        if not isinstance(step, (Combine, Negate)):
            yield step


def _fitting(
    definitions: Mapping[str, Definition], schema: Schema
) -> tuple[dict[str, Definition], dict[str, PusulaError]]:
    """Part the definitions that speak only of what ``schema`` has from those that do not."""
    fitting: dict[str, Definition] = {}
    failed: dict[str, PusulaError] = {}
    for key, definition in definitions.items():
        try:
            parse_condition(dump_condition(definition.where), schema, _ANY_SIZE)
        except DefinitionError as error:
            failed[key] = error
        else:
            fitting[key] = definition
    return fitting, failed


@dataclass
class _Builder:
    schema: Schema
    cut_points: Mapping[str, float]
    step_of: dict[Step, int] = field(default_factory=dict)
    errors: dict[int, PusulaError] = field(default_factory=dict)
    roots: dict[str, int] = field(default_factory=dict)

    def add(self, condition: Condition) -> int:
        match condition:
            case AllOf(parts) | AnyOf(parts):
                operands = sorted({self.add(part) for part in parts})
                return self._step(Combine(isinstance(condition, AllOf), tuple(operands)))
            case Not(part):
                return self._step(Negate(self.add(part)))
            case InSegment(key):
                return self.roots[key]
        return self._step(folded(condition))

    def _step(self, step: Step) -> int:
        number = self.step_of.setdefault(step, len(self.step_of))
        error = self._error(step)
        if error is not None:
            self.errors[number] = error
        return number

    def _error(self, step: Step) -> PusulaError | None:
        match step:
            case Combine(_, operands):
                return next((self.errors[o] for o in operands if o in self.errors), None)
            case Negate(operand):
                return self.errors.get(operand)
            case AggregateTest():
                for asked in populations(step, self.schema.currency):
                    if asked.key not in self.cut_points:
                        return MissingCutPointError(
                            Saying(
                                "the limit %(key)s is not published yet: run the batch",
                                {"key": asked.key},
                            )
                        )
        return None


def folded(leaf: Leaf) -> Leaf:
    """Return the condition with its text constants as columns hold them, in one order."""
    match leaf:
        case TraitTest(_, _, test):
            return replace(leaf, test=folded_test(test))
        case AggregateTest():
            return folded_aggregate(leaf)
        case SequenceTest(sequence):
            steps = tuple(
                replace(step, names=tuple(sorted(step.names)), where=folded_rows(step.where))
                for step in sequence.steps
            )
            return replace(leaf, sequence=replace(sequence, steps=steps))
    return leaf


def folded_aggregate(leaf: AggregateTest) -> AggregateTest:
    """Return the condition on an aggregate with its text constants as columns hold them."""
    aggregate = leaf.aggregate
    made = replace(
        aggregate,
        where=folded_rows(aggregate.where),
        of=folded_rows(aggregate.of),
        names=tuple(sorted(aggregate.names)),
    )
    return AggregateTest(made, folded_test(leaf.test))


def folded_rows(tests: Iterable[ColumnTest]) -> tuple[ColumnTest, ...]:
    """Return tests of rows with their text constants as columns hold them."""
    return tuple(replace(row, test=folded_test(row.test)) for row in tests)


def folded_test(test: Test) -> Test:
    """Return a test with its text constants as columns hold them."""
    match test:
        case Among(values, negated):
            words = {fold(value) if isinstance(value, str) else value for value in values}
            return Among(tuple(sorted(words, key=repr)), negated)
        case Contains(text) | Starts(text) | Ends(text):
            return type(test)(fold(text))
        case Has(values, is_all):
            return Has(tuple(sorted({fold(value) for value in values})), is_all)
        case Matches(pattern):
            return Matches(patterns.folded(pattern))
    return test


_Measured = dict[Aggregate, dict[int, AggregateTest]]


def _grouped(step_of: Mapping[Step, int]) -> Iterator[Group]:
    """Sort the aggregates by relation and event names, then by the rows they take."""
    tree: dict[tuple[str, tuple[str, ...]], dict[tuple[ColumnTest, ...], _Measured]] = {}
    for step, number in step_of.items():
        if isinstance(step, AggregateTest):
            aggregate = step.aggregate
            row_sets = tree.setdefault((aggregate.relation, aggregate.names), {})
            measured = row_sets.setdefault(row_tests(aggregate), {})
            measured.setdefault(aggregate, {})[number] = step
    for (relation, names), row_sets in tree.items():
        sets = tuple(RowSet(tests, tuple(each.items())) for tests, each in row_sets.items())
        yield Group(relation, names, sets, _hull([a for each in row_sets.values() for a in each]))


def _hull(aggregates: Sequence[Aggregate]) -> tuple[Column, tuple[Window, ...]] | None:
    windows = {each.window: None for each in aggregates if each.window is not None}
    times = {each.by for each in aggregates}
    if len(times) > 1 or any(each.window is None for each in aggregates):
        return None
    return times.pop(), tuple(windows)
