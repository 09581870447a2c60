"""A booking as every hotel system can be made to say it, and the log entries that tell it.

An adapter fills in a ``Reservation``; what it does not know stays empty. The entries carry message
ids made of the source, the booking's number, its version and what is said, so that the same again
is nothing new.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings

from pusula.lib import clock, money
from pusula.orders import machine, measures
from pusula.orders.models import Order
from pusula.pipeline.appender import Entry
from pusula.profiles import contacts, documents
from pusula.sources import needs
from pusula.sources.cards import without_cards
from pusula.sources.models import Source
from pusula.sources.needs import Common, Hotel

Row = Mapping[str, Any]
_EVENTS = {
    machine.IN_HOUSE: "Guest Checked In",
    machine.COMPLETED: "Guest Checked Out",
    machine.NO_SHOW: "Booking No-Show",
    machine.CANCELLED: "Booking Cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody a booking names; ``number`` is that of the source, empty if it gives none.

    ``has_relay`` says that the e-mail is a portal's and leads to nobody. ``flags`` are what the
    hotel's system says of marketing: evidence at most, never a permission.
    """

    number: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    has_relay: bool = False
    birth_on: date | None = None
    language: str = ""
    nationality: str = ""
    national_id: str = ""
    is_primary: bool = False
    is_booker: bool = False  # and, unless also primary, no guest
    age_class: str = "adult"
    age: int | None = None
    share_with: str = ""
    flags: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a booking with one room type, rate and board; amounts in its currency."""

    starts_on: date
    ends_on: date
    room_type: str = ""
    rate_code: str = ""
    board: str = ""
    rooms: int = 1  # 0: shared with a booking that pays for the room
    adults: int | None = None
    children: int | None = None
    child_ages: tuple[int, ...] = ()
    nightly: tuple[Decimal, ...] = ()
    is_unpaid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One version of a booking; ``status`` and ``cancel_reason`` in our words, days the hotel's.

    ``total`` is what is to be paid in all, taxes included, ``currency`` its ISO 4217 code.
    """

    number: str
    status: str
    ordered_at: int
    version_at: int
    hotel: Hotel
    currency: str
    total: Decimal
    people: tuple[Person, ...]
    parts: tuple[Part, ...]
    status_at: int | None = None
    cancelled_at: int | None = None
    cancel_reason: str = ""
    confirmation_no: str = ""
    channel: str = ""
    channel_ref: str = ""
    group_id: str = ""
    market_code: str = ""
    source_code: str = ""
    promo_code: str = ""


def entries(one: Reservation, source: Source, told: Common) -> Iterator[Entry]:
    """Yield what ``one`` tells the log: who is named, the booking, what happened to its guest."""
    owner = _owner(one)
    for person in one.people:
        # Who cannot be met again (a child, the second adult) becomes no profile.
        if person is owner or _who(person):
            yield _entry("trait", source, one, "guest", _trait(one, person))
    who = _who(owner) or {"key": _stranger(one)}
    yield _entry("order", source, one, "booking", who | _order(one, told))
    if name := _EVENTS.get(one.status):
        hotel = {"hotel": one.hotel.code, "region": one.hotel.region}
        told_of = hotel | {"cancel_reason": one.cancel_reason}
        at = _status_at(one) or one.version_at
        yield _event(source, name, one.number, at, who=who, told=told_of)


def person(who: Person, source: Source, at: int) -> Iterator[Entry]:
    """Yield what a source says at ``at`` of somebody, apart from bookings."""
    if not _who(who):
        return
    text = json.dumps(_trait_of(who), ensure_ascii=False, sort_keys=True)
    said = hashlib.sha256(f"{at}:{text}".encode()).hexdigest()[:32]
    yield Entry("trait", source.slug, f"{source.slug}:person:{said}", text, at)


