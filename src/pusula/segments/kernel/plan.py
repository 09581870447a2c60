"""The kernel's front: definitions in, a plan that can be run over any block at any moment out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pusula.lib.errors import PusulaError
from pusula.segments.kernel.asked import Numbers
from pusula.segments.kernel.block import Block
from pusula.segments.kernel.evaluation import Evaluation
from pusula.segments.kernel.flips import Flips
from pusula.segments.kernel.populations import Population, populations
from pusula.segments.kernel.program import Program, assemble, leaves
from pusula.segments.kernel.run import Run
from pusula.segments.kernel.vocabulary import Leaf, Needed, anchors, needed
from pusula.segments.language.nodes import (
    Aggregate,
    AggregateTest,
    Column,
    ConsentTest,
    Definition,
    InSet,
    ReachTest,
    ScoreTest,
    TraitTest,
)
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

    @cached_property
    def _flips(self) -> Flips:
        return Flips(self.program)

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

    def evaluate(self, block: Block, at: Numbers) -> Evaluation:
        """Return what holds for the profiles of ``block`` at the moment ``at``.

        ``at`` may hold a moment (int64) for each profile instead: then everything said of one,
        rows that exist, windows, the next flip, is as of its own.
        """
        if isinstance(at, np.ndarray):
            if at.shape != block.profile_ids.shape:
                message = f"{len(block)} profiles are asked about at {len(at)} moments"
                raise ValueError(message)
            if len(at) and bool((at == at[0]).all()):
                at = int(at[0])
        return Evaluation(self.program, self._flips, block, at)

    def population_values(self, block: Block, at: int) -> dict[str, npt.NDArray[np.float64]]:
        """Return the values of each population's members in ``block``, by the population's key.

        One per profile, for means over rows one per row: 8 bytes each, for each limit.
        """
        run = Run(self.program, block, at)
        measured: dict[Aggregate, npt.NDArray[np.float64]] = {}
        found = {}
        for key, each in self.populations.items():
            if each.is_of_rows:
                found[key] = run.row_values(each.aggregate)
                continue
            if each.aggregate not in measured:
                values = run.values(each.aggregate)
                members = values.known & values.has_rows
                measured[each.aggregate] = values.numbers[members].astype(np.float64)
            found[key] = measured[each.aggregate]
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
        limit
        for leaf in leaves(program.steps)
        if isinstance(leaf, AggregateTest)
        for limit in populations(leaf, schema.currency)
    )
    return Plan(
        program=program,
        requirements=_requirements(list(leaves(program.steps)), schema),
        populations={limit.key: limit for limit in limits},
    )


def _requirements(conditions: Sequence[Leaf], schema: Schema) -> Requirements:
    rows = [each for leaf in conditions for each in needed(leaf)]
    own = schema.relations["events"].columns
    columns = {column for each in rows if each.relation == "events" for column in each.columns}
    properties = {column for column in columns if column.name not in own}
    return Requirements(
        orders=_columns(rows, "orders", schema),
        items=_columns(rows, "items", schema),
        event_names=tuple(sorted({name for each in rows for name in each.names})),
        event_texts=_names(column for column in properties if column.kind is Kind.TEXT),
        event_numbers=_names(column for column in properties if column.kind is Kind.NUMBER),
        traits=tuple(sorted({each.name for each in conditions if isinstance(each, TraitTest)})),
        reach=tuple(
            sorted({(e.channel, e.purpose) for e in conditions if isinstance(e, ReachTest)})
        ),
        scores=tuple(sorted({each.model for each in conditions if isinstance(each, ScoreTest)})),
        sets=tuple(sorted({(e.sort, e.key) for e in conditions if isinstance(e, InSet)})),
        consents=any(isinstance(each, ConsentTest) for each in conditions),
        created=any(anchor == "created" for leaf in conditions for anchor in anchors(leaf)),
    )


def _columns(rows: Iterable[Needed], relation: str, schema: Schema) -> tuple[str, ...] | None:
    """Return the columns needed of a relation, always with its time, ``None`` if no row is."""
    found = [each.columns for each in rows if each.relation == relation]
    if not found:
        return None
    time = schema.relations[relation].time
    return tuple(sorted({time} | {column.name for each in found for column in each}))


def _names(columns: Iterable[Column]) -> tuple[str, ...]:
    return tuple(sorted({column.name for column in columns}))
