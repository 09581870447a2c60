"""The kernel's front: definitions in, a plan that can be run over any block at any moment out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pusula.lib.errors import PusulaError
from pusula.segments.kernel.block import Block
from pusula.segments.kernel.evaluation import Evaluation
from pusula.segments.kernel.populations import Population, population
from pusula.segments.kernel.program import Program, assemble, leaves, row_tests
from pusula.segments.kernel.run import Run
from pusula.segments.kernel.vocabulary import Leaf
from pusula.segments.language.nodes import AggregateTest, Column, ConsentTest, Definition, TraitTest
from pusula.segments.language.schema import Kind, Schema


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a block must hold for a plan, each sorted.

    ``orders`` and ``items`` are columns besides profile_id, ``None`` if no row is needed; of events
    those called ``event_names`` with the properties ``event_texts`` and ``event_numbers``;
    ``reach`` are pairs of channel and purpose, ``scores`` the models, ``sets`` pairs of sort and
    key.
    """

    orders: tuple[str, ...] | None
    items: tuple[str, ...] | None
    event_names: tuple[str, ...]
    event_texts: tuple[str, ...]
    event_numbers: tuple[str, ...]
    traits: tuple[str, ...]
    consents: bool
    reach: tuple[tuple[str, str], ...] = ()
    scores: tuple[str, ...] = ()
    sets: tuple[tuple[str, str], ...] = ()
    created: bool = False


@dataclass(frozen=True)
class Plan:
    """Definitions made ready to run; ``compile`` makes it.

    ``populations`` are the limits set by the data, by the key under which they are published.
    ``failed`` are the segments that cannot be evaluated, and why.
    """

    program: Program
    requirements: Requirements
    populations: Mapping[str, Population]

    @property
    def schema(self) -> Schema:
        """What the definitions may speak of."""
        return self.program.schema

    @property
    def definitions(self) -> Mapping[str, Definition]:
        """The definitions by key."""
        return self.program.definitions

    @property
    def cut_points(self) -> Mapping[str, float]:
        """The published limits by the key of their population."""
        return self.program.cut_points

    @property
    def failed(self) -> Mapping[str, PusulaError]:
        """The segments that cannot be evaluated, and why."""
        return self.program.failed

    def evaluate(self, block: Block, at: int) -> Evaluation:
        """Return what holds for the profiles of ``block`` at the moment ``at``."""
        return Evaluation(self.program, block, at)

    def population_values(self, block: Block, at: int) -> dict[str, npt.NDArray[np.float64]]:
        """Return the values of each population's members in ``block``, by the population's key."""
        run = Run(self.program, block, at)
        found = {}
        for key, each in self.populations.items():
            values = run.values(each.aggregate)
            found[key] = values.numbers[values.known & values.has_rows].astype(np.float64)
        return found


def compile(  # noqa: A001 - kernel.compile(...) is what it does
    definitions: Mapping[str, Definition],
    schema: Schema,
    cut_points: Mapping[str, float],
) -> Plan:
    """Return a plan for ``definitions``, by key.

    A definition that cannot be evaluated (a name the schema lacks, an unknown segment, a circle, a
    cut-point not yet published) fails alone, with those that name it: see ``Plan.failed``. It
    never makes anybody a member.
    """
    program = assemble(definitions, schema, cut_points)
    limits = (
        population(leaf, schema.currency)
        for leaf in leaves(program.steps)
        if isinstance(leaf, AggregateTest)
    )
    return Plan(
        program=program,
        requirements=_requirements(list(leaves(program.steps)), schema),
        populations={limit.key: limit for limit in limits if limit is not None},
    )


def _requirements(conditions: Iterable[Leaf], schema: Schema) -> Requirements:
    tests = [each for each in conditions if isinstance(each, AggregateTest)]
    orders = [each for each in tests if each.aggregate.relation == "orders"]
    items = [each for each in tests if each.aggregate.relation == "items"]
    events = [each for each in tests if each.aggregate.relation == "events"]
    own = schema.relations["events"].columns
    properties = {column for column in _columns(events) if column.name not in own}
    return Requirements(
        orders=_names(_columns(orders)) if orders else None,
        items=_names(_columns(items)) if items else None,
        event_names=tuple(sorted({name for each in events for name in each.aggregate.names})),
        event_texts=_names(column for column in properties if column.kind is Kind.TEXT),
        event_numbers=_names(column for column in properties if column.kind is Kind.NUMBER),
        traits=tuple(sorted({each.name for each in conditions if isinstance(each, TraitTest)})),
        consents=any(isinstance(each, ConsentTest) for each in conditions),
    )


def _columns(tests: Iterable[AggregateTest]) -> set[Column]:
    columns = {row.column for each in tests for row in row_tests(each.aggregate)}
    return columns | {each.aggregate.column for each in tests if each.aggregate.column is not None}


def _names(columns: Iterable[Column]) -> tuple[str, ...]:
    return tuple(sorted({column.name for column in columns}))
