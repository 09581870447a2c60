"""What is worth knowing of a customer, as sentences with the rows that they are drawn from."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from django.conf import settings
from django.utils.translation import gettext

from pusula.events import queries as events
from pusula.events.models import Event
from pusula.lake.as_of import AsOf
from pusula.lib import clock
from pusula.orders.models import Order
from pusula.segments import card, spoken
from pusula.segments.kernel import Explanation
from pusula.segments.kernel.evidence import Row
from pusula.segments.language.nodes import Money
from pusula.web import formats, timeline

_SHOWN = 6  # rows behind a sentence; the line of time has all
# What of a row tells two orders of one moment apart.
_TELLING = ("status", "starts_on", "ends_on")


@dataclass(frozen=True)
class Fact:
    """A sentence with its icon, its tone ("", good, warn, hot) and what stands behind it.

    ``rows`` are the newest; those it ``has_more`` of are in the part ``facet`` of the line of time.
    ``changes`` says when it could change by itself (empty: never).
    """

    key: str
    icon: str
    text: str
    tone: str
    facet: str
    rows: tuple[timeline.Item, ...]
    has_more: bool
    changes: str


def facts_of(profile_id: int, made: Sequence[Order], *, as_of: AsOf | None = None) -> list[Fact]:
    """Return the facts of a profile whose orders are ``made``, the most useful first.

    They hold now, or held ``as_of`` a moment with what was known then.
    """
    at = clock.now() if as_of is None else as_of.at
    return tell(profile_id, card.facts_of(profile_id, at=at, as_of=as_of), made, at=at)


def tell(
    profile_id: int,
    found: Sequence[card.Fact],
    made: Sequence[Order],
    *,
    at: int,
    words: Mapping[str, str] = MappingProxyType({}),
) -> list[Fact]:
    """Return the facts ``found`` of a profile in the active language; ``words`` may stand in them.

    Words are those that no condition measures.
    """
    seen = _seen(profile_id, found)
    return [_Teller(fact, made, seen, at, words).told() for fact in found]


def _seen(profile_id: int, facts: Iterable[card.Fact]) -> list[Event]:
    """Return the events behind ``facts``."""
    rows = [row for fact in facts for row in fact.rows if row["relation"] == "events"]
    if not rows:
        return []
    times, names = {row["time"] for row in rows}, {row["name"] for row in rows}
    return list(events.of_profile(profile_id).filter(at__in=times, name__in=names))


@dataclass(frozen=True)
class _Teller:
    """Says one fact in the active language."""

    fact: card.Fact
    made: Sequence[Order]
    seen: Sequence[Event]
    at: int
    words: Mapping[str, str]

    def told(self) -> Fact:
        definition = self.fact.definition
        orders = self.orders()
        items = [timeline.order_item(order) for order in orders]
        items += [timeline.event_item(event) for event in self.events()]
        items.sort(key=lambda item: item.position, reverse=True)
        return Fact(
            key=definition.key,
            icon=definition.icon,
            text=self.sentence(orders),
            tone=definition.tone,
            facet=definition.facet,
            rows=tuple(items[:_SHOWN]),
            has_more=len(items) > _SHOWN,
            changes=self.changes(),
        )

    def sentence(self, orders: Sequence[Order]) -> str:
        definition = self.fact.definition
        forms = definition.says[spoken.language()]
        words = {
            name: self.value(name, how, orders) for name, (how, _) in definition.values.items()
        }
        return forms[self.form(forms)].format(**self.words, **words)

    def form(self, forms: Mapping[str, str]) -> str:
        """Return which form fits the number that the sentence counts."""
        how, _ = self.fact.definition.values.get("n", ("", ()))
        n = self.number(how, self.fact.found["n"]) if how else None
        return "one" if n == 1 and "one" in forms else "other"

    def value(self, name: str, how: str, orders: Sequence[Order]) -> str:
        """Return a value of the sentence as people read it."""
        _, asked = self.fact.definition.values[name]
        if isinstance(asked, tuple):
            return _place(orders, asked) if how == "place" else _most(orders, asked[0])
        explained = self.fact.found[name]
        match how, explained.value:
            case "amount", Money(minor, currency):
                return formats.amount(minor, currency)
            case "day", dt.date() as day:
                return formats.day(day, long=True)
            case "when", dt.date() as day:
                return formats.days_away(formats.today() + (day - self.today))
            case (("above_mean" | "below_mean"), _):
                return formats.percent(_from_mean(explained), 0)
        number = self.number(how, explained)
        return formats.NOTHING if number is None else formats.number(number)

    def number(self, how: str, explained: Explanation) -> int | None:
        """Return the whole number that a value is, if it is one."""
        match how, explained.value:
            case "days_ago", dt.date() as day:
                return (self.today - day).days
            case "days_ago", int(moment):
                return (self.today - clock.day_of(moment, settings.PUSULA.time_zone)).days
            case "number", (int() | float()) as number:
                return max(1, round(number))
        return None

    @property
    def today(self) -> dt.date:
        return clock.day_of(self.at, settings.PUSULA.time_zone)

    def orders(self) -> list[Order]:
        """Return the orders behind the fact, the newest first, each once."""
        found: dict[int, Order] = {}
        for row in self.fact.rows:
            if row["relation"] == "orders":
                found |= {order.pk: order for order in _orders_of(row, self.made)}
        return list(found.values())

    def events(self) -> list[Event]:
        """Return the events behind the fact, the newest first."""
        rows = self.fact.rows
        wanted = {(row["time"], row["name"]) for row in rows if row["relation"] == "events"}
        return [event for event in self.seen if (event.at, event.name) in wanted]

    def changes(self) -> str:
        changes_at = self.fact.changes_at
        if changes_at is None:
            return ""
        day = formats.day(clock.day_of(changes_at, settings.PUSULA.time_zone), long=True)
        return gettext("Without new data this stays so until %(day)s.") % {"day": day}


def _orders_of(row: Row, made: Sequence[Order]) -> list[Order]:
    """Return the order that ``row`` shows; several where nothing tells them apart."""
    alike = [order for order in made if order.ordered_at == row["time"]]
    told = [name for name in _TELLING if name in row]
    exact = [order for order in alike if all(getattr(order, n) == row[n] for n in told)]
    return exact or alike


def _from_mean(explained: Explanation) -> float:
    """Return how far a value lies from the published mean, as a share of it."""
    value = explained.value.minor if isinstance(explained.value, Money) else explained.value
    if not isinstance(value, (int, float)) or not explained.mean:
        return 0.0
    return abs(value / explained.mean - 1)


def _place(orders: Sequence[Order], columns: Sequence[str]) -> str:
    """Return where the stay that begins first is."""
    first = min(orders, key=lambda order: (order.starts_on or dt.date.max, order.pk), default=None)
    if first is None:
        return formats.NOTHING
    named: list[str] = [getattr(first, column) for column in columns]
    return next(filter(None, named), first.source_id)


def _most(orders: Sequence[Order], column: str) -> str:
    """Return what most of ``orders`` have in ``column``."""
    counted = Counter(text for order in orders if (text := getattr(order, column)))
    return counted.most_common(1)[0][0] if counted else formats.NOTHING
