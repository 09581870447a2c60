"""What the page of a segment tells of its past: sizes, entries and exits, versions, a past day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext

from pusula.lake.as_of import AsOf
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.segments import history, queries
from pusula.segments.models import Segment, SegmentSize
from pusula.web import formats, people, segment_charts
from pusula.web.builder import differences
from pusula.web.charts.figure import Figure

_BACK_DAYS = 98  # of the size chart of one segment: what was worked out for before it existed
_VERSIONS = 10
_SAMPLE = 8
_FIRST_DAY = dt.date(1990, 1, 1)


def chart(segment: Segment) -> Figure | None:
    """Return the sizes that were shown, behind those worked out for the time before."""
    since_at = clock.now() - _BACK_DAYS * clock.DAY
    found = SegmentSize.objects.filter(segment=segment, at__gte=since_at).order_by("at")
    rows = list(found.values_list("at", "n_members", "is_back_cast"))
    n_past = sum(1 for _, _, is_back_cast in rows if is_back_cast)
    return segment_charts.sizes([(at, n) for at, n, _ in rows], n_past)


@dataclass(frozen=True)
class Day:
    """Entries and exits of one day."""

    on: dt.date
    entered: int
    left: int


def turns(segment: Segment, since_at: int) -> list[Day]:
    """Return the days since ``since_at`` on which somebody entered or left, the newest first."""
    zone = settings.PUSULA.time_zone
    days: dict[dt.date, list[int]] = {}
    for turn in queries.turns(segment, since_at):
        counts = days.setdefault(clock.day_of(turn.at, zone), [0, 0])
        counts[0] += turn.entered
        counts[1] += turn.left
    return [Day(on, entered, left) for on, (entered, left) in days.items()]


@dataclass(frozen=True)
class Version:
    """A version as the page lists it, the newest first."""

    number: int
    created_at: int
    created_by: str
    is_shown: bool
    differences: differences.Differences


def versions(segment: Segment) -> list[Version]:
    """Return the last versions, the newest first, each with what it changed."""
    found = list(segment.versions.order_by("-number")[: _VERSIONS + 1])
    before = [*found[1:], None]
    return [
        Version(
            number=version.number,
            created_at=version.created_at,
            created_by=version.created_by,
            is_shown=version.pk == segment.version_id,
            differences=differences.between(older, version),
        )
        for version, older in zip(found, before, strict=True)
    ][:_VERSIONS]


@dataclass(frozen=True)
class Then:
    """A segment at the end of a past day, by the definition of today."""

    on: dt.date
    n: int = 0
    people: tuple[people.Person, ...] = ()
    error: str = ""


def then(segment: Segment, on: str) -> Then | None:
    """Return the segment as it was when the day ``on`` ended; none where no day is asked for."""
    try:
        day = dt.date.fromisoformat(on)
    except ValueError:
        return None
    if not _FIRST_DAY <= day <= formats.today():
        return Then(day, error=gettext("Choose a day that has begun."))
    at = min(clock.start_of(day + dt.timedelta(days=1), settings.PUSULA.time_zone), clock.now())
    try:
        found = history.members_at(history.stored([segment.key]), AsOf(at, clock.now()))
    except PusulaError as error:
        return Then(day, error=error.said(gettext))
    members = found[segment.key]
    shown = people.people(int(each) for each in history.sample(members, _SAMPLE))
    return Then(day, len(members), tuple(shown))
