"""Recommendations of a shop and a hotel: made by the run, kept, merged, erased, withheld."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner
from tests.predict import shop

from pusula.lib import clock
from pusula.ops.predict import predict
from pusula.orders.models import Order, OrderChange, OrderItem
from pusula.outbox import recommended
from pusula.pipeline import predicting
from pusula.predict import bought, merging, person, queries, recommendations
from pusula.predict.models import Companion, ModelVersion, Recommendation
from pusula.profiles import objections
from pusula.profiles.models import Shelved, Trait
from pusula.segments import catalog

pytestmark = pytest.mark.django_db
MODEL = "next_best_item"
DAY = date(2026, 8, 30)


def run(day: date = DAY) -> ModelVersion:
    predicting.run(day, MODEL)
    return queries.current(MODEL)


@pytest.fixture
def everybody():
    return shop.fill()


def owned_by(who) -> set[str]:
    return set(OrderItem.objects.filter(order__profile=who).values_list("sku", flat=True))


def test_everybody_is_recommended_what_their_circle_buys_and_they_do_not_have(everybody):
    version = run()
    assert version.withheld == ""
    assert version.n_scored == len(everybody)
    for number, who in enumerate(everybody[:20]):
        own = owned_by(who)
        listed = recommendations.of_profile(who.pk)[MODEL]
        assert [one.rank for one in listed] == list(range(1, len(listed) + 1))
        for one in listed:
            assert one.code[0] == "ab"[number % 2]
            assert one.code not in own
            assert one.reason_code in own
            assert (one.name, one.reason_name) != ("", "")


def test_the_card_compares_the_ways_and_says_what_was_chosen(everybody):
    version = run()
    card = queries.card(version)
    assert card.method in {"together", "factors"}
    assert card.baseline == "popularity"
    assert card.metric("recall_at_10").is_better
    assert card.window.until_on == DAY
    assert set(version.parameters["methods"]) == {"popularity", "together", "factors"}
    assert "cause" in card.avoid


def test_the_first_recommendation_is_a_trait_that_segments_know(everybody):
    run()
    who = everybody[0]
    first = recommendations.of_profile(who.pk)[MODEL][0]
    assert Trait.objects.get(profile=who, name=MODEL).text == first.name
    assert MODEL in catalog.schema().traits


def test_what_somebody_bought_since_the_run_is_not_recommended_to_them(everybody):
    run()
    who = everybody[0]
    first, *others = recommendations.of_profile(who.pk)[MODEL]
    shop.order(who, "meanwhile", shop.LAST_AT + clock.DAY, [(first.code, first.name, 1)])
    listed = recommendations.of_profile(who.pk)[MODEL]
    assert [one.code for one in listed] == [one.code for one in others]


def test_a_later_run_takes_the_place_of_the_lists_before(everybody):
    first = run()
    second = run(date(2026, 8, 31))
    assert set(Recommendation.objects.values_list("version_id", flat=True)) == {second.pk}
    assert not Companion.objects.filter(version=first).exists()


def test_returned_and_cancelled_goods_and_those_known_later_do_not_count(everybody):
    who = everybody[0]
    kind = bought.kind_of(MODEL)
    at = clock.start_of(DAY, "Europe/Istanbul")
    n = len(kind.lines(at))
    shop.order(who, "return", shop.LAST_AT, [("z1", "İade", -1)])
    shop.order(who, "dead", shop.LAST_AT, [("z2", "İptal", 1)], status="cancelled")
    shop.order(who, "later", at, [("z3", "Sonra", 1)])
    cancelled_later = shop.order(who, "later-dead", shop.LAST_AT, [("z4", "Sonra iptal", 1)])
    Order.objects.filter(pk=cancelled_later.pk).update(status="cancelled")
    OrderChange.objects.create(
        order=cancelled_later, profile=who, changed_at=at, recorded_at=at, status="cancelled",
        ordered_at=shop.LAST_AT, gross_base_minor=0, net_base_minor=0,
    )  # fmt: skip
    found = kind.lines(at)
    assert len(found) == n + 1
    assert "z4" in found.codes, "as it stood then"


def test_with_too_few_customers_no_list_is_kept_and_the_card_says_why(everybody):
    run()
    for who in everybody[60:]:
        who.delete()
    version = run(date(2026, 8, 31))
    assert version.withheld == "few_choices"
    assert not Recommendation.objects.exists()
    assert not Trait.objects.filter(name=MODEL).exists()


def test_a_company_that_sells_no_such_thing_has_no_such_model(everybody):
    made = predicting.run(DAY, MODEL)
    assert [version.model for version in made] == [MODEL], "no stays, so no hotels, rooms, regions"


def test_what_is_bought_together_is_kept_with_its_figures(everybody):
    version = run()
    pair = recommendations.companions(version)[0]
    assert pair.code[0] == pair.with_code[0]
    both = (
        OrderItem.objects.filter(sku=pair.code, order__items__sku=pair.with_code)
        .values("order")
        .distinct()
        .count()
    )
    assert pair.together == both
    n = Order.objects.count()
    assert pair.support == pytest.approx(both / n)
    others = recommendations.companions_of(MODEL, [pair.with_code])
    assert others[0].confidence == max(one.confidence for one in others)
    assert pair.with_code not in {one.code for one in others}


def test_a_mail_recommends_the_next_best_and_what_goes_with_the_last_order(everybody):
    run()
    who = everybody[0]
    listed = recommendations.of_profile(who.pk)[MODEL]
    found = recommended.Recommender().of(who.pk, at=shop.LAST_AT + clock.DAY)
    assert found["next"][0] == {
        "id": listed[0].code, "name": listed[0].name, "because": listed[0].reason_name
    }  # fmt: skip
    last = Order.objects.filter(profile=who).order_by("-ordered_at", "-pk").first()
    own = set(last.items.values_list("sku", flat=True))
    assert all(one["id"] not in own for one in found["together"])


def test_whoever_never_bought_anything_has_empty_lists(everybody):
    run()
    (stranger,) = shop.people(1)
    found = recommended.Recommender().of(stranger.pk, at=shop.LAST_AT + clock.DAY)
    assert found["next"] == found["together"] == []


def test_whoever_objects_to_profiling_is_recommended_nothing(everybody):
    who = everybody[0]
    Trait.objects.create(
        profile=who, name=objections.OBJECTED, kind="bool", number=1, source="t", updated_at=0
    )
    version = run()
    assert recommendations.of_profile(who.pk) == {}
    assert not Trait.objects.filter(profile=who, name=MODEL).exists()
    assert version.n_scored == len(everybody) - 1


def test_pairs_are_told_to_programs_that_show_them_beside_an_item(everybody):
    version = run()
    pair = recommendations.companions(version)[0]
    told = CliRunner().invoke(predict, ["together", "--code", pair.with_code, "--json"])
    assert told.exit_code == 0, told.output
    rows = json.loads(told.output)
    assert {row["with"] for row in rows} == {pair.with_code}
    assert pair.code in {row["code"] for row in rows}
    everything = json.loads(CliRunner().invoke(predict, ["together", "--json"]).output)
    assert len(everything) == Companion.objects.count()
    shown = CliRunner().invoke(predict, ["together"])
    assert pair.with_name in shown.output


def test_a_merged_person_has_one_list_and_an_undone_merge_gives_both_back(everybody):
    run()
    loser, winner = everybody[0], everybody[1]
    lists = {
        who.pk: [one.code for one in recommendations.of_profile(who.pk)[MODEL]]
        for who in (loser, winner)
    }
    merging.move(loser.pk, winner.pk)
    assert recommendations.of_profile(loser.pk) == {}
    assert len(recommendations.of_profile(winner.pk)[MODEL]) <= 6
    merging.give_back(winner.pk, [loser.pk], loser.pk)
    for pk, codes in lists.items():
        assert [one.code for one in recommendations.of_profile(pk)[MODEL]] == codes
    assert not Shelved.objects.exists()


def test_what_is_held_of_a_person_is_told_and_erased(everybody):
    run()
    who = everybody[0]
    told = list(person.told_of(who.pk))
    assert {name for name, _ in told} == {"recommendation"}
    assert told[0][1]["model"] == MODEL
    assert person.erase([who.pk]) == len(told)
    assert not list(person.told_of(who.pk))


def test_guests_are_recommended_hotels_they_have_not_been_to():
    everybody = shop.people(240)
    stays = {"starts_on": date(2026, 6, 1), "ends_on": date(2026, 6, 4)}
    for number, who in enumerate(everybody):
        hotels = [f"{'ab'[number % 2]}{(number // 2 + step) % 4}" for step in range(3)]
        for serial, hotel in enumerate(hotels):
            at = shop.LAST_AT - (700 - serial * 340) * clock.DAY
            shop.order(who, f"{who.pk}-{serial}", at, property=hotel, **stays)
    predicting.run(DAY, "next_best_hotel")
    version = queries.current("next_best_hotel")
    assert version.withheld == ""
    for number, who in enumerate(everybody[:10]):
        own = set(Order.objects.filter(profile=who).values_list("property", flat=True))
        first = recommendations.of_profile(who.pk)["next_best_hotel"][0]
        assert first.code not in own
        assert first.code[0] == "ab"[number % 2]
