"""Customers graded live by published limits: as a full pass would grade them, at every moment."""

from __future__ import annotations

import json
import random
from bisect import bisect_left
from datetime import date, timedelta

import msgspec
import numpy as np
import pytest
import time_machine
from tests.pipeline.company import NOW, define, event, members, order, told

from pusula.lib import clock
from pusula.orders.models import Order
from pusula.pipeline import batch, due, grading, identity, live, project
from pusula.pipeline.appender import Entry
from pusula.profiles.models import Identifier, Merge, Profile, Trait, TraitChange
from pusula.rfm import config, versions
from pusula.rfm.cuts import read
from pusula.rfm.models import RfmDue
from pusula.segments.everybody import rebuild
from pusula.segments.models import Membership

pytestmark = pytest.mark.django_db(databases=["default", "log"])
ZONE = "Europe/Istanbul"
NAMES = ("rfm_group", "rfm_r", "rfm_f", "rfm_m")
BY_PLACES = {
    "look_back_months": 2,
    "pool": {"min_orders": 2, "min_orders_in": "ever", "ordered_within_days": 40},
    "recency": {"measure": "calendar_days", "cuts": [3, 10, 25]},
}
BY_STAYS = {
    "look_back_months": 1,
    "orders": {"count": "stays", "dated_by": "stay", "amount": "gross"},
    "recency": {"measure": "floor_days", "quantiles": 5},
    "frequency": {"quantiles": 5, "ranked": False},
}
BY_NUMBERS = {
    "ties": "file_order",
    "orders": {"returns": "count", "statuses": ["completed", "cancelled"]},
    "recency": {"measure": "floor_days", "cuts": [5, 20, 30, 60]},
    "monetary": {"above_zero": False},
    "pool": {"exclude": [{"trait": "tier", "is": ["Personel"]}]},
}


def day_of(moment: int) -> date:
    return clock.day_of(moment, ZONE)


def placed_before(at: int, profile, rules) -> list[tuple[int, int]]:
    """Return when and for how much the orders were that count."""
    found = []
    alive = ("pending", "confirmed", "in_house", "completed")
    by_stay = rules.orders.dated_by == "stay"
    for one in Order.objects.filter(profile=profile):
        minor = one.net_base_minor if rules.orders.amount == "net" else one.gross_base_minor
        if one.status not in (rules.orders.statuses or alive):
            continue
        if by_stay and one.starts_on is None:
            continue
        when = clock.start_of(one.starts_on, ZONE) if by_stay else one.ordered_at
        if when < at:
            found.append((when, minor))
    return found


