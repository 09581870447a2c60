"""Caps, quiet hours and budgets, counted from the wire: what was let go when, to whom.

Clocks are those that the product was shown. It looks at them before a message is let go, and may
be stopped in between: hence the slack.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from tests.simulation import company, stage
from tests.simulation.wire import Arrived

from pusula.outbox import machine
from pusula.outbox.models import Message
from pusula.outbox.rules.budgets import start_of
from pusula.outbox.rules.policy import Budget

if TYPE_CHECKING:
    from tests.simulation.world import World

SLACK = stage.MINUTE


def on_the_wire(world: World) -> Iterator[str]:
    """Yield every commercial message that left in quiet hours, above a cap or a budget."""
    commercial = sorted(
        (one for one in world.post.arrived if one.is_commercial), key=lambda one: one.let_go
    )
    for one in commercial:
        yield from _quiet(world, one)
    earlier: dict[int, list[Arrived]] = defaultdict(list)
    for one in commercial:
        yield from _capped(world, one, earlier)
        earlier[company.person_of(one.address)].append(one)
    for budget in world.policy.budgets:
        yield from _overdrawn(world, budget)


def _overdrawn(world: World, budget: Budget) -> Iterator[str]:
    """Count what was let go in each hour or day, of whatever was meant for it.

    What is let go as one begins may have passed the gate in the one before. What tells of a service
    takes a place and needs none; whether it took one, only the gate can tell.
    """
    left: dict[int, int] = defaultdict(int)
    for one in sorted(world.post.arrived, key=lambda one: one.let_go):
        if one.channel == budget.channel and one.is_commercial:
            slot, before = _slot(budget, one.let_go_at), _slot(budget, one.let_go_at - SLACK)
            left[before if left[before] < budget.most else slot] += 1
    if left and (most := max(left.values())) > budget.most:
        yield f"budgets: {most} of {budget.channel} left per {budget.per}"
    if "clock" in world.kinds:  # the same hour may come twice
        return
    passed: dict[int, int] = defaultdict(int)
    taken = Message.objects.filter(channel=budget.channel, state__in=machine.TAKEN)
    for gated_at, is_commercial in taken.order_by("gated_at", "-is_commercial").values_list(
        "gated_at", "is_commercial"
    ):
        slot = _slot(budget, gated_at or 0)
        if is_commercial and passed[slot] >= budget.most:
            yield f"budgets: {passed[slot] + 1} of {budget.channel} passed per {budget.per}"
        passed[slot] += 1


def _slot(budget: Budget, at: int) -> int:
    return start_of(budget.per, at, settings.PUSULA.time_zone)


def _quiet(world: World, one: Arrived) -> Iterator[str]:
    quiet = world.policy.quiet_of(one.channel)
    if quiet is None:
        return
    zone = ZoneInfo(settings.PUSULA.time_zone)
    left = datetime.fromtimestamp(one.let_go_at / stage.SECOND, UTC).astimezone(zone)
    since = (datetime.combine(left, quiet.starts.time) + timedelta(microseconds=SLACK)).time()
    if left.time() >= since or left.time() < quiet.ends.time:
        yield f"quiet: {one.address} was written to at {left:%H:%M:%S}"


def _capped(world: World, one: Arrived, earlier: dict[int, list[Arrived]]) -> Iterator[str]:
    """Count with all that went to whom the person was then.

    What had passed the gate before a merge was known is not called back by it.
    """
    person = company.person_of(one.address)
    grouping = world.seen.grouping_at(one.let_go)
    if person in grouping.changed and one.token in grouping.passed:
        return
    held = [other for alike in grouping.one_with(person) for other in earlier[alike]]
    for cap in world.policy.caps_of(one.channel):
        span = cap.window - SLACK
        times = [o.let_go_at for o in held if cap.channel in {None, o.channel}]
        ends = [at for at in (*times, one.let_go_at) if 0 <= at - one.let_go_at < span]
        for end in ends:
            n = 1 + sum(end - span < at <= end for at in times)
            if n > cap.most:
                yield f"caps: {one.address} got {n} messages in {span // stage.MINUTE} minutes"
                return
