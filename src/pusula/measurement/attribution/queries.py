"""What orders are ascribed to messages: by who asked for them, step, trigger, channel, segment.

Credit says which messages an order came after. It does not say what would have been without them:
that is lift, which ``calibration`` puts beside it and never into it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pusula.lib import clock
from pusula.measurement.attribution import touches
from pusula.measurement.attribution.credit import Ints, Rules, shared, spread
from pusula.measurement.attribution.touches import Block, Span
from pusula.segments import queries as segments
from pusula.segments.models import Segment

# What a credit can be told by; ``by_segment`` apart, as one message can count for several.
KEYS = ("origin", "step", "trigger", "channel", "content_id")


@dataclass(frozen=True)
class Credit:
    """Orders ascribed to messages: how many (parts of one add up) and their net revenue."""

    n_orders: float = 0.0
    revenue_minor: int = 0

    def __add__(self, other: Credit) -> Credit:
        return Credit(self.n_orders + other.n_orders, self.revenue_minor + other.revenue_minor)


@dataclass
class Attributed:
    """Orders of a span, and how much of them is ascribed to messages."""

    rules: Rules
    span: Span
    n_orders: int = 0  # placed in the span and alive now; returns are no orders
    net_minor: int = 0
    n_touched: int = 0  # of these orders
    by_key: dict[tuple[Any, ...], Credit] = field(default_factory=dict)  # by ``KEYS``
    by_segment: dict[int, Credit] = field(default_factory=dict)

    @property
    def total(self) -> Credit:
        """What is ascribed to all messages together."""
        return sum(self.by_key.values(), Credit())

    def by(self, name: str) -> dict[Any, Credit]:
        """Return the credit by one of ``KEYS``.

        ``message`` and ``trigger`` are told by pairs: the origin, and its step or way in.
        """
        names = {"message": ("origin", "step"), "trigger": ("origin", "trigger")}.get(name, (name,))
        places = [KEYS.index(one) for one in names]
        found: dict[Any, Credit] = defaultdict(Credit)
        for key, credit in self.by_key.items():
            parts = tuple(key[place] for place in places)
            found[parts if len(parts) > 1 else parts[0]] += credit
        return dict(found)


def attributed(span: Span, rules: Rules, *, segment: Segment | None = None) -> Attributed:
    """Return what is ascribed to messages of the orders of ``span``, as they stand now.

    ``segment``: only what is ascribed to messages whose people were in it when they were sent; all
    messages share all the same.
    """
    found = Attributed(rules, span)
    all_segments = list(segments.active().values_list("pk", flat=True))
    by_key: dict[tuple[Any, ...], Credit] = defaultdict(Credit)
    by_segment: dict[int, Credit] = defaultdict(Credit)
    for block in touches.blocks(span, rules.longest):
        net = block.orders["net_minor"].to_numpy()
        found.n_orders += int((net >= 0).sum())
        found.net_minor += int(net.sum())
        held = touches.memberships(all_segments, block)
        for credits_ in _credits(block, rules, segment, held):
            counted = credits_.filter(pc.field("counts") == 1.0)
            found.n_touched += pc.count_distinct(counted["order_id"]).as_py()
            _add(by_key, _by_key(block, credits_))
            _add(by_segment, _by_segment(block, credits_, held))
    found.by_key, found.by_segment = dict(by_key), dict(by_segment)
    return found


def attributed_to(origin: str, span: Span, rules: Rules) -> Credit:
    """Return what is ascribed to the messages of ``origin`` alone, all messages sharing."""
    return sum(attributed_steps(origin, span, rules).values(), Credit())


def attributed_steps(origin: str, span: Span, rules: Rules) -> dict[str, Credit]:
    """Return ``attributed_to`` by the step of the message; "" has none, as of a campaign."""
    found: dict[str, Credit] = defaultdict(Credit)
    for block in touches.blocks(span, rules.longest, origin=origin):
        for credits_ in _credits(block, rules, None, None):
            for key, credit in _by_key(block, credits_).items():
                if key[0] == origin:
                    found[key[1]] += credit
    return dict(found)


def _credits(
    block: Block, rules: Rules, segment: Segment | None, held: pa.Table | None
) -> Iterator[pa.Table]:
    """Yield the credits of a block; ``counts`` is 1 for touches of orders, 0 of returns."""
    mine = None
    if segment is not None and held is not None:
        mine = held.filter(pc.field("segment_id") == segment.pk)
    order = np.argsort(block.orders["order_id"].to_numpy())
    ids = block.orders["order_id"].to_numpy()[order]
    net = block.orders["net_minor"].to_numpy()[order]
    for whole in shared(block.orders, block.signs, rules):
        found = whole
        if mine is not None:
            inside = _was_in(block, whole["message_id"].to_numpy(), mine)
            found = whole.filter(pa.array(inside))
        places = np.searchsorted(ids, found["order_id"].to_numpy())
        counts = (net[places] >= 0).astype(np.float64)
        yield found.append_column("counts", pa.array(counts))


def _by_key(block: Block, credits_: pa.Table) -> dict[tuple[Any, ...], Credit]:
    told = block.of_messages(
        credits_["message_id"].to_numpy(), ["origin", "step", "ride_id", "channel", "content_id"]
    )
    entries = touches.entries(told["ride_id"].to_numpy())
    trigger = pa.array([entries.get(ride, "") for ride in told["ride_id"].to_pylist()], pa.string())
    table = told.drop_columns(["ride_id"]).append_column("trigger", trigger)
    return _summed(table, credits_, KEYS)


def _by_segment(block: Block, credits_: pa.Table, held: pa.Table) -> dict[int, Credit]:
    if not len(held) or not len(credits_):
        return {}
    told = block.of_messages(credits_["message_id"].to_numpy(), ["profile_id", "decided_at"])
    which, row = _held(told["profile_id"].to_numpy(), told["decided_at"].to_numpy(), held)
    table = held.select(["segment_id"]).take(pa.array(row))
    found = _summed(table, credits_.take(pa.array(which)), ["segment_id"])
    return {key[0]: credit for key, credit in found.items()}


def _summed(table: pa.Table, credits_: pa.Table, keys: Any) -> dict[tuple[Any, ...], Credit]:
    """Return the credits summed by ``keys`` of ``table``, whose rows stand beside them."""
    if not len(table):
        return {}
    n_orders = pc.multiply(credits_["share"], credits_["counts"])
    table = table.append_column("n", n_orders).append_column("minor", credits_["credit_minor"])
    sums = table.group_by(list(keys)).aggregate([("n", "sum"), ("minor", "sum")])
    return {
        tuple(row[key] for key in keys): Credit(row["n_sum"], row["minor_sum"])
        for row in sums.to_pylist()
    }


def _was_in(block: Block, message_ids: Ints, held: pa.Table) -> np.ndarray[Any, Any]:
    told = block.of_messages(message_ids, ["profile_id", "decided_at"])
    inside = np.zeros(len(message_ids), np.bool_)
    which, _row = _held(told["profile_id"].to_numpy(), told["decided_at"].to_numpy(), held)
    inside[which] = True
    return inside


def _held(profiles: Ints, at: Ints, held: pa.Table) -> tuple[Ints, Ints]:
    """Return which of ``profiles`` were in a segment ``at`` that moment, and by which row."""
    people = held["profile_id"].to_numpy()
    first = np.searchsorted(people, profiles, side="left")
    after = np.searchsorted(people, profiles, side="right")
    which, row = spread(first, after)
    since, to = held["since"].to_numpy()[row], held["to"].to_numpy()[row]
    inside = (since <= at[which]) & (at[which] < to)
    return which[inside], row[inside]


def _last(block: Block) -> int:
    return int(block.orders["profile_id"].to_numpy().max())


def _add(into: dict[Any, Credit], more: dict[Any, Credit]) -> None:
    for key, credit in more.items():
        into[key] += credit


Place = tuple[int, int]  # in the list of credits: a profile, and an order of it


@dataclass(frozen=True)
class CreditedOrder:
    """One message's part of one order."""

    order_id: int
    profile_id: int
    ordered_at: int
    net_minor: int
    message_id: int
    origin: str
    step: str
    channel: str
    touched_at: int
    sign: int  # as ``credit.SIGN_NAMES`` counts them
    share: float
    credit_minor: int


