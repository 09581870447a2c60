"""Numbers, shares and money as the command line shows them, in the active language."""

from __future__ import annotations

from babel import Locale
from babel.numbers import format_decimal, format_percent
from django.utils.translation import get_language

from pusula.lib import money

NOTHING = "–"
_SHOW_MINOR_BELOW = 100


def locale() -> Locale:
    """Return Babel's locale for the active language."""
    return Locale.parse(get_language() or "en", sep="-")


def number(value: float | None, digits: int = 0) -> str:
    """Return ``12.438`` (tr) or ``12,438`` (en); a dash for nothing."""
    if value is None:
        return NOTHING
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, pattern, locale=locale())


def percent(share: float | None, digits: int = 1) -> str:
    """Return the share 0.062 as ``%6,2`` (tr) or ``6.2%`` (en); a dash for nothing."""
    if share is None:
        return NOTHING
    whole = locale().percent_formats[None].pattern
    pattern = whole.replace("#,##0", "#,##0." + "0" * digits) if digits else whole
    return format_percent(share, pattern, locale=locale())


def amount(minor: float | None, currency: str) -> str:
    """Return minor units as ``1.284.500 TRY``; decimals only below 100; a dash for nothing."""
    if minor is None:
        return NOTHING
    value = float(money.from_minor(1, currency)) * minor
    digits = 0 if abs(value) >= _SHOW_MINOR_BELOW or value == 0 else money.EXPONENTS[currency]
    return f"{number(value, digits)} {currency}"
