"""Filters for templates beyond Liquid's own: Turkish money, dates and letters."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from liquid import RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context

from pusula.lib import money as money_
from pusula.lib import text

MONTHS = (
    "Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran",
    "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık",
)  # fmt: skip
WEEKDAYS = ("Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi", "Pazar")
_SYMBOLS = {"TRY": "₺", "EUR": "€", "USD": "$", "GBP": "£"}
_DIRECTIVE = re.compile(r"%(-?)(.)")


@with_context
def money(value: Any, currency: str = "", *, context: RenderContext) -> str:
    """Write an amount the Turkish way: ``1284500.5`` becomes ``₺1.284.500,50``.

    Without ``currency`` it is the company's own. Whole amounts have no decimals; nothing stays
    nothing.
    """
    company = context.get(["company", "currency"], token=None, default="TRY")
    return written_money(value, str(currency or company))


def written_money(value: Any, code: str) -> str:
    """Return an amount of the currency ``code`` as ``money`` writes it."""
    if not _is_given(value):
        return ""
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise FilterArgumentError(f"money: {value!r} is not a number", token=None) from error
    digits = 0 if amount == amount.to_integral_value() else money_.EXPONENTS.get(code, 2)
    number = f"{abs(amount):,.{digits}f}".translate(str.maketrans(",.", ".,"))
    sign = "-" if amount < 0 else ""
    symbol = _SYMBOLS.get(code)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {code}"


def date_tr(value: Any, style: str = "") -> str:
    """Write a day in Turkish: ``9 Kasım 2026``; style ``weekday`` adds ``Pazartesi``."""
    if not _is_given(value):
        return ""
    day = _day(value)
    written = f"{day.day} {MONTHS[day.month - 1]} {day.year}"
    return f"{written} {WEEKDAYS[day.weekday()]}" if style == "weekday" else written


def date_(value: Any, pattern: str = "%d.%m.%Y") -> str:
    """Write a day or time by ``pattern``, of ``%d %m %Y %y %H %M %S %j`` and ``%%``."""
    if not _is_given(value):
        return ""
    moment = _day(value)

    def directive(match: re.Match[str]) -> str:
        bare, letter = match.groups()
        if letter == "%":
            return "%"
        if letter not in "dmYyHMSj":
            raise FilterArgumentError(
                f"date: %{letter} is not known; for names of months use date_tr", token=None
            )
        written = moment.strftime(f"%{letter}")
        return written.lstrip("0") or "0" if bare else written

    return _DIRECTIVE.sub(directive, pattern)


def tr_upper(value: Any) -> str:
    """Write in capitals by Turkish rules: ``izmir`` becomes ``İZMİR``."""
    return text.upper(str(value)) if _is_given(value) else ""


def tr_lower(value: Any) -> str:
    """Write small by Turkish rules: ``IŞIK`` becomes ``ışık``."""
    return text.lower(str(value)) if _is_given(value) else ""


def tr_title(value: Any) -> str:
    """Begin every word with a capital by Turkish rules: ``AYŞE IŞIK`` becomes ``Ayşe Işık``."""
    if not _is_given(value):
        return ""
    return _titled(str(value))


@lru_cache(maxsize=8_192)
def _titled(words: str) -> str:
    parts = re.split(r"(\s+|-)", text.lower(words))
    return "".join(text.upper(part[:1]) + part[1:] for part in parts)


def _is_given(value: Any) -> bool:
    return bool(value) or value == 0  # Liquid's undefined is false and equals None


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise FilterArgumentError(
            f"{str(value)[:40]!r} is not a date such as 2026-11-09", token=None
        ) from error


FILTERS: dict[str, Callable[..., Any]] = {
    "money": money,
    "date": date_,
    "date_tr": date_tr,
    "tr_upper": tr_upper,
    "tr_lower": tr_lower,
    "tr_title": tr_title,
}