@dataclass(frozen=True)
class Narrowed:
    """Which credits are listed: all that agree with what is not empty."""

    origin: str = ""
    step: str = ""
    trigger: str = ""
    channel: str = ""
    content_id: int = 0
    segment: Segment | None = None


def credited_orders(
    span: Span,
    rules: Rules,
    narrowed: Narrowed,
    *,
    after: Place | None = None,
    limit: int,
    longest: int | None = None,
) -> tuple[list[CreditedOrder], Place | None]:
    """Return the next ``limit`` credits behind ``after``, by profile and order; and where they end.

    That place is ``None`` at the end of all. All credits of an order come together, so that the
    last page ends with a whole order. Looking ends after ``longest`` microseconds with what is
    found so far.
    """
    found: list[CreditedOrder] = []
    after = after or (0, 0)
    until = None if longest is None else clock.running() + longest
    for block in touches.blocks(
        span, rules.longest, after=max(after[0] - 1, 0), origin=narrowed.origin, size=_A_FEW
    ):
        held = touches.memberships([narrowed.segment.pk], block) if narrowed.segment else None
        rows = [one for one in _listed(block, rules, narrowed, held) if _key(one) > after]
        found += sorted(rows, key=lambda one: (*_key(one), one.touched_at, one.message_id))
        if len(found) >= limit:
            ended = _key(found[limit - 1])
            return [one for one in found if _key(one) <= ended], ended
        if until is not None and clock.running() > until:
            return found, (_last(block) + 1, 0)  # behind all orders of the last
    return found, None


