"""The bytes of a request: read within limits, unzipped within limits."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pusula.api.intake.answers import RefusedError
from pusula.api.intake.limits import Held, Patience

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Headers = Mapping[bytes, bytes]
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
        told = headers.get(b"content-length", b"")
        if told.isdigit() and int(told[:20]) > largest:
            raise _too_large(largest)
        raw = await self._patiently(receive, largest)
        coding = headers.get(b"content-encoding", b"").strip().lower()
        if coding in {b"", b"identity"}:
            return raw
        if coding not in {b"gzip", b"x-gzip"}:
            raise RefusedError(415, "coding", "Content-Encoding: gzip or none")
        self._count(largest)
        return inflate(raw, largest)

    async def _patiently(self, receive: Receive, largest: int) -> bytes:
        task: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]
        self._patience.begin(task)
        try:
            raw = await self._read(receive, largest)
        except asyncio.CancelledError:
            if not self._patience.end(task):
                raise
            task.uncancel()
        else:
            self._patience.end(task)
            return raw
        raise RefusedError(408, "slow", "the body did not come in time")

    async def _read(self, receive: Receive, largest: int) -> bytes:
        parts: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            part = message.get("body", b"")
            self._count(len(part))
            if self._n > largest:
                raise _too_large(largest)
            parts.append(part)
            if not message.get("more_body"):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    def _count(self, n: int) -> None:
        self._held.add(n)
        self._n += n


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
