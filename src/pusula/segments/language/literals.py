"""The small words of a definition: amounts, shares, days and lengths of time."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal

from pusula.lib.money import EXPONENTS, to_minor
from pusula.segments.language.nodes import Money, Number
from pusula.segments.language.place import Place, hint, shown
from pusula.segments.language.windows import EXACT, UNITS, Offset

# Whole numbers up to here are exact as float64, the type of every number column.
MOST = 2**53
NONE, _ALL = Decimal(0), Decimal(100)  # per cent
_MOST_TIMES, _RATIO_DECIMALS = 10_000, 6
_MONTHS, _DECILES = 12, 10
LONGEST = 100 * 366 * 86_400  # seconds; the furthest a point may lie from the asked moment

# Days of which every time zone knows the start, and a hundred years around it.
FIRST_DAY, LAST_DAY = date(1800, 1, 1), date(2200, 12, 31)

_AMOUNT = re.compile(r"(-?[0-9]{1,18}(?:\.[0-9]{1,9})?) ?([A-Za-z]{3})")
_SHARE = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,6})?) ?%")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DURATION = re.compile(r"([0-9]{1,9}) ([a-z]{1,20})")
_SECONDS = {"month": 31 * 86_400, "year": 366 * 86_400} | {
    unit: length // 1_000_000 for unit, length in EXACT.items()
}


def number(place: Place) -> Number:
    """Return a finite number of a size that stays exact."""
    value = place.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise place.expected("a number")
    if abs(value) > MOST or not math.isfinite(value):
        raise place.error("%(given)s is not a number Pusula can compare with", given=shown(value))
    return value


def count(place: Place) -> int:
    """Return a whole number from 0 up."""
    value = number(place)
    if not isinstance(value, int) or value < 0:
        raise place.expected("a whole number from 0 up")
    return value


def money(place: Place, currency: str) -> Money:
    """Return an amount such as ``40000 TRY``; only ``currency`` can be compared with."""
    match = _AMOUNT.fullmatch(place.value) if isinstance(place.value, str) else None
    if match is None:
        raise place.expected(
            "an amount with its currency such as %(example)r", example=f"40000 {currency}"
        )
    amount, code = Decimal(match[1]), match[2].upper()
    if code not in EXPONENTS:
        raise place.error("unknown currency %(code)r", hint(code, list(EXPONENTS)), code=match[2])
    if code != currency:
        raise place.error(
            "amounts are compared in %(currency)s, the company's currency; %(code)s would need a "
            "conversion: state the amount in %(currency)s",
            currency=currency,
            code=code,
        )
    if amount.scaleb(EXPONENTS[code]) % 1:
        raise place.error(
            "%(code)s has %(n)s decimals, %(amount)s has more",
            code=code, n=EXPONENTS[code], amount=match[1],
        )  # fmt: skip
    try:
        return Money(to_minor(amount, code), code)
    except ValueError as error:
        raise place.error(str(error)) from error


def per_cent(place: Place) -> Decimal:
    """Return a percentage such as ``10 %``, from 0 to 100."""
    percent = _per_cent(place)
    if percent > _ALL:
        raise place.error("a share lies between 0 and 100 %%")
    return percent


def share(place: Place) -> Decimal:
    """Return a percentage such as ``10 %``, more than 0 and less than 100."""
    percent = _per_cent(place)
    if not 0 < percent < _ALL:
        raise place.error("a share lies between 0 and 100 %%")
    return percent


def fraction(place: Place) -> Number:
    """Return a share such as ``30 %`` as a number from 0 to 1."""
    percent = per_cent(place)
    return int(percent / _ALL) if percent in (0, _ALL) else float(percent / _ALL)


def ratio(place: Place) -> Decimal:
    """Return a multiple such as 1.2 or ``120 %``, more than 0 and at most 10,000."""
    is_text = isinstance(place.value, str)
    found = _per_cent(place) / _ALL if is_text else Decimal(str(number(place)))
    if not 0 < found <= _MOST_TIMES or found != round(found, _RATIO_DECIMALS):
        raise place.expected("a multiple of the mean such as 1.2")
    return _plain(found)


def _per_cent(place: Place) -> Decimal:
    match = _SHARE.fullmatch(place.value) if isinstance(place.value, str) else None
    if match is None:
        raise place.expected("a share such as '10 %%'")
    return _plain(Decimal(match[1]))


def _plain(found: Decimal) -> Decimal:
    """Return the number written without superfluous zeros, so that equal ones look alike."""
    return Decimal(f"{found.normalize():f}")


def day(place: Place) -> date:
    """Return a day such as ``2026-05-31``."""
    value = place.value
    if isinstance(value, date) and not isinstance(value, datetime):
        found = value
    else:
        written = value if isinstance(value, str) and _DAY.fullmatch(value) else ""
        try:
            found = date.fromisoformat(written)
        except ValueError:
            raise place.expected("a day such as 2026-05-31") from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise place.expected("a day from %(first)s to %(last)s", first=FIRST_DAY, last=LAST_DAY)
    return found


def length(place: Place) -> int:
    """Return a length of time such as ``2 days`` in microseconds; months and years have none."""
    offset = duration(place, 1)
    if offset.unit not in EXACT:
        raise place.error("a %(unit)s has no fixed length; say it in days", unit=offset.unit)
    return offset.amount * EXACT[offset.unit]


def duration(place: Place, sign: int) -> Offset:
    """Return a length of time such as ``24 months``, ``sign`` saying before (-1) or after (1)."""
    match = _DURATION.fullmatch(place.value) if isinstance(place.value, str) else None
    if match is None:
        raise place.expected("a length of time such as '30 days' or '24 months'")
    amount, unit = int(match[1]), match[2].removesuffix("s")
    if unit not in UNITS:
        raise place.error("unknown unit %(unit)r", hint(unit, UNITS), unit=match[2])
    if amount == 0:
        raise place.error("a length of time is at least 1")
    if amount * _SECONDS[unit] > LONGEST:
        raise place.error("no more than 100 years")
    return Offset(sign * amount, unit)


def month(place: Place) -> int:
    """Return the number of a month, 1 to 12."""
    found = count(place)
    if not 1 <= found <= _MONTHS:
        raise place.expected("a month from 1 to 12")
    return found


def months(place: Place) -> tuple[int, int]:
    """Return the first and the last month of a season."""
    entries = place.items("months", 2)
    if len(entries) != 2:  # noqa: PLR2004 - a pair
        raise place.error("expected the first and the last month such as [6, 9]")
    return month(entries[0]), month(entries[1])


def decile(place: Place) -> int:
    """Return a tenth of a model's scores, 1 to 10."""
    found = count(place)
    if not 1 <= found <= _DECILES:
        raise place.expected("a decile from 1 to 10")
    return found
