"""Definitions against stored customers: who enters, who leaves, what stays when it fails."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import time_machine
from django.db import connection

from pusula.consent.models import Consent, ConsentEntry
from pusula.events.models import Event
from pusula.lib import clock
from pusula.lib.sayings import told
from pusula.orders.models import Order
from pusula.pipeline import live
from pusula.profiles.models import Profile, Trait
from pusula.segments import actions, evaluate, queries
from pusula.segments.everybody import rebuild
from pusula.segments.models import CutPoint, Membership, Segment

pytestmark = pytest.mark.django_db

NOW = clock.from_datetime(dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC))
TITLE = {"tr": "Deneme", "en": "Trial"}


def guest(name="Elif"):
    return Profile.objects.create(first_name=name, created_at=0, recorded_at=0)


def stay(profile, number, *, days_ago=30, status="completed", net=100_00, **fields):
    ends_on = dt.date(2026, 6, 1) - dt.timedelta(days_ago)
    return Order.objects.create(
        profile=profile,
        source="pms",
        source_id=str(number),
        status=status,
        ordered_at=NOW - (days_ago + 10) * clock.DAY,
        status_at=NOW - days_ago * clock.DAY,
        starts_on=ends_on - dt.timedelta(3),
        ends_on=ends_on,
        currency="TRY",
        gross_minor=net,
        net_minor=net,
        gross_base_minor=net,
        net_base_minor=net,
        recorded_at=NOW,
        **fields,
    )


def define(key="trial", **where):
    document = {"segment": key, "title": TITLE, "where": where}
    actions.apply([(f"{key}.yaml", document)])


def members(key="trial"):
    return queries.member_ids(Segment.objects.get(key=key)).tolist()


def two_stays():
    define(
        orders={"count": {"at_least": 2}, "where": {"status": {"is": "completed"}},
                "by": "ends_on", "within": {"last": "12 months"}}
    )  # fmt: skip


def test_a_full_evaluation_finds_everybody_who_meets_the_condition():
    elif_, ali = guest(), guest("Ali")
    stay(elif_, 1), stay(elif_, 2, days_ago=90), stay(ali, 3), stay(ali, 4, days_ago=500)
    two_stays()
    outcome = rebuild.everybody(at=NOW)
    assert members() == [elif_.pk]
    assert outcome.n_profiles == 2
    assert outcome.moves["trial"].n_entered == 1
    assert Segment.objects.get(key="trial").n_members == 1


def test_members_are_kept_as_intervals():
    elif_ = guest()
    stay(elif_, 1, days_ago=300), stay(elif_, 2)
    two_stays()
    rebuild.everybody(at=NOW)
    later = NOW + 100 * clock.DAY
    rebuild.everybody(at=later)
    (interval,) = Membership.objects.all()
    assert (interval.entered_at, interval.left_at) == (NOW, later)


def test_touched_customers_are_brought_up_to_date_and_others_left_alone():
    elif_, ali = guest(), guest("Ali")
    two_stays()
    rebuild.everybody(at=NOW)
    for number, profile in enumerate([elif_, elif_, ali, ali]):
        stay(profile, number)
    evaluate.touched(np.array([ali.pk]), at=NOW + 1, cause="import")
    assert members() == [ali.pk]
    rebuild.everybody(at=NOW + 2)
    assert members() == [elif_.pk, ali.pk]
    assert Membership.objects.get(profile=ali).entered_at == NOW + 1


def test_a_definition_waits_for_its_full_evaluation():
    elif_ = guest()
    stay(elif_, 1), stay(elif_, 2)
    two_stays()
    evaluate.touched(np.array([elif_.pk]), at=NOW, cause="import")
    assert members() == []
    assert Segment.objects.get(key="trial").evaluated_at is None


def test_an_evaluation_that_changes_nothing_writes_nothing():
    elif_ = guest()
    stay(elif_, 1), stay(elif_, 2)
    two_stays()
    rebuild.everybody(at=NOW)
    outcome = rebuild.everybody(at=NOW + 1)
    assert outcome.moves["trial"] == actions.Moves()
    assert Membership.objects.count() == 1


def test_a_segment_whose_trait_vanished_keeps_its_members_and_is_stale():
    elif_ = guest()
    trait = Trait.objects.create(
        profile=elif_, name="tier", kind="text", text="Altın", text_fold="altın",
        source="crm", updated_at=0,
    )  # fmt: skip
    define(trait={"tier": {"is": "ALTIN"}})
    rebuild.everybody(at=NOW)
    assert members() == [elif_.pk]
    trait.delete()
    outcome = rebuild.everybody(at=NOW + 1)
    segment = Segment.objects.get(key="trial")
    assert members() == [elif_.pk]
    assert segment.stale_since_at == NOW + 1
    assert told(segment.error).startswith("where.trait.tier: unknown trait")
    assert outcome.errors == {"trial": segment.error}


def test_an_evaluation_of_some_does_not_make_a_stale_segment_fresh():
    elif_ = guest()
    two_stays()
    rebuild.everybody(at=NOW)
    Segment.objects.update(stale_since_at=NOW, error="broken")
    evaluate.touched(np.array([elif_.pk]), at=NOW + clock.DAY, cause="import")
    segment = Segment.objects.get(key="trial")
    assert (segment.stale_since_at, segment.error, segment.evaluated_at) == (NOW, "broken", NOW)
    rebuild.everybody(at=NOW + 2 * clock.DAY)
    segment.refresh_from_db()
    assert (segment.stale_since_at, segment.error) == (None, "")


def test_a_debt_is_paid_by_its_own_evaluation_or_by_everybodys():
    elif_ = guest()
    first, second = actions.owe("import 1", NOW), actions.owe("import 2", NOW)
    evaluate.touched(np.array([elif_.pk]), at=NOW, cause="import", pays=first)
    assert queries.debts() == [second]
    rebuild.everybody(at=NOW)
    assert queries.debts() == []


def test_a_refresh_looks_at_everybody_while_another_debt_is_open():
    elif_, ali = guest(), guest("Ali")
    two_stays()
    rebuild.everybody(at=NOW)
    for number, profile in enumerate([elif_, elif_, ali, ali]):
        stay(profile, number, days_ago=0)
    actions.owe("a deferred import", NOW)
    with time_machine.travel(clock.to_datetime(NOW), tick=False):
        live.refresh(np.array([ali.pk]), cause="import", pays=actions.owe("mine", NOW))
    assert members() == [elif_.pk, ali.pk]


@pytest.mark.django_db(transaction=True)
def test_two_evaluations_at_once_take_turns():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer; the tests' database in memory cannot wait for it")
    profiles = [guest(str(n)) for n in range(30)]
    for number, profile in enumerate(profiles * 2):
        stay(profile, number, days_ago=0)
    two_stays()
    rebuild.everybody(at=NOW)
    Membership.objects.all().delete()
    ids = np.array([profile.pk for profile in profiles])
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        try:
            evaluate.touched(ids, at=NOW, cause="import")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work) for _ in range(4)]:
            done.result()
    assert members() == ids.tolist()


def test_the_top_tenth_compares_with_a_published_cut_point():
    rich = [guest(str(n)) for n in range(20)]
    for n, profile in enumerate(rich):
        stay(profile, n, net=(n + 1) * 100_00)
    define(
        orders={"sum": "net_amount", "where": {"status": {"is": "completed"}},
                "within": {"last": "24 months"}, "is": {"top": "10 %"}}
    )  # fmt: skip
    rebuild.everybody(at=NOW)
    assert members() == [rich[18].pk, rich[19].pk]
    limit = np.quantile(np.arange(1, 21) * 100_00, 0.9)  # beside those of the cards' sentences
    found = CutPoint.objects.filter(value__range=(limit - 1e-6, limit + 1e-6))
    assert set(found.values_list("n_population", flat=True)) == {20}


def test_consents_events_and_their_properties_are_asked_for():
    elif_, ali = guest(), guest("Ali")
    entry = ConsentEntry.objects.create(
        profile=elif_, channel="email", purpose="marketing", status="granted", source="web",
        decided_at=0, recorded_at=0, dedupe_key="1",
    )  # fmt: skip
    Consent.objects.create(
        profile=elif_, channel="email", purpose="marketing", status="granted", decided_at=0,
        entry=entry,
    )  # fmt: skip
    for number, (profile, region, nights) in enumerate(
        [(elif_, "BODRUM", 7), (ali, "Bodrum", 2), (ali, "İzmir", 9)]
    ):
        Event.objects.create(
            profile=profile, name="Hotel Searched", at=NOW - clock.DAY, recorded_at=NOW,
            dedupe_key=str(number), source="web",
            properties={"region": region, "nights": nights, "it's \"odd\"": 1},
        )  # fmt: skip
    search = {"name": "Hotel Searched", "count": {"at_least": 1}, "within": {"last": "30 days"}}
    where = {"region": {"is": "bodrum"}, "nights": {"at_least": 5}}
    define("long-search", events=search | {"where": where})
    define("searched", events=search | {"where": {"region": {"is": "bodrum"}}})
    define("granted", consent={"channel": "email", "purpose": "marketing", "is": "granted"})
    rebuild.everybody(at=NOW)
    assert members("long-search") == [elif_.pk]
    assert members("searched") == [elif_.pk, ali.pk]
    assert members("granted") == [elif_.pk]


def test_a_new_version_is_shown_after_its_evaluation_only():
    elif_ = guest()
    stay(elif_, 1), stay(elif_, 2)
    two_stays()
    rebuild.everybody(at=NOW)
    define(orders={"count": {"at_least": 3}})
    assert members() == [elif_.pk]
    assert Segment.objects.get(key="trial").version.number == 1
    rebuild.everybody(at=NOW + 1)
    assert members() == []
    assert Segment.objects.get(key="trial").version.number == 2


def test_definitions_are_applied_all_or_none():
    good = {"segment": "good", "title": TITLE, "where": {"orders": {"count": {"at_least": 1}}}}
    bad = {"segment": "bad", "title": TITLE, "where": {"orders": {"cuont": {"at_least": 1}}}}
    with pytest.raises(actions.DefinitionError, match=r"bad.yaml.*where\.orders"):
        actions.apply([("good.yaml", good), ("bad.yaml", bad)])
    assert not Segment.objects.exists()


def test_the_shipped_definitions_evaluate_on_an_empty_installation():
    actions.apply(evaluate.catalog.shipped())
    guest()
    outcome = rebuild.everybody(at=NOW)
    assert outcome.errors == {}
    assert {s.key for s in queries.active()} >= {
        "repeat-guests", "high-value-guests", "lapsing-loyal-guests", "seasonal-returners",
        "first-time-guests-upcoming", "has-upcoming-booking", "no-consent-email",
    }  # fmt: skip


def test_blocks_of_many_profiles_give_what_one_block_gives(monkeypatch):
    for number in range(40):
        profile = guest(str(number))
        for stay_number in range(number % 4):
            stay(profile, number * 10 + stay_number)
    two_stays()
    rebuild.everybody(at=NOW)
    whole = members()
    Membership.objects.all().delete()
    monkeypatch.setattr(evaluate, "BLOCK", 7)
    monkeypatch.setattr(evaluate.profiles, "LISTED", 3)
    rebuild.everybody(at=NOW + 1)
    assert members() == whole
