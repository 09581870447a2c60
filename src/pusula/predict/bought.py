"""Who bought what, read from the orders as they stood at a moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from django.db import connection
from django.db.models import Count

from pusula.lake import arrow
from pusula.orders import history, machine
from pusula.orders.models import Order, OrderItem, Property
from pusula.predict.taste.choice import Scope
from pusula.predict.taste.lines import Lines

_LONG_AGO = -(2**62)  # before every moment a column can hold
_ALIVE = tuple(sorted(machine.ALIVE))
_SCHEMA = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("basket", pa.int64()),
        ("ordered_at", pa.int64()),
        ("code", pa.string()),
    ]
)
_BOUGHT = f"""
SELECT known.profile_id, known.id, known.ordered_at, {{code}}
FROM ({history.AS_OF}) known {{join}}
WHERE known.status IN ({", ".join(["%s"] * len(_ALIVE))}) AND {{code}} <> '' AND {{also}}
ORDER BY known.profile_id, known.id, {{code}}
"""
_ITEM = "JOIN orders_orderitem i ON i.order_id = known.id"
_ORDER = "JOIN orders_order o ON o.id = known.id"
_STAYS = Scope(horizon_days=180, sold_within_days=400)


@dataclass(frozen=True)
class Kind:
    """A kind of thing that people choose: the model that recommends it, and how it is sold.

    ``join``, ``code`` and ``also`` are our own SQL. ``names`` says what things are called, ``had``
    what a profile has of them now.
    """

    model: str
    scope: Scope
    join: str
    code: str
    also: str
    names: Callable[[], dict[str, str]]
    had: Callable[[int], set[str]]

    def lines(self, as_of_at: int, *, longest_code: int | None = None) -> Lines:
        """Return what was bought before a moment, as it was known then; no returns, no refusals.

        ``longest_code``: things with longer codes (carriage, fees) are left out.
        """
        sql = _BOUGHT.format(code=self.code, join=self.join, also=self.also)
        with connection.cursor() as cursor:
            table = arrow.fetch(cursor, sql, [as_of_at, _LONG_AGO, as_of_at, *_ALIVE], _SCHEMA)
        if longest_code is not None:
            table = table.filter(_no_longer(table["code"], longest_code))
        return _lines(table)


def _item_names() -> dict[str, str]:
    """Return what most lines call each item."""
    counted = OrderItem.objects.exclude(sku="").exclude(name="").values("sku", "name")
    rows = counted.annotate(n=Count("pk")).order_by("n", "-name")
    return {row["sku"]: row["name"] for row in rows.iterator(10_000)}


def _hotel_names() -> dict[str, str]:
    return dict(Property.objects.exclude(title="").values_list("code", "title"))


def _items_of(profile_id: int) -> set[str]:
    bought = OrderItem.objects.filter(
        order__profile_id=profile_id, order__status__in=_ALIVE, quantity__gt=0
    )
    return set(bought.values_list("sku", flat=True))


def _stay_kind(model: str, column: str, names: Callable[[], dict[str, str]]) -> Kind:
    """Return the kind of what stands in a column of orders with a stay."""

    def had(profile_id: int) -> set[str]:
        stays = Order.objects.filter(
            profile_id=profile_id, status__in=_ALIVE, starts_on__isnull=False
        )
        return set(stays.values_list(column, flat=True))

    return Kind(model, _STAYS, _ORDER, f"o.{column}", "o.starts_on IS NOT NULL", names, had)


KINDS = (
    Kind("next_best_item", Scope(30, 90), _ITEM, "i.sku", "i.quantity > 0", _item_names, _items_of),
    _stay_kind("next_best_hotel", "property", _hotel_names),
    _stay_kind("next_best_region", "region", dict),
    _stay_kind("next_best_room", "room_type", dict),
)


def kind_of(model: str) -> Kind | None:
    """Return the kind that ``model`` recommends, if it recommends any."""
    return next((kind for kind in KINDS if kind.model == model), None)


def remembered(kind: Kind, *, longest_code: int | None = None) -> Callable[[int], Lines]:
    """Return a function of a moment that asks the database only once for each."""
    return lru_cache(maxsize=4)(lambda at: kind.lines(at, longest_code=longest_code))


def _no_longer(codes: pa.ChunkedArray, most: int) -> pa.Array:
    return pa.array([len(code) <= most for code in codes.to_pylist()], pa.bool_())


def _lines(table: pa.Table) -> Lines:
    """Return the rows as lines, their things numbered in the order of their codes."""
    encoded = table["code"].combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    words = encoded.dictionary.to_pylist()
    codes = sorted(words)
    place = {code: i for i, code in enumerate(codes)}
    order = np.array([place[word] for word in words], np.int64)
    return Lines(
        people=table["profile_id"].to_numpy(),
        baskets=table["basket"].to_numpy(),
        things=order[encoded.indices.to_numpy()],
        at=table["ordered_at"].to_numpy(),
        codes=tuple(codes),
    )
