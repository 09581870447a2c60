"""What became of messages: delivered, opened, clicked, converted, unsubscribed, complained.

Counted are messages that left in the span, each once whatever befell it how often. Of a segment
are those whose person was in it at the moment of sending, whoever is in it today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from pusula.lib import clock
from pusula.measurement import stats
from pusula.measurement.attribution.touches import OLDEST, Span
from pusula.measurement.reports import blocks
from pusula.measurement.reports.blocks import Page
from pusula.measurement.stats import Interval, Rate
from pusula.orders import machine
from pusula.outbox import machine as messages
from pusula.outbox.models import Message
from pusula.segments.models import Segment

# What rates can be told by; ``day`` is the number of the period between two neighbours of bounds.
BY = ("origin", "step", "channel", "content_id", "day")
USUAL_CONVERSION_DAYS = 7
_LEFT = (messages.SENT, messages.FAILED)
_ALIVE = tuple(sorted(machine.ALIVE))
_ALIVE_MARKS = ", ".join(["%s"] * len(_ALIVE))

# What is counted, and what a drill-down can list.
KINDS = (
    "tried", "sent", "delivered", "opened", "opened_any", "clicked", "converted",
    "unsubscribed", "complained", "bounced",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """Which messages: those that left in ``span`` and agree with what is not empty."""

    span: Span
    origin: str = ""
    step: str = ""
    channel: str = ""
    content_id: int = 0
    segment: Segment | None = None
    conversion_days: int = USUAL_CONVERSION_DAYS


@dataclass(frozen=True)
class Rates:
    """How many messages met which end; money in minor units of the company's currency."""

    n_tried: int = 0  # the next hop took them or refused them
    n_sent: int = 0  # took them
    n_delivered: int = 0
    n_opened: int = 0  # by people
    n_opened_any: int = 0  # by people or by machines
    n_clicked: int = 0  # by people
    n_unsubscribed: int = 0
    n_complained: int = 0
    n_bounced: int = 0  # there is nobody at the address, or it was refused, for good
    n_converted: int = 0  # their person ordered within the conversion days
    n_orders: int = 0  # so placed, each once
    revenue_minor: int = 0  # of these orders, net, as they stand now

    def share(self, kind: str) -> Rate:
        """Return the share of one of ``KINDS``: of those tried, sent, or (most) delivered."""
        whole = {"delivered": self.n_tried, "bounced": self.n_tried, "converted": self.n_sent}
        n, x = whole.get(kind, self.n_delivered), getattr(self, f"n_{kind}")
        return Rate(max(n, x), x)

    def interval(self, kind: str) -> Interval | None:
        """Return Wilson's interval of a share; ``None`` of nothing."""
        rate = self.share(kind)
        return stats.wilson(rate) if rate.n else None

    @property
    def order_minor(self) -> float | None:
        """The average order value; ``None`` without orders."""
        return self.revenue_minor / self.n_orders if self.n_orders else None

    def plain(self) -> dict[str, Any]:
        """Return the counts and shares as JSON has them."""
        shares = {
            kind: self.share(kind).value if self.share(kind).n else None
            for kind in KINDS
            if kind not in {"tried", "sent"}
        }
        return asdict(self) | {"shares": shares, "order_minor": self.order_minor}


def rates(
    asked: Asked, by: Sequence[str] = (), *, bounds: Sequence[int] = ()
) -> dict[tuple[Any, ...], Rates]:
    """Return the rates by the columns ``by`` (of ``BY``); with none, all under ``()``.

    ``bounds`` are the ascending moments between which ``day`` counts.
    """
    columns, column_params = _columns(by, bounds)
    told = _told(asked, columns, column_params)
    ordered = _ordered(asked, columns, column_params)
    nothing = (0,) * len(_ENDS)
    found = {}
    for key in told.keys() | ordered.keys():
        ends = told.get(key, nothing)
        found[key] = Rates(**dict(zip(_ENDS, ends, strict=True)), **ordered.get(key, {}))
    return found


def of(asked: Asked) -> Rates:
    """Return the rates of all messages that are asked for."""
    return rates(asked).get((), Rates())


