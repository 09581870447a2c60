"""E-mail addresses and phone numbers as people write them, and as identifiers hold them."""

from __future__ import annotations

import re

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from pusula.lib import text as texts
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying

# Addresses a booking portal puts in place of the guest's own: they reach the portal, change with
# every booking, and lead to nobody.
RELAYS = (
    "guest.booking.com",
    "property.booking.com",
    "m.expediapartnercentral.com",
    "expediapartnercentral.com",
    "guest.airbnb.com",
    "agoda-messaging.com",
    "guest.trip.com",
    "guest.hostelworld.com",
)
_RELAYS = tuple(f".{relay}" for relay in RELAYS)
_SPECIAL_USE = tuple(f".{domain}" for domain in SPECIAL_USE_DOMAIN_NAMES)
# What reception types when a form insists on an address or a number.
FILLER_NAMES = frozenset(
    {"yok", "none", "noemail", "no-email", "nomail", "no-mail", "noreply", "no-reply"}
)
FILLER_TWINS = frozenset(
    {"a", "aa", "aaa", "x", "xx", "xxx", "no", "test", "mail", "email", "misafir", "guest"}
)
FILLER_NUMBERS = frozenset(
    {"5000000000", "5321111111", "1234567890", "0123456789", "9999999999", "5301111111"}
)
_PLAIN = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?P<domain>(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,20})"
)
_LONGEST_ADDRESS = 60  # of a plain one: no part of it can be too long
_SEPARATORS = re.compile(r"[;,|\n]|\s/\s|/|\s-\s")
_FLOAT_TAIL = re.compile(r"\.0+$")
_SHORTENED = re.compile(r"^\d[.,]?\d*[eE]\+?\d+$")
_NATIONAL_DIGITS = 10
_LONGEST_DIGITS = 14  # 0090 and the national number


class ContactError(PusulaError):
    """The text is no e-mail address or phone number."""

    code = "bad_contact"


def email(text: str) -> str | None:
    """Return the first e-mail address in ``text`` as identifiers hold it.

    ``None`` means there is none that leads to a person: blank, a filler such as ``yok@yok.com``, or
    a portal's relay. Raises ``ContactError`` where something stands that is no address.
    """
    if _is_plain(text):
        return None if _is_filler(text) else text
    parts = [part for part in re.split(r"[;,|\s]+", text) if any(map(str.isalnum, part))]
    if not parts:
        return None
    for part in parts:
        try:
            found = validate_email(
                part.removeprefix("mailto:").strip("<>"),
                check_deliverability=False,
                allow_smtputf8=False,
                test_environment=True,
            )
        except EmailNotValidError:
            continue
        address = texts.email_key(found.ascii_email or found.normalized)
        return None if _is_filler(address) else address
    raise ContactError(Saying("not an e-mail address"))


def _is_plain(text: str) -> bool:
    """Say whether ``text`` is an address as most are: small letters, nothing to put right.

    The whole of the rules takes a tenth of a millisecond, which the log would spend on each entry.
    """
    found = _PLAIN.fullmatch(text)
    if found is None or len(text) > _LONGEST_ADDRESS or "--" in text:
        return False
    domain = found["domain"]
    return not f".{domain}".endswith(_SPECIAL_USE)


def phone(text: str, region: str) -> str | None:
    """Return the first valid phone number in ``text`` in E.164 form, read as dialled in ``region``.

    ``None`` means there is none that leads to a person: blank or a filler such as 5555555555.
    Raises ``ContactError`` where something stands that is no number.
    """
    text = _FLOAT_TAIL.sub("", text.strip())  # Excel: 5321234567.0
    if not any(map(str.isalnum, text)):
        return None
    if _SHORTENED.match(text):
        raise ContactError(Saying("Excel has shortened this number: format its column as text"))
    for part in (text, *_SEPARATORS.split(text)):
        number = _number(part, region)
        if number is not None:
            return number or None
    raise ContactError(Saying("not a phone number"))


def _number(text: str, region: str) -> str | None:
    """Return the E.164 form, empty for a filler, ``None`` for no number."""
    digits = "".join(c for c in text if c.isdecimal() and c.isascii())
    if len(digits) <= _LONGEST_DIGITS:
        national = digits[-_NATIONAL_DIGITS:]
        if national in FILLER_NUMBERS or len(set(national)) == 1:
            return ""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_filler(address: str) -> bool:
    local, _at, domain = address.partition("@")
    if f".{domain}".endswith(_RELAYS):
        return True
    return local in FILLER_NAMES or (local in FILLER_TWINS and local == domain.partition(".")[0])
