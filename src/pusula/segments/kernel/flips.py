"""The next moment at which a profile's membership could change although nothing happens to it.

Windows move with the asked moment, so values cross their ends: "30 days idle" becomes true by
itself. A flip found here is never too late; it may be too early (where summer time begins or ends,
or where one of several conditions changes and the whole does not), which costs an evaluation.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np

from pusula.segments.kernel.asked import NEVER
from pusula.segments.kernel.block import Ints, Positions
from pusula.segments.kernel.crossings import crossings, moves
from pusula.segments.kernel.measures import row_gaps
from pusula.segments.kernel.populations import multiple, populations
from pusula.segments.kernel.program import Group, Program
from pusula.segments.kernel.rows import Part
from pusula.segments.kernel.run import Run
from pusula.segments.language.nodes import (
    Aggregate,
    AggregateTest,
    Among,
    Between,
    Column,
    ColumnTest,
    Compare,
    ScoreTest,
    SequenceTest,
    Test,
    ToMean,
    TraitTest,
    Value,
    Within,
)
from pusula.segments.language.windows import NOW, Window


class Flips:
    """What of a program can change with the asked moment alone, worked out once.

    That is: rows that would count if it were their time, rows whose own time is still to come,
    measured moments and days that are tested, and traits that are days.
    """

    def __init__(self, program: Program) -> None:
        self._groups = [
            (group, moving) for group in program.groups if (moving := _moving(group, program))
        ]
        self._values: list[tuple[Aggregate, list[Test]]] = []
        self._overdue: list[tuple[Aggregate, set[float]]] = []
        for group in program.groups:
            for row_set in group.row_sets:
                for aggregate, tests in row_set.measured:
                    self._add(aggregate, tests.values(), program)
        self._leaves = [
            (_LEAVES[type(step)], step) for step in program.steps if type(step) in _LEAVES
        ]

    def _add(self, aggregate: Aggregate, tests: Iterable[AggregateTest], program: Program) -> None:
        tests = list(tests)
        moving = list(dict.fromkeys(each.test for each in tests if moves(each.test)))
        if moving:
            self._values.append((aggregate, moving))
        if aggregate.measure == "overdue":
            limits = {limit for each in tests for limit in _limits(each, program)}
            self._overdue.append((aggregate, limits))

    def next(self, run: Run) -> Ints:
        """Return for each profile the next moment at which some step could change, or ``NEVER``."""
        flips = np.full(run.n_profiles, NEVER)
        for hidden in run.hidden():
            np.minimum.at(flips, hidden.profiles, hidden.times + 1)
        for group, moving in self._groups:
            selection = run.selection(group.relation, group.names)
            for still, tests in moving:
                rows = selection.take(still)
                for row in tests:
                    vector = rows.vector(row.column)
                    found = crossings(row.test, vector, run.asked, rows.profiles)
                    np.minimum.at(flips, rows.profiles, found)
        for found in self._each(run):
            np.minimum(flips, found, out=flips)
        return flips

    def _each(self, run: Run) -> Iterator[Ints]:
        """Yield when what is measured, or what it is compared with, next crosses a limit."""
        for aggregate, tests in self._values:
            vector = run.values(aggregate).vector()
            yield from (crossings(test, vector, run.asked) for test in tests)
        for aggregate, limits in self._overdue:
            gaps = row_gaps(aggregate, run.rows(aggregate), run.asked)
            yield from (gaps.passes(limit, run.asked.at) for limit in limits)
        for of_leaf, step in self._leaves:
            yield from of_leaf(step, run)


def _moving(
    group: Group, program: Program
) -> list[tuple[tuple[ColumnTest, ...], tuple[ColumnTest, ...]]]:
    """Return the tests of the group's rows that move, by those that stand still beside them."""
    time = program.schema.relations[group.relation].time
    found: dict[tuple[ColumnTest, ...], dict[ColumnTest, None]] = defaultdict(dict)
    for row_set in group.row_sets:
        shares = [test for aggregate, _ in row_set.measured for test in aggregate.of]
        still = tuple(test for test in row_set.tests if not moves(test.test))
        for test in (*row_set.tests, *shares):
            if moves(test.test):
                found[still][_before_now(test, time)] = None
    return [
        (still, moving)
        for still, tests in found.items()
        if (moving := tuple(test for test in tests if moves(test.test)))
    ]


def _before_now(row: ColumnTest, time: str) -> ColumnTest:
    """Return ``row`` without an end that is now: rows that exist lie before it, and stay there."""
    match row:
        case ColumnTest(Column(name), Within(Window(start, end))) if (name, end) == (time, NOW):
            return replace(row, test=Within(Window(start, None)))
    return row


def _limits(step: AggregateTest, program: Program) -> Iterator[float]:
    """Yield the numbers at which the answer of ``step`` can change."""
    match step.test:
        case Compare(_, than):
            found: list[Value | float | None] = [than]
        case Between(low, high):
            found = [low, high]
        case Among(values):
            found = list(values)
        case _:
            asked = populations(step, program.schema.currency)
            found = [program.cut_points.get(each.key) for each in asked]
            if isinstance(step.test, ToMean):
                found = [multiple(mean, step.test.ratio) for mean in found if _is_size(mean)]
    yield from (each for each in found if _is_size(each))


def _is_size(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)


def _trait(step: TraitTest, run: Run) -> Iterator[Ints]:
    if moves(step.test):
        yield crossings(step.test, run.trait(step), run.asked)


def _score(step: ScoreTest, run: Run) -> Iterator[Ints]:
    if moves(step.test):
        yield crossings(step.test, run.score(step), run.asked)


def _sequence(step: SequenceTest, run: Run) -> Iterator[Ints]:
    """Yield when rows come and go, when an absence is over, and when the latest start crosses.

    A first row that begins a sequence now goes with its window; one that does not must first get
    what it lacks, which is a change of its own.
    """
    sequence = step.sequence
    if moves(step.test):
        yield crossings(step.test, run.sequence(step).vector(), run.asked)
    anywhen = run.chains(replace(sequence, window=None))
    profiles, until = anywhen.open_until
    yield _earliest(profiles, until + 1, run)
    if sequence.window is not None:
        rows, places = anywhen.rows[0], anywhen.steps[0].places[anywhen.begun[0]]
        begun = Part(rows, places)
        by = sequence.steps[0].by
        found = crossings(Within(sequence.window), begun.vector(by), run.asked, begun.profiles)
        yield _earliest(begun.profiles, found, run)
    for each in sequence.steps:
        moving = [test for test in each.where if moves(test.test)]
        if moving:
            rows = run.take(each.relation, each.names, [t for t in each.where if t not in moving])
            for test in moving:
                found = crossings(test.test, rows.vector(test.column), run.asked, rows.profiles)
                yield _earliest(rows.profiles, found, run)


def _earliest(profiles: Positions, moments: Ints, run: Run) -> Ints:
    """Return the earliest of the moments of each profile's rows."""
    flips = np.full(run.n_profiles, NEVER)
    np.minimum.at(flips, profiles, moments)
    return flips


# Conditions whose answer can change with the asked moment: when it does, one array per reason.
_LEAVES: dict[type[Any], Callable[[Any, Run], Iterator[Ints]]] = {
    TraitTest: _trait,
    ScoreTest: _score,
    SequenceTest: _sequence,
}