def merge(gone: str, into: str, source: Source, at: int) -> Entry:
    """Return the entry that tells that the source took two numbers for one person."""
    body = {"key": into, "gone_key": gone, "evidence": {"at": at}}
    said = hashlib.sha256(f"{gone}>{into}".encode()).hexdigest()[:32]
    return Entry("merge", source.slug, f"{source.slug}:merge:{said}", json.dumps(body), at)


def cancellation(known: Order, source: Source, at: int, reason: str) -> Iterator[Entry]:
    """Yield what cancels a booking we know; all else of it stays as it is."""
    body = {
        "profile": known.profile_id,
        "source_id": known.source_id,
        "status": machine.CANCELLED,
        "ordered_at": known.ordered_at,
        "version_at": at,
        "status_at": at,
        "cancelled_at": at,
        "cancel_reason": reason,
        "currency": known.currency,
        "net_minor": known.net_minor,
        "gross_minor": known.gross_minor,
        "net_base_minor": known.net_base_minor,
        "gross_base_minor": known.gross_base_minor,
    }
    message = f"{source.slug}:cancel:{known.source_id}:{at}"
    yield Entry("order", source.slug, message, json.dumps(body), at)
    told = {"hotel": known.property, "region": known.region, "cancel_reason": reason}
    who = {"profile": known.profile_id}
    name = _EVENTS[machine.CANCELLED]
    yield _event(source, name, known.source_id, at, who=who, told=told)


def _entry(
    kind: str, source: Source, one: Reservation, part: str, body: Mapping[str, Any]
) -> Entry:
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    said = hashlib.sha256(text.encode()).hexdigest()[:12]
    message = f"{source.slug}:{part}:{one.number}:{one.version_at}:{said}"
    if len(message) > 200 or not message.isprintable():  # noqa: PLR2004 - of an entry
        message = f"{source.slug}:{part}:{hashlib.sha256(message.encode()).hexdigest()}"
    return Entry(kind, source.slug, message, text, one.ordered_at)


def _event(source: Source, name: str, number: str, at: int, *, who: Row, told: Row) -> Entry:
    """Return the event of a status; once per booking and moment, however often it is told."""
    properties = {"booking_id": number, **{k: v for k, v in told.items() if v}}
    text = json.dumps({**who, "name": name, "properties": properties}, ensure_ascii=False)
    digest = hashlib.sha256(f"{number}:{name}:{at}".encode()).hexdigest()[:32]
    return Entry("event", source.slug, f"{source.slug}:event:{digest}", text, at)


def _owner(one: Reservation) -> Person:
    """Return whose booking it is: who booked it, else the primary guest, else the first."""
    by_rank = sorted(one.people, key=lambda p: (not p.is_booker, not p.is_primary))
    return by_rank[0]


def _who(person: Person) -> dict[str, Any]:
    """Return the reference to ``person``; empty where nothing leads to anybody."""
    email = "" if person.has_relay else person.email
    told = {
        "key": person.number, "email": email, "phone": person.phone,
        "national_id": _digest(person.national_id),
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}


def _digest(number: str) -> str | None:
    """Return the digest of an identity number; one that cannot be is none."""
    try:
        return documents.national_id(number) if number else None
    except contacts.ContactError:
        return None


def _stranger(one: Reservation) -> str:
    """Return the key of the guest of a booking that says nothing by which to meet them again."""
    return f"booking/{one.number}"


def _trait(one: Reservation, person: Person) -> dict[str, Any]:
    return {**({} if _who(person) else {"key": _stranger(one)}), **_trait_of(person)}


def _trait_of(person: Person) -> dict[str, Any]:
    traits: dict[str, Any] = {
        "language": person.language,
        "nationality": person.nationality,
        "birth_date": {"day": person.birth_on.isoformat()} if person.birth_on else "",
    }
    traits |= {f"pms_{name}": flag for name, flag in person.flags.items()}
    return {
        **_who(person),
        "first_name": without_cards(person.first_name)[:120],
        "last_name": without_cards(person.last_name)[:120],
        "traits": {name: value for name, value in traits.items() if value != ""},
    }


