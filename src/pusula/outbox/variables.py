"""What a template may say about a person: its variables, and their values for many at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection

from pusula.lake import rows
from pusula.lib import clock
from pusula.outbox import recommended
from pusula.profiles.models import Trait, TraitKind

_FIXED = (
    "profile.first_name",
    "profile.last_name",
    "profile.name",
    "company.name",
    "company.currency",
    "today",
    *recommended.NAMES,
    "message.*",  # what one message says beyond the profile: an order number, a coupon
    "unsubscribe_url",
    "preferences_url",
)
# Read for every message that leaves.
_PERSON = "select id, first_name, last_name from profiles_profile where id in"
_SAID = """
select profile_id, name, kind, text, number, day from profiles_trait where profile_id in"""
_TEXT = TraitKind.TEXT.value


def names() -> set[str]:
    """Return every variable there is, dotted: the fixed ones, ``traits.NAME`` for each trait."""
    traits = Trait.objects.order_by().values_list("name", flat=True).distinct()
    found = set(_FIXED)
    for name in traits:
        found |= {f"traits.{name}", f"traits[{name!r}]"}
    return found


def values(profile_ids: Collection[int], *, at: int) -> dict[int, dict[str, Any]]:
    """Return the variables of each profile by id; who is gone is missing. ``at`` sets today."""
    company = settings.PUSULA
    shared = {
        "company": {"name": company.name, "currency": company.currency},
        "today": clock.day_of(at, company.time_zone),
    }
    found: dict[int, dict[str, Any]] = {}
    for pk, first_name, last_name in rows.select(connection, _PERSON, profile_ids):
        name = f"{first_name} {last_name}".strip()
        profile = {"first_name": first_name, "last_name": last_name, "name": name}
        found[pk] = {**shared, "profile": profile, "traits": {}}
    for pk, name, kind, text, number, day in rows.select(connection, _SAID, profile_ids):
        if pk in found:
            said = text if kind == _TEXT else _value(kind, text, number, day)
            found[pk]["traits"][name] = said
    return found


def _value(kind: str, text: str, number: float | None, day: date | str | None) -> object:
    if kind == TraitKind.LIST:
        return text.split("\n")
    if kind == TraitKind.DAY:
        return date.fromisoformat(day) if isinstance(day, str) else day
    if kind == TraitKind.BOOL:
        return bool(number)
    return int(number) if number is not None and number.is_integer() else number
