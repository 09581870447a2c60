"""Budgets where messages leave: no hour or day takes more than its budget, however late they are.

Decisions plan within the budgets; whoever leaves later than planned, after an outage or a pause,
takes a place of the hour and day in which it does leave. What finds none waits in line, in the
order in which it is due. A counter is kept at the gate, in the commit that lets messages pass, and
only where there is a budget: how many left today is never counted from the messages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.conf import settings
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat

from pusula.consent.models import Channel
from pusula.lib import clock
from pusula.outbox import machine, policies
from pusula.outbox.models import Message, Spent
from pusula.outbox.rules.budgets import start_of
from pusula.outbox.rules.policy import Budget, Policy

_PERIODS = ("day", "hour")
_KEPT = 7 * clock.DAY  # what an hour has taken; nobody leaves, or gives a place back, so late


@dataclass(frozen=True, slots=True)
class Going:
    """A message at the gate that nothing else holds back."""

    id: int
    channel: str
    due_at: int
    is_commercial: bool


def budgets_of(policy: Policy, channel: str) -> tuple[Budget, ...]:
    """Return the budgets that hold at the gate: of calls the agents are the limit themselves.

    In one order, in which all lock what is spent of them, or two might wait for each other.
    """
    budgets = () if channel == Channel.CALL else policy.budgets_of(channel)
    return tuple(sorted(budgets, key=attrgetter("per")))


def left(channel: str, *, at: int) -> int | None:
    """Return for how many more commercial messages there is room now; ``None``: no budget.

    What a sender has claimed has its place. Others may claim at the same moment: the gate decides,
    which asks where a counter was begun here, and of what was decided before there was a budget.
    """
    budgets = budgets_of(policies.current().policy, channel)
    if not budgets:
        return None
    free = min(budget.most - _slot_of(budget, at).n for budget in budgets)
    # Not the bare state: SQLite would walk along all that wait, instead of those with an owner.
    stands = Concat("state", Value(""))
    claimed = Message.objects.filter(owner__gt="", channel=channel).alias(stands=stands)
    return max(0, free - claimed.filter(stands=machine.PENDING).count()) if free > 0 else 0


def full(*, at: int) -> set[str]:
    """Return the channels of which what is due now waits for the next hour or day."""
    policy = policies.current().policy
    return {
        budget.channel
        for budget in policy.budgets
        if budgets_of(policy, budget.channel)
        and _slot(budget.channel, budget.per, at).filter(n__gte=budget.most).exists()
    }


def without(going: Collection[Going], policy: Policy, *, at: int) -> set[int]:
    """Return the ids of those for whom there is no room; others who ask wait till we have ended.

    What only informs takes a place and needs none, as when it is decided.
    """
    found: set[int] = set()
    for channel in sorted({one.channel for one in going}):
        budgets = budgets_of(policy, channel)
        if not budgets:
            continue
        mine = [one for one in going if one.channel == channel]
        waiting = sorted((one.due_at, one.id) for one in mine if one.is_commercial)
        rooms = [b.most - _slot_of(b, at, is_locked=True).n for b in budgets]
        free = min(rooms) - (len(mine) - len(waiting))
        found.update(id_ for _due_at, id_ in waiting[max(0, free) :])
    return found


def take(channels: Iterable[str], policy: Policy, *, at: int) -> None:
    """Note that messages of these channels pass, asked for by ``without`` before."""
    for channel, n in sorted(Counter(channels).items()):
        for budget in budgets_of(policy, channel):
            _slot(channel, budget.per, at).update(n=F("n") + n)


def places(ids: Sequence[int], *, owner: str) -> Mapping[tuple[str, int | None], int]:
    """Return how many of these messages passed the gate, by channel and the moment they did."""
    if not ids or not Spent.objects.exists():
        return {}
    mine = Message.objects.filter(
        pk__in=ids, owner=owner, state=machine.SENDING, gated_at__isnull=False
    )
    return Counter(mine.values_list("channel", "gated_at"))


def give_back(freed: Mapping[tuple[str, int | None], int]) -> None:
    """Free the ``places`` of messages that did not leave after all."""
    for (channel, gated_at), n in sorted(freed.items()):
        for per in _PERIODS:
            _slot(channel, per, gated_at or 0).update(n=F("n") - n)


def _slot_of(budget: Budget, at: int, *, is_locked: bool = False) -> Spent:
    held = Spent.objects.select_for_update() if is_locked else Spent.objects
    start = start_of(budget.per, at, settings.PUSULA.time_zone)
    slot, is_new = held.get_or_create(channel=budget.channel, per=budget.per, start_at=start)
    if is_new:
        past = Spent.objects.filter(channel=budget.channel, per=budget.per)
        past.filter(start_at__lt=start - _KEPT).delete()
    return slot


def _slot(channel: str, per: str, at: int) -> QuerySet[Spent]:
    start = start_of(per, at, settings.PUSULA.time_zone)
    return Spent.objects.filter(channel=channel, per=per, start_at=start)
