"""The fields of a record as another system tells it: text, local times, days."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed


class FieldError(PusulaError):
    """A field of a record does not say what it is called."""

    code = "bad_field"


def text(row: Any, field: str) -> str:
    """Return what ``row`` says of ``field`` as text; empty where it says nothing of one value."""
    value = row.get(field) if isinstance(row, dict) else None
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def moment(row: Any, field: str, tz: str) -> int | None:
    """Return a time, read by the clock of ``tz`` where it says no zone; a day as its beginning."""
    told = text(row, field)
    if not told:
        return None
    try:
        return clock.from_datetime(dt.datetime.fromisoformat(told), tz)
    except (ValueError, OverflowError) as error:
        why = Saying("is no time such as %(example)s", {"example": "2026-05-31T12:00:00"})
        raise FieldError(placed(field, why)) from error


def day(row: Any, field: str) -> dt.date:
    """Return a day, also of a time that begins with it."""
    try:
        return dt.date.fromisoformat(text(row, field)[:10])
    except ValueError as error:
        why = Saying("is no day such as %(example)s", {"example": "2026-05-31"})
        raise FieldError(placed(field, why)) from error
