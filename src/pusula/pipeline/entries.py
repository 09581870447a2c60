"""What the bodies of log entries say, checked: whom, what, when; or why they say nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from pusula.lib import clock, money
from pusula.lib.sayings import Saying, joined, placed
from pusula.lib.text import nfc
from pusula.orders.machine import CANCEL_REASONS
from pusula.orders.versions import COLUMNS, Item
from pusula.pipeline import complaints
from pusula.pipeline.queries import LONGEST_BODY, Logged
from pusula.pipeline.refusals import RefusedError, no_name, too_deep
from pusula.profiles import contacts

DEEPEST = 5
_LONGEST_NAME = 64
_INT64 = 2**63
# Fillers of other systems (year 1, year 9999) are no moments: sums of times leave 64 bits there.
_FIRST_YEAR, _LAST_YEAR = 1900, 2100  # as imports take them
FIRST_AT = clock.start_of(date(_FIRST_YEAR, 1, 1), "UTC")
LAST_AT = clock.start_of(date(_LAST_YEAR, 12, 31), "UTC")
_LARGEST_AMOUNT = 10**15  # minor units; thousands of them can be added up in 64 bits
_FAR = Saying("not in the years %(first)s to %(last)s", {"first": _FIRST_YEAR, "last": _LAST_YEAR})
TOO_LONG = Saying("longer than %(n)s characters", {"n": f"{LONGEST_BODY:,}"})
_NUL = "\\u0000"  # as JSON writes it

# Most of what comes is of people who were here before, and reading a number is slow.
phone_of = lru_cache(maxsize=50_000)(contacts.phone)

Text40 = Annotated[str, Meta(max_length=40)]
Text60 = Annotated[str, Meta(max_length=60)]
Text80 = Annotated[str, Meta(max_length=80)]
Text120 = Annotated[str, Meta(max_length=120)]
Text400 = Annotated[str, Meta(max_length=400)]
Minor = Annotated[int, Meta(ge=-_LARGEST_AMOUNT, le=_LARGEST_AMOUNT)]
Moment = Annotated[int, Meta(ge=FIRST_AT, le=LAST_AT)]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
People = Annotated[int, Meta(ge=0, le=9_999)]


class Who(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whom an entry speaks of: our own number of the profile, or identifiers."""

    profile: Annotated[int, Meta(ge=1, le=_INT64 - 1)] | None = None
    key: Annotated[str, Meta(max_length=200)] | None = None  # the number that the source gave
    email: str | None = None
    phone: str | None = None
    # Of a number of the state the digest alone, as profiles.documents returns it.
    national_id: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    document: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    # A membership number with its programme in front, as profiles.documents returns it.
    loyalty: Annotated[str, Meta(pattern="^[^:]+:[0-9A-Z]{1,100}$")] | None = None


class EventBody(Who):
    """Something that happened."""

    name: str
    properties: dict[str, Any] = {}


class ItemBody(msgspec.Struct, forbid_unknown_fields=True):
    """A line of an order; the amount is of the whole line."""

    line_no: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    sku: Text80 = ""
    name: Annotated[str, Meta(max_length=200)] = ""
    quantity: Int32 = 1
    amount_minor: Minor = 0


