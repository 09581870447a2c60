"""Finding customers by what somebody typed: an e-mail, a phone, a booking number, a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext

from pusula.orders import queries as orders
from pusula.profiles import contacts
from pusula.profiles import queries as profiles
from pusula.profiles.models import IdentifierKind, Profile
from pusula.sources import queries as sources
from pusula.web import masking

_PHONE = re.compile(r"[+(]?[\d\s().+/-]{5,}")


@dataclass(frozen=True)
class Found:
    """The customers a text leads to, and what it was read as (empty: not searched)."""

    profiles: QuerySet[Profile]
    read_as: str = ""


def find(text: str) -> Found:
    """Return the customers ``text`` leads to by the first reading that leads to anybody."""
    text = text.strip()
    if not text:
        return Found(profiles.everybody())
    readings = list(_readings(text))
    for reading in readings:
        if reading.profiles.exists():
            return reading
    words = [reading.read_as for reading in readings]
    return Found(Profile.objects.none(), gettext(", then as ").join(words))


def _readings(text: str) -> Iterator[Found]:
    """Yield what ``text`` may be, the likeliest first."""
    if "@" in text:
        yield Found(profiles.by_email_start(text), gettext("an e-mail address"))
        return
    if _PHONE.fullmatch(text) and (number := _phone(text)):
        shown = masking.national_phone(number, settings.PUSULA.phone_region)
        by_phone = profiles.by_identifier(IdentifierKind.PHONE, number)
        yield Found(by_phone, gettext("the phone number %(number)s") % {"number": shown})
    if any(c.isdigit() for c in text):
        yield Found(_by_number(text), gettext("a booking or customer number"))
    else:
        yield Found(profiles.by_name(text), gettext("a name"))


def _phone(text: str) -> str | None:
    try:
        return contacts.phone(text, settings.PUSULA.phone_region)
    except contacts.ContactError:
        return None


def _by_number(text: str) -> QuerySet[Profile]:
    """Return the customers whose booking or own number is ``text``, in the sources we read."""
    systems = sources.names()
    spellings = {text, text.upper()}
    found = Profile.objects.none()
    for spelling in sorted(spellings):
        owners = orders.by_number(spelling, systems).values("profile")
        found = found | Profile.objects.filter(pk__in=owners)
        found = found | Profile.objects.filter(pk__in=profiles.by_key(spelling, systems))
    return found
