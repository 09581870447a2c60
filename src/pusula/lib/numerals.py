"""Numbers, shares and days as people write them: one way for pages, mails, files and terminals."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

from babel import Locale, dates, numbers

from pusula.lib import money

NOTHING = "—"
_SHOW_MINOR_BELOW = 100
_LEAST_P = 0.001
_SYMBOLS = {"TRY": "₺"}


def locale_of(language: str | None) -> Locale:
    """Return Babel's locale for a language code such as ``tr`` or ``en-gb``; English for none."""
    return Locale.parse(language or "en", sep="-")


def rounded(value: float | Decimal, digits: int = 0) -> Decimal:
    """Return ``value`` with ``digits`` decimals, rounded half up; what rounds to zero is zero."""
    exact = Decimal(str(value))
    if not exact.is_finite():
        return exact
    return exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) + 0


def number(value: float | Decimal, digits: int, locale: Locale) -> str:
    """Return ``value`` with ``digits`` decimals, rounded half up: ``12.438`` (tr), ``12,438``."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return numbers.format_decimal(rounded(value, digits), pattern, locale=locale).replace("-", "−")


def percent(share: float | Decimal, digits: int, locale: Locale) -> str:
    """Return the share 0.062 as ``%6,2`` (tr) or ``6.2%`` (en)."""
    points = rounded(Decimal(str(share)) * 100, digits)
    pattern: str = locale.percent_formats[None].pattern
    sign = "−" if points.is_signed() else ""
    return sign + pattern.replace("#,##0", number(abs(points), digits, locale))


def p_value(value: float, locale: Locale) -> str:
    """Return a p-value with three decimals, or that it is below the smallest of these."""
    if value < _LEAST_P:
        return f"< {number(_LEAST_P, 3, locale)}"
    return number(value, 3, locale)


def amount(minor: int, currency: str, locale: Locale) -> str:
    """Return ``minor`` units as money: ``₺1.284.500``; kuruş only below ₺100."""
    value = money.from_minor(minor, currency)
    text = number(abs(value), minor_digits(value, currency), locale)
    return with_symbol(text, currency, locale, negative=minor < 0)


def minor_digits(value: Decimal, currency: str) -> int:
    """Return how many decimals an amount shows: none from a hundred on, and none for zero."""
    return 0 if abs(value) >= _SHOW_MINOR_BELOW or value == 0 else money.EXPONENTS[currency]


def with_symbol(text: str, currency: str, locale: Locale, *, negative: bool) -> str:
    """Return the written size of an amount with the sign and the symbol of its currency."""
    symbol = _SYMBOLS.get(currency) or numbers.get_currency_symbol(currency, locale=locale)
    gap = "\N{NO-BREAK SPACE}" if symbol[-1].isalpha() else ""
    return f"{'−' if negative else ''}{symbol}{gap}{text}"


def day(value: dt.date, locale: Locale, *, long: bool = False) -> str:
    """Return ``12 Mar 2025``, or ``12 Mart 2025`` when ``long``."""
    return dates.format_date(value, "d MMMM y" if long else "d MMM y", locale=locale)
