"""The day's predictions: every trainer in its turn, and what follows from them."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pytest
from click.testing import CliRunner
from django.utils import translation

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops import run as ops_run
from pusula.ops.predict import predict
from pusula.orders.models import Order, OrderChange
from pusula.pipeline import predicting
from pusula.pipeline.predicting import Trainer
from pusula.predict import queries
from pusula.predict.buying import bgnbd, clv, simulated
from pusula.predict.cards import Card, Note
from pusula.predict.history import Past
from pusula.predict.models import ModelVersion
from pusula.predict.training import Scores, Trained, day_number
from pusula.profiles.models import Profile, Score
from pusula.segments import actions as segments
from pusula.segments.models import Debt, Membership

pytestmark = pytest.mark.django_db
TODAY = date(2026, 9, 21)
ZONE = "Europe/Istanbul"
WORTHY = {
    "segment": "worthy",
    "title": {"en": "Worthy", "tr": "Değerli"},
    "where": {"score": {"model": "clv_12m", "decile": {"at_least": 10}}},
}


def order(profile: Profile, at: int, net: int = 100_000, status: str = "completed") -> Order:
    base = {"net_base_minor": net, "gross_base_minor": net, "status": status}
    made = Order.objects.create(
        profile=profile, source="shop", source_id=f"by hand {at} {profile.pk}", ordered_at=at,
        status_at=at, currency="TRY", net_minor=net, gross_minor=net, recorded_at=at, **base,
    )  # fmt: skip
    OrderChange.objects.create(
        order=made, profile=profile, ordered_at=at, changed_at=at, recorded_at=at, **base
    )
    return made


@pytest.fixture
def shop():
    """Five hundred customers of a known population over 500 days, each order worth its own."""
    rng = np.random.default_rng(1)
    model = bgnbd.Model(0.8, 6.0, 0.8, 2.5)
    people = Profile.objects.bulk_create(Profile(created_at=0, recorded_at=0) for _ in range(500))
    orders, n = [], 0
    for profile, days in zip(people, simulated.order_days(model, 500, 500, seed=1), strict=True):
        mean = 5_000_000 / rng.gamma(3.0)
        for day in days:
            n += 1
            at = clock.start_of(TODAY - timedelta(days=500 - int(day)), ZONE) + 9 * clock.HOUR
            net = int(rng.gamma(4.0, mean / 4.0)) + 1
            orders.append((profile, at, net, n))
    made = Order.objects.bulk_create(
        Order(
            profile=profile, source="shop", source_id=str(n), status="completed", ordered_at=at,
            status_at=at, currency="TRY", gross_minor=net, net_minor=net, gross_base_minor=net,
            net_base_minor=net, recorded_at=at,
        )
        for profile, at, net, n in orders
    )  # fmt: skip
    OrderChange.objects.bulk_create(
        OrderChange(
            order=one, profile_id=one.profile_id, ordered_at=one.ordered_at, status="completed",
            changed_at=one.ordered_at, recorded_at=one.ordered_at,
            gross_base_minor=one.net_base_minor, net_base_minor=one.net_base_minor,
        )
        for one in made
    )  # fmt: skip
    return people


def command(*words: str) -> str:
    with translation.override("en"):
        told = CliRunner(env={"COLUMNS": "120"}).invoke(predict, [*words])
    if told.exception:
        raise told.exception
    return told.output


def test_scores_reach_segments_and_cards_say_how_good_they_are(shop):
    segments.apply([("worthy.yaml", WORTHY)])
    told = json.loads(command("run", "--model", "clv_12m", "--json"))
    assert {version["model"]: version["withheld"] for version in told} == {
        "clv_12m": "", "p_alive": "", "expected_orders_12m": ""
    }  # fmt: skip
    best = set(
        Score.objects.filter(model="clv_12m", decile=10).values_list("profile_id", flat=True)
    )
    assert len(best) == 50
    assert set(Membership.objects.values_list("profile_id", flat=True)) == best
    assert not Debt.objects.exists()
    card = command("card", "clv_12m")
    assert "learned from 500 customers" in card
    assert "everybody goes on at the rate seen so far" in card
    assert "Decile" in command("scores", "clv_12m")
    assert "clv_12m" in command("models")


def test_who_came_once_has_no_probability_of_being_a_customer_still(shop):
    predicting.run(TODAY, "p_alive")
    values = Score.objects.filter(model="p_alive").values_list("value", flat=True)
    n_again = sum(
        1 for profile in shop
        if len({clock.day_of(at, ZONE) for at in orders_of(profile)}) > 1
    )  # fmt: skip
    assert len(values) == n_again < 500
    assert 0 < min(values) < max(values) < 1


def orders_of(profile):
    return Order.objects.filter(profile=profile).values_list("ordered_at", flat=True)


def test_nothing_of_the_day_itself_or_later_is_seen(shop):
    day = TODAY - timedelta(days=100)
    before = clv.train(Past(day), day)
    for profile in shop[:50]:
        order(profile, clock.start_of(day, ZONE), 99_000_000)
    made = Order.objects.filter(ordered_at__lt=clock.start_of(day, ZONE)).first()
    OrderChange.objects.create(
        order=made, profile_id=made.profile_id, ordered_at=made.ordered_at, status="cancelled",
        changed_at=clock.start_of(day, ZONE), recorded_at=0, gross_base_minor=0, net_base_minor=0,
    )  # fmt: skip
    after = clv.train(Past(day), day)
    for one, other in zip(before, after, strict=True):
        assert one.parameters == other.parameters
        assert one.card == other.card
        assert one.scores.values.tolist() == other.scores.values.tolist()


def test_the_validation_learns_from_what_was_known_when_its_days_began(shop):
    """An order cancelled during the days of the validation counted when they began."""
    from_on = TODAY - timedelta(days=500 // 3)
    asked = []

    class Watched(Past):
        def orders(self, as_of_on=None):
            asked.append(as_of_on)
            return super().orders(as_of_on)

    first, *_others = clv.train(Watched(TODAY), TODAY)
    window = first.card.window
    assert (window.from_on, window.until_on) == (from_on, TODAY)
    assert asked == [TODAY, from_on]
    made = Order.objects.filter(ordered_at__lt=clock.start_of(from_on, ZONE)).first()
    OrderChange.objects.create(
        order=made, profile_id=made.profile_id, ordered_at=made.ordered_at, status="cancelled",
        changed_at=clock.start_of(from_on, ZONE), recorded_at=0, gross_base_minor=0,
        net_base_minor=0,
    )  # fmt: skip
    assert len(Past(TODAY).orders(from_on).days) == 1 + len(
        [at for at in Past(TODAY).orders().ordered_at if at < clock.start_of(from_on, ZONE)]
    )


def test_too_little_to_learn_from_is_said_and_nobody_is_scored():
    profile = Profile.objects.create(created_at=0, recorded_at=0)
    order(profile, clock.start_of(TODAY - timedelta(days=3), ZONE))
    made = predicting.run(TODAY, "clv_12m")
    assert {version.withheld for version in made} == {"too_few_customers"}
    assert "There are 1 customers with an order; below 300" in command("card", "clv_12m")


def test_days_of_orders_are_those_of_the_company(shop):
    orders = Past(TODAY).orders()
    wanted = [day_number(clock.day_of(int(at), ZONE)) for at in orders.ordered_at[:200]]
    assert orders.days[:200].tolist() == wanted


def test_a_day_or_model_that_does_not_exist_is_refused(english):
    with pytest.raises(PusulaError, match="2026-09-22 has not come yet"):
        predicting.run(date(2026, 9, 22))
    with pytest.raises(PusulaError, match=r"There is no model clv; those there are: .*clv_12m"):
        predicting.run(TODAY, "clv")
    with pytest.raises(PusulaError, match="There is no version of churn yet"):
        command("card", "churn")


def trained(model: str, *people: int, withheld: Note | None = None) -> Trained:
    card = Card(model=model, method="bg_nbd", as_of_on=TODAY, n_trained=1, withheld=withheld)
    scores = Scores(np.array(people, np.int64), np.ones(len(people)))
    return Trained(model, {}, card, scores)


def test_a_trainer_that_breaks_keeps_no_other_from_its_turn(monkeypatch, capsys):
    profile = Profile.objects.create(created_at=0, recorded_at=0)

    def breaks(_past, _day):
        raise ZeroDivisionError

    trainers = (
        Trainer(("first",), breaks),
        Trainer(("second",), lambda _past, _day: [trained("second", profile.pk)]),
    )
    monkeypatch.setattr(predicting, "TRAINERS", trainers)
    with pytest.raises(predicting.TrainingError, match="first"):
        predicting.run(TODAY)
    assert queries.current("second").n_scored == 1
    ModelVersion.objects.all().delete()
    told = CliRunner().invoke(ops_run.run, ["--json"])
    assert told.exit_code == 0, told.output
    assert queries.current("second") is not None


def test_a_day_s_predictions_are_made_once(monkeypatch):
    assert predicting.is_due()
    one = Trainer(("one",), lambda _past, _day: [trained("one", withheld=Note("too_short"))])
    monkeypatch.setattr(predicting, "TRAINERS", (one,))
    predicting.run(TODAY)
    assert not predicting.is_due()
    monkeypatch.setattr(clock, "now", lambda: 1_790_000_000_000_000 + predicting.DAILY)
    assert predicting.is_due()
