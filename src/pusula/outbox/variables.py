"""What a template may say about a person: its variables, and their values for many at once."""

from __future__ import annotations

from collections.abc import Collection
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
    "unsubscribe_url",
    "preferences_url",
)


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
    people = Profile.objects.filter(pk__in=profile_ids)
    found: dict[int, dict[str, Any]] = {
        profile.pk: {
            **shared,
            "profile": {
                "first_name": profile.first_name,
                "last_name": profile.last_name,
                "name": profile.name,
            },
            "traits": {},
        }
        for profile in people
    }
    for trait in Trait.objects.filter(profile_id__in=profile_ids):
        if trait.profile_id in found:
            found[trait.profile_id]["traits"][trait.name] = _value(trait)
    return found


def _value(trait: Trait) -> object:
    if trait.kind == TraitKind.TEXT:
        return trait.text
    if trait.kind == TraitKind.DAY:
        return trait.day
    if trait.kind == TraitKind.BOOL:
        return bool(trait.number)
    number = trait.number
    return int(number) if number is not None and number.is_integer() else number
