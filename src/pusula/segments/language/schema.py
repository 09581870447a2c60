"""What a definition may speak of: relations with typed columns, traits, currency and time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from pusula.orders import machine


class Kind(StrEnum):
    """The type of a value: it decides which tests it can stand."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"  # whole minor units of the company's currency
    MOMENT = "moment"  # UTC microseconds
    DAY = "day"  # a day in the business time zone; counts as the moment it begins
    BOOL = "bool"
    LIST = "list"  # several texts


TIMES = frozenset({Kind.MOMENT, Kind.DAY})
TRAIT_KINDS = frozenset({Kind.TEXT, Kind.NUMBER, Kind.DAY, Kind.BOOL, Kind.LIST})


@dataclass(frozen=True)
class Relation:
    """The rows of one sort that profiles have.

    ``time`` is the column a window looks at unless ``by`` names another. ``choices`` are the only
    words a text column can hold. An ``is_open`` relation has named rows (events) with properties
    besides its columns, text or number by the use a condition makes of them.
    """

    columns: Mapping[str, Kind]
    time: str
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_open: bool = False


ORDERS = Relation(
    columns={
        "status": Kind.TEXT,
        "property": Kind.TEXT,
        "region": Kind.TEXT,
        "room_type": Kind.TEXT,
        "board": Kind.TEXT,
        "channel": Kind.TEXT,
        "source": Kind.TEXT,
        "rate_code": Kind.TEXT,
        "market_code": Kind.TEXT,
        "source_code": Kind.TEXT,
        "cancel_reason": Kind.TEXT,
        "ordered_at": Kind.MOMENT,
        "cancelled_at": Kind.MOMENT,
        "starts_on": Kind.DAY,
        "ends_on": Kind.DAY,
        "nights": Kind.NUMBER,
        "lead_days": Kind.NUMBER,
        "rooms": Kind.NUMBER,
        "adults": Kind.NUMBER,
        "children": Kind.NUMBER,
        "net_amount": Kind.MONEY,
        "gross_amount": Kind.MONEY,
    },
    time="ordered_at",
    choices={"status": machine.STATES},
)
ITEMS = Relation(  # the lines of orders, each with what its order says
    columns={
        "sku": Kind.TEXT,
        "name": Kind.TEXT,
        "quantity": Kind.NUMBER,
        "amount": Kind.MONEY,
        "status": Kind.TEXT,
        "region": Kind.TEXT,
        "channel": Kind.TEXT,
        "ordered_at": Kind.MOMENT,
    },
    time="ordered_at",
    choices={"status": machine.STATES},
)
EVENTS = Relation(columns={"at": Kind.MOMENT}, time="at", is_open=True)
RELATIONS: Mapping[str, Relation] = MappingProxyType(
    {"orders": ORDERS, "items": ITEMS, "events": EVENTS}
)

CHANNELS = ("email", "sms", "whatsapp", "call", "webpush")


@dataclass(frozen=True, slots=True)
class Period:
    """A named time that comes round, such as a moving holiday: its days, year by year.

    Each span runs from its first to its last day, both included.
    """

    tr: str
    en: str
    spans: tuple[tuple[date, date], ...]


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What this install's definitions may speak of.

    ``traits`` are name → kind (text, number, day, bool or list), ``currency`` the ISO 4217 code in
    which amounts are compared, ``tz`` the business time zone. ``lists`` are the keys of uploaded
    lists, ``campaigns`` those of campaigns with their arms, ``models`` the names of models that
    score (``None``: any is allowed).
    """

    currency: str
    tz: str
    traits: Mapping[str, Kind] = field(default_factory=dict)
    relations: Mapping[str, Relation] = field(default_factory=lambda: RELATIONS)
    channels: tuple[str, ...] = CHANNELS
    periods: Mapping[str, Period] = field(default_factory=dict)
    lists: tuple[str, ...] | None = None
    campaigns: Mapping[str, tuple[str, ...]] | None = None
    models: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name, kind in self.traits.items():
            if kind not in TRAIT_KINDS:
                message = f"trait {name!r} cannot be of kind {kind}"
                raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a definition may be."""

    leaves: int = 100
    depth: int = 8
    values: int = 1_000  # in one list
    rows: int = 20  # tests of the rows of one aggregate
    steps: int = 6  # of a sequence


DEFAULT_LIMITS = Limits()
