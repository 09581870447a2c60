"""Lifecycle stages in the live step: true at every moment, by each customer's own rhythm."""

from __future__ import annotations

import math
import random
from datetime import date
from itertools import pairwise
from statistics import NormalDist, fmean

import msgspec
import numpy as np
import pytest
import time_machine
from tests.pipeline.company import NOW, define, event, members, order, told

from pusula.lib import clock
from pusula.orders.models import Order
from pusula.pipeline import due, grading, identity, live
from pusula.pipeline.appender import Entry
from pusula.predict import actions
from pusula.predict.cards import Card, Note
from pusula.predict.models import LifeDue
from pusula.profiles.models import Merge, Profile, Trait, TraitChange
from pusula.segments.everybody import rebuild

pytestmark = pytest.mark.django_db(databases=["default", "log"])
ZONE = "Europe/Istanbul"
RHYTHM = {
    "mean": math.log(8.0),
    "between": 0.5,
    "within": 0.6,
    "stays_away_first": 0.3,
    "stays_away_later": 0.05,
}
ALIVE = ("pending", "confirmed", "in_house", "completed")


def day_of(moment: int) -> date:
    return clock.day_of(moment, ZONE)


def limits(gaps: list[int]) -> list[int]:
    """The waits from which on somebody with such gaps is at risk, lapsed, lost: one by one."""
    spread, noise = RHYTHM["between"] ** 2, RHYTHM["within"] ** 2
    left = 1 / (1 / spread + len(gaps) / noise)
    logs = sum(math.log(gap) for gap in gaps)
    mean = left * (RHYTHM["mean"] / spread + logs / noise)
    deviation = math.sqrt(left + noise)
    found = []
    for share, times in ((0.8, 2.0), (0.9, 3.0), (0.975, 6.0)):
        factor = min(math.exp(deviation * NormalDist().inv_cdf(share)), times)
        found.append(math.floor(math.exp(mean) * factor) + 1)
    return found


def expected(at: int) -> dict[int, str]:
    """The stage of everybody from the orders as they stand, as of ``at``."""
    found = {}
    for profile in Profile.objects.all():
        placed = Order.objects.filter(profile=profile, status__in=ALIVE, ordered_at__lt=at)
        days = sorted({day_of(one.ordered_at).toordinal() for one in placed})
        if not days:
            continue
        gaps = [b - a for a, b in pairwise(days)]
        waited = day_of(at).toordinal() - days[-1]
        passed = sum(waited >= limit for limit in limits(gaps))
        if passed:
            found[profile.pk] = ("at_risk", "lapsed", "lost")[passed - 1]
        elif not gaps:
            found[profile.pk] = "new"
        else:
            found[profile.pk] = "returned" if gaps[-1] >= limits(gaps[:-1])[1] else "active"
    return found


def staged() -> dict[int, str]:
    return dict(Trait.objects.filter(name="lifecycle").values_list("profile_id", "text"))


def staged_at(moment: int) -> dict[int, str]:
    """The stage of everybody as the history tells it, the moment itself included."""
    found: dict[int, str] = {}
    changes = TraitChange.objects.filter(name="lifecycle", changed_at__lte=moment)
    for change in changes.order_by("changed_at", "recorded_at", "id"):
        found[change.profile_id] = change.text
    return {pk: stage for pk, stage in found.items() if stage}


def card(at: int, **more) -> Card:
    return Card(model="lifecycle", method="own_rhythm", as_of_on=day_of(at), n_trained=9, **more)


def publish(at: int, **changes) -> None:
    actions.publish(
        "lifecycle",
        as_of_on=day_of(at),
        parameters={"rhythm": RHYTHM | changes},
        card=card(at),
        at=at,
    )


def tell(at: int, *entries: Entry) -> None:
    with time_machine.travel(clock.to_datetime(at), tick=False):
        told(*entries)


def repaired(at: int) -> int:
    with time_machine.travel(clock.to_datetime(at), tick=False):
        return grading.repair()