def page(asked: Asked, kind: str, *, after: int | None, limit: int) -> Page:
    """Return the next messages behind the count of one of ``KINDS``, the newest number first."""
    where, params = _where(asked)
    condition, more = _kind(kind, asked)
    heard = _HEARD.replace("n.due_at < %s", "n.due_at < %s AND n.id > %s AND n.id <= %s")
    sql = f"SELECT m.id FROM outbox_message m {heard} WHERE m.id > %s AND m.id <= %s AND {where}"
    sql = f"{sql} AND {condition} ORDER BY m.id DESC"

    def among(low: int, high: int) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(sql, [*_heard(asked), low, high, low, high, *params, *more])
            return [pk for (pk,) in cursor.fetchall()]

    return blocks.page(among, Message, after=after, limit=limit, is_down=True)


# Receipts of each message as flags. The parameters narrow it to messages of the span.
_HEARD = """
LEFT JOIN (
  SELECT r.message_id,
    max(CASE WHEN r.kind = 'delivered' THEN 1 ELSE 0 END) AS delivered,
    max(CASE WHEN r.kind = 'opened' AND NOT r.is_machine THEN 1 ELSE 0 END) AS opened,
    max(CASE WHEN r.kind = 'opened' THEN 1 ELSE 0 END) AS opened_any,
    max(CASE WHEN r.kind = 'clicked' AND NOT r.is_machine THEN 1 ELSE 0 END) AS clicked,
    max(CASE WHEN r.kind = 'unsubscribed' THEN 1 ELSE 0 END) AS unsubscribed,
    max(CASE WHEN r.kind = 'complained' THEN 1 ELSE 0 END) AS complained,
    max(CASE WHEN r.kind IN ('bounced', 'rejected') THEN 1 ELSE 0 END) AS bounced,
    max(CASE WHEN r.kind = 'soft_bounced' THEN 1 ELSE 0 END) AS soft_bounced
  FROM outbox_receipt r JOIN outbox_message n ON n.id = r.message_id
  WHERE n.state IN (%s, %s) AND n.due_at >= %s AND n.due_at < %s
  GROUP BY r.message_id
) r ON r.message_id = m.id
"""
# The next hop of a mail or a push says nothing when it arrives: who hears nothing bad has got it.
# The others confirm each.
_GOT = """(m.state = 'sent' AND (
  coalesce(r.delivered, 0) = 1 OR coalesce(r.opened, 0) = 1 OR coalesce(r.clicked, 0) = 1
  OR (m.channel IN ('email', 'webpush')
      AND coalesce(r.bounced, 0) = 0 AND coalesce(r.soft_bounced, 0) = 0)))"""
_BOUNCED = "(m.state = 'failed' OR (m.state = 'sent' AND coalesce(r.bounced, 0) = 1))"
_FLAGS = {
    "tried": "1 = 1",
    "sent": "m.state = 'sent'",
    "delivered": _GOT,
    "bounced": _BOUNCED,
    **{
        name: f"(m.state = 'sent' AND coalesce(r.{name}, 0) = 1)"
        for name in ("opened", "opened_any", "clicked", "unsubscribed", "complained")
    },
}
_ENDS = tuple(f"n_{name}" for name in _FLAGS)


def _heard(asked: Asked) -> list[Any]:
    return [*_LEFT, asked.span.from_at - OLDEST, asked.span.until_at]


def _where(asked: Asked) -> tuple[str, list[Any]]:
    """Return the condition on messages ``m``; the due moment, which has an index, comes first."""
    span = asked.span
    parts = [
        "m.state IN (%s, %s) AND m.due_at >= %s AND m.due_at < %s",
        "m.settled_at >= %s AND m.settled_at < %s",
    ]
    params: list[Any] = [
        *_LEFT, span.from_at - OLDEST, span.until_at, span.from_at, span.until_at
    ]  # fmt: skip
    for name in ("origin", "step", "channel", "content_id"):
        if value := getattr(asked, name):
            parts.append(f"m.{name} = %s")
            params.append(value)
    if asked.segment is not None:
        parts.append(_WAS_IN)
        params.append(asked.segment.pk)
    return " AND ".join(parts), params


