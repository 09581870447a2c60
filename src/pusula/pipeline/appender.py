"""The one way into the log: entries appended in commit order, each message once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from pusula.lake import rows
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.pipeline.router import LOG

HEAD = "pipeline_loghead"
ENTRIES = "pipeline_logentry"
_COLUMNS = ("id", "kind", "source", "message_id", "body", "occurred_at", "recorded_at")
# The head's row is locked while a group is written: others wait no longer than this takes.
GROUP = 2_000
# Twins that are appended at the same moment collide once; whoever comes second sees the first.
_TRIES = 5
_LONGEST_BODY = 32 * 2**20
_STATEMENT = 8 * 2**20  # bytes of all bodies in one
# So many groups are looked up before they are written once one of their messages was known.
_DOUBTED = 200
_INSERT = f"""
insert into {ENTRIES} (id, kind, source, message_id, body, occurred_at, recorded_at)
select %s + key, value->>0, value->>1, value->>2, cast(substr(%s, value->>4, value->>5) as text),
       value->>3, %s from json_each(%s)
"""
_KNOWN = f"select message_id from {ENTRIES} where message_id = any(%s)"
_KNOWN_SQLITE = (
    f"select message_id from {ENTRIES} where message_id in (select value from json_each(%s))"
)
_encode = msgspec.json.Encoder().encode


class BadEntryError(PusulaError):
    """An entry has no place in the log."""

    code = "bad_entry"


class BusyError(PusulaError):
    """More is waiting to be written than may wait; nothing of this was taken.

    ``seconds`` says after which time it may be told again.
    """

    code = "busy"
    status = 503

    def __init__(self, message: str, seconds: int = 1) -> None:
        super().__init__(message)
        self.seconds = seconds


class Entry(msgspec.Struct, frozen=True, gc=False):
    """Something to be told to the log; ``body`` is JSON, ``occurred_at`` when it was, if told.

    ``message_id`` is the sender's own id with the source in front, unique for the life of the log.
    What the log cannot hold is refused here, so that it does not spoil the group it comes with;
    whether the body makes sense is found out by the step.
    """

    kind: str
    source: str
    message_id: str
    body: str
    occurred_at: int | None = None

    def __post_init__(self) -> None:
        _check_names(self.kind, self.source)
        if not _is_word(self.message_id, 200):
            raise BadEntryError(
                f"message_id: 1 to 200 visible characters, not {self.message_id!r:.80}"
            )
        if len(self.body) > _LONGEST_BODY or "\0" in self.body:
            raise BadEntryError(f"body: at most {_LONGEST_BODY} characters, none of them NUL")
        try:
            self.body.encode()
        except UnicodeEncodeError as error:
            raise BadEntryError(f"body: half a character at {error.start}") from error
        if self.occurred_at is not None and not -(2**63) <= self.occurred_at < 2**63:
            raise BadEntryError("occurred_at: not a moment in 64 bits")


@lru_cache(maxsize=1_000)  # there are few, and each comes with every entry
def _check_names(kind: str, source: str) -> None:
    if not (_is_word(kind, 20) and _is_word(source, 60)):
        raise BadEntryError(
            f"kind, source: visible characters, at most 20 and 60, not {kind!r:.80} and "
            f"{source!r:.80}"
        )
    if ":" in source:  # it parts sources from their numbers: "a:b" would speak for "a"
        raise BadEntryError(f"source: without a colon, not {source!r}")


def _is_word(value: object, size: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= size and value.isprintable()


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of entries: the ids of the new ones (``None``: none is new), and their number."""

    first: int | None
    last: int | None
    n_new: int
    n_same: int


def append(entries: Sequence[Entry]) -> Appended:
    """Write ``entries`` in their order, in groups; those whose message is known already are left.

    Each group is a transaction that does nothing else: durable on return, and not to be called
    inside another transaction of the log.
    """
    numbers: list[int | None] = []
    for part in rows.parts(entries, GROUP):
        numbers += _append(part)
    return _appended(numbers)


