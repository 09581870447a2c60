"""Orders of a period and the messages their people got before, read by blocks of people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from pusula.journeys.models import Enrollment
from pusula.lake import arrow, rows
from pusula.lib import clock
from pusula.measurement.attribution.credit import CLICKED, OPENED, ORDERS, SENT, SIGNS, Ints
from pusula.orders import machine
from pusula.outbox import machine as messages
from pusula.outbox.models import ReceiptKind

# So many people are read at a time: what is held does not grow with the company.
BLOCK = 20_000
# A message may be opened late: one that left longer than this before the look-back is past.
OLDEST = 90 * clock.DAY
_SIGNS = {ReceiptKind.OPENED.value: OPENED, ReceiptKind.CLICKED.value: CLICKED}
_JOURNEY = "journey:"

MESSAGES = pa.schema(
    [
        ("message_id", pa.int64()),
        ("profile_id", pa.int64()),
        ("sent_at", pa.int64()),
        ("decided_at", pa.int64()),  # at the gate: what sending itself changes comes later
        ("about_order_id", pa.int64()),
        ("origin", pa.string()),
        ("step", pa.string()),
        ("channel", pa.string()),
        ("content_id", pa.int64()),
        ("ride_id", pa.int64()),  # the enrollment that asked for it; 0 of a campaign
    ]
)
_READ = pa.schema([*list(MESSAGES)[:-1], pa.field("dedupe_key", pa.string())])
_RECEIPTS = pa.schema([("message_id", pa.int64()), ("kind", pa.string()), ("at", pa.int64())])
_ALIVE = tuple(sorted(machine.ALIVE))
_ALIVE_MARKS = ", ".join(["%s"] * len(_ALIVE))


@dataclass(frozen=True)
class Span:
    """Which orders: those placed in [``from_at``, ``until_at``), as they stand now."""

    from_at: int
    until_at: int


@dataclass(frozen=True)
class Block:
    """Orders of some people, the signs of their messages, and the messages, ascending by id."""

    orders: pa.Table
    signs: pa.Table
    messages: pa.Table

    def of_messages(self, message_ids: Ints, columns: Sequence[str]) -> pa.Table:
        """Return ``columns`` of these messages, in their order."""
        places = np.searchsorted(self.messages["message_id"].to_numpy(), message_ids)
        return self.messages.select(list(columns)).take(pa.array(places))


def blocks(
    span: Span, longest: int, *, after: int = 0, origin: str = "", size: int = BLOCK
) -> Iterator[Block]:
    """Yield the people who ordered in ``span``, ascending, behind the profile ``after``.

    ``longest`` is how far back a sign may count, in microseconds. ``origin``: only people who got a
    message of it (their other messages are read too: those share).
    """
    while people := _people(span, after, origin, size):
        first, after = people[0], people[-1]
        of = _People(first, after, origin)
        found = _messages(span, longest, of)
        yield Block(_orders(span, of), _signs(found, span, longest, of), found)


@dataclass(frozen=True)
class _People:
    """Who is read: those from ``first`` to ``last``, and if it is named, who got of ``origin``.

    Those of one origin may lie far apart: whoever stands between them is not read.
    """

    first: int
    last: int
    origin: str

    def where(self, column: str) -> str:
        """Return the condition on a column of profiles."""
        among = f" AND {column} IN ({_GOT})" if self.origin else ""
        return f"{column} BETWEEN %s AND %s{among}"

    @property
    def params(self) -> list[Any]:
        """The parameters of ``where``."""
        return [self.first, self.last, *([self.origin, messages.SENT] if self.origin else [])]


_GOT = "SELECT profile_id FROM outbox_message WHERE origin = %s AND state = %s"


def _people(span: Span, after: int, origin: str, size: int) -> list[int]:
    """Return the next people who ordered, so many that a block is worth its statements.

    By the index of people, hence the sum: that of moments knows all orders of the span.
    """
    of_origin = f"AND profile_id IN ({_GOT})" if origin else ""
    sql = f"""
    SELECT DISTINCT profile_id FROM orders_order
    WHERE ordered_at + 0 >= %s AND ordered_at + 0 < %s AND status IN ({_ALIVE_MARKS})
      AND profile_id > %s {of_origin} ORDER BY profile_id LIMIT %s
    """
    params: list[Any] = [span.from_at, span.until_at, *_ALIVE, after]
    params += [origin, messages.SENT] if origin else []
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, size])
        return [pk for (pk,) in cursor.fetchall()]


def _orders(span: Span, of: _People) -> pa.Table:
    sql = f"""
    SELECT id, profile_id, ordered_at, net_base_minor FROM orders_order
    WHERE {of.where("profile_id")} AND ordered_at >= %s AND ordered_at < %s
      AND status IN ({_ALIVE_MARKS})
    """
    params = [*of.params, span.from_at, span.until_at, *_ALIVE]
    with connection.cursor() as cursor:
        return arrow.fetch(cursor, sql, params, ORDERS)


# Messages that left and may have touched an order of the span, of people who placed one.
_MINE = f"""
  m.state = %s AND m.settled_at >= %s AND m.settled_at < %s AND EXISTS (
    SELECT 1 FROM orders_order o WHERE o.profile_id = m.profile_id
      AND o.ordered_at >= %s AND o.ordered_at < %s AND o.status IN ({_ALIVE_MARKS})
  )
