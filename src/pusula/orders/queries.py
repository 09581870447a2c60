"""Reads of orders: how many stood where on a day, and what a card or an overview shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import (
    Case,
    Count,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)

from pusula.lake import rows
from pusula.lib import clock
from pusula.orders import machine
from pusula.orders.models import Order, OrderChange

_ALIVE = Q(status__in=machine.ALIVE)
_DEAD = Q(status__in=machine.DEAD)


@dataclass(frozen=True)
class States:
    """How many orders were known at the end of a day, and where the stays among them stood."""

    as_of_on: date
    known: int
    upcoming: int  # alive, arrival behind the day
    in_house: int  # alive, arrival on or before the day, departure behind it
    departed: int  # alive, departure on or before the day
    cancelled: int  # cancelled or not shown up


def states_at(day: date, tz: str) -> States:
    """Return where the orders stood when ``day`` ended in ``tz``, from the history of changes.

    An order is known from its first change on; its state is that of its newest change until then;
    stays are placed by their planned days. Orders without a stay are only known or cancelled.
    """
    end = clock.start_of(day + timedelta(days=1), tz)
    newest = OrderChange.objects.filter(order_id=OuterRef("order_id"), changed_at__lt=end)
    then = OrderChange.objects.filter(
        changed_at__lt=end, id=Subquery(newest.order_by("-changed_at").values("id")[:1])
    )
    arrived = Q(starts_on__lte=day)
    counts = then.aggregate(
        known=Count("id"),
        upcoming=Count("id", filter=_ALIVE & Q(starts_on__gt=day)),
        in_house=Count("id", filter=_ALIVE & arrived & Q(ends_on__gt=day)),
        departed=Count("id", filter=_ALIVE & arrived & Q(ends_on__lte=day)),
        cancelled=Count("id", filter=_DEAD),
    )
    return States(as_of_on=day, **counts)


@dataclass(frozen=True)
class Summary:
    """What a profile's completed orders come to; money in minor units of the company's currency."""

    n: int
    net_minor: int
    last_on: date | None  # end of the last stay; None where orders are no stays
    last_at: int  # when the newest of them was ordered


def summaries(profile_ids: Iterable[int]) -> dict[int, Summary]:
    """Return the summary of each profile that completed an order."""
    found: dict[int, Summary] = {}
    for part in rows.parts(profile_ids):
        held = Order.objects.filter(profile_id__in=part, status=machine.COMPLETED).order_by()
        sums = held.values_list("profile_id").annotate(
            Count("id"), Sum("net_base_minor"), Max("ends_on"), Max("ordered_at")
        )
        found.update((profile_id, Summary(*sum_)) for profile_id, *sum_ in sums)
    return found


def has_stays() -> bool:
    """Return whether any order is a stay: whether this company is a hotel."""
    return Order.objects.filter(starts_on__isnull=False).exists()


def of_profile(profile_id: int) -> QuerySet[Order]:
    """Return the orders of a profile, the newest stay or purchase first."""
    newest_first = F("starts_on").desc(nulls_last=True)
    return Order.objects.filter(profile_id=profile_id).order_by(newest_first, "-ordered_at", "-id")


def by_number(number: str, systems: Iterable[str]) -> QuerySet[Order]:
    """Return the orders called ``number`` in one of ``systems``."""
    return Order.objects.filter(source__in=list(systems), source_id=number)


@dataclass(frozen=True)
class Turnover:
    """The orders of a period that are, or still can be, worth their money."""

    n: int
    net_minor: int


def turnover(since_at: int, until_at: int) -> Turnover:
    """Return the turnover of the orders made in [``since_at``, ``until_at``)."""
    (found,) = turnovers((since_at, until_at))
    return found


def turnovers(bounds: Sequence[int]) -> list[Turnover]:
    """Return the turnover of each period between two neighbours of ``bounds`` (ascending)."""
    n_periods = len(bounds) - 1
    period = Case(
        *(When(ordered_at__lt=bounds[i + 1], then=Value(i)) for i in range(n_periods)),
        output_field=IntegerField(),
    )
    made = Order.objects.filter(_ALIVE, ordered_at__gte=bounds[0], ordered_at__lt=bounds[-1])
    sums = (
        made.annotate(period=period)
        .order_by()
        .values_list("period")
        .annotate(Count("id"), Sum("net_base_minor"))
    )
    found = {number: Turnover(n, int(net)) for number, n, net in sums}
    return [found.get(number, Turnover(0, 0)) for number in range(n_periods)]


def n_upcoming(today: date) -> int:
    """Return how many booked stays begin on ``today`` or later."""
    booked = (machine.PENDING, machine.CONFIRMED)
    return Order.objects.filter(status__in=booked, starts_on__gte=today).count()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a known order is worth; ``version_at`` is 0 where its source does not say."""

    source_id: str
    currency: str
    net_minor: int
    net_base_minor: int
    version_at: int
    is_claimed: bool


def standing(
    source: str, numbers: Sequence[str], *, or_confirmed_as: bool = False
) -> dict[str, Standing]:
    """Return the orders of ``source`` by those of ``numbers`` that are theirs.

    ``or_confirmed_as``: the number under which a booking was confirmed will do.
    """
    found: dict[str, Standing] = {}
    # The source's own number counts before the other one.
    for column in (*(["confirmation_no"] if or_confirmed_as else []), "source_id"):
        for part in rows.parts(number for number in numbers if number):
            held = Order.objects.filter(**{f"{column}__in": part}, source=source).order_by("id")
            if column == "confirmation_no":  # what its index is told: empty numbers stay out
                held = held.exclude(confirmation_no="")
            for number, source_id, currency, net, base, version_at, is_claimed in held.values_list(
                column,
                *("source_id", "currency", "net_minor", "net_base_minor"),
                *("version_at", "is_claimed"),
            ):
                found[number] = Standing(
                    source_id, currency, net, base, version_at or 0, is_claimed
                )
    return found
