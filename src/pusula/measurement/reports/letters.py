"""Scheduled reports on their way: made once for each moment, sent once to each address.

A letter is taken in the database just before the final dot, as a test mail is: who dies before it
leaves it in line, who dies behind it leaves it taken, and nobody sends it again.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, Q

from pusula.campaigns import trials
from pusula.channels.email.address import AddressError
from pusula.channels.email.smtp import Server, TransportError
from pusula.lib import clock
from pusula.lib.sayings import found, kept
from pusula.measurement.reports import answers, catalog, mails, rules, schedules
from pusula.measurement.reports.answers import Given
from pusula.measurement.reports.models import Issue, Letter, Schedule
from pusula.measurement.reports.period import Period

MOST_TRIES = 12
PAUSE = 5 * clock.MINUTE
GOOD_FOR = clock.DAY  # a report that could not leave for so long is not wanted any more
_log = logging.getLogger("pusula.reports")


def prepare(*, at: int) -> list[Issue]:
    """Make the reports whose moment has come, with a letter for each address; return the new.

    Of a service that was down for long only the last moment of each schedule is made up for.
    """
    made = []
    for schedule in schedules.active():
        due = schedules.due_at(schedule, at)
        if due is None or schedule.issues.filter(due_at=due).exists():
            continue
        issue = _issue(schedule, due, at)
        if issue is not None:
            made.append(issue)
    return made


def send_waiting(server: Server, home: Path) -> int:
    """Send the letters that wait, each once; return how many the server took.

    Where sending is stopped or held, nothing leaves.
    """
    n = 0
    at = clock.now()
    _give_up(at)
    retry = Q(tried_at=None) | Q(tried_at__lt=at - PAUSE)
    waiting = Letter.objects.filter(retry, taken_at=None, n_tries__lt=MOST_TRIES)
    for letter in waiting.select_related("issue__schedule", "to").order_by("pk"):
        if trials.is_held(home):
            break
        n += _send(server, letter)
    return n


def _issue(schedule: Schedule, due: int, at: int) -> Issue | None:
    """Make the report of one moment; ``None`` if somebody else has just done it, or it waits.

    What a large company's report says is counted beside; the report is made once all of it is
    there. A part that cannot be counted holds up no other: the mail says that it is missing.
    """
    day = clock.day_of(due, settings.PUSULA.time_zone)
    period = Period(day - dt.timedelta(days=schedule.days), day)
    given = {part: _given(part, period, due, at) for part in schedule.parts}
    if any(_is_waiting(one, due, at) for one in given.values()):
        return None
    results = {part: one.result for part, one in given.items() if not one.error}
    for part in given.keys() - results.keys():
        why = found(given[part].error)
        _log.warning("%s of the report %s cannot be counted: %s", part, schedule.title, why)
    try:
        with transaction.atomic():
            issue = Issue.objects.create(
                schedule=schedule, due_at=due, from_on=period.from_on, until_on=period.until_on,
                made_at=clock.now(), results=results,
            )  # fmt: skip
            people = schedules.verified().filter(report_schedules=schedule)
            Letter.objects.bulk_create(Letter(issue=issue, to=one) for one in people)
    except IntegrityError:
        return None
    return issue


def _given(part: str, period: Period, due: int, at: int) -> Given:
    """Return what a part says, not older than a page would show it; asked for anew if it is.

    Nor is it older than the end of its last day, which may be the very moment.
    """
    asked = question(part, period)
    answers.try_again(part, asked, before=due, at=at)
    try:
        given = answers.answer(part, asked, at=at)
    except DatabaseError:
        raise
    except Exception:  # noqa: BLE001 - what is counted here, of a small company, holds up no other
        _log.exception("%s of %s could not be counted", part, asked)
        return Given(None, None, is_waiting=False, error=kept(answers.BROKE_OFF))
    since = max(due - answers.FRESH, period.span.until_at)
    if given.made_at is not None and given.made_at >= since:
        return Given(given.result, given.made_at, is_waiting=False)
    if given.error or given.is_waiting:
        return given
    answers.ask([given.digest], at=at)
    return replace(given, is_waiting=True)


def _is_waiting(given: Given, due: int, at: int) -> bool:
    """Return whether a part may be there in a while; one that fails is waited for for an hour."""
    return given.is_waiting or (bool(given.error) and at < due + answers.FRESH)


def question(part: str, period: Period) -> catalog.Question:
    """Return what a scheduled part asks."""
    days = catalog.of_period(period)
    given = rules.current().plain()
    return {
        "kpi": {**days, "rules": given},
        "attribution": {**days, "rules": given, "segment": ""},
        "rates": {**days, "by": "origin"},
        "cohort": {"months": 12},
    }[part]


def _give_up(at: int) -> None:
    late = Letter.objects.filter(taken_at=None, issue__made_at__lt=at - GOOD_FOR)
    late.update(taken_at=at)


def _send(server: Server, letter: Letter) -> bool:
    """Send one letter, and write down what became of it unless another sender took it."""
    this = Letter.objects.filter(pk=letter.pk)
    taken: list[bool] = []

    def take() -> bool:
        taken.append(_take(letter))
        return taken[-1]

    this.update(n_tries=F("n_tries") + 1, tried_at=clock.now())
    try:
        body = mails.signed(mails.message(letter.issue, letter.to.address))
        problem = trials.deliver(server, letter.to.address, body, take)
    except (AddressError, TransportError) as error:
        problem = error.saying
    mine = this if any(taken) else this.filter(taken_at=None)
    mine.update(sent_at=None if problem else clock.now(), problem=kept(problem, 400))
    if problem:
        _log.warning("the report %s did not leave: %s", letter.issue.schedule.title, problem)
    return not problem


def _take(letter: Letter) -> bool:
    """Take the letter if nobody has, its address is verified still, and the report goes on."""
    mine = Letter.objects.filter(
        pk=letter.pk,
        taken_at=None,
        to_id__in=schedules.verified().values("pk"),
        issue_id__in=Issue.objects.filter(schedule__ended_at=None).values("pk"),
    )
    return bool(mine.update(taken_at=clock.now()))