class World:
    """People who order, change and cancel orders, merge, part and do nothing, at random."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same world every time
        self.n = 0
        self.orders: list[tuple[str, str, int]] = []

    def entry(self, at: int) -> Entry:
        who = f"g{self.random.randrange(10)}@example.com"
        self.n += 1
        kind = self.random.choices(["order", "change", "event"], [6, 2, 1])[0]
        if kind == "event":
            return event(self.n, who, at=at)
        if kind == "change" and self.orders:
            return self.version(*self.random.choice(self.orders), at)
        ago = self.random.choice([0, 0, 0, 1, 4, 9, 30, 80]) * clock.DAY
        self.orders.append((str(self.n), who, at - ago - self.random.randrange(clock.HOUR)))
        return self.version(*self.orders[-1], at)

    def version(self, number: str, who: str, placed: int, at: int) -> Entry:
        status = self.random.choice(["completed", "completed", "confirmed", "cancelled"])
        said = order(number, who, 100_00, placed, status=status, status_at=at)
        return msgspec.structs.replace(said, message_id=f"shop:{number}:{self.n}:{at}")

    def merge_or_part(self) -> bool:
        before = self.n
        people = list(Profile.objects.order_by("pk").values_list("pk", flat=True))
        if self.random.random() < 0.3:
            identity.merge(*self.random.sample(people, 2))
            self.n += 1
        merges = list(Merge.objects.filter(undone_at=None).order_by("pk"))
        if merges and self.random.random() < 0.3:
            identity.unmerge(self.random.choice(merges).pk)
            self.n += 1
        return self.n > before


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_live_stages_are_those_of_everybody_looked_at_anew_at_every_moment(company, seed):
    world = World(seed)
    at = NOW
    tell(at, *(world.entry(at) for _ in range(40)))
    live.step(at=at + 1)
    publish(at + 2)
    repaired(at + 3)
    consumer = live.Live()
    seen = set()
    for _ in range(16):
        since = at
        at += world.random.choice([clock.HOUR, clock.DAY, 3 * clock.DAY, 9 * clock.DAY])
        between = [world.random.randrange(since + clock.MINUTE, at) for _ in range(3)]
        midnight = clock.start_of(day_of(at), ZONE)
        between += [midnight] if midnight > since + clock.MINUTE else []
        was = {one: expected(one) for one in between}
        tell(at, *(world.entry(at) for _ in range(world.random.choice([0, 1, 4]))))
        with time_machine.travel(clock.to_datetime(at), tick=False):
            is_same = not world.merge_or_part()
        while consumer.step(at=at).is_full or (due.next_at() or at + 1) <= at:
            pass  # a slow machine reaches some of those who are due with the next step
        assert staged() == expected(at), at
        for moment, stages in was.items() if is_same else ():
            assert staged_at(moment) == stages, (at, moment)
        seen |= set(staged().values())
    assert seen == {"new", "active", "at_risk", "lapsed", "lost", "returned"}


def test_a_segment_follows_a_stage_that_time_alone_changes(company):
    publish(NOW)
    define("at-risk", {"trait": {"lifecycle": {"is": "at_risk"}}})
    rebuild.everybody(at=NOW)
    tell(NOW, order("1", "ayse@example.com", 100_00, NOW - clock.HOUR))
    live.step(at=NOW + 1)
    assert members("at-risk") == []
    (next_due,) = LifeDue.objects.all()
    limit = limits([])[0]
    assert (day_of(next_due.due_at) - day_of(NOW - clock.HOUR)).days == limit
    live.step(at=next_due.due_at - 1)
    assert members("at-risk") == []
    live.step(at=next_due.due_at)
    assert members("at-risk") == [next_due.profile_id]


def test_another_rhythm_holds_for_everybody_after_the_pass_over_all(company):
    publish(NOW)
    tell(NOW, order("1", "ayse@example.com", 100_00, NOW - 10 * clock.DAY))
    live.step(at=NOW + 1)
    assert set(staged().values()) == {"new"}
    publish(NOW + 2, mean=math.log(3.0))
    assert repaired(NOW + 3) == 1
    assert set(staged().values()) == {"lapsed"}
    assert repaired(NOW + 4) == 0


def test_a_rhythm_published_while_everybody_is_looked_at_holds_for_the_rest(company, monkeypatch):
    publish(NOW)
    tell(
        NOW,
        order("1", "ayse@example.com", 100_00, NOW - 10 * clock.DAY),
        order("2", "can@example.com", 100_00, NOW - 10 * clock.DAY),
    )
    live.step(at=NOW + 1)
    first, last = Profile.objects.order_by("pk").values_list("pk", flat=True)

    def blocks(_size: int):
        yield np.array([first], np.int64)
        publish(NOW + 2, mean=math.log(3.0))
        yield np.array([last], np.int64)

    monkeypatch.setattr(grading.profiles, "blocks", blocks)
    assert repaired(NOW + 3) == 1
    assert staged() == {first: "new", last: "lapsed"}


def test_without_a_rhythm_in_force_nobody_is_due_for_ever(company):
    publish(NOW)
    tell(NOW, order("1", "ayse@example.com", 100_00, NOW - clock.HOUR))
    live.step(at=NOW + 1)
    held = card(NOW, withheld=Note("history_too_short"))
    actions.publish("lifecycle", as_of_on=day_of(NOW), parameters={}, card=held, at=NOW + 2)
    later = NOW + 90 * clock.DAY
    live.step(at=later)
    assert not LifeDue.objects.exists()
    assert live.step(at=later + 1).n_due == 0


def test_the_mean_of_few_gaps_is_pulled_to_everybodys():
    assert limits([8] * 40)[0] < limits([])[0]
    assert fmean(limits([2] * 30)) < fmean(limits([8] * 30))
