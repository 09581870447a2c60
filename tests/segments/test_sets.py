"""Lists, campaigns, buckets, reach and scores: as columns, in the kernel, and when they change."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pusula.events.models import Event
from pusula.lake.as_of import AsOf
from pusula.lib import clock
from pusula.orders import relations as orders
from pusula.orders.models import Order, OrderChange, OrderItem
from pusula.profiles import relations as profiles
from pusula.profiles.models import Profile, Score
from pusula.segments import actions, evaluate, facts, kernel, queries, relations, sets
from pusula.segments.everybody import rebuild
from pusula.segments.kernel.asked import NEVER
from pusula.segments.kernel.sets import hashed, shares
from pusula.segments.language import Schema, parse
from pusula.segments.models import Due, ProfileSet, Segment, SetMember

NOW = 1_790_000_000_000_000
SCHEMA = Schema(currency="TRY", tz="Europe/Istanbul")
ROOT_OF_CHI_SQUARE = 149.4  # of 99 degrees of freedom, exceeded once in 1,000 times


def compiled(where):
    document = {"segment": "a", "title": {"tr": "a", "en": "a"}, "where": where}
    return kernel.compile({"a": parse(document, SCHEMA)}, SCHEMA, {})


def ask(where, block, at=NOW):
    return compiled(where).evaluate(block, at).members["a"].tolist()


def bucket(low, high, name="newsletter"):
    return {"bucket": {"name": name, "from": f"{low} %", "to": f"{high} %"}}


# Buckets


def test_a_bucket_never_changes():
    ids = np.array([1, 2, 3, 1_000_000, 2**62])
    assert hashed("newsletter", ids).tolist() == [
        873461564922321534, 15661106855458260389, 7711826531042429524,
        12916812180402358220, 13557731733800533395,
    ]  # fmt: skip
    assert np.round(shares("holdout", ids), 6).tolist() == [
        39.675519, 59.994618, 29.35605, 27.680991, 30.336035,
    ]  # fmt: skip


def test_buckets_part_everybody_evenly_and_each_name_anew():
    ids = np.arange(1, 200_001)
    block = kernel.Block(ids)
    masks = [np.array(ask(bucket(low, low + 1), block)) for low in range(100)]
    counts = np.array([mask.sum() for mask in masks])
    assert np.sum(masks, axis=0).tolist() == [1] * len(ids)
    assert ((counts - 2_000) ** 2 / 2_000).sum() < ROOT_OF_CHI_SQUARE
    a, b = (np.array(ask(bucket(0, 10, name), block)) for name in ("a", "b"))
    assert abs((a & b).mean() - 0.01) < 0.001
    neighbours = a[1:] & a[:-1]
    assert abs(neighbours.mean() - 0.01) < 0.001


def test_a_bucket_can_be_a_part_of_a_per_cent():
    ids = np.arange(1, 200_001)
    assert abs(np.mean(ask(bucket("0", "0.5"), kernel.Block(ids))) - 0.005) < 0.0005
    assert ask(bucket(0, 100), kernel.Block(ids[:3])) == [True] * 3


# What the kernel is given


def test_sets_are_told_apart_by_sort_key_and_arm():
    table = pa.table(
        {
            "profile_id": [1, 2, 3, 4],
            "sort": ["list", "campaign", "campaign", "campaign"],
            "key": ["spring", "spring", "spring", "autumn"],
            "arm": ["", "treated", "holdout", "treated"],
        }
    )
    block = kernel.Block(np.arange(1, 5), sets=table)
    assert ask({"list": "spring"}, block) == [True, False, False, False]
    assert ask({"campaign": {"key": "spring"}}, block) == [False, True, True, False]
    held_out = {"campaign": {"key": "spring", "arm": "holdout"}}
    assert ask(held_out, block) == [False, False, True, False]
    assert compiled(held_out).requirements.sets == (("campaign", "spring"),)


def test_reach_and_why_not():
    states = ["reachable", "suppressed", "no_address", "no_consent"]
    table = pa.table(
        {
            "profile_id": [1, 2, 3, 4],
            "channel": ["email"] * 4,
            "purpose": ["marketing"] * 4,
            "state": states,
        }
    )
    block = kernel.Block(np.arange(1, 6), reach=table)

    def reach(state):
        return ask({"reach": {"channel": "email", "purpose": "marketing", "is": state}}, block)

    assert reach("reachable") == [True, False, False, False, False]
    assert reach("unreachable") == [False, True, True, True, True]
    assert reach("suppressed") == [False, True, False, False, False]
    assert reach("no_address") == [False, False, True, False, False]


def test_scores_compare_and_grow_old():
    table = pa.table(
        {
            "profile_id": [1, 2, 3],
            "model": ["churn", "churn", "other"],
            "value": [0.7, 0.2, 0.9],
            "decile": pa.array([9, None, 10], pa.int64()),
            "scored_at": [NOW - clock.DAY, NOW - 30 * clock.DAY, NOW],
        }
    )
    block = kernel.Block(np.arange(1, 5), scores=table)

    def score(**test):
        return {"score": {"model": "churn", **test}}

    assert ask(score(value={"at_least": 0.7}), block) == [True, False, False, False]
    assert ask(score(decile={"at_least": 9}), block) == [True, False, False, False]
    assert ask(score(value="known"), block) == [True, True, False, False]
    assert ask(score(decile="unknown"), block) == [False, True, True, True]
    fresh = score(scored_at={"last": "7 days"})
    assert ask(fresh, block) == [True, False, False, False]
    flips = compiled(fresh).evaluate(block, NOW).next_flip
    assert flips.tolist() == [NOW + 6 * clock.DAY + 1, NEVER, NEVER, NEVER]


# What is stored


def ids_of(*people):
    return np.array(sorted(person.pk for person in people), np.int64)


def listed(key="press", sort="list"):
    found = SetMember.objects.filter(set__sort=sort, set__key=key).order_by("profile_id")
    return list(found.values_list("profile_id", "arm", "since_at"))


@pytest.mark.django_db
def test_a_list_keeps_since_when_somebody_is_in_it():
    ada, ece, can = (Profile.objects.create(created_at=0, recorded_at=0) for _ in range(3))
    put = sets.put_list("press", "Basın", [ece.pk, ada.pk, ada.pk], at=NOW)
    assert (put.added.tolist(), put.removed.tolist()) == ([ada.pk, ece.pk], [])
    put = sets.put_list("press", "Press", [ece.pk, can.pk], at=NOW + 1)
    assert (put.added.tolist(), put.removed.tolist()) == ([can.pk], [ada.pk])
    assert listed() == [(ece.pk, "", NOW), (can.pk, "", NOW + 1)]
    sets.put_list("press", "Press", [ece.pk, can.pk, ada.pk], at=NOW + 2)
    assert [member[0] for member in listed()] == [ada.pk, ece.pk, can.pk]
    held = ProfileSet.objects.get()
    assert (held.title, held.created_at) == ("Press", NOW)
    assert sets.remove_list("press")
    assert not sets.remove_list("press")
    assert not SetMember.objects.exists()


@pytest.mark.django_db
def test_who_comes_into_a_list_or_goes_is_due_at_once():
    ada, ece = (Profile.objects.create(created_at=0, recorded_at=0) for _ in range(2))
    sets.put_list("press", "Basın", [ada.pk], at=NOW)
    document = {"segment": "a", "title": {"tr": "a", "en": "a"}, "where": {"list": "press"}}
    actions.apply([("a.yaml", document)])
    rebuild.everybody(at=NOW)
    segment = Segment.objects.get(key="a")
    assert queries.member_ids(segment).tolist() == [ada.pk]
    Due.objects.all().delete()
    Due.objects.create(profile=ada, due_at=None, evaluated_at=NOW)
    Due.objects.create(profile=ece, due_at=NOW + clock.DAY, evaluated_at=NOW)
    sets.put_list("press", "Basın", [ece.pk], at=NOW + 1)
    assert set(Due.objects.values_list("due_at", flat=True)) == {NOW + 1}
    evaluate.touched(ids_of(ada, ece), at=NOW + 2, cause="due")
    assert queries.member_ids(segment).tolist() == [ece.pk]
    # Without the list nobody can say who is in it: the members stay.
    sets.remove_list("press")
    rebuild.everybody(at=NOW + 3)
    assert queries.member_ids(segment).tolist() == [ece.pk]
    segment.refresh_from_db()
    assert "press" in segment.error


@pytest.mark.django_db
def test_a_list_that_is_gone_lets_nobody_in_by_its_negation_however_fresh_the_plan():
    ada, ece = (Profile.objects.create(created_at=0, recorded_at=0) for _ in range(2))
    sets.put_list("press", "Basın", [ada.pk, ece.pk], at=NOW)
    where = {"not": {"list": "press"}}
    document = {"segment": "a", "title": {"tr": "a", "en": "a"}, "where": where}
    actions.apply([("a.yaml", document)])
    rebuild.everybody(at=NOW)
    shown = evaluate.Shown()
    assert not shown.compiled(NOW + 1).errors
    sets.remove_list("press")
    assert set(shown.compiled(NOW + 2).errors) == {"a"}


@pytest.mark.django_db
def test_only_the_newest_score_of_a_model_is_told():
    ada, ece = (Profile.objects.create(created_at=7, recorded_at=9) for _ in range(2))
    for person, model, value, decile, at in (
        (ada, "churn", 0.5, 5, 1),
        (ada, "churn", 0.7, None, 2),
        (ada, "other", 0.1, 1, 3),
        (ece, "churn", 0.2, 2, 1),
    ):
        Score.objects.create(profile=person, model=model, value=value, decile=decile, scored_at=at)
    found = profiles.scores(ids_of(ada, ece), ["churn"]).sort_by("profile_id")
    assert found.select(["value", "decile", "scored_at"]).to_pylist() == [
        {"value": 0.7, "decile": None, "scored_at": 2},
        {"value": 0.2, "decile": 2, "scored_at": 1},
    ]
    assert len(profiles.scores(ids_of(ada), [])) == 0
    assert profiles.created(ids_of(ada, ece))["at"].to_pylist() == [7, 7]


def line(person, number, *, currency="TRY", gross=100, base=100, **item):
    order = Order.objects.create(
        profile=person, source="shop", source_id=str(number), status="completed", ordered_at=5,
        status_at=5, region="ÇEŞME", channel="web", currency=currency, gross_minor=gross,
        net_minor=gross, gross_base_minor=base, net_base_minor=base, recorded_at=6,
    )  # fmt: skip
    return OrderItem.objects.create(order=order, line_no=1, **item)


@pytest.mark.django_db
def test_lines_of_orders_come_with_what_their_order_says():
    ada = Profile.objects.create(created_at=0, recorded_at=0)
    line(ada, 1, sku="A-1", name="Çay", quantity=2, amount_minor=60)
    line(ada, 2, currency="EUR", gross=10, base=455, sku="A-1", quantity=1, amount_minor=7)
    line(ada, 3, currency="EUR", gross=0, base=3, sku="A-1", quantity=1, amount_minor=7)
    columns = ("sku", "name", "quantity", "amount", "status", "region", "channel", "ordered_at")
    found = orders.items(ids_of(ada), columns)
    assert found.column_names == ["profile_id", *columns]
    first, *others = found.to_pylist()
    assert first == {
        "profile_id": ada.pk, "sku": "a-1", "name": "çay", "quantity": 2.0, "amount": 60,
        "status": "completed", "region": "çeşme", "channel": "web", "ordered_at": 5,
    }  # fmt: skip
    # 7 of 10 euros at the rate of the order; an order for nothing has no rate.
    assert [row["amount"] for row in others] == [318, None]
    assert orders.items(ids_of(ada), ["sku"]).column_names == ["profile_id", "sku"]


@pytest.mark.django_db
def test_sets_are_read_for_some_profiles_and_some_sets():
    people = [Profile.objects.create(created_at=0, recorded_at=0) for _ in range(3)]
    sets.put_list("press", "Basın", [person.pk for person in people], at=NOW)
    sets.put_list("vip", "Vip", [people[0].pk], at=NOW)
    found = relations.sets(ids_of(*people[:2]), [("list", "press")])
    assert found.to_pylist() == [
        {"profile_id": person.pk, "sort": "list", "key": "press", "arm": ""}
        for person in people[:2]
    ]
    assert len(relations.sets(ids_of(*people), [])) == 0
    since = relations.sets_since(ids_of(people[0]), [("list", "press"), ("list", "vip")])
    assert since["since_at"].to_pylist() == [NOW, NOW]


def test_a_plan_without_these_needs_nothing_of_them():
    needs = compiled(bucket(0, 10)).requirements
    assert (needs.sets, needs.reach, needs.scores, needs.created) == ((), (), (), False)


@pytest.mark.django_db
def test_at_an_earlier_moment_scores_lists_and_lines_were_those_of_then():
    ada = Profile.objects.create(created_at=0, recorded_at=0)
    for value, at in ((0.5, 100), (0.7, 200)):
        Score.objects.create(profile=ada, model="churn", value=value, scored_at=at)
    sets.put_list("press", "Basın", [ada.pk], at=150)
    item = line(ada, 1, sku="A-1", quantity=1, amount_minor=60)
    for changed_at, status in ((5, "confirmed"), (160, "completed")):
        OrderChange.objects.create(
            order=item.order, profile=ada, changed_at=changed_at, recorded_at=changed_at,
            status=status, ordered_at=5, net_base_minor=100, gross_base_minor=100,
        )  # fmt: skip
    leaves = [
        {"score": {"model": "churn", "value": {"at_least": 0.6}}},
        {"list": "press"},
        {
            "items": {
                "max": "amount",
                "is": "known",
                "where": {"status": {"is": "completed"}},
            }
        },
        {"orders": {"count": {"is": 0}, "within": {"since": "created"}}},
    ]
    needs = compiled({"any": leaves}).requirements

    def known(at):
        block = facts.block(ids_of(ada), needs, AsOf(at, at))
        return (
            block.scores["value"].to_pylist(),
            len(block.sets),
            block.items.select(["status", "amount"]).to_pylist(),
            block.created["at"].to_pylist(),
        )

    def lines_of(status):
        return [{"status": status, "amount": 60}]

    assert known(120) == ([0.5], 0, lines_of("confirmed"), [0])
    assert known(170) == ([0.5], 1, lines_of("completed"), [0])
    assert known(201) == ([0.7], 1, lines_of("completed"), [0])


@pytest.mark.django_db
def test_every_family_is_answered_from_what_is_stored():
    ada, ece = (Profile.objects.create(created_at=0, recorded_at=0) for _ in range(2))
    for name, ago in (("Hotel Searched", 3), ("Booking Abandoned", 2)):
        Event.objects.create(
            profile=ada, name=name, at=NOW - ago * clock.DAY, recorded_at=NOW, dedupe_key=name,
            source="web", properties={"hotel": "Mavi"},
        )  # fmt: skip
    for person, number in ((ada, 1), (ada, 2), (ece, 3)):
        line(person, number, sku="A-1", name="Çay", quantity=number, amount_minor=60)
    Score.objects.create(profile=ece, model="churn", value=0.7, decile=9, scored_at=NOW - 1)
    sets.put_list("press", "Basın", [ece.pk], at=NOW)
    steps = [
        {"events": {"name": "Hotel Searched"}},
        {"events": {"name": "Booking Abandoned"}, "within": "1 day"},
        {"without": {"orders": {}}, "for": "1 day"},
    ]
    bought = {"count": {"rank": 5}}
    conditions = {
        "abandoned": {"sequence": {"steps": steps, "count": {"at_least": 1}}},
        "same-hotel": {"sequence": {"steps": steps[:2], "same": "hotel"}},
        "tea": {
            "items": {"sum": "quantity", "is": {"at_least": 3}, "where": {"name": {"is": "ÇAY"}}}
        },
        "few": {"orders": bought},
        "above": {"items": {"avg": "quantity", "is": {"of_row_mean": {"more_than": 1}}}},
        "likely": {"score": {"model": "churn", "decile": {"at_least": 9}}},
        "press": {"list": "press"},
        "mute": {"reach": {"channel": "email", "purpose": "marketing", "is": "no_address"}},
        "all": {"bucket": {"name": "a", "from": "0 %", "to": "100 %"}},
    }
    documents = [
        (f"{key}.yaml", {"segment": key, "title": {"tr": key, "en": key}, "where": where})
        for key, where in conditions.items()
    ]
    actions.apply(documents)
    outcome = rebuild.everybody(at=NOW)
    assert outcome.errors == {}
    found = {key: queries.member_ids(Segment.objects.get(key=key)).tolist() for key in conditions}
    everybody = [ada.pk, ece.pk]
    assert found == {
        "abandoned": [ada.pk], "same-hotel": [ada.pk], "tea": everybody, "few": everybody,
        "above": [ece.pk], "likely": [ece.pk], "press": [ece.pk], "mute": everybody,
        "all": everybody,
    }  # fmt: skip
    assert evaluate.touched(ids_of(ada, ece), at=NOW, cause="due").errors == {}
