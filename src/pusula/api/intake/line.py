"""What the requests of an event loop append, handed to the appender together.

One hand-over and one wake-up for all that came while the last group was written: a future of its
own for each request between two threads would cost more than writing it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from django.db import InterfaceError, OperationalError

from pusula.pipeline.appender import Appended, Appender, BusyError, Entry

_log = logging.getLogger(__name__)
_Waiting = list[tuple[Sequence[Entry], "asyncio.Future[None]"]]
MOST_WAITING = 20_000
MOST_SIZE = 64 * 2**20


class Line:
    """The requests that wait for the disk."""

    def __init__(self, open_appender: Callable[[], Appender] = Appender) -> None:
        self._open = open_appender
        self._appender: Appender | None = None
        self._waiting: _Waiting = []
        self._n = 0
        self._size = 0
        self._is_writing = False

    async def append(self, entries: Sequence[Entry]) -> None:
        """Return when ``entries`` are on disk.

        Raises ``BusyError`` if too many wait, else what the database raised.
        """
        size = sum(len(entry.body) for entry in entries)
        if self._waiting and (
            self._n + len(entries) > MOST_WAITING or self._size + size > MOST_SIZE
        ):
            raise BusyError(f"{self._n} entries wait to be written: try again in 1 s")
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((entries, written))
        self._n += len(entries)
        self._size += size
        if not self._is_writing:
            self._is_writing = True
            loop.call_soon(self._write, loop)
        await written

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._waiting, self._n, self._size = self._waiting, [], 0, 0
        self._submit(loop, group)

    def _submit(self, loop: asyncio.AbstractEventLoop, group: _Waiting) -> None:
        if self._appender is None:
            self._appender = self._open()
        try:
            done = self._appender.submit(
                [entry for entries, _written in group for entry in entries]
            )
        except BusyError as error:
            self._next(loop)
            _fail(group, error)
            return
        done.add_done_callback(
            lambda done: loop.call_soon_threadsafe(self._settle, loop, group, done)
        )

    def _settle(
        self, loop: asyncio.AbstractEventLoop, group: _Waiting, done: Future[Appended]
    ) -> None:
        error = done.exception()
        is_trouble = isinstance(error, OperationalError | InterfaceError)
        if error is not None and not is_trouble and len(group) > 1:
            # What one of them brought shall not cost the others.
            for half in (group[: len(group) // 2], group[len(group) // 2 :]):
                self._submit(loop, half)
            return
        self._next(loop)
        if error is None:
            for _entries, written in group:
                if not written.done():
                    written.set_result(None)
            return
        _log.error("not written: %s: %s", type(error).__name__, error)
        _fail(group, error)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand over what came meanwhile, before the loop has other things to do."""
        if self._waiting:
            self._write(loop)
        else:
            self._is_writing = False


def _fail(group: _Waiting, error: BaseException) -> None:
    for _entries, written in group:
        if not written.done():
            written.set_exception(error)
