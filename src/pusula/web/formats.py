"""Numbers, money, days and moments as people read them, in the language that is active.

Babel does what it does well; our own are the short forms ("43,2 bin"), the relative days, and the
minus sign. Moments come as UTC microseconds and are shown in the company's time zone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from babel import Locale, dates, lists, numbers
from django.conf import settings
from django.utils.translation import get_language, gettext, ngettext, pgettext

from pusula.lib import clock, money, text

NOTHING = "—"
# The smallest number worth a short form: up to here every digit is still read at a glance.
_SHORTEN_FROM = 10_000
_NEXT_UNIT = 1_000
_SHOW_MINOR_BELOW = 100
_SYMBOLS = {"TRY": "₺"}
_HOURS_PER_DAY = 24
_MINUTES_PER_HOUR = 60


def locale() -> Locale:
    """Return Babel's locale for the active language."""
    return Locale.parse(get_language() or settings.LANGUAGE_CODE, sep="-")


def number(value: float | Decimal, digits: int = 0) -> str:
    """Return ``value`` with ``digits`` decimals, rounded half up: ``12.438`` (tr), ``12,438``."""
    rounded = _round(value, digits)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    text = numbers.format_decimal(rounded, format=pattern, locale=locale())
    return _minus(text)


def percent(share: float | Decimal, digits: int = 1) -> str:
    """Return the share 0.062 as ``%6,2`` (tr) or ``6.2%`` (en)."""
    magnitude = number(abs(Decimal(str(share)) * 100), digits)
    sign = "−" if share < 0 and magnitude.strip("0.,") else ""
    pattern: str = locale().percent_formats[None].pattern
    return sign + pattern.replace("#,##0", magnitude)


def amount(minor: int, currency: str) -> str:
    """Return ``minor`` units as money: ``₺1.284.500``; kuruş only below ₺100."""
    value = money.from_minor(minor, currency)
    whole = abs(value) >= _SHOW_MINOR_BELOW or value == 0
    text = number(abs(value), 0 if whole else money.EXPONENTS[currency])
    return _with_symbol(text, currency, negative=minor < 0)


def short_amount(minor: int, currency: str) -> str:
    """Return ``minor`` units as money in its short form: ``₺1,3 mn``."""
    value = money.from_minor(minor, currency)
    return _with_symbol(short(abs(value)), currency, negative=minor < 0)


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
        ((size / unit, form) for unit, form in units if _round(size / unit, 1) < _NEXT_UNIT),
        (size / units[-1][0], units[-1][1]),
    )
    rounded = _round(scaled, 1)
    text = form % {"number": number(rounded, 0 if rounded == rounded.to_integral() else 1)}
    return "−" + text if value < 0 else text


def day(value: dt.date, *, long: bool = False) -> str:
    """Return ``12 Mar 2025``, or ``12 Mart 2025`` when ``long``."""
    return dates.format_date(value, "d MMMM y" if long else "d MMM y", locale=locale())


def short_day(value: dt.date) -> str:
    """Return ``12 Mar``: for the axis of a chart, where the year is said elsewhere."""
    return dates.format_date(value, "d MMM", locale=locale())


def month(value: dt.date) -> str:
    """Return ``Mart 2025`` for any day of the month."""
    return dates.format_date(value, "LLLL y", locale=locale())


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
    """Return ``bugün``, ``dün``, ``199 gün önce``, ``yarın``, ``5 gün sonra``."""
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

    Moments of another calendar day are told in days; those to come too.
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


def _round(value: float | Decimal, digits: int) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _with_symbol(text: str, currency: str, *, negative: bool) -> str:
    symbol = _SYMBOLS.get(currency) or numbers.get_currency_symbol(currency, locale=locale())
    gap = "\N{NO-BREAK SPACE}" if symbol[-1].isalpha() else ""
    return f"{'−' if negative else ''}{symbol}{gap}{text}"