def _appended(numbers: Sequence[int | None]) -> Appended:
    new = [number for number in numbers if number is not None]
    first, last = (new[0], new[-1]) if new else (None, None)
    return Appended(first, last, len(new), len(numbers) - len(new))


class _Doubt:
    """Whether messages that come may be known already.

    Mostly none is, and to look for each of them costs as much as a third of writing it. So it is
    the unique index that says so; whoever ran into it looks first for a while: what is told again
    is seldom told again alone.
    """

    def __init__(self) -> None:
        self._n = 0

    def begin(self) -> None:
        """Look at the next groups before they are written."""
        self._n = _DOUBTED

    def is_there(self) -> bool:
        """Say whether the next group is looked at."""
        is_there = self._n > 0
        self._n -= is_there
        return is_there


_doubt = _Doubt()


def _append(entries: Sequence[Entry]) -> Sequence[int | None]:
    """Write one group; return the id of each entry, ``None`` where its message is known."""
    for left in reversed(range(_TRIES)):
        try:
            with transaction.atomic(using=LOG, durable=True):
                return _write(entries)
        except IntegrityError:
            # A message is known, or a twin was committed between our look and our turn. The head
            # went back with us.
            _doubt.begin()
            if not left:
                raise
    message = "unreachable"
    raise AssertionError(message)


def _write(entries: Sequence[Entry]) -> Sequence[int | None]:
    seen = _known(entries) if _doubt.is_there() else set()
    new: list[Entry] = []
    is_new = []
    for entry in entries:
        is_new.append(entry.message_id not in seen)
        if is_new[-1]:
            seen.add(entry.message_id)
            new.append(entry)
    if not new:
        return [None] * len(entries)
    connection = connections[LOG]
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into {HEAD} (id, n) values (1, %s)"
            f" on conflict (id) do update set n = {HEAD}.n + excluded.n returning n",
            [len(new)],
        )
        first = cursor.fetchone()[0] - len(new) + 1
    at = clock.now()  # after the head is ours: so recorded times follow the ids
    _insert(connection, first, new, at)
    numbers = range(first, first + len(new))
    if len(new) == len(entries):
        return numbers
    following = iter(numbers)
    return [next(following) if one else None for one in is_new]


def _insert(connection: BaseDatabaseWrapper, first: int, new: Sequence[Entry], at: int) -> None:
    """Write ``new`` with the ids from ``first`` on."""
    if connection.vendor != "sqlite":
        told = (
            (number, e.kind, e.source, e.message_id, e.body, e.occurred_at, at)
            for number, e in enumerate(new, first)
        )
        rows.insert(connection, ENTRIES, _COLUMNS, told)
        return
    # One statement for many rows. Whoever executes one for each row gives the interpreter away
    # each time, and waits for it behind a busy event loop: that took ten times as long.
    with connection.cursor() as cursor:
        for columns, bodies in _within(new, _STATEMENT):
            told_as_json = _encode(columns).decode()
            # A space behind each: of an empty blob SQLite cuts null, and not an empty text.
            told_as_blob = b" ".join([*bodies, b""])
            cursor.execute(_INSERT, [first, told_as_blob, at, told_as_json])
            first += len(columns)


def _within(entries: Sequence[Entry], size: int) -> Iterator[tuple[list[Any], list[bytes]]]:
    """Yield ``entries`` in parts of about ``size`` bytes: their columns, and their bodies.

    Bodies go into the statement end to end, and their places among the columns: as JSON inside of
    JSON they would be escaped here and parsed there, for each column again.
    """
    columns: list[Any] = []
    bodies: list[bytes] = []
    n = 0
    for e in entries:
        body = e.body.encode()
        if columns and n + len(body) > size:
            yield columns, bodies
            columns, bodies, n = [], [], 0
        columns.append((e.kind, e.source, e.message_id, e.occurred_at, n + 1, len(body)))
        bodies.append(body)
        n += len(body) + 1
    yield columns, bodies


