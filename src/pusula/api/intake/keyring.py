"""The key of a request: where clients put it, and whether it is good."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
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

    async def find(self, told: str) -> GoodKey | None:
        """Return what ``told`` may do; ``None`` if it is no key, or none any more."""
        now = self._now()
        if not 0 <= now - self._read_at < _FRESH:
            reading = self._read()
            if not 0 <= now - self._read_at < _STALE:
                await asyncio.shield(reading)
        for one in (told, told.rpartition(":")[2]):  # Jitsu puts an id in front: kid:secret
            key = self._keys.get(keys.digest(one))
            if key is not None and (key.expires_at is None or key.expires_at > now):
                return key
        return None

    def _read(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read_now())
        return self._reading

    async def _read_now(self) -> None:
        at = self._now()
        try:
            self._keys = await asyncio.to_thread(self._good_keys, at)
            self._read_at = at
        finally:
            self._reading = None

    def _good_keys(self, at: int) -> Mapping[str, GoodKey]:
        try:
            return self._good(at)
        finally:
            connections["default"].close_if_unusable_or_obsolete()


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


def _basic(header: bytes) -> str:
    if header[: len(_BASIC)].lower() != _BASIC:
        return ""
    try:
        return base64.b64decode(header[len(_BASIC) :]).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