# At the gate, the last moment of decision: what sending itself changes comes later.
_WAS_IN = """EXISTS (
  SELECT 1 FROM segments_membership s WHERE s.segment_id = %s AND s.profile_id = m.profile_id
    AND s.entered_at <= coalesce(m.gated_at, m.settled_at)
    AND (s.left_at IS NULL OR s.left_at > coalesce(m.gated_at, m.settled_at)))"""


def _columns(by: Sequence[str], bounds: Sequence[int]) -> tuple[list[str], list[Any]]:
    columns, params = [], []
    for name in by:
        if name == "day":
            whens = " ".join(["WHEN m.settled_at < %s THEN %s"] * (len(bounds) - 1))
            columns.append(f"CASE {whens} END")
            params += [v for i, bound in enumerate(bounds[1:]) for v in (bound, i)]
        else:
            # Not the bare column: to have them in order SQLite would walk along all by origin.
            column = f"m.{BY[BY.index(name)]}"
            columns.append(f"coalesce({column}, {column})")
    return columns, params


def _told(asked: Asked, columns: list[str], params: list[Any]) -> dict[tuple[Any, ...], Any]:
    where, narrowing = _where(asked)
    sums = ", ".join(f"sum(CASE WHEN {flag} THEN 1 ELSE 0 END)" for flag in _FLAGS.values())
    named = "".join(f"{column} AS c{i}, " for i, column in enumerate(columns))
    by = ", ".join(f"c{i}" for i in range(len(columns)))
    group = f"GROUP BY {by}" if by else ""
    sql = f"SELECT {named}{sums} FROM outbox_message m {_HEARD} WHERE {where} {group}"
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, *_heard(asked), *narrowing])
        n = len(columns)
        rows = [row for row in cursor.fetchall() if row[n] is not None]
    return {tuple(row[:n]): tuple(int(value) for value in row[n:]) for row in rows}


# Orders that count for a message: placed after it left, alive now, not the one it is about.
_BEHIND = f"""
JOIN orders_order o ON o.profile_id = m.profile_id AND o.ordered_at >= m.settled_at
 AND o.ordered_at < m.settled_at + %s AND o.status IN ({_ALIVE_MARKS}) AND o.net_base_minor >= 0
 AND (m.order_id IS NULL OR o.id <> m.order_id)
"""


def _ordered(
    asked: Asked, columns: list[str], params: list[Any]
) -> dict[tuple[Any, ...], dict[str, int]]:
    """Return messages that converted, and the orders behind them: each once for each key."""
    where, narrowing = _where(asked)
    named = "".join(f"{column} AS c{i}, " for i, column in enumerate(columns))
    by = "".join(f"c{i}, " for i in range(len(columns)))
    group = f"GROUP BY {by[:-2]}" if by else ""
    pairs = f"""
    SELECT {named}m.id AS message_id, o.id AS order_id, o.net_base_minor AS net
    FROM outbox_message m {_BEHIND} WHERE {where} AND m.state = 'sent'
    """
    window = [asked.conversion_days * clock.DAY, *_ALIVE]
    values = [*params, *window, *narrowing]
    n = len(columns)
    found: dict[tuple[Any, ...], dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {by}count(DISTINCT message_id) FROM ({pairs}) pairs {group}", values
        )
        for row in cursor.fetchall():
            found[tuple(row[:n])] = {"n_converted": int(row[n])}
        cursor.execute(
            f"SELECT {by}count(*), sum(net) FROM ("
            f"SELECT DISTINCT {by}order_id, net FROM ({pairs}) pairs) orders {group}",
            values,
        )
        for row in cursor.fetchall():
            found[tuple(row[:n])] |= {
                "n_orders": int(row[n]),
                "revenue_minor": int(row[n + 1] or 0),
            }
    return found


def _kind(kind: str, asked: Asked) -> tuple[str, list[Any]]:
    if kind != "converted":
        return _FLAGS[kind], []
    behind = f"SELECT 1 FROM orders_order o WHERE {_BEHIND.split(' ON ', 1)[1]}"
    return f"m.state = 'sent' AND EXISTS ({behind})", [asked.conversion_days * clock.DAY, *_ALIVE]