def _known(entries: Sequence[Entry]) -> set[str]:
    connection = connections[LOG]
    told = [entry.message_id for entry in entries]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(_KNOWN_SQLITE, [_encode(told).decode()])
        else:
            cursor.execute(_KNOWN, [told])
        return {row[0] for row in cursor.fetchall()}


@dataclass(frozen=True)
class _Waiting:
    entries: Sequence[Entry]
    future: Future[Appended]

    @property
    def size(self) -> int:
        """How many characters its bodies hold."""
        return sum(len(entry.body) for entry in self.entries)


class Appender:
    """A thread that writes what several callers submit together: one commit for all that wait.

    While one group is being committed the next one gathers, so the price of a commit is shared by
    as many as came meanwhile. A future is done when its entries are on disk, or holds the error.
    """

    def __init__(
        self, *, max_group: int = GROUP, max_waiting: int = 20_000, max_size: int = 64 * 2**20
    ) -> None:
        self.max_group = max_group
        self.max_waiting = max_waiting
        self.max_size = max_size  # characters of all that waits
        self._turn = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._n_waiting = 0
        self._size = 0
        self._rate = 1_000.0  # entries a second, as of late
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="appender", daemon=True)
        self._thread.start()

    def submit(self, entries: Iterable[Entry]) -> Future[Appended]:
        """Put ``entries`` in line; raise ``BusyError`` if too many wait already."""
        told = list(entries)
        waiting = _Waiting(told, Future())
        size = waiting.size
        with self._turn:
            if self._is_closed:
                raise BusyError("the log is being closed: try again in a few seconds")
            if self._n_waiting and (
                self._n_waiting + len(told) > self.max_waiting or self._size + size > self.max_size
            ):
                seconds = max(1, round(self._n_waiting / self._rate))
                raise BusyError(
                    f"{self._n_waiting} entries wait to be written: try again in {seconds} s",
                    seconds,
                )
            self._waiting.append(waiting)
            self._n_waiting += len(told)
            self._size += size
            self._turn.notify()
        return waiting.future

    def close(self) -> None:
        """Write what is in line, then end."""
        with self._turn:
            self._is_closed = True
            self._turn.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while taken := self._next():
                # From here on nobody can take back what they asked for: it is being written.
                group = [each for each in taken if each.future.set_running_or_notify_cancel()]
                began_at = clock.now()
                self._write(group)
                n = sum(len(waiting.entries) for waiting in group)
                seconds = max(clock.now() - began_at, 1) / clock.SECOND
                self._rate = 0.9 * self._rate + 0.1 * n / seconds
        finally:
            connections[LOG].close()

    def _next(self) -> list[_Waiting]:
        """Wait for work and return what is written together; nothing: it is over."""
        with self._turn:
            while not self._waiting and not self._is_closed:
                self._turn.wait()
            group: list[_Waiting] = []
            n = 0
            while self._waiting and (
                not group or n + len(self._waiting[0].entries) <= self.max_group
            ):
                group.append(self._waiting.popleft())
                n += len(group[-1].entries)
            self._n_waiting -= n
            self._size -= sum(waiting.size for waiting in group)
            return group

    def _write(self, group: Sequence[_Waiting]) -> None:
        entries = [entry for waiting in group for entry in waiting.entries]
        try:
            numbers: list[int | None] = []
            for part in rows.parts(entries, GROUP):
                numbers += _append(part)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
            if isinstance(error, DatabaseError):
                connections[LOG].close_if_unusable_or_obsolete()
            is_trouble = isinstance(error, OperationalError | InterfaceError)  # locked, full, gone
            if is_trouble:
                for waiting in group:
                    waiting.future.set_exception(error)
            elif len(group) > 1:  # what one of them brought shall not cost the others
                for waiting in group:
                    self._write([waiting])
            else:
                group[0].future.set_exception(error)
            return
        for waiting in group:
            own, numbers = numbers[: len(waiting.entries)], numbers[len(waiting.entries) :]
            waiting.future.set_result(_appended(own))
