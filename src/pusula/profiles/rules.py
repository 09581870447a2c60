"""Which identifiers may say by themselves that two records are one person, and which never do.

The table is the whole policy; ``resolve`` carries it out. What no rule decides waits for somebody
who looks at it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import NamedTuple

from pusula.lib import text
from pusula.profiles.models import IdentifierKind


class Joins(enum.Enum):
    """How far the only holder of a value is taken for the person meant."""

    ALWAYS = "always"
    # Unless the names speak against it; two known people become one if the names speak for it.
    STRONG = "strong"
    # Unless the holder already has a number of the same system, or the names speak against it.
    UNNUMBERED = "unnumbered"
    NAMED = "named"  # only if the names speak for it
    DEVICE = "device"  # a visitor nobody knows becomes the person; somebody known never does


class Rule(NamedTuple):
    """What a kind of identifier decides; ``verified``: once the person proved that it is theirs."""

    joins: Joins
    verified: Joins


# In the order in which they are asked: the first that leads to exactly one person decides.
RULES: Mapping[IdentifierKind, Rule] = {
    IdentifierKind.KEY: Rule(Joins.ALWAYS, Joins.ALWAYS),
    IdentifierKind.NATIONAL_ID: Rule(Joins.STRONG, Joins.STRONG),
    IdentifierKind.LOYALTY: Rule(Joins.STRONG, Joins.STRONG),
    IdentifierKind.EMAIL: Rule(Joins.UNNUMBERED, Joins.STRONG),
    IdentifierKind.PHONE: Rule(Joins.UNNUMBERED, Joins.UNNUMBERED),
    # Scans left empty gave thousands of guests of one hotel the same document.
    IdentifierKind.DOCUMENT: Rule(Joins.NAMED, Joins.NAMED),
    IdentifierKind.ANONYMOUS: Rule(Joins.DEVICE, Joins.DEVICE),
}
# Addresses of an office, not of a person, in Turkish and the languages of its guests.
ROLES = frozenset(
    {
        "acente", "admin", "agency", "bilgi", "billing", "booking", "bookings", "contact",
        "destek", "efatura", "fatura", "finans", "finance", "frontdesk", "front.desk",
        "frontoffice", "guestrelations", "hello", "help", "hr", "ik", "iletisim", "info",
        "infos", "kontakt", "kurumsal", "mail", "marketing", "merhaba", "muhasebe", "musteri",
        "office", "ofis", "onburo", "operasyon", "operation", "operations", "ops", "order",
        "orders", "pazarlama", "postmaster", "reception", "rechnung", "resepsiyon", "reservas",
        "reservation", "reservations", "reservierung", "res", "rez", "rezervasyon", "sales",
        "satis", "sekreter", "service", "siparis", "support", "team", "tour", "tur", "turizm",
        "verwaltung", "webmaster", "yonetim",
    }
)  # fmt: skip
_NUMBER = re.compile(r"[\d._+-]+$")
_PARTS = re.compile(r"[._-]")


def is_role(address: str) -> bool:
    """Say whether an e-mail address belongs to an office: ``info@``, ``rezervasyon.antalya2@``."""
    local = address.partition("@")[0].partition("+")[0]
    parts = [text.name_key(_NUMBER.sub("", part)) for part in (local, *_PARTS.split(local)[:1])]
    return any(part.replace(" ", "") in _ROLES for part in parts)


_ROLES = frozenset(role.replace(".", "") for role in ROLES)


def contradict(one: str, other: str) -> bool:
    """Say whether two names (``lib.text.person_key``) are of different people.

    A family shares phone and surname, so it is the given name that counts. Swapped order, a second
    name that is left out and a surname changed by marriage speak against nothing.
    """
    if not one or not other:
        return False
    return not _is_part(one, other) and one.split(maxsplit=1)[0] != other.split(maxsplit=1)[0]


def agree(one: str, other: str) -> bool:
    """Say whether two names are those of one person: all words of the shorter in the longer.

    A single word says too little.
    """
    return min(len(one.split()), len(other.split())) > 1 and _is_part(one, other)


def _is_part(one: str, other: str) -> bool:
    first, second = set(one.split()), set(other.split())
    return first <= second or second <= first
