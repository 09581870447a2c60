"""The calendar of what goes out: campaigns, journeys' dates, holidays and school breaks by day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import holidays
from django.conf import settings
from django.db.models import Count, F, Q
from django.urls import reverse
from django.utils.translation import get_language, gettext, ngettext

from pusula.campaigns import crowding, machine
from pusula.campaigns.models import Campaign
from pusula.journeys import machine as journeys
from pusula.journeys import queries as titles
from pusula.journeys.models import Journey, Planned
from pusula.lib import clock
from pusula.outbox.rules.policy import Cap
from pusula.segments import catalog
from pusula.web import formats, limit_words

_COUNTRY = "TR"
# What the library calls the same in every year; the named periods have these with their eves.
_LANGUAGES = {"tr": "tr", "en": "en_US"}
WEEK = 7


@dataclass(frozen=True)
class Entry:
    """Something that goes out, or is over, on a day."""

    at: int | None  # none: through the day
    title: str
    href: str
    tone: str
    note: str = ""


@dataclass
class Day:
    """A day of the calendar and what is on it."""

    on: dt.date
    is_outside: bool = False  # of the month
    is_today: bool = False
    holidays: list[str] = field(default_factory=list)
    periods: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say of it."""
        return not (self.holidays or self.periods or self.entries)


def weeks(first_on: dt.date) -> list[list[Day]]:
    """Return the weeks, Monday first, that the month beginning ``first_on`` touches."""
    monday = first_on - dt.timedelta(days=first_on.weekday())
    n = _next_month(first_on) - monday
    days = [
        Day(
            monday + dt.timedelta(days=i), is_today=monday + dt.timedelta(days=i) == formats.today()
        )
        for i in range(-(-n.days // WEEK) * WEEK)
    ]
    for day in days:
        day.is_outside = day.on.month != first_on.month
        day.holidays = _holidays(day.on.year, get_language() or "en").get(day.on, [])
        day.periods = list(_periods(day.on))
    entries = _entries(days[0].on, days[-1].on)
    for day in days:
        day.entries = sorted(entries[day.on], key=lambda one: (one.at or 0, one.title))
    return [days[i : i + WEEK] for i in range(0, len(days), WEEK)]


def _next_month(first_on: dt.date) -> dt.date:
    return clock.add_months(first_on, 1)


def month_beside(first_on: dt.date, months: int) -> str:
    """Return how the address names the month so many months on."""
    return f"{clock.add_months(first_on, months):%Y-%m}"


def crowds(shown: Iterable[list[Day]]) -> list[str]:
    """Return a sentence for each week to come in which people get several messages."""
    tz = settings.PUSULA.time_zone
    found = []
    for week in shown:
        first_at = clock.start_of(week[0].on, tz)
        last_at = clock.start_of(week[-1].on + dt.timedelta(days=1), tz)
        if last_at <= clock.now():
            continue
        for number, n in sorted(crowding.nth_message(first_at, last_at).items(), reverse=True)[:2]:
            form = ngettext(
                "Week of %(day)s: %(n)s person would get %(number)s messages.",
                "Week of %(day)s: %(n)s people would get %(number)s messages.",
                n,
            )
            values = {"day": formats.day(week[0].on), "n": formats.number(n), "number": number}
            found.append(form % values)
    return found


def conflicts() -> list[tuple[str, str]]:
    """Return a sentence and its campaign's address for each cap a scheduled campaign runs into."""
    return [
        (
            gettext(
                "“%(title)s”, %(moment)s: %(n)s of at most %(expected)s people will have had all "
                "that is allowed (%(cap)s) and are left out."
            )
            % {
                "title": one.campaign.title,
                "moment": formats.moment(one.campaign.starts_at or 0),
                "n": formats.number(one.n),
                "expected": formats.number(one.n_expected),
                "cap": _cap(one.cap),
            },
            reverse("campaign", args=[one.campaign.key]),
        )
        for one in crowding.conflicts()
    ]


def _cap(cap: Cap) -> str:
    return gettext("%(n)s in %(window)s") % {
        "n": formats.number(cap.most),
        "window": limit_words.window(cap.window),
    }


@lru_cache(maxsize=32)
def _holidays(year: int, language: str) -> Mapping[dt.date, list[str]]:
    """Return the public holidays of a year, the half days among them."""
    found = holidays.country_holidays(
        _COUNTRY, years=[year], language=_LANGUAGES.get(language[:2], "en_US"),
        categories=(holidays.PUBLIC, holidays.HALF_DAY),
    )  # fmt: skip
    return {day: names.split("; ") for day, names in found.items()}


def _periods(on: dt.date) -> Iterator[str]:
    """Yield the named periods of the company that ``on`` is in, if no holiday says it already."""
    is_turkish = (get_language() or "en").startswith("tr")
    said = " ".join(_holidays(on.year, "tr").get(on, ())).casefold()
    for period in catalog.periods().values():
        if period.tr.casefold() in said:
            continue
        if any(first <= on <= last for first, last in period.spans):
            yield period.tr if is_turkish else period.en


def _entries(first_on: dt.date, last_on: dt.date) -> Mapping[dt.date, list[Entry]]:
    tz = settings.PUSULA.time_zone
    from_at = clock.start_of(first_on, tz)
    to_at = clock.start_of(last_on + dt.timedelta(days=1), tz)
    found: dict[dt.date, list[Entry]] = defaultdict(list)
    for at, entry in [*_campaigns(from_at, to_at), *_journeys(from_at, to_at)]:
        found[clock.day_of(at, tz)].append(entry)
    return found


def _campaigns(from_at: int, to_at: int) -> Iterator[tuple[int, Entry]]:
    concerned = Campaign.objects.filter(
        Q(starts_at__gte=from_at, starts_at__lt=to_at)
        | Q(started_at__gte=from_at, started_at__lt=to_at)
        | Q(window_ends_at__gte=from_at, window_ends_at__lt=to_at)
    )
    for campaign in concerned.order_by("pk"):
        href = reverse("campaign", args=[campaign.key])
        planned = campaign.starts_at if campaign.state == machine.SCHEDULED else None
        if planned is not None and from_at <= planned < to_at:
            note = gettext("scheduled")
            yield planned, Entry(planned, campaign.title, href, "info", note)
        if campaign.started_at is not None and from_at <= campaign.started_at < to_at:
            yield (
                campaign.started_at,
                Entry(campaign.started_at, campaign.title, href, "good", gettext("begun")),
            )
        ends_at = campaign.window_ends_at
        if ends_at is not None and from_at <= ends_at < to_at:
            yield ends_at, Entry(None, campaign.title, href, "", gettext("result is due"))


def _journeys(from_at: int, to_at: int) -> Iterator[tuple[int, Entry]]:
    """Yield how many people a live journey's dates bring in on each day to come."""
    dated = Planned.objects.filter(
        journey__state=journeys.LIVE, due_at__gte=from_at, due_at__lt=to_at,
        profile__isnull=False,
    ).annotate(day=(F("due_at") - from_at) / clock.DAY)  # fmt: skip
    rows = list(dated.order_by().values_list("journey", "day").annotate(n=Count("pk")))
    live = Journey.objects.select_related("version").in_bulk({pk for pk, _day, _n in rows})
    for pk, day, n in rows:
        form = ngettext("%(n)s person comes in", "%(n)s people come in", n)
        title = titles.title(live[pk], (get_language() or "en")[:2])
        href = reverse("journey", args=[live[pk].key])
        entry = Entry(None, title, href, "", form % {"n": formats.number(n)})
        yield from_at + int(day) * clock.DAY + clock.DAY // 2, entry
