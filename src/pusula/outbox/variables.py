"""What a template may say about a person: its variables, and their values for many at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from django.conf import settings

from pusula.lib import clock
from pusula.profiles.models import Profile, Trait, TraitKind

_FIXED = (
    "profile.first_name",
    "profile.last_name",
    "profile.name",
    "company.name",
    "company.currency",
    "today",
    "message.*",  # what one message says beyond the profile: an order number, a coupon
    "unsubscribe_url",
    "preferences_url",
)
_PERSON = ("pk", "first_name", "last_name")
_SAID = ("kind", "text", "number", "day")


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
    people = Profile.objects.filter(pk__in=profile_ids)
    for pk, first_name, last_name in people.values_list(*_PERSON):
        name = f"{first_name} {last_name}".strip()
        profile = {"first_name": first_name, "last_name": last_name, "name": name}
        found[pk] = {**shared, "profile": profile, "traits": {}}
    traits = Trait.objects.order_by().filter(profile_id__in=profile_ids)
    for pk, name, *said in traits.values_list("profile_id", "name", *_SAID):
        if pk in found:
            found[pk]["traits"][name] = _value(*said)
    return found


def _value(kind: str, text: str, number: float | None, day: date | None) -> object:
    if kind == TraitKind.TEXT:
        return text
    if kind == TraitKind.DAY:
        return day
    if kind == TraitKind.BOOL:
        return bool(number)
    return int(number) if number is not None and number.is_integer() else number
