"""Caps, quiet hours and budgets, counted from the wire: what was let go when, to whom.

Clocks are those that the product was shown. It looks at them before a message is let go, and may
be stopped in between: hence the slack.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from tests.simulation import company, stage
from tests.simulation.wire import Arrived

from pusula.outbox import machine
from pusula.outbox.models import Message
from pusula.outbox.rules.budgets import start_of
from pusula.outbox.rules.policy import Budget, Policy

if TYPE_CHECKING:
    from tests.simulation.world import World

SLACK = stage.MINUTE


@dataclass(frozen=True)
class Place:
    """What was decided about a message when it was asked for."""

    token: str
    channel: str
    due_at: int
    is_commercial: bool


class Places:
    """The places of messages as they were decided, in that order; kept where there are budgets."""

    def __init__(self, policy: Policy) -> None:
        self.budgets = policy.budgets
        self.all: list[Place] = []
        self._newest = 0

    def look(self) -> None:
        """Note what was decided since the last look: whoever decides is looked after at once."""
        if not self.budgets:
            return
        found = Message.objects.filter(pk__gt=self._newest).order_by("pk")
        for pk, state, *place in found.values_list(
            "pk", "state", "token", "channel", "due_at", "is_commercial"
        ):
            self._newest = pk
            if state in machine.COUNTED:
                self.all.append(Place(*place))


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
    if "clock" not in world.kinds:  # what is too late comes back in time with a clock
        for budget in world.places.budgets:
            yield from _overdrawn(world, budget)


def _overdrawn(world: World, budget: Budget) -> Iterator[str]:
    """Count what left in the hour or day for which it was meant: who is late has lost their place.

    What tells of a service takes a place, and needs none.
    """
    left = {
        one.token: _slot(budget, one.let_go_at)
        for one in world.post.arrived
        if company.person_of(one.address) not in world.seen.erased
    }
    taken: dict[int, int] = defaultdict(int)
    for place in world.places.all:
        slot = _slot(budget, place.due_at)
        if place.channel != budget.channel or left.get(place.token) != slot:
            continue
        if place.is_commercial and taken[slot] >= budget.most:
            yield f"budgets: {taken[slot] + 1} of {place.channel} left in a {budget.per}"
        taken[slot] += 1


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
