"""The sizes that a draft had in the last weeks, looked up in the background for many customers.

One draft is looked back for at a time, and only when it has rested for a moment: what somebody is
still typing is not worth reading everybody's history. Each web process has its own.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from django.db import connection

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.segments import history
from pusula.segments.language import Condition, Definition, references
from pusula.segments.language.nodes import Words

REST_S = 1.5  # how long nothing else was asked for before looking back begins
HOLD = 10 * clock.MINUTE  # how long an answer stands
_KEPT = 50
_DRAFT = "draft"

Sizes = list[tuple[int, int]]


@dataclass(frozen=True)
class Looking:
    """It is being looked up, for so many seconds now."""

    seconds: int


@dataclass(frozen=True)
class _Asked:
    """What is looked up: the draft and the segments that it names."""

    definitions: tuple[tuple[str, Definition], ...]

    def find(self, weeks: int) -> Sizes:
        return history.back_cast(dict(self.definitions), now=clock.now(), weeks=weeks)[_DRAFT]


@dataclass(frozen=True)
class _Answer:
    at: int
    sizes: Sizes
    error: PusulaError | None = None


class Past:
    """Answers of this process, and the one question that is being looked up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[_Asked, _Answer] = OrderedDict()
        self._wanted: _Asked | None = None
        self._since = 0.0
        self._thread: threading.Thread | None = None

    def sizes(self, condition: Condition, weeks: int, *, waits: bool) -> Sizes | Looking:
        """Return (moment, members) week by week, the oldest first, or that it is being looked up.

        ``waits``: it is looked up now. Raises the error of what cannot be asked about the past.
        """
        asked = _asked(condition)
        if waits:
            return asked.find(weeks)
        with self._lock:
            answer = self._answers.get(asked)
            if answer is not None and clock.now() - answer.at <= HOLD:
                if answer.error is not None:
                    raise answer.error
                return answer.sizes
            if asked != self._wanted:
                self._wanted, self._since = asked, time.monotonic()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, args=(weeks,), daemon=True)
                self._thread.start()
            return Looking(int(time.monotonic() - self._since))

    def join(self, timeout_s: float) -> None:
        """Wait until nothing is being looked up."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def forget(self) -> None:
        """Forget every answer."""
        with self._lock:
            self._answers.clear()
            self._wanted = None

    def _work(self, weeks: int) -> None:
        try:
            while (asked := self._rested()) is not None:
                answer = _answer(asked, weeks)
                with self._lock:
                    self._answers[asked] = answer
                    while len(self._answers) > _KEPT:
                        self._answers.popitem(last=False)
                    if self._wanted == asked:
                        self._wanted = None
        finally:
            connection.close()

    def _rested(self) -> _Asked | None:
        """Return what is wanted once that has stood still; nothing if nothing is wanted."""
        while True:
            with self._lock:
                wanted, since = self._wanted, self._since
                rest = since + REST_S - time.monotonic()
                if wanted is None:
                    self._thread = None  # whoever asks from now on starts another one
                    return None
            if rest <= 0:
                return wanted
            time.sleep(rest)


def _asked(condition: Condition) -> _Asked:
    draft = Definition(_DRAFT, Words(_DRAFT, _DRAFT), condition)
    named = history.stored(references(condition))
    return _Asked((*sorted(named.items()), (_DRAFT, draft)))


def _answer(asked: _Asked, weeks: int) -> _Answer:
    try:
        return _Answer(clock.now(), asked.find(weeks))
    except PusulaError as error:
        return _Answer(clock.now(), [], error)
    except Exception as error:  # noqa: BLE001 - told to whoever asks next
        return _Answer(clock.now(), [], PusulaError(f"{type(error).__name__}: {error}"))


PAST = Past()
