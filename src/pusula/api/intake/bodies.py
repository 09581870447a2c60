"""The bytes of a request: read within limits, unzipped within limits."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from pusula.api.intake.answers import RefusedError
from pusula.api.intake.limits import MOST_FORGOTTEN, Held, Patience

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Headers = Mapping[bytes, bytes]
Read = TypeVar("Read")
_GZIP = 16 + zlib.MAX_WBITS


class GoneError(Exception):
    """The client hung up before it had said everything; there is nobody to answer."""


class Body:
    """What a request says, counted in ``held`` until ``free``."""

    def __init__(self, held: Held, patience: Patience) -> None:
        self._held = held
        self._patience = patience
        self._n = 0

    def free(self) -> None:
        """Give back what was counted."""
        self._held.free(self._n)

    async def read(self, receive: Receive, headers: Headers, largest: int) -> bytes:
        """Return the body, unzipped if its header says so.

        Raises ``RefusedError`` if it is larger than ``largest`` before or after that, comes too
        slowly, or is no gzip; ``GoneError`` if it ends early.
        """
        told = _told_length(headers)
        raw = None
        if told <= MOST_FORGOTTEN:
            kept = largest if told <= largest else 0
            raw = await self._patiently(self._read(receive, kept))
        if raw is None:
            raise _too_large(largest)
        coding = headers.get(b"content-encoding", b"").strip().lower()
        if coding in {b"", b"identity"}:
            return raw
        if coding not in {b"gzip", b"x-gzip"}:
            raise RefusedError(415, "coding", "Content-Encoding: gzip or none")
        self._count(largest)
        return inflate(raw, largest)

    async def forget(self, receive: Receive, headers: Headers) -> None:
        """Read the body and keep nothing of it, so that a client that is refused hears why.

        One that is still sending when it is hung up on takes that for trouble, and tries again.
        """
        if _told_length(headers) <= MOST_FORGOTTEN:
            await self._patiently(self._read(receive, 0))

    async def _patiently(self, reading: Coroutine[Any, Any, Read]) -> Read:
        task: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]
        self._patience.begin(task)
        is_over = False
        try:
            try:
                return await reading
            finally:
                is_over = self._patience.end(task)
        except asyncio.CancelledError as error:
            if not is_over:
                raise
            task.uncancel()
            raise RefusedError(408, "slow", "the body did not come in time") from error

    async def _read(self, receive: Receive, largest: int) -> bytes | None:
        """Return the body, ``None`` if it is larger: then nothing of it is kept."""
        parts: list[bytes] = []
        n = 0
        has_more = True
        while has_more and n <= MOST_FORGOTTEN:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            part = message.get("body", b"")
            has_more = message.get("more_body", False)
            n += len(part)
            if n <= largest:
                self._count(len(part))
                parts.append(part)
            else:
                parts.clear()
        if n > largest:
            return None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _count(self, n: int) -> None:
        self._held.add(n)
        self._n += n


def _told_length(headers: Headers) -> int:
    told = headers.get(b"content-length", b"")
    return int(told[:20]) if told.isdigit() else 0


def inflate(raw: bytes, largest: int) -> bytes:
    """Return what the gzip ``raw`` holds, never more than ``largest`` bytes of it in memory."""
    machine = zlib.decompressobj(_GZIP)
    try:
        plain = machine.decompress(raw, largest + 1)
    except zlib.error as error:
        raise RefusedError(400, "gzip", "the body is not the gzip its header says") from error
    if len(plain) > largest:
        raise _too_large(largest)
    if not machine.eof or machine.unused_data:
        raise RefusedError(400, "gzip", "the gzip ends too early or goes on behind its end")
    return plain


def _too_large(largest: int) -> RefusedError:
    return RefusedError(413, "too_large", f"at most {largest} bytes, also when unzipped")
