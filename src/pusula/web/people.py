"""Customers as tables of people show them: name, city, what they bought, their consents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pusula.consent import queries as consents
from pusula.orders import queries as orders
from pusula.profiles import queries as profiles
from pusula.profiles.models import Profile
from pusula.web import titles
from pusula.web.card import Permission, list_permissions

PURPOSE = "marketing"
_CHANNELS = ("email", "sms", "call")


@dataclass(frozen=True)
class Person:
    """A customer as a row shows them; ``since_at`` is when they entered, where it is told."""

    id: int
    name: str
    city: str
    summary: orders.Summary | None
    permissions: list[Permission]
    since_at: int | None = None


def people(ids: Iterable[int], since: dict[int, int] | None = None) -> list[Person]:
    """Return the customers ``ids`` in their order; ``since`` is when each entered."""
    ids = list(ids)
    found = Profile.objects.in_bulk(ids)
    cities, sums = profiles.texts_of(ids, "city"), orders.summaries(ids)
    permits = consents.statuses(ids, PURPOSE)
    return [
        Person(
            id=each,
            name=titles.customer(found[each].name),
            city=cities.get(each, ""),
            summary=sums.get(each),
            permissions=list_permissions(permits.get(each, {}), _CHANNELS),
            since_at=(since or {}).get(each),
        )
        for each in ids
        if each in found
    ]
