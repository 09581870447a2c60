"""Reads of the log: what comes next, how long the line is, what is in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connections
from django.db.models import Count, QuerySet

from pusula.lib import clock
from pusula.pipeline.models import LogEntry, LogHead, Offset, Quarantine
from pusula.pipeline.router import LOG

LIVE = "live"  # the consumer that writes entries to their owners
# A longer body is not even fetched; what the log holds of it stays there.
LONGEST_BODY = 256 * 1024
# What a reader of the log holds in memory, about; it reads so many entries at a time.
MOST_CHARACTERS = 32 * 2**20
_PAGE = 250
# What is left of the body of an entry whose person was erased.
TOMBSTONE = '{"erased":true}'

_NEXT = f"""
select id, kind, source, message_id, case when length(body) <= {LONGEST_BODY} then body end,
       occurred_at, recorded_at
from pipeline_logentry where {{condition}} order by id
"""


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry as the log holds it; ``body`` is ``None`` where it is too long."""

    id: int
    kind: str
    source: str
    message_id: str
    body: str | None
    occurred_at: int | None
    recorded_at: int


def entries_from(entry_id: int, limit: int) -> list[Logged]:
    """Return at most ``limit`` entries from ``entry_id`` on, in the order of their commits.

    Fewer if they are large: about ``MOST_CHARACTERS`` are in memory at once.
    """
    found: list[Logged] = []
    size = 0
    with connections[LOG].cursor() as cursor:
        while len(found) < limit and size < MOST_CHARACTERS:
            n = min(limit - len(found), _PAGE)
            cursor.execute(_NEXT.format(condition="id >= %s") + " limit %s", [entry_id, n])
            part = [Logged(*row) for row in cursor.fetchall()]
            found += part
            size += sum(len(one.body or "") for one in part)
            if len(part) < n:
                break
            entry_id = part[-1].id + 1
    return found


def entries(ids: Sequence[int]) -> list[Logged]:
    """Return the entries with these ``ids``, in the order of their commits."""
    if not ids:
        return []
    condition = f"id in ({', '.join(['%s'] * len(ids))})"
    with connections[LOG].cursor() as cursor:
        cursor.execute(_NEXT.format(condition=condition), list(ids))
        return [Logged(*row) for row in cursor.fetchall()]


def head() -> int:
    """Return the id of the newest entry of the log; 0 if it is empty."""
    return LogHead.objects.values_list("n", flat=True).first() or 0


def offset(consumer: str = LIVE) -> Offset:
    """Return how far ``consumer`` has read; a row that is not stored yet if it never did."""
    held = Offset.objects.filter(pk=consumer).first()
    return held or Offset(consumer=consumer, entry_id=0, at=0)


@dataclass(frozen=True, slots=True)
class Lag:
    """How many entries wait, since when the oldest of them does, and how many are put aside."""

    n_entries: int
    since_at: int | None
    n_quarantined: int

    def seconds(self, at: int) -> float:
        """Return for how long the oldest has been waiting."""
        return 0.0 if self.since_at is None else max(0, at - self.since_at) / clock.SECOND


def lag(consumer: str = LIVE) -> Lag:
    """Return what waits for ``consumer``."""
    read = offset(consumer).entry_id
    waiting = LogEntry.objects.filter(id__gt=read).order_by("id")
    since_at = waiting.values_list("recorded_at", flat=True).first()
    return Lag(head() - read, since_at, Quarantine.objects.count())


def quarantined() -> QuerySet[Quarantine]:
    """Return what could not be taken over, the oldest first."""
    return Quarantine.objects.order_by("entry_id")


def quarantined_by_source() -> dict[str, int]:
    """Return how many entries of each source are in quarantine; sources without any are absent."""
    counted = Quarantine.objects.order_by().values_list("source").annotate(n=Count("id"))
    return dict(counted.values_list("source", "n"))
