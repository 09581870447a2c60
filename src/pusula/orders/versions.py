"""One order as a source describes it, and which of several descriptions count since when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from pusula.lib import clock
from pusula.orders import machine
from pusula.orders.stays import Guest, Segment


class Item(NamedTuple):
    """One line of an order; ``amount_minor`` is of the whole line, in the order's currency."""

    line_no: int
    sku: str
    name: str
    quantity: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """How a source describes one order, with the columns of ``Order``.

    ``profile_id`` is ``None`` where several profiles came into question: a known order then keeps
    its own. ``status_at`` is ``None`` where the source does not say since when the status holds.
    ``version_at`` is when the source made this version, if it says: then an older one than what is
    known changes nothing, whatever came first. ``is_claimed``: it is told by somebody who may be
    anybody; that makes an order and changes none. ``items``, ``stays`` and ``guests`` are ``None``
    where the source says nothing of them; otherwise these are all of them.
    """

    source_id: str
    profile_id: int | None
    status: str
    ordered_at: int
    status_at: int | None = None
    cancelled_at: int | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    property: str = ""
    region: str = ""
    room_type: str = ""
    board: str = ""
    channel: str = ""
    rate_code: str = ""
    market_code: str = ""
    source_code: str = ""
    rooms: int | None = None
    cancel_reason: str = ""
    confirmation_no: str = ""
    channel_ref: str = ""
    group_id: str = ""
    promo_code: str = ""
    adults: int | None = None
    children: int | None = None
    currency: str
    gross_minor: int
    net_minor: int
    gross_base_minor: int
    net_base_minor: int
    version_at: int | None = None
    origin_id: int | None = None  # the merged profile that the source named
    is_claimed: bool = False
    items: tuple[Item, ...] | None = None
    stays: tuple[Segment, ...] | None = None
    guests: tuple[Guest, ...] | None = None


# Whose an order is: the two are said together or not at all.
OWNER = ("profile_id", "origin_id")
# What a version may say beside its number, ``status_at`` and ``version_at``.
COLUMNS = (
    *OWNER, "status", "ordered_at", "cancelled_at", "starts_on", "ends_on", "property",
    "region", "room_type", "board", "channel", "rate_code", "market_code", "source_code", "rooms",
    "cancel_reason", "confirmation_no", "channel_ref", "group_id", "promo_code", "adults",
    "children", "currency", "gross_minor", "net_minor", "gross_base_minor", "net_base_minor",
)  # fmt: skip
# What the history of changes keeps of a version: all that a segment can ask of an order.
HISTORY = (
    *OWNER, "status", "ordered_at", "cancelled_at", "starts_on", "ends_on", "property",
    "region", "room_type", "board", "channel", "rate_code", "market_code", "source_code", "rooms",
    "cancel_reason", "adults", "children", "gross_base_minor", "net_base_minor",
)  # fmt: skip


def is_undated(version: Version) -> bool:
    """Say whether only ``version_at`` tells since when the status holds: one booked anew."""
    return (
        version.version_at is not None
        and version.status_at is None
        and version.status not in machine.OUTCOMES
    )


def status_at(version: Version, at: int, tz: str) -> int:
    """Return since when the version's status holds: as said, else as its days tell.

    Never before the order was made, and never later than now unless the source says so.
    """
    if version.status_at is not None:
        return max(version.status_at, version.ordered_at)
    since: int | None = None
    if version.status == machine.CANCELLED:
        since = version.cancelled_at
    elif version.status == machine.COMPLETED and version.ends_on:
        since = _start_of(version.ends_on, tz)
    elif version.status in {machine.IN_HOUSE, machine.NO_SHOW} and version.starts_on:
        since = _start_of(version.starts_on, tz)
    return version.ordered_at if since is None else max(version.ordered_at, min(since, at))


_start_of = lru_cache(maxsize=4_096)(clock.start_of)


def effective(versions: Sequence[Version], at: int, tz: str) -> Iterator[tuple[int, Version]]:
    """Yield positions and versions that count: those of one order oldest first.

    Of versions of one order and moment the last one counts; those without a moment count only where
    none has one. So the same versions again find the order as they left it.
    """
    groups: dict[str, dict[int | None, tuple[int, Version]]] = defaultdict(dict)
    owners: dict[str, tuple[int, int | None]] = {}
    for position, version in enumerate(versions):
        since = None if version.status_at is None else status_at(version, at, tz)
        groups[version.source_id][since] = (position, version)
        if version.profile_id is not None:
            owners[version.source_id] = (version.profile_id, version.origin_id)
    for number, group in groups.items():
        timed = [group[since] for since in sorted(one for one in group if one is not None)]
        for position, version in timed or group.values():
            if version.profile_id is None and number in owners:
                profile_id, origin_id = owners[number]
                yield position, replace(version, profile_id=profile_id, origin_id=origin_id)
            else:
                yield position, version
