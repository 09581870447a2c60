"""Numbers and days in the active language: the words that pages, mails, files and PDFs share."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from babel import Locale, dates
from django.conf import settings
from django.utils.translation import get_language, pgettext

from pusula.lib import numerals
from pusula.lib.numerals import NOTHING

__all__ = [
    "NOTHING",
    "amount",
    "day",
    "locale",
    "month",
    "number",
    "p_value",
    "percent",
    "short",
    "short_day",
]

# The smallest number worth a short form: up to here every digit is still read at a glance.
_SHORTEN_FROM = 10_000
_NEXT_UNIT = 1_000


def locale() -> Locale:
    """Return Babel's locale for the active language."""
    return numerals.locale_of(get_language() or settings.LANGUAGE_CODE)


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """Return ``12.438`` (tr) or ``12,438`` (en), rounded half up; a dash for nothing."""
    return NOTHING if value is None else numerals.number(value, digits, locale())


def percent(share: float | Decimal | None, digits: int = 1) -> str:
    """Return the share 0.062 as ``%6,2`` (tr) or ``6.2%`` (en); a dash for nothing."""
    return NOTHING if share is None else numerals.percent(share, digits, locale())


def p_value(value: float) -> str:
    """Return a p-value with three decimals: ``0,042``, ``< 0,001``."""
    return numerals.p_value(value, locale())


def amount(minor: float | None, currency: str) -> str:
    """Return minor units as ``₺1.284.500``; kuruş only below ₺100; a dash for nothing."""
    return NOTHING if minor is None else numerals.amount(round(minor), currency, locale())


def short(value: float | Decimal) -> str:
    """Return a number that fits a chart: ``43,2 bin``, ``1,3 mn``; English ``43.2K``, ``1.3M``."""
    size = abs(Decimal(str(value)))
    if size < _SHORTEN_FROM:
        return number(value)
    units = (
        (Decimal(10**3), pgettext("thousands, short", "%(number)sK")),
        (Decimal(10**6), pgettext("millions, short", "%(number)sM")),
        (Decimal(10**9), pgettext("billions, short", "%(number)sB")),
    )
    # 999,950 is a million, not "1,000.0 thousand": take the first unit whose rounding fits.
    scaled, form = next(
        (
            (size / unit, form)
            for unit, form in units
            if numerals.rounded(size / unit, 1) < _NEXT_UNIT
        ),
        (size / units[-1][0], units[-1][1]),
    )
    rounded = numerals.rounded(scaled, 1)
    text = form % {"number": number(rounded, 0 if rounded == rounded.to_integral() else 1)}
    return "−" + text if value < 0 else text


def day(value: dt.date, *, long: bool = False) -> str:
    """Return ``12 Mar 2025``, or ``12 Mart 2025`` when ``long``."""
    return numerals.day(value, locale(), long=long)


def short_day(value: dt.date) -> str:
    """Return ``12 Mar``: for the axis of a chart, where the year is said elsewhere."""
    return dates.format_date(value, "d MMM", locale=locale())


def month(value: dt.date) -> str:
    """Return ``Mart 2025`` for any day of the month."""
    return dates.format_date(value, "LLLL y", locale=locale())
