"""The small words of a journey: times of day, days of the week, offsets, shares, true."""

from __future__ import annotations

import re
from decimal import Decimal

from pusula.journeys.language.nodes import Minutes
from pusula.segments.language import literals
from pusula.segments.language.moment_tests import WEEKDAYS
from pusula.segments.language.parse import KEY
from pusula.segments.language.place import Place
from pusula.segments.language.windows import Offset

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_OFFSET = re.compile(r"([0-9]{1,5} [a-z]{1,10}) (before|after)")
_DAYS = ("day", "week", "month", "year")
_LAST_DAY = 31
_WHOLE = Decimal(100)
_STEP_ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
LONGEST_ID = 60


def time(place: Place) -> Minutes:
    """Return a time of day such as ``"09:30"`` in minutes."""
    match = _TIME.fullmatch(place.value) if isinstance(place.value, str) else None
    if match is None:
        raise place.expected('a time of day in quotes such as "09:30"')
    return int(match[1]) * 60 + int(match[2])


def weekdays(place: Place) -> tuple[int, ...]:
    """Return days of the week such as ``[monday, friday]``, 0 is Monday; ascending."""
    entries = place.items("days of the week", 7) if isinstance(place.value, list) else [place]
    found = {WEEKDAYS.index(entry.choice(WEEKDAYS, "day of the week")) for entry in entries}
    return tuple(sorted(found))


def month_days(place: Place) -> tuple[int, ...]:
    """Return days of the month such as ``[1, 15]``, ascending."""
    entries = place.items("days of the month", _LAST_DAY) if isinstance(place.value, list) else None
    found = set()
    for entry in entries or [place]:
        day = literals.count(entry)
        if not 1 <= day <= _LAST_DAY:
            raise entry.expected("a day of the month from 1 to 31")
        found.add(day)
    return tuple(sorted(found))


def length(place: Place) -> Offset:
    """Return a length of time such as ``3 days``."""
    return literals.duration(place, 1)


def offset(place: Place) -> Offset:
    """Return so many days before or after a day such as ``7 days before``."""
    match = _OFFSET.fullmatch(place.value) if isinstance(place.value, str) else None
    if match is None:
        raise place.expected("how long before or after such as '7 days before'")
    found = literals.duration(Place(match[1], place.path), -1 if match[2] == "before" else 1)
    if found.unit not in _DAYS:
        raise place.error("a day is shifted by days, weeks, months or years")
    return found


def key(place: Place) -> str:
    """Return the key of something such as ``repeat-guests``."""
    found = place.text("a key such as 'repeat-guests'", 80)
    if not KEY.fullmatch(found):
        raise place.expected("small letters, digits and hyphens such as 'repeat-guests'")
    return found


def step_id(place: Place) -> str:
    """Return the id of a step such as ``first-mail``."""
    found = place.text("the id of a step such as 'first-mail'", LONGEST_ID)
    if not _STEP_ID.fullmatch(found):
        raise place.expected("small letters, digits, hyphens and _ such as 'first-mail'")
    return found


def holdout(place: Place) -> Decimal:
    """Return the share of a control group such as ``10 %``; 0 holds nobody out."""
    if type(place.value) is int and place.value == 0:
        return Decimal(0)
    found = literals.per_cent(place)
    if found >= _WHOLE:
        raise place.error("somebody has to get something: less than 100 %%")
    return found


def true(place: Place) -> None:
    """Refuse anything but ``true``."""
    if place.value is not True:
        raise place.expected("true")


def truth(place: Place) -> bool:
    """Return true or false."""
    if not isinstance(place.value, bool):
        raise place.expected("true or false")
    return place.value
