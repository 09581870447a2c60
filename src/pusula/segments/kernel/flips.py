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
    ColumnTest,
    Compare,
    ScoreTest,
    SequenceTest,
    ToMean,
    TraitTest,
    Value,
    Within,
)


def next_flip(program: Program, run: Run) -> Ints:
    """Return for each profile the next moment at which some step could change, or ``NEVER``.

    What matters: rows that would count if it were their time, rows whose own time is still to come,
    measured moments and days that are tested, and traits that are days.
    """
    flips = np.full(run.n_profiles, NEVER)
    for hidden in run.hidden():
        np.minimum.at(flips, hidden.profiles, hidden.times + 1)
    for group in program.groups:
        _of_rows(group, run, flips)
        for row_set in group.row_sets:
            for aggregate, tests in row_set.measured:
                for found in _of_values(aggregate, tests.values(), program, run):
                    np.minimum(flips, found, out=flips)
    for step in program.steps:
        if type(step) in _LEAVES:
            for found in _LEAVES[type(step)](step, run):
                np.minimum(flips, found, out=flips)
    return flips


def _of_rows(group: Group, run: Run, flips: Ints) -> None:
    """Lower ``flips`` to when the group's rows may next come to count, or cease to."""
    selection = run.selection(group.relation, group.names)
    moving: dict[tuple[ColumnTest, ...], set[ColumnTest]] = defaultdict(set)
    for row_set in group.row_sets:
        shares = [test for aggregate, _ in row_set.measured for test in aggregate.of]
        still = tuple(test for test in row_set.tests if not moves(test.test))
        moving[still].update(test for test in (*row_set.tests, *shares) if moves(test.test))
    for still, tests in moving.items():
        if not tests:
            continue
        rows = selection.take(still)
        for test in tests:
            found = crossings(test.test, rows.vector(test.column), run.asked, rows.profiles)
            np.minimum.at(flips, rows.profiles, found)


def _of_values(
    aggregate: Aggregate, tests: Iterable[AggregateTest], program: Program, run: Run
) -> Iterator[Ints]:
    """Yield when what is measured, or what it is compared with, next crosses a limit."""
    moving = {each.test for each in tests if moves(each.test)}
    if moving:
        vector = run.values(aggregate).vector()
        yield from (crossings(test, vector, run.asked) for test in moving)
    if aggregate.measure == "overdue":
        gaps = row_gaps(aggregate, run.rows(aggregate), run.asked)
        limits = {limit for each in tests for limit in _limits(each, program)}
        yield from (gaps.passes(limit, run.asked.at) for limit in limits)


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
