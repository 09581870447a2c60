"""What a draft would have done lately, replayed in the background for many customers.

One draft is replayed at a time, and only on request: it reads everybody's history. Each web process
keeps its own answers for a while.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _

from pusula.journeys import backtest
from pusula.journeys.backtest import Result
from pusula.journeys.language import Journey, dump
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.profiles.models import Profile
from pusula.segments import counting

DAYS = 30
HOLD = 10 * clock.MINUTE  # how long an answer stands
_KEPT = 20
_MOST_WAITING = 10  # drafts; each reads everybody's history, one after the other


@dataclass(frozen=True)
class Running:
    """It is being replayed: so many customers of so many; ``n_all`` is 0 while it waits."""

    n_done: int = 0
    n_all: int = 0


@dataclass(frozen=True)
class _Answer:
    at: int
    result: Result | None
    error: str = ""


class Trials:
    """Answers of this process, and those that are asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._asked: OrderedDict[str, Running] = OrderedDict()
        self._thread: threading.Thread | None = None

    def found(self, journey: Journey) -> Result | Running | None:
        """Return what is known of ``journey``; ``None`` if nobody asked lately.

        Raises the error of what cannot be replayed.
        """
        with self._lock:
            return self._found(_key(journey))

    def ask(self, journey: Journey) -> Result | Running:
        """Return the answer, or that it is being found; with few customers it is found now.

        Raises the error of what cannot be replayed.
        """
        key = _key(journey)
        if Profile.objects.count() <= counting.SMALL:
            return _replayed(key)
        with self._lock:
            known = self._found(key)
            if known is not None:
                return known
            if len(self._asked) >= _MOST_WAITING:
                raise backtest.BacktestError(
                    _("Others are being replayed: try again in a few minutes.")
                )
            running = self._asked[key] = Running()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            return running

    def join(self, timeout_s: float) -> None:
        """Wait until nothing is being replayed."""
        if (thread := self._thread) is not None:
            thread.join(timeout_s)

    def forget(self) -> None:
        """Forget every answer."""
        with self._lock:
            self._answers.clear()

    def _found(self, key: str) -> Result | Running | None:
        answer = self._answers.get(key)
        if answer is None or clock.now() - answer.at > HOLD:
            return self._asked.get(key)
        if answer.result is None:
            raise backtest.BacktestError(answer.error)
        return answer.result

    def _work(self) -> None:
        try:
            while (key := self._next()) is not None:
                answer = self._answer(key)
                with self._lock:
                    self._answers[key] = answer
                    self._asked.pop(key, None)
                    while len(self._answers) > _KEPT:
                        self._answers.popitem(last=False)
        finally:
            connection.close()

    def _next(self) -> str | None:
        with self._lock:
            key = next(iter(self._asked), None)
            if key is None:
                self._thread = None  # whoever asks from now on starts another one
            return key

    def _answer(self, key: str) -> _Answer:
        def progress(n_done: int, n_all: int) -> None:
            with self._lock:
                self._asked[key] = Running(n_done, n_all)

        try:
            result = _replayed(key, progress)
        except PusulaError as error:
            return _Answer(clock.now(), None, error.said(_))
        except Exception as error:  # noqa: BLE001 - told to whoever asks next
            return _Answer(clock.now(), None, f"{type(error).__name__}: {error}")
        return _Answer(clock.now(), result)


def _key(journey: Journey) -> str:
    return json.dumps(dump(journey), sort_keys=True, ensure_ascii=False)


def _replayed(key: str, progress: Callable[[int, int], None] | None = None) -> Result:
    now = clock.now()
    return backtest.run(json.loads(key), since=now - DAYS * clock.DAY, until=now, progress=progress)


TRIALS = Trials()
