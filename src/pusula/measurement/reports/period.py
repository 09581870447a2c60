"""The days a report is about, and as many before them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.measurement.attribution.touches import Span

# Whole weeks, so that a period has as many Saturdays as the one before it.
USUAL_DAYS = (7, 28, 91, 364)
MOST_DAYS = 1_100
_DAILY_UP_TO = 35  # above: columns of weeks, then of four weeks
_WEEKLY_UP_TO = 190
# Further out no moment, or no period before it, can be counted.
_FIRST_YEAR, _LAST_YEAR = 1_000, 9_000


class PeriodError(PusulaError):
    """A period that cannot be reported on."""

    code = "report_period"
    status = 422


@dataclass(frozen=True)
class Period:
    """The days from ``from_on`` until before ``until_on``, in the company's time zone."""

    from_on: dt.date
    until_on: dt.date

    def __post_init__(self) -> None:
        if not 1 <= self.n_days <= MOST_DAYS:
            words = {"most": MOST_DAYS, "n": self.n_days}
            raise PeriodError(
                _("A period has 1 to %(most)s days, not %(n)s: its first day is before its last.")
                % words
            )
        if not _FIRST_YEAR <= self.from_on.year <= self.until_on.year <= _LAST_YEAR:
            raise PeriodError(_("There are no orders of these years: choose other days."))

    @classmethod
    def last(cls, days: int) -> Period:
        """Return the ``days`` up to yesterday."""
        today = clock.day_of(clock.now(), settings.PUSULA.time_zone)
        return cls(today - dt.timedelta(days=days), today)

    @classmethod
    def until_today(cls, days: int) -> Period:
        """Return the ``days`` up to today, which is not over."""
        tomorrow = clock.day_of(clock.now(), settings.PUSULA.time_zone) + dt.timedelta(days=1)
        return cls(tomorrow - dt.timedelta(days=days), tomorrow)

    @property
    def n_days(self) -> int:
        """How many days it has."""
        return (self.until_on - self.from_on).days

    @property
    def last_on(self) -> dt.date:
        """The last of its days."""
        return self.until_on - dt.timedelta(days=1)

    @property
    def span(self) -> Span:
        """Its moments."""
        zone = settings.PUSULA.time_zone
        return Span(clock.start_of(self.from_on, zone), clock.start_of(self.until_on, zone))

    def before(self) -> Period:
        """Return as many days that end where it begins."""
        return Period(self.from_on - dt.timedelta(days=self.n_days), self.from_on)

    @property
    def columns(self) -> list[dt.date]:
        """The first days of the columns of a chart, and the day behind the last of them."""
        step = 1 if self.n_days <= _DAILY_UP_TO else 7 if self.n_days <= _WEEKLY_UP_TO else 28
        days = [self.from_on + dt.timedelta(days=n) for n in range(0, self.n_days, step)]
        return [*days, self.until_on]

    @property
    def bounds(self) -> list[int]:
        """The moments of ``columns``."""
        zone = settings.PUSULA.time_zone
        return [clock.start_of(day, zone) for day in self.columns]
