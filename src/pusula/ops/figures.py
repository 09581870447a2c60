"""Numbers, shares and money as the command line shows them, in the active language."""

from __future__ import annotations

from decimal import Decimal

from babel import Locale
from django.utils.translation import get_language

from pusula.lib import money, numerals

NOTHING = "–"


def locale() -> Locale:
    """Return Babel's locale for the active language."""
    return numerals.locale_of(get_language())


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """Return ``12.438`` (tr) or ``12,438`` (en); a dash for nothing."""
    return NOTHING if value is None else numerals.number(value, digits, locale())


def percent(share: float | None, digits: int = 1) -> str:
    """Return the share 0.062 as ``%6,2`` (tr) or ``6.2%`` (en); a dash for nothing."""
    return NOTHING if share is None else numerals.percent(share, digits, locale())


def p_value(value: float) -> str:
    """Return a p-value with three decimals: ``0.042``, ``< 0.001``."""
    return numerals.p_value(value, locale())


def amount(minor: float | None, currency: str) -> str:
    """Return minor units as ``1.284.500 TRY``; decimals only below 100; a dash for nothing."""
    if minor is None:
        return NOTHING
    value = money.from_minor(round(minor), currency)
    return f"{number(value, numerals.minor_digits(value, currency))} {currency}"
