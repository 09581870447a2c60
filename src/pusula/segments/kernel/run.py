"""The work of an evaluation: a program's steps over one block, at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from pusula.segments.kernel.block import Block, Bools, Positions
from pusula.segments.kernel.columns import Vector
from pusula.segments.kernel.holds import Asked, holds
from pusula.segments.kernel.measures import Values, measure
from pusula.segments.kernel.populations import population
from pusula.segments.kernel.program import Combine, Group, Negate, Program, Step, row_tests
from pusula.segments.kernel.rows import Part, Relation, Rows, Selection
from pusula.segments.kernel.vocabulary import NAME, STATUSES, TRAIT_COLUMNS, consent_tests
from pusula.segments.language.nodes import Aggregate, AggregateTest, ConsentTest, TraitTest


class Run:
    """One block at one moment; a relation is decoded when it is first needed."""

    def __init__(self, program: Program, block: Block, at: int) -> None:
        self._program = program
        self._block = block
        self.asked = Asked(at, program.schema.tz)
        self._relations: dict[str, Relation] = {}

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
        rows = self.selection(aggregate.relation, aggregate.names).take(row_tests(aggregate))
        return measure(aggregate, rows, self.asked)

    def selection(self, relation: str, names: Sequence[str]) -> Selection:
        """Return the rows of a relation with these event names, if any, to take some of."""
        return Selection(self._relation(relation).called(names), self.asked)

    def trait(self, test: TraitTest) -> Vector:
        """Return the values of a trait, one per profile."""
        rows = self._relation("traits").called((test.name,))
        vector = rows.vector(TRAIT_COLUMNS[test.kind])
        return _per_profile(vector, rows.profiles, self.n_profiles)

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
        first, last = min(start for start, _ in bounds), max(end for _, end in bounds)
        inside = times.known & (times.values >= first) & (times.values < last)
        return Part(rows, np.flatnonzero(inside))

    def _stands(self, test: AggregateTest, values: Values) -> Bools:
        limit = population(test, self._program.schema.currency)
        if limit is not None:
            reached: Bools = values.numbers >= self._program.cut_points[limit.key]
            return reached & values.known & values.has_rows
        return holds(test.test, values.vector(), self.asked)

    def _holds(self, step: Step, masks: dict[int, Bools]) -> Bools:
        match step:
            case Combine(is_all, operands):
                combine = np.logical_and if is_all else np.logical_or
                return reduce(combine, [masks[operand] for operand in operands])
            case Negate(operand):
                return ~masks[operand]
            case TraitTest():
                return holds(step.test, self.trait(step), self.asked)
            case ConsentTest():
                return self._consent(step)
        message = f"{step} is measured with its group"
        raise TypeError(message)

    def _consent(self, test: ConsentTest) -> Bools:
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
            words = self._program.words.get(name, {})
            self._relations[name] = Relation(
                name,
                getattr(self._block, name),
                self._block.profile_ids,
                words,
                words.get(NAME, {}),
            )
        return self._relations[name]


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
