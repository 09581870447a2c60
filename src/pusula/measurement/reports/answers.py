"""Answers of reports: at once where the company is small, else computed beside and kept.

A page must not wait: where there is more than can be looked at in a moment, the question is written
down, ``pusula reports work`` computes it, and the page shows the last answer with its time.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import F, Model, Q, QuerySet

from pusula.campaigns.models import Assignment
from pusula.events.models import Event
from pusula.journeys.models import Enrollment
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import kept
from pusula.measurement.reports import catalog
from pusula.measurement.reports.catalog import Question, Result
from pusula.measurement.reports.measured import Measure
from pusula.measurement.reports.models import Answer
from pusula.orders.models import Order
from pusula.outbox.models import Message
from pusula.profiles.models import Profile

T = TypeVar("T")
# With so many orders and messages ever, a report of all of them is there within two seconds. Of
# people, and of their places in campaigns and journeys, there may be as many; of events more.
MOST_AT_ONCE = 60_000
_EVENTS_AT_ONCE = 10 * MOST_AT_ONCE
FRESH = clock.HOUR
# Who took a question and says nothing for so long has died.
PATIENCE = clock.HOUR
# What nobody asked about for so long is not kept.
KEPT = 30 * clock.DAY


@dataclass(frozen=True)
class Given:
    """What a report says, and since when; ``is_waiting``: a newer one is being computed."""

    result: Result | None
    made_at: int | None
    is_waiting: bool
    error: str = ""
    took_ms: int | None = None  # the last time


def answer(kind: str, question: Question, *, at: int, is_fresh: bool = False) -> Given:
    """Return the answer, or the last one with the question written down to be computed again.

    ``is_fresh`` asks for a new one though the last is not old. Raises ``PusulaError`` of a question
    that cannot be answered, where it is looked at at once.
    """
    if is_small():
        return Given(catalog.made(kind, question), at, is_waiting=False)
    held, _new = Answer.objects.get_or_create(
        digest=digest(kind, question),
        defaults={"kind": kind, "question": question, "asked_at": at},
    )
    is_old = held.made_at is None or is_fresh or at - held.made_at > FRESH
    is_asked = is_old and (is_fresh or not held.error)  # what failed once fails again by itself
    Answer.objects.filter(pk=held.pk).update(asked_at=at, **({"wanted": True} if is_asked else {}))
    is_waiting = held.wanted or is_asked
    return Given(held.result, held.made_at, is_waiting, held.error, held.took_ms)


def figures(
    measure: Measure[T], question: Question, *, at: int, is_fresh: bool = False
) -> tuple[T | None, Given]:
    """Return figures as ``answer`` returns a report; ``None`` where they are not there yet.

    A ``measure`` may itself find nothing, and then is answered with ``None`` and a result.
    """
    given = answer(measure.kind, question, at=at, is_fresh=is_fresh)
    if given.result is None:
        return None, given
    try:
        return measure.read(given.result), given
    except (msgspec.ValidationError, ObjectDoesNotExist):  # of an older program, or of what is gone
        Answer.objects.filter(digest=digest(measure.kind, question)).update(wanted=True)
        return None, Given(None, None, is_waiting=True)


def work(*, at: int) -> Answer | None:
    """Compute the question that waits longest, and return it; ``None`` if none does."""
    taken = _take(at)
    if taken is None:
        return None
    began = time.monotonic()
    changes: dict[str, object] = {"taken_at": None, "wanted": False}
    try:
        result = catalog.made(taken.kind, taken.question)
        changes |= {"result": result, "error": "", "made_at": clock.now()}
    except PusulaError as error:
        changes |= {"error": kept(error.saying)}
    changes["took_ms"] = round((time.monotonic() - began) * 1_000)
    Answer.objects.filter(pk=taken.pk, taken_at=taken.taken_at).update(**changes)
    return taken


def forget(*, at: int) -> int:
    """Delete answers that nobody asked for lately; return how many."""
    return Answer.objects.filter(asked_at__lt=at - KEPT).delete()[0]


def renew(*, at: int) -> int:
    """Ask again for everything that people looked at within a day: a batch run has new facts."""
    lately = Answer.objects.filter(asked_at__gt=at - clock.DAY, error="")
    return lately.update(wanted=True)


def digest(kind: str, question: Question) -> str:
    """Return the name of a question."""
    told = json.dumps([kind, question], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()


def is_small() -> bool:
    """Say whether a report may be computed while somebody waits for the page."""
    groups = ((Order, Message), (Profile,), (Assignment, Enrollment))
    return _at_most(Event) <= _EVENTS_AT_ONCE and all(
        sum(map(_at_most, models)) <= MOST_AT_ONCE for models in groups
    )


def _at_most(model: type[Model]) -> int:
    """Return how many rows there may be: by their numbers, without counting them."""
    ends = model._default_manager.values_list("pk", flat=True)  # noqa: SLF001 - Django's name
    first, last = (ends.order_by(order).first() for order in ("pk", "-pk"))  # each at an end
    return 0 if first is None or last is None else last - first + 1


def _waiting(at: int) -> QuerySet[Answer]:
    is_free = Q(taken_at=None) | Q(taken_at__lt=at - PATIENCE)
    return Answer.objects.filter(is_free, wanted=True)


def _take(at: int) -> Answer | None:
    for one in _waiting(at).order_by(F("made_at").asc(nulls_first=True), "asked_at")[:20]:
        if _waiting(at).filter(pk=one.pk).update(taken_at=at):
            one.taken_at = at
            return one
    return None
