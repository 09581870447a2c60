"""Numbers, money, days and moments as people read them, in the language that is active.

Numbers are written as in mails and files (``measurement.reports.words``); here stands what only
pages say. Moments come as UTC microseconds and are shown in the company's time zone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from babel import dates, lists
from django.conf import settings
from django.utils.translation import gettext, ngettext

from pusula.lib import clock, money, numerals, text
from pusula.measurement.reports.words import (
    NOTHING,
    amount,
    day,
    locale,
    month,
    number,
    p_value,
    percent,
    short,
    short_day,
)

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

_HOURS_PER_DAY = 24
_FAR_DAYS = 60  # beyond them nobody counts days
_MINUTES_PER_HOUR = 60


def short_amount(minor: int, currency: str) -> str:
    """Return ``minor`` units as money in its short form: ``₺1,3 mn``."""
    value = money.from_minor(minor, currency)
    return numerals.with_symbol(short(abs(value)), currency, locale(), negative=minor < 0)


def price(value: Decimal) -> str:
    """Return a price without its currency: two decimals, more where it has more."""
    exponent = value.normalize().as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    return number(value, max(2, digits))


def weekday(value: dt.date) -> str:
    """Return ``Pzt``."""
    return dates.format_date(value, "ccc", locale=locale())


def moment(at: int) -> str:
    """Return a moment in the company's time zone: ``14:05`` today, else with its day."""
    local = clock.to_datetime(at, settings.PUSULA.time_zone)
    time = f"{local:%H:%M}"
    return time if local.date() == today() else f"{day(local.date())} {time}"


def time_of_day(at: int) -> str:
    """Return ``14:05`` of a moment, in the company's time zone."""
    return f"{clock.to_datetime(at, settings.PUSULA.time_zone):%H:%M}"


def moment_day(at: int, *, long: bool = False) -> str:
    """Return the day of a moment in the company's time zone."""
    return day(clock.day_of(at, settings.PUSULA.time_zone), long=long)


def iso(at: int) -> str:
    """Return a moment for machines that read pages: ISO 8601 in the company's time zone."""
    return clock.to_datetime(at, settings.PUSULA.time_zone).isoformat(timespec="seconds")


def today() -> dt.date:
    """Return the present day in the company's time zone."""
    return clock.day_of(clock.now(), settings.PUSULA.time_zone)


def relative_day(value: dt.date) -> str:
    """Return ``bugün``, ``dün``, ``19 gün önce``, ``yarın``, ``5 gün sonra``; far ones as days."""
    return day(value) if abs((value - today()).days) > _FAR_DAYS else days_away(value)


def days_away(value: dt.date) -> str:
    """Return how far a day is however far: ``199 gün önce``, where the day is said beside it."""
    n = (value - today()).days
    words = {0: gettext("today"), -1: gettext("yesterday"), 1: gettext("tomorrow")}
    if n in words:
        return words[n]
    form = (
        ngettext("in %(n)s day", "in %(n)s days", n)
        if n > 0
        else ngettext("%(n)s day ago", "%(n)s days ago", -n)
    )
    return form % {"n": number(abs(n))}


def ago(at: int) -> str:
    """Return how long a moment is past: ``az önce``, ``5 dakika önce``, ``3 saat önce``, ``dün``.

    Moments of another calendar day are told in days, those to come too; far ones by their day.
    """
    seconds = (clock.now() - at) // clock.SECOND
    day_of = clock.day_of(at, settings.PUSULA.time_zone)
    if seconds < 0 or seconds >= _HOURS_PER_DAY * 3600 or day_of != today():
        return relative_day(day_of)
    minutes = seconds // 60
    if minutes < 1:
        return gettext("just now")
    if minutes < _MINUTES_PER_HOUR:
        form = ngettext("%(n)s minute ago", "%(n)s minutes ago", minutes)
        return form % {"n": number(minutes)}
    hours = minutes // 60
    return ngettext("%(n)s hour ago", "%(n)s hours ago", hours) % {"n": number(hours)}


def lasting(seconds: int) -> str:
    """Return a length of time in its largest unit: ``12 saniye``, ``26 saat``, ``3 gün``."""
    minutes, hours = seconds // 60, seconds // 3600
    if not minutes:
        form, n = ngettext("%(n)s second", "%(n)s seconds", seconds), seconds
    elif not hours:
        form, n = ngettext("%(n)s minute", "%(n)s minutes", minutes), minutes
    elif hours < 2 * _HOURS_PER_DAY:
        form, n = ngettext("%(n)s hour", "%(n)s hours", hours), hours
    else:
        n = hours // _HOURS_PER_DAY
        form = ngettext("%(n)s day", "%(n)s days", n)
    return form % {"n": number(n)}


def territory(code: str) -> str:
    """Return the name of an ISO 3166 country; what is no code as it is."""
    name: str = locale().territories.get(code.upper(), code)
    return name


def language(code: str) -> str:
    """Return the name of an ISO 639 language; what is no code as it is."""
    name: str = locale().languages.get(code.lower(), code)
    return name


def listing(words: Iterable[str], style: lists.ListStyle = "standard") -> str:
    """Return ``İstanbul, Ankara ve İzmir``; ``style="or"`` for ``veya``."""
    return lists.format_list(list(words), style=style, locale=locale())


def capital(words: str) -> str:
    """Return ``words`` with a capital first letter, as the active language writes it."""
    is_turkish = locale().language == "tr"
    first = text.upper(words[:1]) if is_turkish else words[:1].upper()
    return first + words[1:]