class StayBody(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a booking with one room type, rate and board; see ``orders.models.Stay``."""

    line_no: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    starts_on: date
    ends_on: date
    room_type: Text80 = ""
    rate_code: Text40 = ""
    board: Text40 = ""
    rooms: People = 1
    adults: People | None = None
    children: People | None = None
    child_ages: Annotated[list[People], Meta(max_length=40)] = []
    nightly_minor: Annotated[list[Minor], Meta(max_length=400)] = []
    is_unpaid: bool = False


class GuestBody(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody who stays; ``key`` is the number that the source gave the person."""

    guest_no: Annotated[int, Meta(ge=0, le=9_999)]
    key: Annotated[str, Meta(max_length=200)] = ""
    is_primary: bool = False
    age_class: Literal["adult", "child", "infant"] = "adult"
    age: Annotated[int, Meta(ge=0, le=150)] | None = None
    share_with: Text120 = ""
    is_owner: bool = False  # the person that the order itself names


class OrderBody(Who):
    """How the source describes an order; what it leaves out stays as it is known."""

    source_id: Annotated[str, Meta(min_length=1, max_length=120)]
    status: Literal["pending", "confirmed", "in_house", "completed", "cancelled", "no_show"]
    ordered_at: Moment
    net_minor: Minor
    currency: str = ""
    status_at: Moment | None = None
    version_at: Moment | None = None  # when the source made this version
    cancelled_at: Moment | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    property: Text120 = ""
    region: Text120 = ""
    room_type: Text80 = ""
    board: Text40 = ""
    channel: Text60 = ""
    rate_code: Text40 = ""
    market_code: Text40 = ""
    source_code: Text40 = ""
    rooms: People | None = None
    cancel_reason: Text40 = ""  # one of orders.machine.CANCEL_REASONS
    confirmation_no: Text60 = ""
    channel_ref: Text80 = ""
    group_id: Text80 = ""
    promo_code: Text40 = ""
    adults: People | None = None
    children: People | None = None
    gross_minor: Minor | None = None
    net_base_minor: Minor | None = None
    gross_base_minor: Minor | None = None
    items: list[ItemBody] | None = None
    stays: Annotated[list[StayBody], Meta(max_length=200)] | None = None
    guests: Annotated[list[GuestBody], Meta(max_length=500)] | None = None


class TraitBody(Who):
    """What the source says of a person: names, and traits by name."""

    first_name: Text120 = ""
    last_name: Text120 = ""
    email_verified: bool = False  # the person proved that the e-mail is theirs
    traits: dict[str, bool | float | Text400 | list[Text400] | dict[str, str]] = {}


class AliasBody(Who):
    """That an earlier id and the user of a message are one person; the id with its system."""

    previous: str


class ConsentBody(Who):
    """A decision of a person."""

    channel: Literal["email", "sms", "whatsapp", "call", "webpush"]
    purpose: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,29}$")]
    status: Literal["granted", "refused"]
    evidence: Text400 = ""
    proof: dict[str, Text400] = {}  # as consent.proofs names its parts
    email_verified: bool = False  # the person proved that the e-mail is theirs


class MergeBody(Who):
    """That somebody else is the person named: by our number, or by the one the source gave."""

    gone_profile: Annotated[int, Meta(ge=1, le=_INT64 - 1)] | None = None
    gone_key: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    reason: Text40 = "source"
    evidence: dict[str, Any] = {}
    actor: Annotated[str, Meta(max_length=150)] = ""


class UnmergeBody(Who):
    """That the profile named, which was merged into another, is somebody of its own after all."""

    merge: int | None = None  # which merge, by its number; else the last one of the profile
    reason: Text400 = ""
    actor: Annotated[str, Meta(max_length=150)] = ""


_BODIES: Mapping[str, type[Who]] = {
    "event": EventBody,
    "order": OrderBody,
    "trait": TraitBody,
    "consent": ConsentBody,
    "merge": MergeBody,
    "unmerge": UnmergeBody,
}
_DECODERS = {kind: msgspec.json.Decoder(body) for kind, body in _BODIES.items()}
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Told:
    """An entry that makes sense; ``at`` is when it was, never later than when we heard of it.

    ``key`` has its source in front; ``email`` and ``phone`` are spelled as identifiers are.
    ``said`` are the columns of orders that the entry speaks of. A message says several things, each
    of its ``kind``; ``anonymous`` is the device it came from, with its source in front, and
    ``trusted`` whether a server key stands behind it.
    """

    entry: Logged
    kind: str
    body: Any
    at: int
    profile_id: int | None
    key: str | None
    email: str | None
    phone: str | None
    said: frozenset[str] = field(default_factory=frozenset)
    items: tuple[Item, ...] | None = None
    origin_id: int | None = None  # the merged profile through whose identifier it was found
    anonymous: str | None = None
    trusted: bool = True
    deal: Deal | None = None


