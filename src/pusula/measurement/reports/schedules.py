"""Schedules of reports by mail: who gets which, when; and the moments at which they are due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pusula.campaigns.models import TeamAddress, TeamKind
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.measurement.reports.models import Issue, Letter, Schedule
from pusula.measurement.reports.period import USUAL_DAYS

PARTS = ("kpi", "attribution", "rates", "cohort")
LANGUAGES = ("tr", "en")
_WEEK = 7
_MOST_TITLE = 120


class ScheduleError(PusulaError):
    """A report cannot be scheduled so."""

    code = "report_schedule"
    status = 422


def create(
    *,
    title: str,
    parts: Sequence[str],
    days: int,
    language: str,
    weekday: int | None,
    hour: int,
    to: Sequence[int],
    by: str,
    at: int,
) -> Schedule:
    """Let a report go to verified addresses ``to`` of the team, from its next moment on.

    ``weekday`` is 0 (Monday) to 6, ``None`` every day; ``hour`` on the company's clock.
    """
    title = " ".join(title.split())[:_MOST_TITLE]
    chosen = [part for part in PARTS if part in set(parts)]
    if not title:
        raise ScheduleError(_("Give the report a name."))
    if not chosen:
        raise ScheduleError(_("Choose at least one part of the report."))
    is_moment = (weekday is None or 0 <= weekday < _WEEK) and 0 <= hour < 24  # noqa: PLR2004
    if not is_moment or days not in USUAL_DAYS or language not in LANGUAGES:
        raise ScheduleError(_("Choose a day, an hour, a period and a language from the lists."))
    with transaction.atomic():
        people = verified().filter(pk__in=list(to))
        if not people:
            raise ScheduleError(
                _("Reports go to verified addresses of your team only: choose at least one.")
            )
        made = Schedule.objects.create(
            title=title, parts=chosen, days=days, language=language, weekday=weekday, hour=hour,
            created_at=at, created_by=by, since_at=at,
        )  # fmt: skip
        made.recipients.set(people)
    return made


def end(pk: int, *, at: int) -> bool:
    """Let nothing more go out; return whether it did until now. What waits is given up."""
    with transaction.atomic():
        if not Schedule.objects.filter(pk=pk, ended_at=None).update(ended_at=at):
            return False
        Letter.objects.filter(issue__schedule_id=pk, taken_at=None).update(
            taken_at=at, problem="ended"
        )
    return True


def active() -> QuerySet[Schedule]:
    """Return the schedules that go on, by name."""
    return Schedule.objects.filter(ended_at=None).order_by("title", "pk")


def issues(n: int) -> list[Issue]:
    """Return the last reports that were made, with their letters."""
    found = Issue.objects.select_related("schedule").prefetch_related("letters__to")
    return list(found.order_by("-due_at", "-pk")[:n])


def verified() -> QuerySet[TeamAddress]:
    """Return the e-mail addresses whose owners have said yes."""
    mine = TeamAddress.objects.filter(kind=TeamKind.EMAIL, revoked_at=None)
    found = mine.exclude(verified_at=None)
    return found.order_by("address")


def due_at(schedule: Schedule, at: int) -> int | None:
    """Return the last moment of ``schedule`` up to ``at``; ``None`` before its first."""
    for day in _days(at):
        moment = _moment(schedule, day)
        if moment is not None and moment <= at:
            return moment if moment > schedule.since_at else None
    return None


def next_at(schedule: Schedule, at: int) -> int:
    """Return the next moment of ``schedule`` behind ``at``."""
    today = clock.day_of(at, settings.PUSULA.time_zone)
    days = (today + dt.timedelta(days=n) for n in range(_WEEK + 1))
    moments = (_moment(schedule, day) for day in days)
    return next(moment for moment in moments if moment is not None and moment > at)


def _days(at: int) -> list[dt.date]:
    """Return today and the days of the week before it, the newest first."""
    today = clock.day_of(at, settings.PUSULA.time_zone)
    return [today - dt.timedelta(days=n) for n in range(_WEEK + 1)]


def _moment(schedule: Schedule, day: dt.date) -> int | None:
    """Return when the report of ``day`` leaves; none on other days of the week."""
    if schedule.weekday not in {None, day.weekday()}:
        return None
    return clock.first_at(day, dt.time(schedule.hour), settings.PUSULA.time_zone)
