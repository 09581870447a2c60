"""How much the tracking API takes: sizes, how long a body may come, events per key and minute."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

from pusula.api.intake.answers import RefusedError
from pusula.sources.keys import GoodKey

LARGEST_EVENT = 32 * 1024
# Segment's clients stop at 500 KB; RudderStack's send up to 4 MB to the same address.
LARGEST_BATCH = 4 * 2**20
MOST_EVENTS = 2_500
LONGEST_BODY_S = 30.0
# What all bodies that are being read hold together; beyond it clients come again later.
MOST_HELD = 64 * 2**20
# Of a body that is refused so much is read before the answer; who sends more is hung up on.
MOST_FORGOTTEN = 4 * LARGEST_BATCH
_FULL_S = 60.0  # a bucket holds what may come in this time
_FORGOTTEN = 10_000  # buckets; more keys than that are not in use at once


class Quotas:
    """A token bucket per key, of this process: several processes let through as many times."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}  # digest: tokens, as of

    def take(self, key: GoodKey, n: int) -> None:
        """Count ``n`` events of ``key``; raise ``RefusedError`` 429 if they are too many.

        A batch that is larger than the bucket passes when the bucket is full, and is paid for
        afterwards.
        """
        quota = key.quota_per_minute
        if quota is None:
            return
        now = self._monotonic()
        tokens, since = self._buckets.get(key.digest, (float(quota), now))
        tokens = min(float(quota), tokens + (now - since) * quota / _FULL_S)
        missing = min(n, quota) - tokens
        if missing > 0:
            seconds = max(1, math.ceil(missing * _FULL_S / quota))
            raise RefusedError(
                429,
                "quota",
                f"more than {quota} events a minute with this key: try again in {seconds} s",
                seconds,
            )
        if len(self._buckets) >= _FORGOTTEN:
            self._buckets.clear()
        self._buckets[key.digest] = (tokens - n, now)


class Held:
    """The bytes that bodies under way hold in memory."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self.most = most
        self.n = 0

    def add(self, n: int) -> None:
        """Count ``n`` bytes more; raise ``RefusedError`` 503 if that is too much together."""
        if self.n + n > self.most:
            raise RefusedError(503, "busy", "too much is coming in at once: try again in 1 s", 1)
        self.n += n

    def free(self, n: int) -> None:
        """Count ``n`` bytes less."""
        self.n -= n


class Patience:
    """Ends the tasks that wait for a body longer than ``seconds``, by at most as much again.

    One timer for all of them: a timer of its own for each request would cost more than reading it.
    """

    def __init__(self, seconds: float = LONGEST_BODY_S) -> None:
        self.seconds = seconds
        self._young: set[asyncio.Task[Any]] = set()
        self._old: set[asyncio.Task[Any]] = set()
        self._ended: set[asyncio.Task[Any]] = set()
        self._is_ticking = False

    def begin(self, task: asyncio.Task[Any]) -> None:
        """Count the time of ``task`` from now."""
        self._young.add(task)
        if not self._is_ticking:
            self._is_ticking = True
            task.get_loop().call_later(self.seconds, self._tick, task.get_loop())

    def end(self, task: asyncio.Task[Any]) -> bool:
        """Let ``task`` be; return whether its time was over and it was cancelled for that."""
        self._young.discard(task)
        self._old.discard(task)
        if task in self._ended:
            self._ended.discard(task)
            return True
        return False

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        for task in self._old:
            self._ended.add(task)
            task.cancel()
        self._old, self._young = self._young, set()
        self._is_ticking = bool(self._old)
        if self._is_ticking:
            loop.call_later(self.seconds, self._tick, loop)