@dataclass(frozen=True, slots=True)
class Deal:
    """How a message speaks of an order, where it does not describe all of it.

    ``source``: of whose orders it is one. ``may_make``: an unknown one is made; ``may_change``: a
    known one is changed; ``is_announced``: that it is made is what the message says. A refund takes
    ``refund_minor`` off the order, or all where that is 0.
    """

    source: str
    may_make: bool = False
    may_change: bool = True
    is_announced: bool = False
    is_refund: bool = False
    refund_minor: int = 0


# What its owners refused of what was told, and why.
Refusals = list[tuple[Told, Saying | str]]


def read(entry: Logged, *, region: str, currency: str, latest: int) -> Told:
    """Return what ``entry`` says; raise ``RefusedError`` if that is nothing we can take over.

    ``region`` is where phone numbers are dialled, ``currency`` that of the company. A time later
    than the recorded one, or than ``latest``, becomes that; the log keeps what was told.
    """
    decoder = _DECODERS.get(entry.kind)
    if decoder is None:
        told = {"given": repr(entry.kind), "known": ", ".join(_BODIES)}
        raise RefusedError(Saying("there is no %(given)s; there are %(known)s", told), "kind")
    if entry.body is None:
        raise RefusedError(TOO_LONG, "body")
    try:
        body = decoder.decode(entry.body)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise RefusedError(complaints.why(error), "body") from error
    if entry.occurred_at is not None and not FIRST_AT <= entry.occurred_at <= LAST_AT:
        raise RefusedError(_FAR, "at")
    heard_at = min(entry.recorded_at, latest)
    told_at = heard_at if entry.occurred_at is None else min(entry.occurred_at, heard_at)
    who = _who(body, entry.source, region)
    if _NUL in entry.body:
        check_value("body", msgspec.structs.asdict(body), DEEPEST + 2)
    if isinstance(body, OrderBody):
        said, items = order(body, _KEYS.decode(entry.body), currency)
        return Told(entry, entry.kind, body, told_at, *who, said, items)
    if isinstance(body, EventBody):
        check_names("name", [body.name])
        check_names("properties", body.properties)
        check_value("properties", body.properties, DEEPEST)
    elif isinstance(body, TraitBody):
        check_names("traits", body.traits)
        check_value("traits", body.traits, DEEPEST)
    elif isinstance(body, MergeBody | UnmergeBody):
        _check_merge(body)
    return Told(entry, entry.kind, body, told_at, *who)


def _check_merge(body: MergeBody | UnmergeBody) -> None:
    if isinstance(body, UnmergeBody):
        if body.profile is None:
            raise RefusedError(
                Saying("the number of the profile that was merged is needed"), "profile"
            )
        return
    if body.email or body.phone:
        raise RefusedError(Saying("a merge names people by profile or key"), "email, phone")
    if (body.gone_profile is None) == (body.gone_key is None):
        raise RefusedError(Saying("one of them is needed"), "gone_profile, gone_key")
    check_value("evidence", body.evidence, DEEPEST)


@lru_cache(maxsize=10_000)
def is_name(text: str) -> bool:
    """Say whether ``text`` may name an event, a property or a trait.

    A letter or underscore, then letters, digits, spaces, dots and dashes, 64 at most: no name is a
    path, whatever engine reads it.
    """
    if not 0 < len(text) <= _LONGEST_NAME or text != nfc(text):
        return False
    return (text[0].isalpha() or text[0] == "_") and all(c.isalnum() or c in "_ .-" for c in text)


def is_near(day: date) -> bool:
    """Say whether ``day`` is one that somebody can mean."""
    return _FIRST_YEAR <= day.year <= _LAST_YEAR


def _who(
    body: Who, source: str, region: str
) -> tuple[int | None, str | None, str | None, str | None]:
    says_more = body.national_id or body.document or body.loyalty
    if body.profile is not None:
        if body.key or body.email or body.phone or says_more:
            raise RefusedError(
                Saying("a number of ours stands alone, without key, email, phone"), "profile"
            )
        return body.profile, None, None, None
    key = nfc(body.key or "")
    if not key.isprintable():
        raise RefusedError(Saying("holds a character that nobody can see"), "key")
    email, faults = _contact("email", body.email, contacts.email)
    phone, more = _contact("phone", body.phone, lambda text: phone_of(text, region))
    faults += more
    if faults and not key and (isinstance(body, ConsentBody) or not (email or phone or says_more)):
        # A decision may speak of the very address that cannot be read.
        raise RefusedError(joined(faults))
    if not (key or email or phone or says_more):
        raise RefusedError(Saying("says of no profile: profile, key, email or phone is needed"))
    return None, f"{source}:{key}" if key else None, email, phone


