"""What a message says of a person: names, contacts, and traits as the rest of Pusula knows them.

Reasons name no values: they are read by people who have no business with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from pusula.lib.sayings import Saying, placed
from pusula.lib.text import code_key, nfc
from pusula.pipeline.entries import is_name, is_near, phone_of
from pusula.pipeline.refusals import RefusedError, no_name, too_deep
from pusula.profiles import contacts
from pusula.profiles.objections import OBJECTED
from pusula.segments.catalog import COMPUTED_TRAITS

# What a browser says of an address is kept under these names, and leads to nobody.
CLAIMED_EMAIL, CLAIMED_PHONE = "claimed_email", "claimed_phone"
# Traits of a company have this in front.
COMPANY = "company"

_LONGEST_NAME = 120
_LONGEST_TEXT = 400
_DEEPEST = 3
# Our names of traits by those of the specification, written in either manner.
_OURS = {
    "birthday": "birth_date",
    "birthdate": "birth_date",
    "dateofbirth": "birth_date",
    "createdat": "registered_on",
    "postalcode": "postal_code",
    "zip": "postal_code",
    "address_postalcode": "postal_code",
}
_DAYS = frozenset({"birth_date", "registered_on"})
# Parts of these stand for themselves: address.city is the city.
_OPEN = frozenset({"address"})
_NAMES = {"firstname": "first_name", "lastname": "last_name"}
_VERIFIED = "emailverified"  # beside an e-mail, of a server that asked the person
_WHOLE = frozenset(_NAMES)  # what a whole name says
_CONTACTS = frozenset({"email", "phone"})
_IDLE = frozenset({"id", "avatar", "anonymousid", "userid"})
_SECRET = ("password", "cardnumber", "creditcard", "cvv", "cvc", "iban", "tckn", "tcno",
           "nationalid", "identitynumber", "passport")  # fmt: skip
_PERMISSION = ("consent", "permission", "optin", "optout", "subscri", "newsletter", "marketing",
               "iys", "kvkk", "gdpr", "izin", "onay")  # fmt: skip
_OWN = frozenset(COMPUTED_TRAITS) | {CLAIMED_EMAIL, CLAIMED_PHONE, OBJECTED}


@dataclass
class Said:
    """What traits come to; ``left`` are the reasons why some of them were left out."""

    first_name: str = ""
    last_name: str = ""
    email: str | None = None
    phone: str | None = None
    email_verified: bool = False
    traits: dict[str, Any] = field(default_factory=dict)
    left: list[Saying | str] = field(default_factory=list)

    def leave(self, name: str, why: Saying | str) -> None:
        """Note why a trait was left out."""
        self.left.append(placed(f"traits.{name}", why))


def said(
    given: Mapping[str, Any], *, trusted: bool, protected: frozenset[str], region: str
) -> Said:
    """Return what ``given`` says of a person; ``region`` is where phone numbers are dialled.

    Without a server key (not ``trusted``) addresses are only claims, and what is ``protected``,
    sounds like a permission or is computed by Pusula is not taken over.
    """
    found = Said()
    whole = ""
    shut = frozenset() if trusted else _known_as(protected)
    for name, value in _flat(given, found):
        short = _short(name)
        if value is None or value == "" or short in _IDLE or _is_shut(short, shut):
            continue
        if short == _VERIFIED and trusted:
            found.email_verified = value is True
        if short == "name":
            whole = _name(name, value, found)
        elif short in _NAMES:
            setattr(found, _NAMES[short], _name(name, value, found))
        elif short in _CONTACTS:
            _contact(short, value, found, region, trusted=trusted)
        elif trusted or not (name in _OWN or _is_permission(short)):
            _trait(name, value, found)
    if whole and not (found.first_name or found.last_name):
        first, _space, last = whole.rpartition(" ")
        found.first_name, found.last_name = (first, last) if first else (last, "")
    return found


def _trait(name: str, value: object, found: Said) -> None:
    short = _short(name)
    if any(word in short for word in _SECRET):
        found.leave(f"{name:.64}", Saying("is not kept"))
    elif name in _OWN:
        found.leave(name, Saying("is set by Pusula alone"))
    else:
        _take(_OURS.get(short, name), value, found, name)


def of_company(
    given: Mapping[str, Any], group: str | None, *, trusted: bool, protected: frozenset[str]
) -> Said:
    """Return what the traits of a company come to for somebody who belongs to it."""
    found = Said()
    shut = frozenset() if trusted else _known_as(protected)
    if group is not None and _short("company_id") not in shut:
        found.traits["company_id"] = group
    for name, value in _flat(given, found):
        ours, short = f"{COMPANY}_{name}", _short(name)
        if value in (None, "") or short in _IDLE or _short(ours) in shut:
            continue
        if any(word in short for word in _SECRET):
            found.leave(f"{name:.64}", Saying("is not kept"))
        elif trusted or not _is_permission(short):
            _take(ours, value, found, name)
    return found


def _flat(
    given: Mapping[str, Any], found: Said, prefix: str = "", depth: int = _DEEPEST
) -> Iterator[tuple[str, Any]]:
    """Yield traits without their nesting: company.name is company_name."""
    for name, value in given.items():
        whole = f"{prefix}{name}"
        if not isinstance(value, dict):
            yield whole, value
        elif depth:
            inner = "" if whole in _OPEN else f"{whole}_"
            yield from _flat(value, found, inner, depth - 1)
        else:
            found.leave(f"{whole:.64}", too_deep(_DEEPEST))


@lru_cache(maxsize=10_000)
def _short(name: str) -> str:
    """Return a name as it is compared: firstName and first_name are one."""
    return code_key(name).replace("_", "")


@lru_cache(maxsize=1_000)
def _known_as(protected: frozenset[str]) -> frozenset[str]:
    """Return protected names as they are compared."""
    return frozenset(map(_short, protected))


def _is_shut(short: str, shut: frozenset[str]) -> bool:
    """Say whether a trait is protected, by the name it is told or by the one it gets from us."""
    ours = _short(_OURS.get(short, short))
    return not shut.isdisjoint({short, ours} | (_WHOLE if short == "name" else set()))


@lru_cache(maxsize=10_000)
def _is_permission(short: str) -> bool:
    return any(word in short for word in _PERMISSION)


def _name(place: str, value: object, found: Said) -> str:
    if not isinstance(value, str):
        found.leave(place, Saying("a text is meant"))
        return ""
    text = nfc(value)
    if len(text) > _LONGEST_NAME or not text.isprintable():
        found.leave(place, Saying("at most %(n)s visible characters", {"n": _LONGEST_NAME}))
        return ""
    return text


def _contact(kind: str, value: object, found: Said, region: str, *, trusted: bool) -> None:
    if isinstance(value, int) and kind == "phone" and not isinstance(value, bool):
        value = f"+{value}"
    if not isinstance(value, str):
        found.leave(kind, Saying("a text is meant"))
        return
    try:
        known = contacts.email(value) if kind == "email" else phone_of(value, region)
    except contacts.ContactError as error:
        found.leave(kind, error.saying)
        return
    if known is None:
        return
    if not trusted:
        found.traits[CLAIMED_EMAIL if kind == "email" else CLAIMED_PHONE] = known
    elif kind == "email":
        found.email = known
    else:
        found.phone = known


def _take(name: str, value: object, found: Said, told: str) -> None:
    if not is_name(name):
        found.left.append(no_name(told, "traits."))
        return
    try:
        kept = _day(value) if name in _DAYS else _value(value)
    except RefusedError as error:
        found.leave(told, error.saying)
        return
    if kept is not None:
        found.traits[name] = kept


def _value(value: object) -> object:
    match value:
        case bool():
            return value
        case int() | float() if abs(value) < 2**63 and math.isfinite(value):
            return float(value)
        case str():
            return _text(value)
        case []:
            return None
        case list() if all(isinstance(one, str) and "\n" not in one for one in value):
            texts = [_text(one) for one in value]
            _text("\n".join(texts))
            return texts
    raise RefusedError(Saying("no text, number, yes or no, or list of texts"))


def _text(value: str) -> str:
    if len(value) > _LONGEST_TEXT or "\0" in value:
        raise RefusedError(
            Saying("at most %(n)s characters, none of them NUL", {"n": _LONGEST_TEXT})
        )
    return value


def _day(value: object) -> dict[str, str]:
    try:
        day = date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        raise RefusedError(Saying("no day such as 1990-05-31")) from None
    if not is_near(day):
        raise RefusedError(Saying("a day that nobody can mean"))
    return {"day": day.isoformat()}
