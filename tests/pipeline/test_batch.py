"""Everybody is evaluated while live steps go on: nothing they write is lost, drift is an alarm."""

import datetime as dt

import numpy as np
import pytest
from django.db import connection

from pusula.lib import clock
from pusula.orders.models import Order
from pusula.pipeline import batch
from pusula.profiles.models import Profile
from pusula.segments import actions, evaluate, queries
from pusula.segments.everybody import mirrored, rebuild
from pusula.segments.everybody.means import parts
from pusula.segments.models import CutPoint, Debt, Drift, Due, Membership, Segment

pytestmark = pytest.mark.django_db

NOW = clock.from_datetime(dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC))
TITLE = {"tr": "Deneme", "en": "Trial"}


def guest(name="Elif"):
    return Profile.objects.create(first_name=name, created_at=0, recorded_at=0)


def order(profile, *, days_ago=30, net=100_00, at=NOW):
    ordered_at = at - days_ago * clock.DAY
    return Order.objects.create(
        profile=profile, source="pms", source_id=str(Order.objects.count()), status="completed",
        ordered_at=ordered_at, status_at=ordered_at, currency="TRY", gross_minor=net,
        net_minor=net, gross_base_minor=net, net_base_minor=net, recorded_at=ordered_at,
    )  # fmt: skip


def define(key="trial", **where):
    actions.apply([(f"{key}.yaml", {"segment": key, "title": TITLE, "where": where})])


def recent_buyers(days=90, key="trial"):
    define(key, orders={"count": {"at_least": 1}, "within": {"last": f"{days} days"}})


def members(key="trial"):
    return queries.member_ids(Segment.objects.get(key=key)).tolist()


def step(*profiles, at):
    """Evaluate as a live step does."""
    evaluate.touched(np.array(sorted(p.pk for p in profiles)), at=at, cause="event")


def meanwhile(work):
    """Return what does ``work`` once, when a part was read and nothing is written yet."""
    done = []

    def on_progress(_done, _all):
        if not done:
            done.append(True)
            work()

    return on_progress


def test_everybody_is_evaluated_and_shown_with_the_moment_each_is_due():
    elif_, ali = guest(), guest("Ali")
    order(elif_, days_ago=30), order(ali, days_ago=100)
    recent_buyers()
    outcome = rebuild.everybody(at=NOW)
    segment = Segment.objects.select_related("version").get()
    assert members() == [elif_.pk]
    assert (outcome.n_profiles, outcome.moves["trial"].n_entered, outcome.drift) == (2, 1, {})
    assert (segment.n_members, segment.evaluated_at) == (1, NOW)
    assert segment.version.published_at == NOW
    dues = dict(Due.objects.values_list("profile_id", "due_at"))
    assert dues[elif_.pk] == NOW + 60 * clock.DAY + 1
    assert dues[ali.pk] is None
    assert segment.sizes.get().n_members == 1


def test_what_a_live_step_writes_meanwhile_is_kept():
    elif_, ali = guest(), guest("Ali")
    order(elif_)
    recent_buyers()
    rebuild.everybody(at=NOW)
    at = NOW + clock.HOUR

    def ali_buys():
        order(ali, days_ago=0, at=at)
        step(ali, at=at + clock.SECOND)

    outcome = rebuild.everybody(at=at, on_progress=meanwhile(ali_buys))
    assert members() == [elif_.pk, ali.pk]
    assert Membership.objects.get(profile=ali).entered_at == at + clock.SECOND
    assert Due.objects.get(profile=ali).evaluated_at >= at + clock.SECOND
    assert outcome.n_again == 1
    assert outcome.drift == {}
    assert not Drift.objects.exists()


def test_a_live_step_that_took_its_moment_before_the_pass_began_is_kept_too():
    elif_ = guest()
    recent_buyers()
    rebuild.everybody(at=NOW)
    began = NOW + clock.HOUR

    def elif_buys():
        order(elif_, days_ago=0, at=began - clock.MINUTE)
        step(elif_, at=began - clock.SECOND)

    outcome = rebuild.everybody(at=began, on_progress=meanwhile(elif_buys))
    assert members() == [elif_.pk]
    assert outcome.n_again == 1


def test_who_leaves_in_a_live_step_meanwhile_does_not_come_back():
    elif_ = guest()
    bought = order(elif_)
    recent_buyers()
    rebuild.everybody(at=NOW)

    def the_order_vanishes():
        bought.delete()
        step(elif_, at=NOW + 2)

    rebuild.everybody(at=NOW + 1, on_progress=meanwhile(the_order_vanishes))
    assert members() == []
    membership = Membership.objects.get()
    assert (membership.entered_at, membership.left_at) == (NOW, NOW + 2)