def expected(at: int, version) -> dict[int, tuple[str, float, float, float]]:
    """Grade everybody anew from the orders as they stand, as of ``at``: plain Python."""
    rules, cuts = versions.of(version).rules, read(version.cuts)
    names = {code: name for name, codes in rules.named_groups.items() for code in codes}
    found = {}
    for profile in Profile.objects.all():
        placed = placed_before(at, profile, rules)
        if is_left_out(profile, rules):
            continue
        since = -(2**62)
        if rules.look_back_months is not None:
            since = clock.start_of(clock.add_months(day_of(at), -rules.look_back_months), ZONE)
        is_order = [m >= 0 or rules.orders.returns == "count" for _w, m in placed]
        inside = [(w, m, o) for (w, m), o in zip(placed, is_order, strict=True) if w >= since]
        orders = [w for w, _m, o in inside if o]
        ever, n, money = sum(is_order), len(orders), sum(m for _w, m, _o in inside)
        counted = ever if rules.pool.min_orders_in == "ever" else n
        if not n or counted < rules.pool.min_orders or (rules.monetary.above_zero and money <= 0):
            continue
        if rules.recency.measure == "calendar_days":
            recency = (day_of(at) - day_of(max(orders))).days
        else:
            recency = max(0, (clock.start_of(day_of(at), ZONE) - max(orders)) // clock.DAY)
        limit = rules.pool.ordered_within_days
        if limit is not None and recency > limit:
            continue
        r = rules.recency.levels - bisect_left(cuts.recency, recency)
        tie = first_key(profile) if rules.ties.value == "profile_key" else profile.pk
        f = 1 + sum((n, tie) > upper(each) if each.tie is not None else n > each.count
                    for each in cuts.frequency)  # fmt: skip
        m = 1 + bisect_left(cuts.monetary, money)
        found[profile.pk] = (names[f"{r}{f}"], r, f, m)
    return found


def upper(limit):
    return (limit.count, limit.tie)


def first_key(profile) -> str:
    held = Identifier.objects.filter(profile=profile, kind="key").values_list("value", flat=True)
    return min(held, default=f"\U0010ffff{profile.pk:020}")


def is_left_out(profile, rules) -> bool:
    return any(
        Trait.objects.filter(profile=profile, name=one.trait, text__in=one.is_).exists()
        for one in rules.pool.exclude
    )


def graded() -> dict[int, tuple[str, float, float, float]]:
    held: dict[int, dict[str, object]] = {}
    for trait in Trait.objects.filter(name__in=NAMES):
        held.setdefault(trait.profile_id, {})[trait.name] = trait.text or trait.number
    return {pk: tuple(found[name] for name in NAMES) for pk, found in held.items()}


def graded_at(moment: int) -> dict[int, str]:
    """Return the group of everybody as the history tells it, the moment itself included."""
    found: dict[int, str] = {}
    changes = TraitChange.objects.filter(name="rfm_group", changed_at__lte=moment)
    for change in changes.order_by("changed_at", "recorded_at", "id"):
        found[change.profile_id] = change.text
    return {pk: group for pk, group in found.items() if group}


class World:
    """People who order, change and cancel orders, stay, merge and do nothing, at random."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same world every time
        self.n = 0
        self.orders: list[tuple[str, str, int, str | None]] = []

    def entry(self, at: int) -> Entry:
        kind = self.random.choices(["order", "change", "event", "trait"], [6, 2, 1, 1])[0]
        who = f"g{self.random.randrange(12)}@example.com"
        self.n += 1
        if kind == "event":
            return event(self.n, who, at=at)
        if kind == "trait":
            tier = {"tier": self.random.choice(["Personel", "Gold"])}
            body = json.dumps({"email": who, "traits": tier})
            return Entry("trait", "crm", f"crm:{self.n}", body, at)
        if kind == "change" and self.orders:
            number, whose, placed, arrival = self.random.choice(self.orders)
            return self.version(number, whose, placed, arrival, at)
        days_ago = self.random.choice([0, 0, 0, 1, 3, 20, 50, 90])
        placed = at - days_ago * clock.DAY - self.random.randrange(clock.HOUR)
        stay = self.random.choice([None, -2, 0, 1, 4, 12])
        arrival = None if stay is None else str(day_of(at) + timedelta(days=stay))
        self.orders.append((str(self.n), who, placed, arrival))
        return self.version(str(self.n), who, placed, arrival, at)

    def merge_or_part(self) -> bool:
        """Ask for a merge of two people, or for the undoing of one, now and then; say if so."""
        before = self.n
        if self.random.random() < 0.3:
            people = list(Profile.objects.values_list("pk", flat=True))
            identity.merge(*self.random.sample(people, 2))
            self.n += 1
        merges = list(Merge.objects.filter(undone_at=None))
        if merges and self.random.random() < 0.3:
            identity.unmerge(self.random.choice(merges).pk)
            self.n += 1
        return self.n > before

    def version(self, number: str, who: str, placed: int, arrival: str | None, at: int) -> Entry:
        net = self.random.choice([-50_00, 10_00, 99_99, 250_00])
        status = self.random.choice(["completed", "completed", "confirmed", "cancelled"])
        stay = {} if arrival is None else {"starts_on": arrival, "ends_on": arrival}
        person = int(who.partition("@")[0][1:])
        key = {"key": f"{97 * person % 100}"} if person % 3 else {}  # some have no number
        said = order(
            number, who, net, placed, status=status, status_at=at, gross_minor=abs(net) + 1,
            **stay, **key,
        )  # fmt: skip
        return msgspec.structs.replace(said, message_id=f"shop:{number}:{self.n}:{at}")


def tell(at: int, *entries: Entry) -> None:
    with time_machine.travel(clock.to_datetime(at), tick=False):
        told(*entries)


def catch_up(consumer: live.Live, at: int) -> None:
    """Step as often as a slow machine needs until nothing is waiting."""
    while consumer.step(at=at).is_full or (due.next_at() or at + 1) <= at:
        pass


def published(at: int, **rules):
    with time_machine.travel(clock.to_datetime(at), tick=False):
        return project.publish(versions.ask(config.parse_project(rules), at=at))


@pytest.mark.parametrize("rules", [BY_PLACES, BY_STAYS, BY_NUMBERS])
@pytest.mark.parametrize("seed", [1, 2])
def test_live_grades_are_those_of_a_full_pass_at_every_moment(company, rules, seed):
    world = World(seed)
    at = NOW
    tell(at, *(world.entry(at) for _ in range(50)))
    live.step(at=at + 1)
    at += clock.HOUR
    held = published(at, **rules)
    assert graded() == expected(at, held)
    consumer = live.Live()
    seen = set()
    for _ in range(14):
        since = at
        at += world.random.choice([clock.HOUR, clock.DAY, 3 * clock.DAY, 11 * clock.DAY])
        between = [world.random.randrange(since + clock.MINUTE, at) for _ in range(3)]
        midnight = clock.start_of(day_of(at), ZONE)
        between += [midnight] if midnight > since + clock.MINUTE else []
        was = {one: {pk: g[0] for pk, g in expected(one, held).items()} for one in between}
        tell(at, *(world.entry(at) for _ in range(world.random.choice([0, 1, 5]))))
        with time_machine.travel(clock.to_datetime(at), tick=False):
            is_same = not world.merge_or_part()
        catch_up(consumer, at)
        assert graded() == expected(at, held), at
        # After a merge the past is that of one person.
        for moment, groups in was.items() if is_same else ():
            assert graded_at(moment) == groups, (at, moment)
        seen |= set(graded().values())
    assert len({group for group, *_ in seen}) > 2


SIMPLE = {
    "recency": {"measure": "calendar_days", "cuts": [2, 10, 30]},
    "look_back_months": 12,
}
RECENT = {"trait": {"rfm_r": {"at_least": 4}}}


@pytest.fixture
def shop(company):
    """Five people who bought once to five times, graded by rules in force."""
    define("recent", RECENT)
    rebuild.everybody(at=NOW - clock.HOUR)
    tell(NOW, *(
        order(f"{n}-{k}", f"g{n}@example.com", 100_00 * n, NOW - 20 * clock.DAY + k)
        for n in range(1, 6) for k in range(n)
    ))  # fmt: skip
    live.step(at=NOW + 1)
    return published(NOW + clock.MINUTE, **SIMPLE)


def who(n: int) -> int:
    return Identifier.objects.get(kind="email", value=f"g{n}@example.com").profile_id


def test_an_order_lifts_its_customer_in_the_same_step_and_segments_with_them(shop):
    assert members("recent") == []
    at = NOW + clock.HOUR
    tell(at, order("new", "g1@example.com", 90_00, at - clock.MINUTE))
    live.step(at=at)
    assert graded()[who(1)][1] == 4
    assert members("recent") == [who(1)]
    held = Membership.objects.get(profile_id=who(1), left_at=None, segment__key="recent")
    assert held.entered_at == at


def test_recency_falls_at_midnight_of_the_company_with_nothing_arriving(shop):
    at = NOW + clock.HOUR
    tell(at, order("new", "g1@example.com", 90_00, at - clock.MINUTE))
    live.step(at=at)
    third_midnight = clock.start_of(day_of(at) + timedelta(days=3), ZONE)
    live.step(at=third_midnight - 1)
    assert members("recent") == [who(1)]
    stepped = live.step(at=third_midnight)
    assert members("recent") == []
    assert stepped.moves.n_left == 1
    left = Membership.objects.get(profile_id=who(1), segment__key="recent")
    assert (left.left_at, TraitChange.objects.filter(name="rfm_r").latest("id").changed_at) == (
        third_midnight,
        third_midnight,
    )


def test_after_an_outage_each_falls_at_its_own_midnight(shop):
    at = NOW + clock.HOUR
    for n in (1, 2, 3):
        at += clock.DAY
        tell(at, order(f"new{n}", f"g{n}@example.com", 90_00, at - clock.MINUTE))
        live.step(at=at)
    assert len(members("recent")) == 3
    day = day_of(at)
    catch_up(live.Live(), at + 60 * clock.DAY)
    ends = [clock.start_of(day + timedelta(days=n), ZONE) for n in (1, 2, 3)]
    left = dict(
        Membership.objects.filter(segment__key="recent").values_list("profile_id", "left_at")
    )
    assert left == {who(n): end for n, end in zip((1, 2, 3), ends, strict=True)}
    assert graded() == expected(at + 60 * clock.DAY, shop)


def test_a_step_looks_at_nobody_else(shop):
    """What an order costs does not grow with the customers: nobody else is read or written."""
    at = NOW + clock.HOUR
    before = dict(RfmDue.objects.exclude(profile_id=who(1)).values_list("profile_id", "due_at"))
    tell(at, order("new", "g1@example.com", 90_00, at - clock.MINUTE))
    changes = TraitChange.objects.count()
    live.step(at=at)
    assert set(
        TraitChange.objects.order_by("id")[changes:].values_list("profile_id", flat=True)
    ) == {who(1)}
    after = dict(RfmDue.objects.exclude(profile_id=who(1)).values_list("profile_id", "due_at"))
    assert after == before


def test_events_alone_grade_nobody(shop, monkeypatch):
    asked = []
    monkeypatch.setattr(grading.rfm, "grade", lambda ids, *_: asked.append(ids) or set())
    tell(NOW + clock.HOUR, event("e1", "g1@example.com", at=NOW + clock.MINUTE))
    live.step(at=NOW + clock.HOUR)
    assert [len(ids) for ids in asked] in ([], [0])


def test_a_full_run_puts_right_what_was_written_past_the_step(shop):
    Order.objects.filter(profile_id=who(5)).update(status="cancelled")
    assert who(5) in graded()
    at = clock.now()
    batch.run()
    assert who(5) not in graded()
    assert graded() == expected(at, shop)
    assert grading.repair() == 0


def test_an_import_grades_whom_it_touches(shop):
    Order.objects.filter(profile_id=who(5)).update(status="cancelled")
    live.refresh(np.array([who(5)]), cause="import")
    assert who(5) not in graded()


def test_a_customer_who_was_merged_away_is_due_no_more(shop):
    gone = who(1)
    with time_machine.travel(clock.to_datetime(NOW + clock.HOUR), tick=False):
        identity.merge(who(2), gone)
    live.step(at=NOW + clock.HOUR)
    assert not RfmDue.objects.filter(profile_id=gone).exists()
    assert not Trait.objects.filter(profile_id=gone).exists()


def test_without_rules_in_force_the_step_leaves_the_groups_alone(company):
    tell(NOW, order(1, "g1@example.com", 100_00, NOW - clock.DAY))
    live.step(at=NOW + 1)
    assert not graded()
    assert not RfmDue.objects.exists()
