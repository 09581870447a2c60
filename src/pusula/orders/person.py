"""What orders hold of a person: told on request, erased on request."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db.models import Q

from pusula.orders.models import Order, OrderChange, OrderItem, Stay, StayGuest
from pusula.profiles.told import Record, told


def told_of(profile_id: int) -> Iterator[Record]:
    """Yield the person's orders with lines, stays and history, and where they were a guest."""
    own = Q(order__profile_id=profile_id)
    order = {"order": "order__source_id"}
    yield from told("order", Order.objects.filter(profile_id=profile_id).order_by("ordered_at"))
    yield from told("order line", OrderItem.objects.filter(own), "order_id", **order)
    yield from told("stay", Stay.objects.filter(own), "order_id", **order)
    guests = StayGuest.objects.filter(own | Q(profile_id=profile_id))
    yield from told("guest", guests, "order_id", **order)
    changes = OrderChange.objects.filter(own | Q(profile_id=profile_id)).order_by("changed_at")
    yield from told("order history", changes, "order_id", **order)


def erase(profile_ids: Collection[int]) -> int:
    """Delete the orders of these people, and who they were on the orders of others.

    Such a booking keeps the head that sleeps there, without saying whose it is.
    """
    n = OrderChange.objects.filter(profile_id__in=profile_ids).delete()[0]
    n += Order.objects.filter(profile_id__in=profile_ids).delete()[0]
    return n + StayGuest.objects.filter(profile_id__in=profile_ids).update(
        profile=None, origin_id=None, age=None, share_with=""
    )
