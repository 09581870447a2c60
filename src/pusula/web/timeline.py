"""A customer's history in one line: orders, events, messages and consents, the newest first.

Every item has a position (moment, rank of its source, row number); a page begins behind the
position of the last item of the page before, so nothing is shown twice or lost between two pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.conf import settings
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from pusula.campaigns import queries as campaigns
from pusula.campaigns import words
from pusula.campaigns.models import Arm, Assignment
from pusula.consent import queries as consents
from pusula.consent.models import ConsentEntry, Status
from pusula.events import queries as events
from pusula.events.models import Event
from pusula.lib import clock
from pusula.measurement.reports import names
from pusula.orders import machine
from pusula.orders import queries as orders
from pusula.orders.models import Order
from pusula.outbox import queries as outbox
from pusula.outbox.models import Message
from pusula.web import codes, consent_words, formats, titles
from pusula.web.request import whole

PAGE = 15
_DETAILS = 3
# Beyond this a customer is a company account; the newest orders are shown.
_MOST_ORDERS = 1_000
_CONTACT_EVENTS = Q(name__startswith="Email ") | Q(name__startswith="Call ")
# What of an event's properties is worth a line, in this order.
_TELLING = ("hotel", "region", "product", "campaign", "reason", "step")


@dataclass(frozen=True, order=True)
class Position:
    """Where an item stands; a greater position is shown earlier."""

    at: int
    rank: int
    pk: int

    def __str__(self) -> str:
        return f"{self.at}.{self.rank}.{self.pk}"

    @staticmethod
    def read(text: str) -> Position | None:
        """Return the position written in an address, or ``None`` if it is none."""
        parts = [number for part in text.split(".", 3) if (number := whole(part)) is not None]
        return Position(*parts) if len(parts) == text.count(".") + 1 == 3 else None  # noqa: PLR2004


@dataclass(frozen=True)
class Item:
    """One thing that happened (or is booked): an icon, a line, and a smaller line."""

    position: Position
    icon: str
    title: str
    detail: str = ""
    may_repeat: bool = False

    @property
    def sameness(self) -> object:
        """What neighbours share that become one entry."""
        return (self.icon, self.title) if self.may_repeat else self.position

    @property
    def at(self) -> int:
        """The moment by which the item stands in the line."""
        return self.position.at


@dataclass(frozen=True)
class Entry:
    """A line of the page: neighbouring items that say the same, the newest first."""

    items: tuple[Item, ...]

    @property
    def newest(self) -> Item:
        """The item by whose moment the entry stands."""
        return self.items[0]

    @property
    def oldest(self) -> Item:
        """The item that happened first."""
        return self.items[-1]

    @property
    def detail(self) -> str:
        """The smaller lines of the items, each once, as far as they fit."""
        details = dict.fromkeys(item.detail for item in self.items if item.detail)
        more = "…" if len(details) > _DETAILS else ""
        return "; ".join(list(details)[:_DETAILS]) + more


@dataclass(frozen=True)
class Page:
    """Some entries, and where the next page begins (empty: there is none)."""

    entries: tuple[Entry, ...]
    next_before: str


Read = Callable[[int, int, Position | None, int], Sequence[Item]]


def page(profile_id: int, facet: str, before: Position | None) -> Page:
    """Return the page of ``facet`` behind ``before``."""
    items: list[Item] = []
    for rank in _FACET_SOURCES[facet]:
        items += _SOURCES[rank](profile_id, rank, before, PAGE + 1)
    items.sort(key=lambda item: item.position, reverse=True)
    shown = tuple(items[:PAGE])
    runs = groupby(shown, key=lambda item: item.sameness)
    entries = tuple(Entry(tuple(run)) for _same, run in runs)
    return Page(entries, str(shown[-1].position) if len(items) > PAGE else "")


def facets(*, has_stays: bool) -> list[tuple[str, str | Promise]]:
    """Return the facets and their titles."""
    bought = _("Stays") if has_stays else _("Orders")
    return [("all", _("All")), ("orders", bought), ("web", _("Web")), ("contact", _("Contact"))]


def _orders(profile_id: int, rank: int, before: Position | None, limit: int) -> Sequence[Item]:
    made = orders.of_profile(profile_id)[:_MOST_ORDERS]
    items = sorted(
        (order_item(order, rank) for order in made), key=lambda i: i.position, reverse=True
    )
    return [item for item in items if before is None or item.position < before][:limit]


def _cancelled(order: Order) -> str:
    """Return why an order was cancelled, if that is said."""
    return str(titles.CANCEL_REASONS.get(order.cancel_reason, ""))


def order_item(order: Order, rank: int = 0) -> Item:
    """Return an order as the line tells it."""
    zone = settings.PUSULA.time_zone
    at = clock.start_of(order.starts_on, zone) if order.starts_on else order.ordered_at
    place = order.region or order.property
    if order.starts_on and order.ends_on:
        n = (order.ends_on - order.starts_on).days
        nights = ngettext("%(n)s night", "%(n)s nights", n) % {"n": formats.number(n)}
        title = ", ".join(filter(None, (place, nights)))
    else:
        title = place or gettext("Order %(number)s") % {"number": order.source_id}
    lost = order.status in machine.DEAD
    state = "" if order.status == machine.COMPLETED else str(titles.ORDER_STATES[order.status])
    details = (
        state,
        formats.amount(order.net_base_minor, settings.PUSULA.currency),
        order.property if place != order.property else "",
        order.room_type,
        order.board,
        order.channel,
        _cancelled(order) if lost else "",
        gettext("told by a website, not yet by your own system") if order.is_claimed else "",
    )
    icon = "calendar-x" if lost else ("bed-double" if order.starts_on else "shopping-bag")
    return Item(Position(at, rank, order.pk), icon, title, _line(details))


def _web_events(profile_id: int, rank: int, before: Position | None, limit: int) -> Sequence[Item]:
    return _events(~_CONTACT_EVENTS, profile_id, rank, before, limit)


def _contact_events(
    profile_id: int, rank: int, before: Position | None, limit: int
) -> Sequence[Item]:
    return _events(_CONTACT_EVENTS, profile_id, rank, before, limit)


def _events(
    which: Q, profile_id: int, rank: int, before: Position | None, limit: int
) -> Sequence[Item]:
    found = events.of_profile(profile_id).filter(which, _behind(before, rank, "at"))[:limit]
    return [event_item(event, rank) for event in found]


def event_item(event: Event, rank: int = 0) -> Item:
    """Return an event as the line tells it."""
    icon, title = titles.event(event.name)
    told = [str(event.properties[name]) for name in _TELLING if event.properties.get(name)]
    return Item(Position(event.at, rank, event.pk), icon, title, _line(told), may_repeat=True)


def _consents(profile_id: int, rank: int, before: Position | None, limit: int) -> Sequence[Item]:
    ledger = consents.ledger_of(profile_id).filter(_behind(before, rank, "decided_at"))
    return [_consent(entry, rank) for entry in ledger[:limit]]


def _consent(entry: ConsentEntry, rank: int) -> Item:
    _icon, channel = titles.channel(entry.channel)
    is_granted = entry.status == Status.GRANTED
    form = gettext("Gave consent: %(channel)s") if is_granted else gettext("Refused: %(channel)s")
    icon = "shield-check" if is_granted else "shield-x"
    position = Position(entry.decided_at, rank, entry.pk)
    told = (consent_words.source(entry.source), consent_words.evidence(entry.evidence))
    return Item(position, icon, form % {"channel": channel}, _line(told))


def _messages(profile_id: int, rank: int, before: Position | None, limit: int) -> Sequence[Item]:
    found = list(outbox.of_profile(profile_id).filter(_behind(before, rank, "created_at"))[:limit])
    origins = names.origins({message.origin for message in found})
    steps = names.steps((message.origin, message.step) for message in found)
    return [
        _message(
            message,
            rank,
            origins.get(message.origin, message.origin),
            steps.get((message.origin, message.step), ""),
        )
        for message in found
    ]


def _message(message: Message, rank: int, origin: str, step: str) -> Item:
    icon, channel = titles.channel(message.channel)
    kinds = {receipt.kind for receipt in message.receipts.all() if not receipt.is_machine}
    became = [str(title) for kind, title in titles.RECEIPTS.items() if kind in kinds]
    details = (
        step,
        codes.called(words.MESSAGE_STATES, message.state),
        words.reason(message.reason) if message.reason else "",
        *became,
    )
    position = Position(message.created_at, rank, message.pk)
    return Item(position, icon, f"{channel}: {origin}", _line(details))


def _kept_out(profile_id: int, rank: int, before: Position | None, limit: int) -> Sequence[Item]:
    """Return the campaigns that sent the profile nothing, and why."""
    decided = campaigns.assignments_of(profile_id).exclude(arm=Arm.TREATED)
    return [
        _assignment(assignment, rank)
        for assignment in decided.filter(_behind(before, rank, "assigned_at"))[:limit]
    ]


def _assignment(assignment: Assignment, rank: int) -> Item:
    is_holdout = assignment.arm == Arm.HOLDOUT
    title = gettext("Got nothing: %(campaign)s") % {"campaign": assignment.campaign.title}
    reason = words.reason(Arm.HOLDOUT if is_holdout else assignment.reason)
    position = Position(assignment.assigned_at, rank, assignment.pk)
    return Item(position, "flask-conical" if is_holdout else "mail-x", title, reason)


def _behind(before: Position | None, rank: int, field: str) -> Q:
    """Return the condition that a row of source ``rank`` stands behind ``before``."""
    if before is None:
        return Q()
    if rank < before.rank:
        return Q(**{f"{field}__lte": before.at})
    earlier = Q(**{f"{field}__lt": before.at})
    if rank > before.rank:
        return earlier
    return earlier | Q(**{field: before.at, "pk__lt": before.pk})


def _line(parts: Sequence[str]) -> str:
    return " · ".join(part for part in parts if part)


# The place in this tuple is the source's rank: of two items of one moment, the higher comes first.
_SOURCES: tuple[Read, ...] = (
    _web_events,
    _contact_events,
    _messages,
    _kept_out,
    _consents,
    _orders,
)
_FACET_SOURCES = {
    "all": range(len(_SOURCES)),
    "orders": (_SOURCES.index(_orders),),
    "web": (_SOURCES.index(_web_events),),
    "contact": tuple(map(_SOURCES.index, (_contact_events, _messages, _kept_out, _consents))),
}