def test_a_new_definition_holds_for_those_who_come_while_it_is_evaluated():
    guest()
    recent_buyers()
    newcomer = []

    def somebody_comes():
        newcomer.append(guest("Yeni"))
        order(newcomer[0], days_ago=0, at=NOW + 1)
        step(newcomer[0], at=NOW + 2)

    rebuild.everybody(at=NOW, on_progress=meanwhile(somebody_comes))
    assert members() == [newcomer[0].pk]


def test_who_is_erased_meanwhile_is_left_out():
    elif_, ali = guest(), guest("Ali")
    order(elif_), order(ali)
    recent_buyers()
    rebuild.everybody(at=NOW, on_progress=meanwhile(elif_.delete))
    assert members() == [ali.pk]


def test_a_segment_that_shows_something_else_by_now_is_left_as_it_is():
    order(guest())
    recent_buyers()
    rebuild.everybody(at=NOW)
    recent_buyers(days=10)
    key = {"key": "trial"}
    newest = actions.newest_versions()["trial"]

    def somebody_publishes():
        Segment.objects.filter(**key).update(version=newest, evaluated_at=NOW + 5)

    rebuild.everybody(at=NOW + 1, on_progress=meanwhile(somebody_publishes))
    assert Segment.objects.get(**key).evaluated_at == NOW + 5
    assert len(members()) == 1


def test_a_member_nobody_can_explain_is_put_out_and_is_an_alarm():
    elif_, ali = guest(), guest("Ali")
    order(elif_)
    recent_buyers()
    rebuild.everybody(at=NOW)
    segment = Segment.objects.get()
    Membership.objects.create(
        segment=segment, version=segment.version, profile=ali, entered_at=NOW, cause="event"
    )
    Membership.objects.get(profile=elif_).delete()
    outcome = rebuild.everybody(at=NOW + 1)
    assert members() == [elif_.pk]
    wrong = outcome.drift["trial"]
    assert (wrong.n_missing, wrong.n_surplus) == (1, 1)
    drift = Drift.objects.get()
    assert (drift.segment, drift.found_at) == (segment, NOW + 1)
    assert (drift.n_missing, drift.n_surplus) == (1, 1)
    assert drift.profile_ids == [elif_.pk, ali.pk]
    assert rebuild.everybody(at=NOW + 2).drift == {}


@pytest.mark.parametrize(
    "reason", ["definition", "debt", "debt meanwhile", "due", "stale", "limit"]
)
def test_a_difference_with_a_reason_is_no_alarm(reason):
    elif_, ali = guest(), guest("Ali")
    order(elif_, days_ago=30), order(ali, days_ago=85, net=900_00)
    if reason == "limit":
        define(orders={"sum": "net_amount", "is": {"top": "50 %"}})
    else:
        recent_buyers()
    rebuild.everybody(at=NOW)
    at, work = NOW + clock.DAY, int
    match reason:
        case "definition":
            recent_buyers(days=50)
        case "debt":
            actions.owe("import 1", NOW)
            order(guest("Yeni"), days_ago=1)
            Membership.objects.get(profile=elif_).delete()
        case "debt meanwhile":
            Membership.objects.get(profile=elif_).delete()
            work = lambda: actions.owe("import 1", NOW)  # noqa: E731
        case "due":
            at = NOW + 6 * clock.DAY
        case "stale":
            Segment.objects.update(stale_since_at=NOW)
            Membership.objects.get(profile=elif_).delete()
        case "limit":
            rich = [guest("Zengin"), guest("Varlık")]
            order(rich[0], net=2_000_00), order(rich[1], net=3_000_00)
            step(*rich, at=NOW + 1)
    outcome = rebuild.everybody(at=at, on_progress=meanwhile(work))
    moved = outcome.moves["trial"]
    assert moved.n_entered + moved.n_left > 0
    assert outcome.drift == {}
    assert not Drift.objects.exists()


def test_a_debt_that_was_there_before_is_paid_and_a_later_one_stays():
    guest()
    recent_buyers()
    actions.owe("import 1", NOW)
    rebuild.everybody(at=NOW, on_progress=meanwhile(lambda: actions.owe("import 2", NOW)))
    assert [debt.cause for debt in Debt.objects.all()] == ["import 2"]


def test_a_flip_that_is_stored_too_late_is_corrected_and_an_early_one_may_stay():
    elif_, ali = guest(), guest("Ali")
    order(elif_), order(ali)
    recent_buyers()
    rebuild.everybody(at=NOW)
    flip = NOW + 60 * clock.DAY + 1
    Due.objects.filter(profile=elif_).update(due_at=flip + 1)
    Due.objects.filter(profile=ali).update(due_at=flip - 1)
    rebuild.everybody(at=NOW + 1)
    dues = dict(Due.objects.values_list("profile_id", "due_at"))
    assert dues == {elif_.pk: flip, ali.pk: flip - 1}