"""


def _mine(span: Span, longest: int, of: _People) -> list[Any]:
    since = span.from_at - longest - OLDEST
    of_span = [span.from_at, span.until_at]
    return [*of.params, messages.SENT, since, span.until_at, *of_span, *_ALIVE]


def _messages(span: Span, longest: int, of: _People) -> pa.Table:
    sql = f"""
    SELECT m.id, m.profile_id, m.settled_at, coalesce(m.gated_at, m.settled_at),
           coalesce(m.order_id, 0), m.origin, m.step, m.channel, m.content_id, m.dedupe_key
    FROM outbox_message m WHERE {of.where("m.profile_id")} AND {_MINE} ORDER BY m.id
    """
    with connection.cursor() as cursor:
        found = arrow.fetch(cursor, sql, _mine(span, longest, of), _READ)
    rides = [_ride(key) for key in found["dedupe_key"].to_pylist()]
    return found.drop_columns(["dedupe_key"]).append_column("ride_id", pa.array(rides, pa.int64()))


def _ride(dedupe_key: str) -> int:
    """Return the enrollment that a message was asked for by: it stands behind the last colon."""
    if not dedupe_key.startswith(_JOURNEY):
        return 0
    number = dedupe_key.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _signs(found: pa.Table, span: Span, longest: int, of: _People) -> pa.Table:
    """Return that messages left, and what people did with them; what machines did is no sign."""
    left = found.select(["message_id", "profile_id", "sent_at"]).rename_columns(
        ["message_id", "profile_id", "at"]
    )
    left = left.append_column("sign", pa.array(np.full(len(left), SENT, np.int8)))
    left = left.append_column("about_order_id", found["about_order_id"])
    sql = f"""
    SELECT r.message_id, r.kind, r.at FROM outbox_receipt r
    JOIN outbox_message m ON m.id = r.message_id
    WHERE {of.where("m.profile_id")} AND {_MINE}
      AND NOT r.is_machine AND r.kind IN (%s, %s) AND r.at >= %s AND r.at < %s
    """
    params = [*_mine(span, longest, of), *_SIGNS, span.from_at - longest, span.until_at]
    with connection.cursor() as cursor:
        heard = arrow.fetch(cursor, sql, params, _RECEIPTS)
    # One that left between the two statements is not there yet.
    heard = heard.filter(pc.is_in(heard["message_id"], found["message_id"].combine_chunks()))
    places = np.searchsorted(found["message_id"].to_numpy(), heard["message_id"].to_numpy())
    kinds = [_SIGNS[kind] for kind in heard["kind"].to_pylist()]
    did = pa.table(
        {
            "message_id": heard["message_id"],
            "profile_id": found["profile_id"].take(pa.array(places)),
            "at": heard["at"],
            "sign": pa.array(kinds, pa.int8()),
            "about_order_id": found["about_order_id"].take(pa.array(places)),
        },
        schema=SIGNS,
    )
    return pa.concat_tables([left.cast(SIGNS), did])


def entries(ride_ids: Ints) -> dict[int, str]:
    """Return the way into its journey ("entry:0") of each enrollment that is still there."""
    found: dict[int, str] = {}
    for part in rows.parts(np.unique(ride_ids[ride_ids > 0]).tolist()):
        there = Enrollment.objects.filter(pk__in=part)
        found.update(there.values_list("pk", "entry"))
    return found


def memberships(segment_ids: Sequence[int], block: Block) -> pa.Table:
    """Return who of those whose messages may count was in these segments, by person.

    Most people who order got no message: of them nothing is read.
    """
    schema = pa.schema([(name, pa.int64()) for name in ("profile_id", "segment_id", "since", "to")])
    if not segment_ids:
        return schema.empty_table()
    found = [schema.empty_table()]
    marks = ", ".join(["%s"] * len(segment_ids))
    for part in rows.parts(np.unique(block.signs["profile_id"].to_numpy()).tolist()):
        people = ", ".join(["%s"] * len(part))
        sql = f"""
        SELECT profile_id, segment_id, entered_at, coalesce(left_at, 9223372036854775807)
        FROM segments_membership
        WHERE profile_id IN ({people}) AND segment_id IN ({marks}) ORDER BY profile_id, id
        """
        with connection.cursor() as cursor:
            found.append(arrow.fetch(cursor, sql, [*part, *segment_ids], schema))
    return pa.concat_tables(found)
