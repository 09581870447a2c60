"""The key of a request: where clients put it, and whether it is good."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from urllib.parse import parse_qs

from django.db import connections

from pusula.api.intake.bodies import Headers
from pusula.lib import clock
from pusula.sources import keys
from pusula.sources.keys import GoodKey

# A revoked key is refused everywhere after ``_STALE``; a new one is known after ``_FRESH``.
_FRESH = clock.SECOND
_STALE = 4 * clock.SECOND
_BASIC = b"basic "
_LONGEST_KEY = 200
_log = logging.getLogger(__name__)
_digest = lru_cache(maxsize=1_000)(keys.digest)


class Keyring:
    """The good keys, as the database had them a moment ago.

    Strangers' keys cost no look into the database: it is read about once a second at most,
    however many requests there are.
    """

    def __init__(
        self,
        good: Callable[[int], Mapping[str, GoodKey]] = keys.good,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self._good = good
        self._now = now
        self._keys: Mapping[str, GoodKey] = {}
        self._read_at = -_STALE
        self._reading: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "keys")  # one thread has one connection

    @property
    def is_stale(self) -> bool:
        """Whether the keys are to be read again."""
        return not 0 <= self._now() - self._read_at < _FRESH

    async def refresh(self) -> None:
        """Have the keys read again; wait for that only if they are too old to go by."""
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read())
            self._reading.add_done_callback(_note)
        if not 0 <= self._now() - self._read_at < _STALE:
            await asyncio.shield(self._reading)

    def find(self, told: str) -> GoodKey | None:
        """Return what ``told`` may do; ``None`` if it is no key, or none any more."""
        key = self._keys.get(_digest(told))
        if key is None and ":" in told:  # Jitsu puts an id in front: kid:secret
            key = self._keys.get(_digest(told.rpartition(":")[2]))
        if key is None or (key.expires_at is not None and key.expires_at <= self._now()):
            return None
        return key

    async def _read(self) -> None:
        at = self._now()
        try:
            loop = asyncio.get_running_loop()
            self._keys = await loop.run_in_executor(self._thread, self._good_keys, at)
            self._read_at = at
        finally:
            self._reading = None

    def _good_keys(self, at: int) -> Mapping[str, GoodKey]:
        try:
            return self._good(at)
        finally:
            connections["default"].close_if_unusable_or_obsolete()


def _note(reading: asyncio.Task[None]) -> None:
    """Say that keys could not be read; who needs newer ones than there are hears of it too."""
    if not reading.cancelled() and (error := reading.exception()) is not None:
        _log.warning("the keys cannot be read: %s", error)


def in_request(headers: Headers, query: bytes) -> str:
    """Return the key in the headers or the query of a request; empty if there is none.

    Basic user name, X-Write-Key, ``writeKey`` in the query (beacons cannot set headers). A Bearer
    token names a program, not a source: then the key is in the body.
    """
    told = _basic(headers.get(b"authorization", b""))
    told = told or headers.get(b"x-write-key", b"").decode("latin-1").strip()
    if not told and query:
        told = parse_qs(query.decode("latin-1")).get("writeKey", [""])[0]
    return told[: _LONGEST_KEY + 1]


@lru_cache(maxsize=1_000)
def _basic(header: bytes) -> str:
    if header[: len(_BASIC)].lower() != _BASIC:
        return ""
    try:
        return base64.b64decode(header[len(_BASIC) :]).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
