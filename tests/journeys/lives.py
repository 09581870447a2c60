"""Made-up customers of a hotel or a shop, whose lives the real live step takes over in order."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.journeys.scene import step
from tests.pipeline.company import NOW, event, told

from pusula.journeys import actions, engine, packs, versions
from pusula.journeys.language import graph
from pusula.journeys.language.nodes import branches
from pusula.journeys.models import Enrollment, Journey, Passage, Task
from pusula.journeys.packs import Scenario
from pusula.lib import clock
from pusula.outbox.models import Message
from pusula.pipeline.appender import Entry
from pusula.pipeline.live import Live
from pusula.profiles.models import Identifier
from pusula.segments import actions as segments
from pusula.segments import catalog
from pusula.segments import queries as members
from pusula.segments.everybody import rebuild

SITE = "https://lodos.example/rezervasyon"
Act = tuple[float, Callable[["World", int], None]]  # days after the start, and what happens
_numbers = itertools.count()


class World:
    """A company with one journey; time passes from one thing to the next."""

    def __init__(self, scenario: Scenario, *, holdout: bool = False) -> None:
        """Publish the journey at ``NOW``, without a control group unless it is asked for."""
        self.live = Live()
        self.now = NOW - clock.DAY
        self.scenario = scenario
        provide(scenario, at=self.now)
        packs.add(scenario, at=self.now)
        definition = packs.parsed(scenario)
        if not holdout:
            document = {**scenario.document, "holdout": 0}
            (definition,) = versions.read([("pack.yaml", document)]).values()
        versions.publish(versions.save(definition, at=NOW), at=NOW)
        self.journey = Journey.objects.get(key=scenario.key)
        self.graph = graph(definition)
        self.now = NOW

    def live_through(self, lives: Iterable[list[Act]], *, until: float) -> None:
        """Let everything happen in the order of time, and time pass for ``until`` days."""
        acts = sorted(
            ((NOW + round(days * clock.DAY), n, act) for n, life in enumerate(lives)
             for days, act in life),
            key=lambda one: one[:2],
        )  # fmt: skip
        for at, _n, act in acts:
            self.pass_time(at)
            act(self, at)
            self._step(at + clock.SECOND)
        self.pass_time(NOW + round(until * clock.DAY))

    def pass_time(self, until: int) -> None:
        """Let the live step run at every moment at which somebody moves, up to ``until``."""
        while (due := self._next()) is not None and due <= until:
            self._step(due)

    def _step(self, at: int) -> None:
        self.now = max(self.now + 1, at)
        step(self.now, self.live)

    def _next(self) -> int | None:
        found = [one for one in (engine.next_due_at(), members.next_due_at()) if one is not None]
        return min(found, default=None)

    # What became of it.

    def asked(self, email: str) -> list[str]:
        """Return the steps that asked for a message to somebody, in order."""
        found = Message.objects.filter(origin=self.journey.origin, profile=self.whose(email))
        found = found.exclude(channel="call")
        return list(found.order_by("created_at", "pk").values_list("step", flat=True))

    def outcomes(self, email: str) -> list[str]:
        """Return how each enrollment of somebody ended, "waiting" for what did not."""
        rides = Enrollment.objects.filter(journey=self.journey, profile=self.whose(email))
        return [ride.outcome or ride.state for ride in rides.order_by("pk")]

    def whose(self, email: str) -> int:
        return Identifier.objects.get(kind="email", value=email).profile_id

    def walked(self) -> set[tuple[str, str]]:
        """Return every step anybody went through, with its result."""
        mine = Passage.objects.filter(enrollment__journey=self.journey).exclude(step="")
        return set(mine.values_list("step", "result"))

    def ways(self) -> set[tuple[str, str]]:
        """Return every way through every step that there is; "" for steps with only one."""
        return {
            (node.id, result)
            for node in self.graph.nodes.values()
            for result in ([word for word, _steps in branches(node.kind)] or [""])
        }


def provide(scenario: Scenario, *, at: int) -> None:
    """Bring in the traits and the segments that a scenario asks for."""
    for name, kind in scenario.traits.items():
        assert kind == "day"
        traits = {name: {"day": "1980-01-15"}}
        tell("trait", {"email": "somebody@example.com", "traits": traits}, at)
        step(at)
    wanted = {one.names[0] for one in packs.missing(scenario) if one.kind == "segment"}
    shipped = [one for one in catalog.shipped() if one[0].removesuffix(".yaml") in wanted]
    if shipped:
        segments.apply(shipped)
        rebuild.everybody(at=at)


def tell(kind: str, body: dict[str, Any], at: int) -> None:
    told(Entry(kind, "web", f"web:{next(_numbers)}", json.dumps(body), at))


# What people do.


def does(email: str, days: float, name: str, **properties: Any) -> Act:
    def act(_world: World, at: int) -> None:
        told(event(f"life{next(_numbers)}", email, name, at, properties=properties))

    return days, act


def agrees(email: str, days: float = 0.001) -> Act:
    """Say yes to marketing mails and calls, with a phone number of one's own."""

    def act(_world: World, at: int) -> None:
        phone = f"+90532{next(_numbers):07}"
        for channel in ("email", "call"):
            decision = {
                "email": email, "phone": phone, "channel": channel, "purpose": "marketing",
                "status": "granted", "evidence": "form",
            }  # fmt: skip
            tell("consent", decision, at)

    return days, act


def orders(
    email: str,
    days: float,
    number: object,
    status: str = "completed",
    *,
    ordered: float | None = None,
    arrives: float | None = None,
    nights: int = 4,
) -> Act:
    """Tell that an order is ``status``; with ``arrives`` (days from the start) it is a stay."""

    def act(_world: World, at: int) -> None:
        ordered_at = at if ordered is None else NOW + round(ordered * clock.DAY)
        body: dict[str, Any] = {
            "email": email, "source_id": str(number), "status": status, "ordered_at": ordered_at,
            "net_minor": 12_500_00,
        }  # fmt: skip
        if arrives is not None:
            first = day(arrives)
            body |= {
                "starts_on": first.isoformat(),
                "ends_on": (first + dt.timedelta(nights)).isoformat(),
            }
        told(Entry("order", "pms", f"pms:life{next(_numbers)}", json.dumps(body), at))

    return days, act


def born(email: str, days: float, on: str) -> Act:
    def act(_world: World, at: int) -> None:
        tell("trait", {"email": email, "traits": {"birth_date": {"day": on}}}, at)

    return days, act


def reads(email: str, language: str, days: float = 0.002) -> Act:
    def act(_world: World, at: int) -> None:
        tell("trait", {"email": email, "traits": {"language": language}}, at)

    return days, act


def answers(email: str, days: float, outcome: str) -> Act:
    """Let an agent note how the call with somebody ended."""

    def act(world: World, at: int) -> None:
        task = Task.objects.get(enrollment__profile=world.whose(email), closed_at=None)
        actions.answer(task, outcome, by="agent", at=at)

    return days, act


def day(days: float) -> dt.date:
    return clock.day_of(NOW + round(days * clock.DAY), "Europe/Istanbul")
