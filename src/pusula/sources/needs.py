"""What an adapter needs to be told: settings checked with their place, secrets, hotels, rates."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from django.conf import settings
from msgspec import Meta

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed
from pusula.orders.models import Property
from pusula.pipeline import complaints
from pusula.sources.models import Source

SECRETS = "secrets"  # the folder of the home
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")


class NeedError(PusulaError):
    """A source is not set up; the message names the setting."""

    code = "source_settings"


class Common(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Settings of every adapter of bookings.

    ``hotels``: the hotel's number in the system = ``code`` of our ``Property``. ``rates``: currency
    = worth of one unit in the company's currency, or {day from which it holds = worth}.
    """

    hotels: dict[str, str] = {}
    rates: dict[str, str | dict[str, str]] = {}
    poll_every_s: Annotated[int, Meta(ge=5, le=86_400)] = 60
    overlap_s: Annotated[int, Meta(ge=0, le=86_400)] = 900  # asked again: systems lag


Settings = TypeVar("Settings", bound=Common)


def told(source: Source, kind: type[Settings]) -> Settings:
    """Return the settings of ``source``; raise ``NeedError`` with the place of what is wrong."""
    try:
        return msgspec.convert(source.settings, kind)
    except msgspec.ValidationError as error:
        raise NeedError(placed(f"{source.slug}: settings", complaints.why(error))) from error


def secret(source: Source, name: str) -> str:
    """Return a secret of ``source``: from the environment, else a file of the home folder."""
    if not _SLUG.fullmatch(source.slug):
        why = Saying("a source with secrets is named by letters, digits, dashes")
        raise NeedError(placed(source.slug, why))
    variable = f"PUSULA_{source.slug.replace('-', '_')}_{name}".upper()
    file = Path(settings.PUSULA_HOME) / SECRETS / source.slug / name
    if found := os.environ.get(variable, "").strip():
        return found
    if file.is_file() and (found := file.read_text(encoding="utf-8").strip()):
        return found
    why = Saying(
        "%(name)s is missing: write it to %(file)s or set %(variable)s",
        {"name": name, "file": str(file), "variable": variable},
    )
    raise NeedError(placed(source.slug, why))


@dataclass(frozen=True, slots=True)
class Hotel:
    """A hotel as an adapter needs it."""

    code: str
    region: str
    tz: str
    rollover_minutes: int


def hotel(source: Source, number: str, hotels: Mapping[str, str]) -> Hotel:
    """Return the hotel that the system calls ``number``."""
    code = hotels.get(number)
    if code is None:
        known = ", ".join(sorted(hotels)) or "none"
        why = Saying(
            "settings.hotels does not say which hotel %(number)s is; it has %(known)s",
            {"number": f"{number!r:.60}", "known": known},
        )
        raise NeedError(placed(source.slug, why))
    row = Property.objects.filter(code=code).first()
    if row is None:
        why = Saying(
            "there is no property %(code)s: make it with `pusula orders property %(again)s`",
            {"code": repr(code), "again": repr(code)},
        )
        raise NeedError(placed(source.slug, why))
    return Hotel(row.code, row.region, row.time_zone, row.rollover_minutes)


def rate(rates: Mapping[str, str | dict[str, str]], currency: str, day: date) -> Decimal | None:
    """Return what one unit of ``currency`` was worth on ``day`` in the company's.

    ``None`` where nobody says; raises ``NeedError`` for a rate or day that is none.
    """
    if currency == settings.PUSULA.currency:
        return Decimal(1)
    place, held = f"settings.rates.{currency}", rates.get(currency)
    if isinstance(held, dict):
        try:
            since = [one for one in held if date.fromisoformat(one) <= day]
        except ValueError as error:
            why = Saying("a day is 2026-05-31: %(error)s", {"error": str(error)})
            raise NeedError(placed(place, why)) from error
        held = held[max(since)] if since else None
    if held is None:
        return None
    try:
        worth = Decimal(held)
    except InvalidOperation as error:
        why = Saying("%(given)s is no number", {"given": f"{held!r:.40}"})
        raise NeedError(placed(place, why)) from error
    if not worth.is_finite() or worth <= 0:
        why = Saying("%(given)s is no rate", {"given": f"{held!r:.40}"})
        raise NeedError(placed(place, why))
    return worth
