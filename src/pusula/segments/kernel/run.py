"""The work of an evaluation: a program's steps over one block, at a moment or at each one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pusula.segments.kernel.asked import Asked, Numbers, greatest, least
from pusula.segments.kernel.block import Block, Bools, Floats, Ints, Positions
from pusula.segments.kernel.columns import Vector
from pusula.segments.kernel.holds import holds
from pusula.segments.kernel.measures import Values, extreme, known, measure
from pusula.segments.kernel.populations import compared
from pusula.segments.kernel.program import Combine, Group, Negate, Program, Step
from pusula.segments.kernel.rows import Hidden, Part, Relation, Rows, Selection
from pusula.segments.kernel.sequences import Chains, chains, started
from pusula.segments.kernel.sets import (
    SCORE_COLUMNS,
    is_in_bucket,
    is_in_set,
    is_reached,
    scored,
)
from pusula.segments.kernel.vocabulary import (
    DEAD,
    ORDER_STATUS,
    ORDER_TIME,
    STATUSES,
    TRAIT_COLUMNS,
    Leaf,
    consent_tests,
    row_tests,
)
from pusula.segments.language.nodes import (
    Aggregate,
    AggregateTest,
    Column,
    ColumnTest,
    ConsentTest,
    InBucket,
    InSet,
    Population,
    ReachTest,
    ScoreTest,
    SequenceTest,
    TraitTest,
)
from pusula.segments.language.nodes import Sequence as Steps
from pusula.segments.language.schema import Kind


class Run:
    """One block at one moment, or each profile at its own; a relation is decoded when needed."""

    def __init__(self, program: Program, block: Block, at: Numbers) -> None:
        self._program = program
        self._block = block
        schema = program.schema
        self.asked = Asked(at, schema.tz, schema.periods, self._anchor)
        self._relations: dict[str, Relation] = {}

    @property
    def profile_ids(self) -> Ints:
        """The block's profiles."""
        return self._block.profile_ids

    @property
    def n_profiles(self) -> int:
        """How many profiles the block has."""
        return len(self._block)

    def masks(self) -> dict[int, Bools]:
        """Return for whom each step holds, of those that can be evaluated.

        1. Aggregates, group by group, with all tests of each. 2. The other conditions and what
        combines them, in the order of the steps.
        """
        masks: dict[int, Bools] = {}
        for group in self._program.groups:
            self._measure(group, masks)
        for step, number in self._program.step_of.items():
            if number not in masks and number not in self._program.errors:
                masks[number] = self._holds(step, masks)
        return masks

    def values(self, aggregate: Aggregate) -> Values:
        """Return what ``aggregate`` measures."""
        return measure(aggregate, self.rows(aggregate), self.asked)

    def rows(self, aggregate: Aggregate) -> Rows:
        """Return the rows over which ``aggregate`` measures."""
        return self.selection(aggregate.relation, aggregate.names).take(row_tests(aggregate))

    def row_values(self, aggregate: Aggregate) -> Floats:
        """Return what stands in the measured column of the rows that ``aggregate`` takes."""
        column = self.rows(aggregate).vector(aggregate.column or aggregate.by)
        found: Floats = column.values[column.known].astype(np.float64)
        return found

    def selection(self, relation: str, names: Sequence[str]) -> Selection:
        """Return the rows of a relation with these event names, if any, to take some of."""
        return Selection(self._relation(relation).called(names), self.asked)

    def take(self, relation: str, names: Sequence[str], tests: Sequence[ColumnTest]) -> Rows:
        """Return the rows of a relation with these event names, if any, that stand ``tests``."""
        return self.selection(relation, names).take(tests)

    def table(self, relation: str) -> pa.Table:
        """Return the rows of a relation that exist, in the order of ``Rows.places``."""
        return self._relation(relation).table

    def chains(self, sequence: Steps) -> Chains:
        """Return what became of a sequence."""
        return chains(sequence, self.take, self.asked)

    def sequence(self, test: SequenceTest) -> Values:
        """Return how many sequences began, or when the latest did, for each profile."""
        return started(test, self.chains(test.sequence), self.n_profiles)

    def score(self, test: ScoreTest) -> Vector:
        """Return what ``test`` asks about the newest score, one per profile."""
        rows = scored(test, self.take)
        vector = rows.vector(SCORE_COLUMNS[test.of])
        return _per_profile(vector, rows.profiles, self.n_profiles)

    def trait(self, test: TraitTest) -> Vector:
        """Return the values of a trait, one per profile."""
        rows = self._relation("traits").called((test.name,))
        vector = rows.vector(TRAIT_COLUMNS[test.kind])
        return _per_profile(vector, rows.profiles, self.n_profiles)

    def hidden(self) -> Iterator[Hidden]:
        """Yield the rows, of relations that some step looks at, whose time has not come."""
        for name in self._program.relations:
            hidden = self._relation(name).hidden
            if hidden is not None:
                yield hidden

    def _anchor(self, name: str) -> tuple[Ints, Bools]:
        """Return each profile's anchor, a moment, and who has one."""
        if name == "created":
            return extreme(known(self._relation("created"), Column("at", Kind.MOMENT)), np.minimum)
        orders = self._relation("orders")
        stands = ~holds(DEAD, orders.vector(ORDER_STATUS), self.asked)
        standing = Part(orders, np.flatnonzero(stands))
        pick = np.minimum if name == "first_order" else np.maximum
        return extreme(known(standing, ORDER_TIME), pick)

    def _decided(self, test: ConsentTest, status: str) -> Bools:
        """Return who has a row that says ``status`` for the channel and purpose of ``test``."""
        rows = self._consents.take(consent_tests(test, status))
        decided: Bools = rows.counts > 0
        return decided

    def _measure(self, group: Group, masks: dict[int, Bools]) -> None:
        selection = Selection(self._rows(group), self.asked)
        for row_set in group.row_sets:
            rows = selection.take(row_set.tests)
            for aggregate, steps in row_set.measured:
                values = measure(aggregate, rows, self.asked)
                for step, test in steps.items():
                    if step not in self._program.errors:
                        masks[step] = self._stands(test, values)

    def _rows(self, group: Group) -> Rows:
        """Return the group's rows, without those that lie in no window if all have one."""
        rows = self._relation(group.relation).called(group.names)
        if group.hull is None:
            return rows
        column, windows = group.hull
        bounds = [self.asked.bounds(window, column.kind) for window in windows]
        times = rows.vector(column)
        first = min(least(start) for start, _ in bounds)
        last = max(greatest(end) for _, end in bounds)
        inside = times.known & (times.values >= first) & (times.values < last)
        return Part(rows, np.flatnonzero(inside))

    def _stands(self, test: AggregateTest, values: Values) -> Bools:
        if not isinstance(test.test, Population):
            return holds(test.test, values.vector(), self.asked)
        return compared(test.test, values, self._program.limits[test], self.asked)

    def _holds(self, step: Step, masks: dict[int, Bools]) -> Bools:
        match step:
            case Combine(is_all, operands):
                combine = np.logical_and if is_all else np.logical_or
                return reduce(combine, [masks[operand] for operand in operands])
            case Negate(operand):
                return ~masks[operand]
        return _LEAVES[type(step)](self, step)

    def consented(self, test: ConsentTest) -> Bools:
        """Return who decided so: a refusal beats a grant beside it; nothing decided is unknown."""
        granted, refused = (self._decided(test, status) for status in STATUSES)
        match test.status:
            case "granted":
                return granted & ~refused
            case "refused":
                return refused
        return ~(granted | refused)

    @cached_property
    def _consents(self) -> Selection:
        return Selection(self._relation("consents"), self.asked)

    def _relation(self, name: str) -> Relation:
        if name not in self._relations:
            self._relations[name] = Relation(
                name,
                getattr(self._block, name),
                self._block.profile_ids,
                words=self._program.words.get(name, {}),
                at=self.asked.at,
                schema=self._program.schema.relations.get(name),
            )
        return self._relations[name]


# How each condition that is not measured with its group is answered.
_LEAVES: dict[type[Leaf], Callable[[Run, Any], Bools]] = {
    TraitTest: lambda run, test: holds(test.test, run.trait(test), run.asked),
    SequenceTest: lambda run, test: holds(test.test, run.sequence(test).vector(), run.asked),
    ConsentTest: lambda run, test: run.consented(test),
    ReachTest: lambda run, test: is_reached(test, run.take),
    ScoreTest: lambda run, test: holds(test.test, run.score(test), run.asked),
    InSet: lambda run, test: is_in_set(test, run.take),
    InBucket: lambda run, test: is_in_bucket(test, run.profile_ids),
}


def _per_profile(vector: Vector, profiles: Positions, n_profiles: int) -> Vector:
    """Return the values of rows, at most one per profile, as one value per profile."""

    def spread(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        wide = np.zeros(n_profiles, values.dtype)
        wide[profiles] = values
        return wide

    search = vector.search
    return replace(
        vector,
        values=spread(vector.values),
        known=spread(vector.known),
        search=None if search is None else lambda pattern: spread(search(pattern)),
    )
