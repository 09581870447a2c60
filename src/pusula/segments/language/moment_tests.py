"""Reading the test of a moment or day: a window, or where in the calendar it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pusula.lib.sayings import Saying
from pusula.segments.language import literals, spans
from pusula.segments.language.nodes import (
    SEASONS,
    Anniversary,
    During,
    InMonths,
    OnWeekdays,
    Season,
    Test,
    Within,
)
from pusula.segments.language.place import Place
from pusula.segments.language.schema import Schema
from pusula.segments.language.windows import Window

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YEAR = 366  # days


def read(place: Place, schema: Schema, what: Saying) -> Test:
    """Return the test that stands at ``place``; ``what`` names it in errors."""
    if isinstance(place.value, Mapping) and len(place.value) == 1:
        key, below = place.single((*spans.WINDOW_KEYS, *SPANS, *CALENDAR_TESTS), what)
        if key in CALENDAR_TESTS:
            return CALENDAR_TESTS[key](schema, below)
        if key in SPANS:
            return Within(SPANS[key](below))
    return Within(spans.window(place))


def _months(_: Schema, place: Place) -> Test:
    entries = place.items("months", 12) if isinstance(place.value, (list, tuple)) else [place]
    return InMonths(tuple(sorted({_month(entry) for entry in entries})))


def _month(place: Place) -> int:
    if isinstance(place.value, str):
        return MONTHS.index(place.choice(MONTHS, "month")) + 1
    return literals.month(place)


def _season(_: Schema, place: Place) -> Test:
    if isinstance(place.value, str):
        name = place.choice([season.name for season in SEASONS], "season")
        return InMonths(months_of(next(season for season in SEASONS if season.name == name)))
    return InMonths(months_of(Season("", *literals.months(place))))


def months_of(season: Season) -> tuple[int, ...]:
    """Return the months of a season, sorted."""
    length = (season.last - season.first) % 12 + 1
    return tuple(sorted((season.first - 1 + i) % 12 + 1 for i in range(length)))


def _weekdays(_: Schema, place: Place) -> Test:
    entries = place.items("weekdays", 7) if isinstance(place.value, (list, tuple)) else [place]
    names = {entry.choice(WEEKDAYS, "weekday") for entry in entries}
    return OnWeekdays(tuple(sorted(WEEKDAYS.index(name) for name in names)))


def _anniversary(_: Schema, place: Place) -> Test:
    if place.value == "today":
        return Anniversary(1)
    below = place.single(("next",), "'today' or how soon it comes round")[1]
    offset = literals.duration(below, 1)
    days = offset.amount * {"day": 1, "week": 7}.get(offset.unit, 0)
    if not 1 <= days <= _YEAR:
        raise below.expected("from 1 to %(most)s days", most=_YEAR)
    return Anniversary(days)


def _during(schema: Schema, place: Place) -> Test:
    return During(place.choice(list(schema.periods), "period"))


SPANS: Mapping[str, Callable[[Place], Window]] = {
    "is": spans.on,
    "before": spans.before,
    "after": spans.after,
    "more_than": spans.more_than,
    "less_than": spans.less_than,
}
CALENDAR_TESTS: Mapping[str, Callable[[Schema, Place], Test]] = {
    "month": _months,
    "season": _season,
    "weekday": _weekdays,
    "anniversary": _anniversary,
    "during": _during,
}