def _contact(
    place: str, text: str | None, read: Callable[[str], str | None]
) -> tuple[str | None, list[Saying]]:
    """Return an address as identifiers are spelled, and what is wrong with it, if anything."""
    try:
        return (read(text) if text else None), []
    except contacts.ContactError as error:
        return None, [placed(place, error.saying)]


def check_names(place: str, names: Iterable[str]) -> None:
    """Refuse names that could be paths; see ``is_name``."""
    for name in names:
        if not is_name(name):
            raise RefusedError(no_name(name), place)


def check_value(place: str, value: object, depth: int) -> None:
    """Refuse what a database or an engine could not hold."""
    if isinstance(value, str) and "\0" in value:
        raise RefusedError(Saying("holds a NUL character"), place)
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise RefusedError(Saying("a number beyond 64 bits"), place)
    if isinstance(value, float) and not math.isfinite(value):
        raise RefusedError(Saying("not a finite number"), place)
    if isinstance(value, dict | list):
        if not depth:
            raise RefusedError(too_deep(DEEPEST), place)
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(name, str) and "\0" in name:
                raise RefusedError(Saying("a name holds a NUL character"), place)
            check_value(f"{place}.{name!s:.40}", inner, depth - 1)


def _check_stays(body: OrderBody) -> None:
    if body.cancel_reason and body.cancel_reason not in CANCEL_REASONS:
        known = {"known": ", ".join(CANCEL_REASONS)}
        raise RefusedError(Saying("is one of %(known)s", known), "cancel_reason")
    stays = body.stays or []
    if any(not (is_near(one.starts_on) and is_near(one.ends_on)) for one in stays):
        raise RefusedError(_FAR, "stays")
    if any(one.ends_on < one.starts_on for one in stays):
        raise RefusedError(Saying("a part of the stay ends before it begins"), "stays")
    if len({one.line_no for one in stays}) < len(stays):
        raise RefusedError(Saying("a line_no stands twice"), "stays")
    guests = body.guests or []
    if len({one.guest_no for one in guests}) < len(guests):
        raise RefusedError(Saying("a guest_no stands twice"), "guests")


MONEY = ("net_minor", "gross_minor", "net_base_minor", "gross_base_minor")


def order(
    body: OrderBody, given: Iterable[str], currency: str
) -> tuple[frozenset[str], tuple[Item, ...] | None]:
    """Check an order with the fields ``given``, fill in what follows, return what it speaks of."""
    for name in ("starts_on", "ends_on"):
        if (day := getattr(body, name)) and not is_near(day):
            raise RefusedError(_FAR, name)
    if body.starts_on and body.ends_on and body.ends_on < body.starts_on:
        raise RefusedError(Saying("the stay ends before it begins"), "ends_on")
    _check_stays(body)
    body.currency = money.currency(body.currency) if body.currency else currency
    if body.gross_minor is None:
        body.gross_minor = body.net_minor
    if body.currency == currency:
        body.net_base_minor, body.gross_base_minor = body.net_minor, body.gross_minor
    elif body.net_base_minor is None:
        told = {"currency": body.currency}
        raise RefusedError(Saying("is needed of an order in %(currency)s", told), "net_base_minor")
    elif body.gross_base_minor is None:
        body.gross_base_minor = body.net_base_minor
    named = {"profile_id", "status", "ordered_at", "currency", *MONEY}
    named |= set(given) & set(COLUMNS)
    if body.items is None:
        return frozenset(named), None
    if len({one.line_no for one in body.items}) < len(body.items):
        raise RefusedError(Saying("a line_no stands twice"), "items")
    items = tuple(
        Item(one.line_no, one.sku, one.name, one.quantity, one.amount_minor)
        for one in sorted(body.items, key=lambda one: one.line_no)
    )
    return frozenset(named), items
