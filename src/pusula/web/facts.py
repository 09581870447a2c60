"""What is worth knowing of a customer, as sentences that lead to what they are drawn from."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext, ngettext

from pusula.events import queries as events
from pusula.lib import clock
from pusula.orders import machine
from pusula.orders import queries as orders
from pusula.orders.models import Order
from pusula.web import formats

_LATE_AFTER = 1.5  # times the customer's own usual gap
_NEAR_AVERAGE = 0.1
_MANY_CANCELLED = 1 / 3
_RECENT_DAYS = 30
_MEAN_KEPT_SECONDS = 3600
_ABANDONED = "Booking Abandoned"
_SEARCHED = "Hotel Searched"


@dataclass(frozen=True)
class Fact:
    """A sentence with its icon, its tone ("", good, warn, hot) and the facet that proves it."""

    icon: str
    text: str
    tone: str = ""
    facet: str = "orders"


def facts_of(profile_id: int, made: Sequence[Order]) -> list[Fact]:
    """Return the facts of a profile whose orders are ``made``, the most useful first."""
    return [*_order_facts(made), *_web_facts(profile_id)]


def _order_facts(made: Sequence[Order]) -> Iterator[Fact]:
    completed = [order for order in made if order.status == machine.COMPLETED]
    yield from _coming(made)
    if completed:
        yield _last(completed)
        yield from _against_average(completed)
        yield _sum(completed)
    yield from _cancelled(made)


def _coming(made: Sequence[Order]) -> Iterator[Fact]:
    for order in made:
        if order.status == machine.IN_HOUSE and order.ends_on:
            text = gettext("Is staying at %(place)s now, until %(day)s.")
            values = {"place": _place(order), "day": formats.day(order.ends_on, long=True)}
            yield Fact("bed-double", text % values, "good")
    booked = (machine.PENDING, machine.CONFIRMED)
    starts = [(o.starts_on, o) for o in made if o.status in booked and o.starts_on]
    ahead = sorted(
        ((day, order) for day, order in starts if day >= formats.today()), key=lambda s: s[0]
    )
    if ahead:
        day, order = ahead[0]
        text = gettext("Next stay begins %(when)s: %(place)s, %(day)s.")
        values = {
            "when": formats.relative_day(day),
            "place": _place(order),
            "day": formats.day(day, long=True),
        }
        yield Fact("calendar-clock", text % values, "hot")


def _last(completed: Sequence[Order]) -> Fact:
    days = sorted(_day(order) for order in completed)
    since = (formats.today() - days[-1]).days
    is_stay = completed[0].ends_on is not None
    if len(days) == 1:
        form = (
            ngettext("Stayed once, %(n)s day ago.", "Stayed once, %(n)s days ago.", since)
            if is_stay
            else ngettext("Ordered once, %(n)s day ago.", "Ordered once, %(n)s days ago.", since)
        )
        return Fact("calendar-check", form % {"n": formats.number(since)})
    gap = max(1, round((days[-1] - days[0]).days / (len(days) - 1)))
    form = (
        gettext("Last stay was %(n)s days ago; usually comes every %(gap)s days.")
        if is_stay
        else gettext("Last order was %(n)s days ago; usually orders every %(gap)s days.")
    )
    values = {"n": formats.number(since), "gap": formats.number(gap)}
    return Fact("calendar-check", form % values, "warn" if since > _LATE_AFTER * gap else "")


def _against_average(completed: Sequence[Order]) -> Iterator[Fact]:
    mean = cache.get_or_set("orders.mean", orders.mean_net_minor, _MEAN_KEPT_SECONDS)
    if not mean:
        return
    own = sum(order.net_base_minor for order in completed) / len(completed)
    difference = own / mean - 1
    is_stay = completed[0].ends_on is not None
    if abs(difference) < _NEAR_AVERAGE:
        near = gettext("Spends about the average per stay.")
        text = near if is_stay else gettext("Spends about the average per order.")
        yield Fact("wallet", text)
        return
    forms = {
        (True, True): gettext("Spends %(percent)s above the average per stay."),
        (True, False): gettext("Spends %(percent)s below the average per stay."),
        (False, True): gettext("Spends %(percent)s above the average per order."),
        (False, False): gettext("Spends %(percent)s below the average per order."),
    }
    text = forms[is_stay, difference > 0] % {"percent": formats.percent(abs(difference), 0)}
    yield Fact("wallet", text, "good" if difference > 0 else "")


def _sum(completed: Sequence[Order]) -> Fact:
    n = len(completed)
    total = sum(order.net_base_minor for order in completed)
    regions = Counter(order.region for order in completed if order.region).most_common(1)
    values = {
        "n": formats.number(n),
        "amount": formats.amount(total, settings.PUSULA.currency),
        "region": regions[0][0] if regions else "",
    }
    if completed[0].ends_on is None:
        form = ngettext("Spent %(amount)s in %(n)s order.", "Spent %(amount)s in %(n)s orders.", n)
    elif regions:
        form = ngettext(
            "Spent %(amount)s in %(n)s stay; most often in the %(region)s region.",
            "Spent %(amount)s in %(n)s stays; most often in the %(region)s region.",
            n,
        )
    else:
        form = ngettext("Spent %(amount)s in %(n)s stay.", "Spent %(amount)s in %(n)s stays.", n)
    return Fact("map-pin" if regions else "receipt", form % values)


def _cancelled(made: Sequence[Order]) -> Iterator[Fact]:
    n = sum(order.status == machine.CANCELLED for order in made)
    if n:
        form = ngettext(
            "Cancelled %(n)s of %(all)s booking.", "Cancelled %(n)s of %(all)s bookings.", len(made)
        )
        values = {"n": formats.number(n), "all": formats.number(len(made))}
        tone = "warn" if n / len(made) > _MANY_CANCELLED else ""
        yield Fact("calendar-x", form % values, tone)


def _web_facts(profile_id: int) -> Iterator[Fact]:
    since_at = clock.now() - _RECENT_DAYS * clock.DAY
    counts = events.counts_of(profile_id, (_ABANDONED, _SEARCHED), since_at)
    if n := counts.get(_ABANDONED, 0):
        form = ngettext(
            "Left a booking unfinished %(n)s time in the last 30 days.",
            "Left a booking unfinished %(n)s times in the last 30 days.",
            n,
        )
        yield Fact("shopping-cart", form % {"n": formats.number(n)}, "hot", "web")
    elif n := counts.get(_SEARCHED, 0):
        form = ngettext(
            "Searched for a hotel %(n)s time in the last 30 days without starting to book.",
            "Searched for a hotel %(n)s times in the last 30 days without starting to book.",
            n,
        )
        yield Fact("search", form % {"n": formats.number(n)}, "hot", "web")


def _day(order: Order) -> dt.date:
    """Return the day by which an order counts: the end of its stay, else the day it was made."""
    return order.ends_on or clock.day_of(order.ordered_at, settings.PUSULA.time_zone)


def _place(order: Order) -> str:
    return order.property or order.region or order.source_id
