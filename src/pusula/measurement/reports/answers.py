"""Answers of reports: at once where the company is small, else computed beside and kept.

A page must not wait: where there is more than can be looked at in a moment, the question is written
down, ``pusula reports work`` computes it, and the page shows the last answer with its time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.db.models import F, QuerySet

from pusula.campaigns.models import Assignment
from pusula.events.models import Event
from pusula.journeys.models import Enrollment
from pusula.lake.turns import turn
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, kept
from pusula.measurement.reports import catalog
from pusula.measurement.reports.catalog import Question, Result
from pusula.measurement.reports.measured import Measure
from pusula.measurement.reports.models import Answer
from pusula.orders.models import Order
from pusula.outbox.models import Message
from pusula.outbox.registry import RUN_FOLDER
from pusula.profiles.models import Profile

T = TypeVar("T")
# With so many orders and messages ever, a report of all of them is there within two seconds. Of
# people, and of their places in campaigns and journeys, there may be as many; of events more.
MOST_AT_ONCE = 60_000
_EVENTS_AT_ONCE = 10 * MOST_AT_ONCE
FRESH = clock.HOUR
# What nobody asked about for so long is not kept.
KEPT = 30 * clock.DAY
_LOOKED_AT = 20  # questions that a worker tries to take
# A question is one worker's by its turn, which ends with the process, however that ends. Those that
# share one wait for each other.
_TURNS = 64
_MOST_DOUBLINGS = 6  # of the minute before a question that crashed is tried again
BROKE_OFF = Saying("counting broke off; the log of the service tells why")
_log = logging.getLogger("pusula.reports")


@dataclass(frozen=True)
class Given:
    """What a report says, and since when; ``is_waiting``: a newer one is being computed."""

    result: Result | None
    made_at: int | None
    is_waiting: bool
    error: str = ""  # as ``sayings.kept`` keeps it
    took_ms: int | None = None  # the last time
    digest: str = ""  # by which it can be asked for anew; empty: it is counted at each look
    again_at: int | None = None  # it broke off, and is tried again then


def answer(kind: str, question: Question, *, at: int) -> Given:
    """Return the answer, or the last one with the question written down to be computed again."""
    (given,) = answers(kind, [question], at=at)
    return given


def answers(kind: str, questions: Sequence[Question], *, at: int) -> list[Given]:
    """Return what ``answer`` does of each question; many cost as many statements as one."""
    if is_small():
        return [_at_once(kind, one, at) for one in questions]
    names = [digest(kind, one) for one in questions]
    held = _held(names)
    if len(held) < len(set(names)):
        asked = dict(zip(names, questions, strict=True))
        Answer.objects.bulk_create(
            [
                Answer(digest=name, kind=kind, question=one, asked_at=at)
                for name, one in asked.items()
                if name not in held
            ],
            ignore_conflicts=True,  # somebody else has just asked
        )
        held = _held(names)
    old = [name for name, one in held.items() if not one.wanted and _is_old(one, at)]
    if old:
        Answer.objects.filter(digest__in=old).update(wanted=True, asked_at=at)
    # A page that waits asks every few seconds, which is not worth a write each time.
    Answer.objects.filter(digest__in=names, asked_at__lt=at - clock.MINUTE).update(asked_at=at)
    return [_given(held[name], at, is_asked=name in old) for name in names]


def _at_once(kind: str, question: Question, at: int) -> Given:
    try:
        return Given(catalog.made(kind, question), at, is_waiting=False)
    except PusulaError as error:
        return Given(None, None, is_waiting=False, error=kept(error.saying))


def _held(names: Collection[str]) -> dict[str, Answer]:
    return {one.digest: one for one in Answer.objects.filter(digest__in=names)}


def _is_old(held: Answer, at: int) -> bool:
    """Say whether it is to be computed anew by itself; what failed once would fail again."""
    return not held.error and (held.made_at is None or at - held.made_at > FRESH)


def _given(held: Answer, at: int, *, is_asked: bool) -> Given:
    is_wanted, rests = held.wanted or is_asked, held.not_before_at > at
    return Given(
        held.result,
        held.made_at,
        is_waiting=is_wanted and not rests,
        error=held.error,
        took_ms=held.took_ms,
        digest=held.digest,
        again_at=held.not_before_at if is_wanted and rests else None,
    )


def ask(digests: Collection[str], *, at: int) -> int:
    """Ask for answers anew that are not old, or could not be had; return how many there are."""
    wanted = Answer.objects.filter(digest__in=digests)
    return wanted.update(wanted=True, asked_at=at, n_crashes=0, not_before_at=0)


def try_again(kind: str, question: Question, *, before: int, at: int) -> None:
    """Ask anew for an answer that could not be had, if nobody asked since ``before``."""
    failed = Answer.objects.filter(digest=digest(kind, question), wanted=False).exclude(error="")
    failed.filter(asked_at__lt=before).update(wanted=True, asked_at=at)


def known(kind: str, question: Question, *, at: int) -> Result | None:
    """Return what is known at once, and ask for nothing: a page beside that of the report.

    Such a page does not say of when it is, so what is old is not known.
    """
    if is_small():
        return catalog.made(kind, question)
    fresh = Answer.objects.filter(digest=digest(kind, question), made_at__gte=at - FRESH)
    held = fresh.only("result").first()
    return held.result if held else None


def figures(measure: Measure[T], question: Question, *, at: int) -> tuple[T | None, Given]:
    """Return figures as ``answer`` returns a report; ``None`` where they are not there yet.

    A ``measure`` may itself find nothing, and then is answered with ``None`` and a result.
    """
    (found,) = all_figures(measure, [question], at=at)
    return found


def all_figures(
    measure: Measure[T], questions: Sequence[Question], *, at: int
) -> list[tuple[T | None, Given]]:
    """Return what ``figures`` does of each question."""
    return [_read(measure, given) for given in answers(measure.kind, questions, at=at)]


def _read(measure: Measure[T], given: Given) -> tuple[T | None, Given]:
    if given.result is None:
        return None, given
    try:
        return measure.read(given.result), given
    except (msgspec.ValidationError, ObjectDoesNotExist):  # of an older program, or of what is gone
        # Without it: if it cannot be counted either, that is the answer.
        Answer.objects.filter(digest=given.digest).update(wanted=True, result=None, made_at=None)
        return None, Given(None, None, is_waiting=True, digest=given.digest)


def work(*, at: int) -> Answer | None:
    """Compute the question that waits longest, and return it; ``None`` if none does."""
    for number in list(_in_line(at).values_list("pk", flat=True)[:_LOOKED_AT]):
        try:
            with turn(connection, f"answer-{number % _TURNS}", _turns(), _leave_it):
                # Whoever had the turn just now may have answered it.
                taken = _in_line(at).filter(pk=number).first()
                if taken is not None:
                    _answer(taken)
                    return taken
        except _TakenError:
            continue
    return None


def _answer(taken: Answer) -> None:
    # Before it is counted: who dies of it tells nobody, and the next would take it first again.
    n_crashes = min(taken.n_crashes, _MOST_DOUBLINGS) + 1
    # Once may be a service that was stopped. Of what broke off twice it is said, and if it does so
    # again it rests: else a worker that dies of it does nothing else, and no mail leaves.
    dying = _crashed(n_crashes) if taken.n_crashes > 1 else {"n_crashes": n_crashes}
    Answer.objects.filter(pk=taken.pk).update(**dying)
    began = time.monotonic()
    changes: dict[str, object] = {"wanted": False, "n_crashes": 0, "not_before_at": 0}
    try:
        result = catalog.made(taken.kind, taken.question)
        changes |= {"result": result, "error": "", "made_at": clock.now()}
    except PusulaError as error:
        changes |= {"error": kept(error.saying)}
    except Exception:  # noqa: BLE001 - whatever it was, other questions wait
        _log.exception("%s of %s could not be counted", taken.kind, taken.question)
        changes |= _crashed(n_crashes)
    changes["took_ms"] = round((time.monotonic() - began) * 1_000)
    Answer.objects.filter(pk=taken.pk).update(**changes)


def _crashed(n_crashes: int) -> dict[str, object]:
    """Return that a question is tried again, after each crash twice as much later."""
    pause = min(clock.MINUTE << (n_crashes - 1), clock.HOUR)
    return {
        "wanted": True,
        "n_crashes": n_crashes,
        "not_before_at": clock.now() + pause,
        "error": kept(BROKE_OFF),
    }


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
    groups = ((Event,), (Order, Message), (Profile,), (Assignment, Enrollment))
    most = (_EVENTS_AT_ONCE, MOST_AT_ONCE, MOST_AT_ONCE, MOST_AT_ONCE)
    tables = [model._meta.db_table for group in groups for model in group]  # noqa: SLF001 - Django's
    # How many there may be: by their first and last number, each at an end, without counting them.
    spans = (f"(SELECT max(id) FROM {t}) - (SELECT min(id) FROM {t}) + 1" for t in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(spans)}")
        found = iter([n or 0 for n in cursor.fetchone()])
    return all(sum(next(found) for _ in group) <= n for group, n in zip(groups, most, strict=True))


def _in_line(at: int) -> QuerySet[Answer]:
    """Return the questions that wait, the longest first; some may be counted just now.

    Those whose counting broke off come last.
    """
    waiting = Answer.objects.filter(wanted=True, not_before_at__lte=at)
    return waiting.order_by("n_crashes", F("made_at").asc(nulls_first=True), "asked_at")


class _TakenError(Exception):
    """Another worker has the turn."""


def _leave_it() -> None:
    raise _TakenError


def _turns() -> Path:
    return Path(settings.PUSULA_HOME) / RUN_FOLDER