_A_FEW = 500


def _key(one: CreditedOrder) -> Place:
    return one.profile_id, one.order_id


def _listed(
    block: Block, rules: Rules, narrowed: Narrowed, held: pa.Table | None
) -> Iterator[CreditedOrder]:
    orders = {row["order_id"]: row for row in block.orders.to_pylist()}
    for table in shared(block.orders, block.signs, rules):
        given = table.filter(pc.field("share") > 0)
        ids = given["message_id"].to_numpy()
        told = block.of_messages(ids, ["origin", "step", "channel", "content_id", "ride_id"])
        keep = np.ones(len(ids), np.bool_) if held is None else _was_in(block, ids, held)
        entries = touches.entries(told["ride_id"].to_numpy()) if narrowed.trigger else {}
        for row, message, is_in in zip(given.to_pylist(), told.to_pylist(), keep, strict=True):
            if is_in and _agrees(message, narrowed, entries):
                yield _credited(orders[row["order_id"]], row, message)


def _agrees(message: dict[str, Any], narrowed: Narrowed, entries: dict[int, str]) -> bool:
    if narrowed.trigger and entries.get(message["ride_id"]) != narrowed.trigger:
        return False
    if narrowed.content_id and message["content_id"] != narrowed.content_id:
        return False
    wanted = {name: getattr(narrowed, name) for name in ("origin", "step", "channel")}
    return all(not value or message[name] == value for name, value in wanted.items())


def _credited(order: dict[str, Any], row: dict[str, Any], message: dict[str, Any]) -> CreditedOrder:
    return CreditedOrder(
        order_id=row["order_id"],
        profile_id=order["profile_id"],
        ordered_at=order["ordered_at"],
        net_minor=order["net_minor"],
        message_id=row["message_id"],
        origin=message["origin"],
        step=message["step"],
        channel=message["channel"],
        touched_at=row["at"],
        sign=row["sign"],
        share=row["share"],
        credit_minor=row["credit_minor"],
    )
