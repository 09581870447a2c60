"""Why a profile is, or is not, in a segment: each condition's value, truth and evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pusula.segments.kernel import days
from pusula.segments.kernel.asked import NEVER
from pusula.segments.kernel.block import Block
from pusula.segments.kernel.evidence import Evidence, Row
from pusula.segments.kernel.measures import Values
from pusula.segments.kernel.plan import Plan, compile  # noqa: A004 - as in re.compile
from pusula.segments.kernel.populations import mean_key, multiple, populations
from pusula.segments.kernel.program import folded
from pusula.segments.kernel.run import Run
from pusula.segments.kernel.sets import shares
from pusula.segments.kernel.vocabulary import STATUSES, TRAIT_COLUMNS, Leaf
from pusula.segments.language.nodes import (
    AggregateTest,
    AllOf,
    AnyOf,
    Condition,
    ConsentTest,
    Definition,
    InBucket,
    InSegment,
    InSet,
    Money,
    Not,
    Population,
    ReachTest,
    ScoreTest,
    SequenceTest,
    ToMean,
    TraitTest,
    Words,
)
from pusula.segments.language.schema import Kind

Explained = str | int | float | bool | Money | date | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A condition, whether it holds, and why.

    ``value`` is what a condition without parts compares (a moment as UTC microseconds, a missing
    one as ``None``). Where it is compared with a population, ``limits`` are the published
    cut-points (amounts in minor units, ``None`` where nobody or everybody meets it), ``limit`` the
    first of them, and ``mean`` the published mean, if there is one.

    ``changes_at`` is the next moment at which the condition could change with no new row, ``None``
    if never. ``rows`` are those behind it, the newest first, at most ``evidence.MOST`` of them.
    """

    condition: Condition
    holds: bool
    value: Explained = None
    limit: float | None = None
    parts: tuple[Explanation, ...] = ()
    limits: tuple[float | None, ...] = ()
    mean: float | None = None
    changes_at: int | None = None
    rows: tuple[Row, ...] = ()


def explain(plan: Plan, block: Block, index: int, key: str, at: int) -> Explanation:
    """Return why the profile at ``index`` of ``block`` is, or is not, in the segment ``key``.

    Raises the segment's error if it cannot be evaluated.
    """
    if key in plan.failed:
        raise plan.failed[key]
    alone = replace(block, profile_ids=block.profile_ids[index : index + 1])
    return _Explainer(plan, alone, at).segment(key)


class _Explainer:
    """Explains conditions about the one profile of ``block``."""

    def __init__(self, plan: Plan, block: Block, at: int) -> None:
        self._plan = plan
        self._schema = plan.schema
        self._block = block
        self._at = at
        self._evaluation = plan.evaluate(block, at)
        self._run = Run(plan.program, block, at)
        self._evidence = Evidence(self._run, plan.schema)

    def segment(self, key: str) -> Explanation:
        return self.node(self._plan.definitions[key].where)

    def node(self, node: Condition) -> Explanation:
        """Explain a condition; another segment's is the part of its name."""
        match node:
            case AllOf(parts) | AnyOf(parts):
                explained = tuple(self.node(part) for part in parts)
            case Not(part):
                explained = (self.node(part),)
            case InSegment(key):
                explained = (self.segment(key),)
            case _:
                return self._leaf(node)
        return Explanation(node, self._holds(node), parts=explained)

    def _holds(self, node: Condition) -> bool:
        return bool(self._evaluation.holds(node)[0])

    def _leaf(self, leaf: Leaf) -> Explanation:
        asked = folded(leaf)
        found = Explanation(leaf, self._holds(leaf), changes_at=self._changes_at(leaf))
        match asked:
            case AggregateTest():
                return self._aggregate(asked, found)
            case SequenceTest():
                rows = self._evidence.of_sequence(asked.sequence)
                return replace(found, value=self._measured(self._run.sequence(asked)), rows=rows)
        return replace(found, value=self._value(asked))

    def _changes_at(self, leaf: Leaf) -> int | None:
        words = Words(tr="", en="")
        alone = compile({"leaf": Definition("leaf", words, leaf)}, self._schema, self._limits)
        flip = int(alone.evaluate(self._block, self._at).next_flip[0])
        return None if flip == NEVER else flip

    @property
    def _limits(self) -> Mapping[str, float]:
        return self._plan.cut_points

    def _aggregate(self, leaf: AggregateTest, found: Explanation) -> Explanation:
        found = replace(
            found,
            value=self._measured(self._run.values(leaf.aggregate)),
            rows=self._evidence.of_aggregate(leaf.aggregate),
        )
        if not isinstance(leaf.test, Population):
            return found
        currency = self._schema.currency
        limits = [self._limits[asked.key] for asked in populations(leaf, currency)]
        over = leaf.test.of if isinstance(leaf.test, ToMean) else "profiles"
        mean = self._limits.get(mean_key(leaf.aggregate, over, currency))
        if isinstance(leaf.test, ToMean):
            limits = [multiple(limit, leaf.test.ratio) for limit in limits]
        shown = tuple(_finite(limit) for limit in limits)
        limit = shown[0] if shown else None
        return replace(found, limits=shown, limit=limit, mean=_finite(mean))

    def _measured(self, values: Values) -> Explained:
        if not values.known[0]:
            return None
        number = values.numbers[0].item()
        if values.texts is not None:
            return str(values.texts[number].as_py())
        if values.kind is Kind.MONEY:
            return Money(round(number), self._schema.currency)
        return days.EPOCH + timedelta(days=number) if values.kind is Kind.DAY else number

    def _value(self, leaf: Leaf) -> Explained:
        match leaf:
            case TraitTest(name, kind, _):
                value = self._cell("traits", TRAIT_COLUMNS[kind].name, name=name)
                return bool(value) if kind is Kind.BOOL and value is not None else value
            case ConsentTest(channel, purpose, _):
                return self._consent(channel, purpose)
            case InBucket(name, _, _):
                return float(shares(name, self._block.profile_ids)[0])
        return self._told(leaf)

    def _told(self, leaf: Leaf) -> Explained:
        """Return what a row says of the profile that ``leaf`` asks about."""
        match leaf:
            case ScoreTest(model, of, _):
                return self._cell("scores", of, model=model)
            case ReachTest(channel, purpose, _):
                return self._cell("reach", "state", channel=channel, purpose=purpose)
            case InSet(sort, key, _):
                return self._cell("sets", "arm", sort=sort, key=key)
        return None

    def _consent(self, channel: str, purpose: str) -> str:
        decided = self._cells("consents", "status", channel=channel, purpose=purpose)
        return next((status for status in STATUSES if status in decided), "unknown")

    def _cell(self, table: str, column: str, **equal: str) -> Explained:
        """Return a column of the profile's row in which others have these values, if any."""
        value: Explained = next(reversed(self._cells(table, column, **equal)), None)
        return None if value == "" else value

    def _cells(self, table: str, column: str, **equal: str) -> list[Any]:
        rows: pa.Table = getattr(self._block, table)
        mine = pc.equal(rows["profile_id"], int(self._block.profile_ids[0]))
        for name, value in equal.items():
            mine = pc.and_(mine, pc.equal(rows[name], value))
        found: list[Any] = rows.filter(mine)[column].to_pylist()
        return found


def _finite(limit: float | None) -> float | None:
    """Return a limit that can be shown: none where nobody, or everybody, meets it."""
    return None if limit is None or math.isinf(limit) else limit
