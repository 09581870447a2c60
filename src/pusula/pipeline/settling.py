"""Messages about orders, held against the orders as they are: which of them count, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from pusula.lib.sayings import Saying
from pusula.orders import queries
from pusula.orders.queries import Standing
from pusula.orders.versions import COLUMNS
from pusula.pipeline.deals import of_order
from pusula.pipeline.entries import Deal, Refusals, Told

_REFUNDED = frozenset({"net_minor", "net_base_minor"})


def settled(told: Sequence[Told], source: str) -> tuple[list[Told], Refusals]:
    """Return those of ``told`` that count for the orders of ``source``, and those refused.

    A message that describes all of its order counts as it is. Another one may need an order that
    is known, may not change one that is, or takes a refund off what it is worth. What a server says
    of an order that only browsers have told of describes all of it where it can.
    """
    numbers = [one.body.source_id for one in told if one.deal is not None]
    if not numbers:
        return list(told), []
    is_foreign = any(one.deal and one.deal.source != one.entry.source for one in told)
    known = queries.standing(source, numbers, or_confirmed_as=is_foreign)
    counting: list[Told] = []
    refused: Refusals = []
    for one in told:
        found, reason = _settled(one, known.get(one.body.source_id))
        if reason:
            refused.append((one, reason))
        elif found is not None:
            counting.append(found)
    return counting, refused


def _settled(one: Told, order: Standing | None) -> tuple[Told | None, Saying | str]:
    """Return what ``one`` comes to, ``None`` if nothing, or why it is refused."""
    deal = one.deal
    if deal is None:
        return one, ""
    if deal.may_make and (order is None or (order.is_claimed and deal.may_change)):
        return replace(one, said=frozenset(COLUMNS)), ""
    if deal.is_announced and (order is None or not deal.may_change):
        return None, ""  # it is known already, or whose order it is will tell of it
    number = one.body.source_id
    if not deal.may_change:
        return None, of_order(number, Saying("only a server key changes orders"))
    if order is None:
        why = Saying("%(source)s has not told of it yet", {"source": deal.source})
        return None, of_order(number, why)
    one = replace(one, body=msgspec.structs.replace(one.body, source_id=order.source_id))
    return _refunded(one, deal, order) if deal.is_refund else (one, "")


def _refunded(one: Told, deal: Deal, order: Standing) -> tuple[Told | None, Saying | str]:
    number = one.body.source_id
    if order.is_claimed:
        return None, of_order(number, Saying("what it is worth only a browser has told yet"))
    if deal.refund_minor and one.body.currency != order.currency:
        currencies = {"currency": order.currency, "other": one.body.currency}
        why = Saying("is in %(currency)s, the refund in %(other)s", currencies)
        return None, of_order(number, why)
    if deal.refund_minor > order.net_minor:
        return None, of_order(number, Saying("the refund is more than is left of the order"))
    left = order.net_minor - deal.refund_minor if deal.refund_minor else 0
    base = left * order.net_base_minor // order.net_minor if order.net_minor else 0
    body = msgspec.structs.replace(
        one.body, net_minor=left, net_base_minor=base, version_at=max(one.at, order.version_at)
    )
    return replace(one, body=body, said=_REFUNDED), ""
