"""Who computes when everybody is evaluated: this process, several, or the workers of an engine."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Protocol

from pusula.profiles.models import Profile
from pusula.segments.everybody import mirrored
from pusula.segments.everybody.bucket import Found, Task, Values
from pusula.segments.everybody.compare import Differences, Evaluator, Question, ids_between
from pusula.segments.everybody.mirrored import Snapshot
from pusula.segments.everybody.workers import spread

Part = tuple[int, int]  # the first and the last id of a bucket, both included


class Engine(Protocol):
    """Workers that have the lake's files but not the database."""

    def found(self, task: Task, lake: Snapshot) -> Iterator[tuple[int, Found]]:
        """Yield what ``task`` finds in each bucket of ``lake``."""

    def values(self, task: Task, lake: Snapshot) -> Iterator[tuple[int, Values]]:
        """Yield the values of the populations of ``task`` in each bucket of ``lake``."""


@dataclass(frozen=True)
class Means:
    """How many processes of this machine, with a ``lake`` to read from or not, or an ``engine``.

    What an engine finds in a bucket counts if the lake holds there what the database holds; of the
    others, and where it found nothing, this process asks the database.
    """

    n_processes: int = 1
    lake: Snapshot | None = None
    engine: Engine | None = None

    def differences(self, question: Question, of: Sequence[Part]) -> Iterator[Differences]:
        """Yield how the profiles of each part differ from what is written of them."""
        if self.engine is None or self.lake is None:
            yield from spread(partial(_compare, pickle.dumps(question)), of, self.n_processes)
            return
        evaluator, waiting = Evaluator(question), set(of)
        for bucket, found in self.engine.found(question.task, self.lake):
            part = part_of(bucket)
            if part in waiting:
                waiting.remove(part)
                yield evaluator.compare(ids_between(*part), found)
        for part in sorted(waiting):
            yield evaluator.compare(ids_between(*part))

    def populations(self, question: Question, of: Sequence[Part]) -> Iterator[Values]:
        """Yield the values of each population's members in each part."""
        if self.engine is None or self.lake is None:
            yield from spread(partial(_populations, pickle.dumps(question)), of, self.n_processes)
            return
        evaluator, waiting = Evaluator(question), set(of)
        for bucket, values in self.engine.values(question.task, self.lake):
            part = part_of(bucket)
            if part in waiting and evaluator.may_read_lake(ids_between(*part)):
                waiting.remove(part)
                yield values
        for part in sorted(waiting):
            yield evaluator.populations(ids_between(*part))


def parts() -> list[Part]:
    """Return the ranges of ids, a bucket wide, in which there are profiles."""
    found: list[Part] = []
    while True:
        start = found[-1][1] + 1 if found else 0
        ahead = Profile.objects.filter(pk__gte=start).order_by("pk").values_list("pk", flat=True)
        first = ahead.first()
        if first is None:
            return found
        found.append(part_of(first // mirrored.SPAN))


def part_of(bucket: int) -> Part:
    """Return the range of ids of ``bucket``."""
    return bucket * mirrored.SPAN, (bucket + 1) * mirrored.SPAN - 1


def _compare(question: bytes, part: Part) -> Differences:
    return _evaluator(question).compare(ids_between(*part))


def _populations(question: bytes, part: Part) -> Values:
    return _evaluator(question).populations(ids_between(*part))


@lru_cache(maxsize=2)
def _evaluator(question: bytes) -> Evaluator:
    """Return the evaluator of a pickled question; a process compiles it once for all its parts."""
    return Evaluator(pickle.loads(question))  # noqa: S301 - our own, from this machine
