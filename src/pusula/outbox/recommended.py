"""What a mail may recommend: what its customer may like, last looked at, what most people buy.

Names come from the company's own orders and hotels alone. What a browser tells is used to find an
item of that list and for nothing else: whoever can write to a website's events must not be able to
write into somebody's mail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Count

from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders import machine as orders
from pusula.orders.models import Order, OrderItem, Property
from pusula.predict import recommendations

WORD = "recommended"  # the variable that holds it
NAMES = (
    "recommended.next",
    "recommended.together",
    "recommended.popular",
    "recommended.viewed",
)
MOST = 6  # of each list
_KNOWN = 2_000  # items, those most bought
_BOUGHT_WITHIN = 90 * clock.DAY
_VIEWED_WITHIN = 30 * clock.DAY
_LOOKED_AT = 50  # events of one customer
_VIEWS = ("Stay Viewed", "Hotel Viewed", "Product Viewed")
_IDS = ("product_id", "sku", "hotel_id", "property", "hotel")
_AGAIN_AFTER = clock.HOUR

# Which list ``next`` is, the first that a customer has.
_NEXT = ("next_best_item", "next_best_hotel")

Item = dict[str, str]  # id and name; of what is recommended to one customer also because


class Recommender:
    """Knows what is bought for an hour, and asks what somebody looked at."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[str, Item] = {}
        self._known_at: int | None = None

    def of(self, profile_id: int, *, at: int) -> dict[str, list[Item]]:
        """Return the four lists of a customer, the best first, six at most of each."""
        known = self._catalogue(at)
        return {
            "next": _next(profile_id),
            "together": _together(profile_id, at),
            "popular": list(known.values())[:MOST],
            "viewed": [known[one] for one in _viewed(profile_id, at) if one in known][:MOST],
        }

    def _catalogue(self, at: int) -> Mapping[str, Item]:
        if self._known_at is None or not 0 <= at - self._known_at < _AGAIN_AFTER:
            self._known = {one["id"]: one for one in _sold(at)}
            self._known_at = at
        return self._known


def _sold(at: int) -> Iterator[Item]:
    """Yield what was bought lately by most people first: items of orders, else hotels."""
    alive = {"status__in": orders.ALIVE, "ordered_at__gt": at - _BOUGHT_WITHIN}
    within = {f"order__{name}": value for name, value in alive.items()}
    lines = OrderItem.objects.filter(**within, order__ordered_at__lte=at)
    lines = lines.exclude(name="").exclude(sku="")
    counted = lines.values("sku", "name").annotate(n=Count("order__profile_id", distinct=True))
    for row in counted.order_by("-n", "sku", "name")[:_KNOWN]:
        yield {"id": row["sku"], "name": row["name"]}
    titles = dict(Property.objects.exclude(title="").values_list("code", "title"))
    stays: Any = Order.objects.filter(**alive, ordered_at__lte=at).exclude(property="")
    hotels = stays.values("property").annotate(n=Count("profile_id", distinct=True))
    for row in hotels.order_by("-n", "property")[:_KNOWN]:
        yield {"id": row["property"], "name": titles.get(row["property"], row["property"])}


def _next(profile_id: int) -> list[Item]:
    """Return what the current predictions recommend to a customer, and what it goes with."""
    lists = recommendations.of_profile(profile_id)
    found = next((lists[model] for model in _NEXT if model in lists), [])
    return [{"id": one.code, "name": one.name, "because": one.reason_name} for one in found[:MOST]]


def _together(profile_id: int, at: int) -> list[Item]:
    """Return what others bought in one order with what a customer ordered last."""
    made = Order.objects.filter(profile_id=profile_id, ordered_at__lte=at)
    last = made.filter(status__in=orders.ALIVE).order_by("-ordered_at", "-pk").first()
    if last is None:
        return []
    codes = last.items.filter(quantity__gt=0).exclude(sku="").values_list("sku", flat=True)
    found = recommendations.companions_of(_NEXT[0], codes, MOST)
    return [{"id": one.code, "name": one.name, "because": one.with_name} for one in found]


def _viewed(profile_id: int, at: int) -> list[str]:
    """Return the ids of what a customer looked at, the last first, each once."""
    events = Event.objects.filter(
        profile_id=profile_id, name__in=_VIEWS, at__gt=at - _VIEWED_WITHIN, at__lte=at
    )
    told = events.order_by("-at", "-pk").values_list("properties", flat=True)[:_LOOKED_AT]
    found = (str(one[key]) for one in told for key in _IDS if isinstance(one.get(key), str | int))
    return list(dict.fromkeys(found))
