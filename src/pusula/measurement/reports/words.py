"""Numbers of reports as mails and files show them, in the active language."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

from babel import Locale, dates, numbers
from django.utils.translation import get_language, pgettext

from pusula.lib import money

NOTHING = "—"
_SHOW_MINOR_BELOW = 100
_SYMBOLS = {"TRY": "₺"}


def locale() -> Locale:
    """Return Babel's locale for the active language."""
    return Locale.parse(get_language() or "en", sep="-")


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """Return ``12.438`` (tr) or ``12,438`` (en); a dash for nothing."""
    if value is None:
        return NOTHING
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return numbers.format_decimal(rounded, pattern, locale=locale()).replace("-", "−")


def percent(share: float | None, digits: int = 1) -> str:
    """Return the share 0.062 as ``%6,2`` (tr) or ``6.2%`` (en); a dash for nothing."""
    if share is None:
        return NOTHING
    pattern: str = locale().percent_formats[None].pattern
    sign = "−" if share < 0 else ""
    return sign + pattern.replace("#,##0", number(abs(share) * 100, digits))


def short(value: float) -> str:
    """Return a number that fits a chart: ``43,2 bin``, ``1,3 mn``; English ``43.2K``, ``1.3M``."""
    size = abs(value)
    units = (
        (10**9, pgettext("billions, short", "%(number)sB")),
        (10**6, pgettext("millions, short", "%(number)sM")),
        (10**3, pgettext("thousands, short", "%(number)sK")),
    )
    unit, form = next(((n, form) for n, form in units if size >= n), (1, "%(number)s"))
    scaled = number(value / unit, 0 if value % unit == 0 or unit == 1 else 1)
    return form % {"number": scaled}


def amount(minor: float | None, currency: str) -> str:
    """Return minor units as ``₺1.284.500``; kuruş only below 100; a dash for nothing."""
    if minor is None:
        return NOTHING
    value = money.from_minor(round(minor), currency)
    digits = 0 if abs(value) >= _SHOW_MINOR_BELOW or value == 0 else money.EXPONENTS[currency]
    symbol = _SYMBOLS.get(currency) or numbers.get_currency_symbol(currency, locale=locale())
    gap = "\N{NO-BREAK SPACE}" if symbol[-1].isalpha() else ""
    return f"{'−' if minor < 0 else ''}{symbol}{gap}{number(abs(value), digits)}"


def day(value: dt.date) -> str:
    """Return ``12 Mar 2025``."""
    return dates.format_date(value, "d MMM y", locale=locale())


def short_day(value: dt.date) -> str:
    """Return ``12 Mar``."""
    return dates.format_date(value, "d MMM", locale=locale())


def month(value: dt.date) -> str:
    """Return ``Mart 2025`` for any day of the month."""
    return dates.format_date(value, "LLLL y", locale=locale())
