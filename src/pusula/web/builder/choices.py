"""Values to choose from: what this installation's data hold, the most frequent first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.core.cache import cache
from django.db.models import Count, QuerySet

from pusula.events.models import Event
from pusula.lib import text
from pusula.orders.models import Order, OrderItem
from pusula.profiles.models import Score, Trait
from pusula.segments import queries as segment_queries
from pusula.segments.models import ProfileSet
from pusula.web import titles
from pusula.web.builder.controls import Option

_KEPT_S = 600
_MOST = 60
_OF_ORDERS = {
    "property", "region", "room_type", "board", "channel", "source", "rate_code", "market_code",
    "source_code", "cancel_reason",
}  # fmt: skip
_OF_ITEMS = {"sku", "name"}


class Choices:
    """The values of one request; what is slow to find is kept for some minutes."""

    def events(self) -> list[Option]:
        """Return the names of the events that happened, in the order of their titles."""
        names = _kept("events", _distinct_events)
        found = [Option(name, titles.event(name)[1]) for name in names]
        return sorted(found, key=lambda option: text.sort_key(option.words))

    def column(self, relation: str, column: str) -> list[Option]:
        """Return the usual values of a text column of orders or items."""
        if relation == "orders" and column in _OF_ORDERS:
            values = _kept(f"orders.{column}", lambda: _frequent(Order.objects.all(), column))
        elif relation == "items" and column in _OF_ITEMS:
            values = _kept(f"items.{column}", lambda: _frequent(OrderItem.objects.all(), column))
        elif relation == "items" and column in _OF_ORDERS:
            return self.column("orders", column)
        else:
            return []
        words = titles.CANCEL_REASONS if column == "cancel_reason" else {}
        return [Option(value, str(words.get(value, value))) for value in values]

    def states(self, known: Iterable[str]) -> list[Option]:
        """Return the states of orders."""
        return [Option(s, str(titles.ORDER_STATES.get(s, s))) for s in known]

    def trait(self, name: str) -> list[Option]:
        """Return the usual values of a trait of text."""
        held = Trait.objects.filter(name=name)
        return [
            Option(v, titles.trait_value(name, v))
            for v in _kept(f"t.{name}", lambda: _frequent(held, "text"))
        ]

    def models(self) -> list[str]:
        """Return the names of the models that gave scores."""
        return _kept("models", _distinct_models)

    def segments(self) -> list[tuple[str, str]]:
        """Return key and title of the segments in use, in the order of the alphabet."""
        found = [(s.key, titles.segment_title(s)) for s in segment_queries.active()]
        return sorted(found, key=lambda pair: text.sort_key(pair[1]))

    def sets(self, sort: str) -> list[tuple[str, str]]:
        """Return key and title of the lists or campaigns whose profiles are kept."""
        rows = ProfileSet.objects.filter(sort=sort).order_by("title", "key")
        return [(row.key, row.title or row.key) for row in rows]


def _distinct_models() -> list[str]:
    return list(Score.objects.order_by().values_list("model", flat=True).distinct()[:100])


def _distinct_events() -> list[str]:
    return list(Event.objects.order_by().values_list("name", flat=True).distinct()[:500])


def _frequent(rows: QuerySet[Any], column: str) -> list[str]:
    counted = (
        rows.exclude(**{column: ""})
        .order_by()
        .values_list(column)
        .annotate(n=Count("pk"))
        .order_by("-n", column)[:_MOST]
    )
    return [value for value, _ in counted]


def _kept(key: str, find: Callable[[], list[str]]) -> list[str]:
    """Return what ``find()`` returns, kept for some minutes."""
    name = f"builder.{key}"
    found: list[str] | None = cache.get(name)
    if found is None:
        found = find()
        cache.set(name, found, _KEPT_S)
    return found
