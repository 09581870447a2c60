"""What time it is where a person lives, as far as we can tell."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from zoneinfo import available_timezones

from django.conf import settings
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from pusula.lake import rows
from pusula.profiles.models import Identifier, IdentifierKind, Trait

TRAIT = "time_zone"


def of(profile_ids: Iterable[int]) -> dict[int, str]:
    """Return the time zone of each profile.

    The one it gave (trait ``time_zone``), else the one all its phone numbers belong to if that is
    one alone, else the company's.
    """
    company = settings.PUSULA.time_zone
    found: dict[int, str] = {}
    for part in rows.parts(profile_ids):
        found.update(dict.fromkeys(part, company))
        found.update(_by_phone(part))
        given = Trait.objects.filter(name=TRAIT, profile_id__in=part)
        told = given.values_list("profile_id", "text")
        found.update((profile_id, name) for profile_id, name in told if name in _known())
    return found


def _by_phone(profile_ids: list[int]) -> dict[int, str]:
    held = Identifier.objects.filter(kind=IdentifierKind.PHONE, profile_id__in=profile_ids)
    zones: dict[int, set[str]] = {}
    for profile_id, number in held.values_list("profile_id", "value"):
        zones.setdefault(profile_id, set()).update(
            _of_number(number[: TIMEZONE_LONGEST_PREFIX + 1])
        )
    return {profile_id: zone for profile_id, (zone, *more) in zones.items() if zone and not more}


@lru_cache(maxsize=16_384)
def _of_number(start: str) -> tuple[str, ...]:
    """Return the zones of numbers (E.164) that begin like this; an empty name: unknown."""
    digits = start.removeprefix("+")
    for length in range(len(digits), 0, -1):
        zones: tuple[str, ...] = TIMEZONE_DATA.get(digits[:length], ())
        if zones:
            return tuple(zone if zone in _known() else "" for zone in zones)
    return ("",)


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(available_timezones())
