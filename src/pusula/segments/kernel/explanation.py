"""Why a profile is, or is not, in a segment: the tree with each condition's value and truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pusula.segments.kernel.block import Block
from pusula.segments.kernel.evaluation import Evaluation
from pusula.segments.kernel.plan import Plan
from pusula.segments.kernel.populations import population
from pusula.segments.kernel.program import folded_aggregate
from pusula.segments.kernel.vocabulary import STATUSES, TRAIT_COLUMNS
from pusula.segments.language.nodes import (
    AggregateTest,
    AllOf,
    AnyOf,
    Condition,
    ConsentTest,
    InSegment,
    Money,
    Not,
    TraitTest,
)
from pusula.segments.language.schema import Kind

Explained = str | int | float | bool | Money | date | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A condition, whether it holds, and why.

    ``value`` is what a condition without parts compares (a moment as UTC microseconds, a missing
    one as ``None``), ``limit`` the published cut-point it must reach (amounts in minor units).
    """

    condition: Condition
    holds: bool
    value: Explained = None
    limit: float | None = None
    parts: tuple[Explanation, ...] = ()


def explain(plan: Plan, block: Block, index: int, key: str, at: int) -> Explanation:
    """Return why the profile at ``index`` of ``block`` is, or is not, in the segment ``key``.

    Raises the segment's error if it cannot be evaluated.
    """
    if key in plan.failed:
        raise plan.failed[key]
    return _Explainer(plan, plan.evaluate(block, at), index).segment(key)


@dataclass(frozen=True)
class _Explainer:
    plan: Plan
    evaluation: Evaluation
    index: int

    def segment(self, key: str) -> Explanation:
        return self.node(self.plan.definitions[key].where)

    def node(self, node: Condition) -> Explanation:
        """Explain a condition; another segment's is the part of its name."""
        stands = bool(self.evaluation.holds(node)[self.index])
        match node:
            case AllOf(parts) | AnyOf(parts):
                return Explanation(node, stands, parts=tuple(self.node(part) for part in parts))
            case Not(part):
                return Explanation(node, stands, parts=(self.node(part),))
            case InSegment(key):
                return Explanation(node, stands, parts=(self.segment(key),))
            case AggregateTest():
                return Explanation(node, stands, self.measured(node), self.limit(node))
            case TraitTest():
                return Explanation(node, stands, self.trait(node))
            case ConsentTest():
                return Explanation(node, stands, self.consent(node))

    def measured(self, leaf: AggregateTest) -> Explained:
        values = self.evaluation.values(leaf)
        if not values.known[self.index]:
            return None
        number = values.numbers[self.index].item()
        if values.kind is Kind.MONEY:
            return Money(round(number), self.plan.schema.currency)
        return date(1970, 1, 1) + timedelta(days=number) if values.kind is Kind.DAY else number

    def limit(self, leaf: AggregateTest) -> float | None:
        found = population(folded_aggregate(leaf), self.plan.schema.currency)
        return None if found is None else self.plan.cut_points[found.key]

    def trait(self, leaf: TraitTest) -> Explained:
        rows = self.rows(self.evaluation.block.traits, name=leaf.name)
        value: Explained = rows[-1][TRAIT_COLUMNS[leaf.kind].name] if rows else None
        if value in (None, ""):
            return None
        return bool(value) if leaf.kind is Kind.BOOL else value

    def consent(self, leaf: ConsentTest) -> str:
        rows = self.rows(self.evaluation.block.consents, channel=leaf.channel, purpose=leaf.purpose)
        decided = {row["status"] for row in rows}
        return next((status for status in STATUSES if status in decided), "unknown")

    def rows(self, table: pa.Table, **equal: str) -> list[dict[str, Any]]:
        """Return the profile's rows in which the named columns have these values."""
        mine = pc.equal(table["profile_id"], self.evaluation.block.profile_ids[self.index])
        for name, value in equal.items():
            mine = pc.and_(mine, pc.equal(table[name], value))
        found: list[dict[str, Any]] = table.filter(mine).to_pylist()
        return found