def _order(one: Reservation, told: Common) -> dict[str, Any]:
    currency = money.currency(one.currency)
    total = money.to_minor(one.total, currency)
    day = clock.day_of(one.ordered_at, settings.PUSULA.time_zone)
    worth = needs.rate(told.rates, currency, day)
    first = min(one.parts, key=lambda part: part.starts_on, default=None)
    body: dict[str, Any] = {
        "source_id": one.number,
        "status": one.status,
        "ordered_at": one.ordered_at,
        "version_at": one.version_at,
        "status_at": _status_at(one),
        "cancelled_at": one.cancelled_at,
        "property": one.hotel.code,
        "region": one.hotel.region,
        "currency": currency,
        "net_minor": total,
        "gross_minor": total,
        "net_base_minor": None if worth is None else money.to_minor(one.total * worth, _company()),
        "confirmation_no": one.confirmation_no[:60],
        "channel": one.channel[:60],
        "channel_ref": one.channel_ref[:80],
        "group_id": one.group_id[:80],
        "market_code": one.market_code[:40],
        "source_code": one.source_code[:40],
        "promo_code": one.promo_code[:40],
        "cancel_reason": one.cancel_reason,
    }
    if first is not None:
        body |= {
            "starts_on": first.starts_on.isoformat(),
            "ends_on": max(part.ends_on for part in one.parts).isoformat(),
            "room_type": first.room_type[:80],
            "rate_code": first.rate_code[:40],
            "board": first.board[:40],
            "rooms": _rooms(one),
            "adults": _sum(part.adults for part in one.parts),
            "children": _sum(part.children for part in one.parts),
            "stays": [_stay(n, part, currency) for n, part in enumerate(one.parts, 1)],
        }
    body["guests"] = list(_guests(one))
    return {name: value for name, value in body.items() if value is not None}


def _company() -> str:
    return str(settings.PUSULA.currency)


def _status_at(one: Reservation) -> int | None:
    """Return since when the status holds; a guest fails to show up when the audit says so."""
    if one.status == machine.CANCELLED:
        return one.status_at or one.cancelled_at or one.version_at
    if one.status == machine.NO_SHOW and one.status_at is None and one.parts:
        arrival = min(part.starts_on for part in one.parts)
        return measures.audited_at(arrival, one.hotel.tz, one.hotel.rollover_minutes)
    return one.status_at


def _rooms(one: Reservation) -> int:
    """Return how many rooms there are on the fullest night."""
    days = {part.starts_on for part in one.parts}
    return max(
        sum(
            part.rooms
            for part in one.parts
            if part.starts_on <= day < part.ends_on or part.starts_on == day == part.ends_on
        )
        for day in days
    )


def _sum(counts: Any) -> int | None:
    told = [n for n in counts if n is not None]
    return sum(told) if told else None


def _stay(line_no: int, part: Part, currency: str) -> dict[str, Any]:
    return {
        "line_no": line_no,
        "starts_on": part.starts_on.isoformat(),
        "ends_on": part.ends_on.isoformat(),
        "room_type": part.room_type[:80],
        "rate_code": part.rate_code[:40],
        "board": part.board[:40],
        "rooms": part.rooms,
        "adults": part.adults,
        "children": part.children,
        "child_ages": list(part.child_ages),
        "nightly_minor": [money.to_minor(amount, currency) for amount in part.nightly],
        "is_unpaid": part.is_unpaid,
    }


def _guests(one: Reservation) -> Iterator[dict[str, Any]]:
    number = 0
    owner = _owner(one)
    for person in one.people:
        if person.is_booker and not person.is_primary:
            continue
        number += 1
        yield {
            "guest_no": number,
            "key": person.number,
            "is_owner": person is owner,
            "is_primary": person.is_primary,
            "age_class": person.age_class,
            "age": person.age,
            "share_with": person.share_with[:120],
        }
