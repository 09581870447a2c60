"""The moments that days and times of day of a journey mean, in the business time zone."""

from __future__ import annotations

import calendar
from datetime import date, time, timedelta

from pusula.journeys.language.nodes import DateOf, Every, Once
from pusula.lib import clock
from pusula.segments.language.windows import Offset


def wall(day: date, minutes: int, tz: str) -> int:
    """Return when the clocks of ``tz`` first show ``minutes`` past midnight on ``day``.

    In the gap of spring that is the first moment behind it, in the overlap of autumn the first.
    """
    return clock.first_at(day, time(minutes // 60, minutes % 60), tz)


def next_at(minutes: int, weekdays: tuple[int, ...], at: int, tz: str) -> int:
    """Return the first such time from ``at`` on, on one of ``weekdays`` if there are any."""
    day = clock.day_of(at, tz)
    while True:
        if not weekdays or day.weekday() in weekdays:
            found = wall(day, minutes, tz)
            if found >= at and clock.day_of(found, tz) == day:
                return found
        day += timedelta(days=1)


def shifted(day: date, offset: Offset | None) -> date:
    """Return ``day`` moved by days, weeks, months or years."""
    if offset is None:
        return day
    match offset.unit:
        case "day":
            return day + timedelta(days=offset.amount)
        case "week":
            return day + timedelta(weeks=offset.amount)
        case "month":
            return clock.add_months(day, offset.amount)
    return clock.add_months(day, 12 * offset.amount)


def moment(of: DateOf, day: date | None, at: int, tz: str) -> int | None:
    """Return the moment that ``of`` means for somebody whose day it is; ``None`` without one.

    One that comes round every year is the next from ``at`` on.
    """
    if day is None:
        return None
    if not of.is_yearly:
        return wall(shifted(day, of.offset), of.time, tz)
    in_years = of.offset.amount if of.offset is not None and of.offset.unit == "year" else 0
    year = clock.day_of(at, tz).year - 1 - abs(in_years)
    while True:
        found = wall(shifted(_anniversary(day, year), of.offset), of.time, tz)
        if found >= at and year > day.year:
            return found
        year += 1


def occurrence(when: Once | Every, after: int, tz: str) -> int | None:
    """Return the first moment behind ``after`` at which a schedule comes; ``None``: no more."""
    if isinstance(when, Once):
        found = wall(when.day, when.time, tz)
        return found if found > after else None
    if not when.month_days:
        return next_at(when.time, when.weekdays, after + 1, tz)
    day = clock.day_of(after, tz)
    while True:
        if _is_one_of(day, when.month_days):
            found = wall(day, when.time, tz)
            if found > after:
                return found
        day += timedelta(days=1)


def _is_one_of(day: date, month_days: tuple[int, ...]) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    return day.day in month_days or (day.day == last and max(month_days) > last)


def _anniversary(day: date, year: int) -> date:
    """Return the day in ``year``; the 29th of February is kept on the 28th in other years."""
    return clock.add_months(day, 12 * (year - day.year))