def test_a_segment_that_cannot_be_evaluated_keeps_its_members_and_is_stale():
    order(guest())
    recent_buyers()
    rebuild.everybody(at=NOW)
    segment = Segment.objects.get()
    version = segment.version
    broken = {**version.definition, "where": {"trait": {"gone": {"is": "x"}}}}
    type(version).objects.filter(pk=version.pk).update(definition=broken)
    outcome = rebuild.everybody(at=NOW + 1)
    segment.refresh_from_db()
    assert "gone" in outcome.errors["trial"]
    assert (segment.n_members, segment.stale_since_at) == (1, NOW + 1)
    assert len(members()) == 1


def test_limits_are_published_with_the_members_they_make():
    for n in range(20):
        order(guest(str(n)), net=(n + 1) * 100_00)
    define(orders={"sum": "net_amount", "is": {"top": "10 %"}})
    rebuild.everybody(at=NOW)
    points = {point.value: point for point in CutPoint.objects.all()}
    assert len(members()) == 2
    assert points[np.quantile(np.arange(1, 21) * 100_00, 0.9)].n_population == 20


def test_many_parts_give_what_one_part_gives(monkeypatch):
    for number in range(40):
        profile = guest(str(number))
        for _ in range(number % 4):
            order(profile, days_ago=number * 5)
    recent_buyers()
    rebuild.everybody(at=NOW)
    whole, dues = members(), list(Due.objects.order_by("pk").values_list("pk", "due_at"))
    Membership.objects.all().delete(), Due.objects.all().delete()
    monkeypatch.setattr(mirrored, "SPAN", 7)
    assert len(parts()) > 5
    rebuild.everybody(at=NOW)
    assert members() == whole
    assert list(Due.objects.order_by("pk").values_list("pk", "due_at")) == dues


class TestACheck:
    @pytest.fixture
    def wrong(self):
        elif_, ali = guest(), guest("Ali")
        order(elif_), order(ali)
        recent_buyers()
        rebuild.everybody(at=NOW)
        Membership.objects.get(profile=ali).delete()
        return [elif_.pk, ali.pk]

    def test_finds_what_is_wrong_and_puts_it_right(self, wrong):
        outcome = rebuild.check(at=NOW + 1, share=0, n_shares=1)
        assert outcome.drift["trial"].n_missing == 1
        assert members() == wrong
        assert Drift.objects.get().profile_ids == wrong[1:]

    def test_changes_nothing_if_it_may_not(self, wrong):
        outcome = rebuild.check(at=NOW + 1, share=0, n_shares=1, repair=False)
        assert outcome.drift["trial"].n_missing == 1
        assert members() == wrong[:1]
        assert Drift.objects.exists()

    @pytest.mark.usefixtures("wrong")
    def test_looks_at_its_share_only(self, monkeypatch):
        monkeypatch.setattr(mirrored, "SPAN", 1)
        assert len(parts()) == 2
        shares = [rebuild.check(at=NOW + n, share=n, n_shares=7) for n in range(7)]
        assert sum(outcome.n_profiles for outcome in shares) == 2
        assert sum(bool(outcome.drift) for outcome in shares) == 1

    def test_leaves_new_definitions_and_due_flips_to_others(self, wrong):
        recent_buyers(days=5)
        Drift.objects.all().delete()
        outcome = rebuild.check(at=NOW + 100 * clock.DAY, share=0, n_shares=1)
        assert outcome.drift == {}
        assert members() == wrong[:1]


def test_sqlite_knows_its_tables_after_a_run():
    """Without statistics it guesses which index is the narrow one."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL looks at its tables by itself")
    order(guest())
    recent_buyers()

    def known():
        with connection.cursor() as cursor:
            cursor.execute("select name from sqlite_master where name = 'sqlite_stat1'")
            if cursor.fetchone() is None:
                return set()
            cursor.execute("select tbl from sqlite_stat1")
            return {name for (name,) in cursor.fetchall()}

    assert "orders_order" not in known()
    batch.run()
    assert "orders_order" in known()


def test_a_run_by_a_clock_set_back_undoes_nothing(monkeypatch):
    """What was found at three o'clock is not found anew as of two."""
    elif_ = guest()
    order(elif_, days_ago=0, at=NOW - clock.MINUTE)
    recent_buyers()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    batch.run()
    assert members() == [elif_.pk]
    monkeypatch.setattr(clock, "now", lambda: NOW - clock.HOUR)
    batch.run()
    assert batch.check().drift == {}
    assert members() == [elif_.pk]
    assert all(each.left_at is None for each in Membership.objects.all())
