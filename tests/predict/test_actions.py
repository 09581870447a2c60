"""Versions of models, their scores and traits: what is kept, what makes room."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest

from pusula.lib import clock
from pusula.predict import actions, queries
from pusula.predict.cards import Card, Metric, Note
from pusula.predict.models import ModelVersion
from pusula.predict.training import TraitValues
from pusula.profiles.models import Profile, Score, Trait, TraitChange

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 1)


def moment(month: int, day: int) -> int:
    return clock.from_datetime(datetime(2026, month, day, 4), "Europe/Istanbul")


def card(model: str = "clv_12m", **more) -> Card:
    return Card(model=model, method="bg_nbd", as_of_on=DAY, n_trained=10, **more)


@pytest.fixture
def people():
    made = [Profile.objects.create(created_at=0, recorded_at=0).pk for _ in range(10)]
    return np.array(made, np.int64)


def publish(at: int, people, values, *, on: date = DAY) -> ModelVersion:
    version = actions.publish("clv_12m", as_of_on=on, parameters={"r": 0.5}, card=card(), at=at)
    actions.score(version, people, np.array(values, float), at=at)
    return version


def test_a_card_is_read_back_as_it_was_written():
    told = card(
        metrics=(Metric("mae", 0.8, 1.0),), notes=(Note("young", {"days": 3, "on": "2026-01-01"}),)
    )
    version = actions.publish("clv_12m", as_of_on=DAY, parameters={}, card=told, at=1)
    version.refresh_from_db()
    assert queries.card(version) == told
    assert told.metric("mae").is_better


def test_deciles_tell_how_many_are_below_and_equal_values_share_one():
    assert actions.deciles(np.arange(20.0)).tolist() == [1 + n // 2 for n in range(20)]
    assert actions.deciles(np.array([1.0, 0.0, 1.0, 1.0])).tolist() == [3, 1, 3, 3]
    assert actions.deciles(np.empty(0)).tolist() == []


def test_the_newest_version_is_the_current_one(people):
    publish(moment(3, 1), people, range(10))
    publish(moment(3, 2), people, range(10), on=date(2026, 3, 2))
    assert queries.current("clv_12m").number == 2
    assert [version.model for version in queries.currents()] == ["clv_12m"]
    with pytest.raises(actions.OldDayError, match="the newest version is of 2026-03-02"):
        publish(moment(3, 3), people, range(10), on=DAY)


def test_of_earlier_scorings_the_last_of_each_month_stays(people):
    for month, day in ((1, 5), (1, 20), (2, 3), (2, 28), (3, 1), (3, 2)):
        publish(moment(month, day), people, range(10))
    kept = Score.objects.order_by("scored_at").values_list("scored_at", flat=True).distinct()
    assert list(kept) == [moment(1, 20), moment(2, 28), moment(3, 2)]
    assert queries.versions("clv_12m").first().made_at == moment(3, 2)
    tenths = queries.tenths(queries.current("clv_12m"))
    assert [(t.decile, t.n, t.low) for t in tenths] == [(10 - n, 1, 9.0 - n) for n in range(10)]


def test_whoever_is_scored_no_more_has_no_score_of_before_either(people):
    publish(moment(1, 5), people, range(10))
    publish(moment(2, 5), people[:4], range(4))
    assert set(Score.objects.values_list("profile_id", flat=True)) == set(people[:4].tolist())
    assert queries.scores_of(int(people[0]))["clv_12m"].scored_at == moment(2, 5)


def test_a_withheld_model_takes_its_scores_away_and_keeps_its_reason(people):
    publish(moment(1, 5), people, range(10))
    told = card(withheld=Note("too_few", {"n": 3}))
    version = actions.publish("clv_12m", as_of_on=DAY, parameters={}, card=told, at=moment(2, 5))
    assert version.withheld == "too_few"
    assert not Score.objects.exists()


def test_who_is_gone_by_the_time_of_writing_is_left_out(people):
    gone = int(people[3])
    Profile.objects.filter(pk=gone).delete()
    version = publish(moment(1, 5), people, range(10))
    assert version.n_scored == 9
    assert not Score.objects.filter(profile_id=gone).exists()
    # The deciles are of all who were given: nobody moves because somebody went.
    assert Score.objects.get(profile_id=int(people[9])).decile == 10


def tell(people, values, at: int):
    told = TraitValues("lifecycle", "text", people, np.array(values, object))
    return actions.tell(told, at=at).tolist()


def test_traits_tell_whom_they_changed_for_and_keep_their_history(people):
    three = people[:3]
    assert tell(three, ["new", "active", "lost"], 10) == three.tolist()
    assert tell(three, ["new", "active", "lost"], 20) == []
    assert tell(three[:2], ["new", "lapsed"], 30) == three[1:].tolist()
    held = dict(Trait.objects.filter(name="lifecycle").values_list("profile_id", "text"))
    assert held == {three[0]: "new", three[1]: "lapsed"}
    changes = TraitChange.objects.filter(profile_id=three[1]).order_by("changed_at")
    assert [(c.text, c.changed_at) for c in changes] == [("active", 10), ("lapsed", 30)]
    last = TraitChange.objects.filter(profile_id=three[2]).latest("changed_at")
    assert (last.kind, last.changed_at) == ("", 30)
