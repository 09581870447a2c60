"""Channels: learned from what people did with messages, leak-free, and silent without evidence."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.predict import past

from pusula.predict.learning import messages, propensity
from pusula.predict.learning.messages import NEVER, Touches
from pusula.predict.training import EPOCH, day_number

DAY = 86_400 * 1_000_000
AS_OF = date(2026, 3, 1)
AT = day_number(AS_OF) * DAY
NOBODY = past.orders([], [])


def sent(n: int, *, seed: int = 3, each: int = 12, of_kind: float = 1.0) -> Touches:
    """Weekly messages to people, of whom one in four likes to click."""
    rng = np.random.default_rng(seed)
    likes = np.where(np.arange(n) % 4 == 0, 0.6, 0.05) * of_kind
    people = np.repeat(np.arange(1, n + 1), each)
    weeks = np.tile(np.arange(each, 0, -1), n)
    sent_at = AT - weeks * 7 * DAY - rng.integers(DAY, size=len(people))
    reacted = rng.random(len(people)) < np.repeat(likes, each)
    later = rng.integers(60, 3 * 86_400, len(people)) * 1_000_000
    return Touches(people, sent_at, np.where(reacted, sent_at + later, NEVER))


@pytest.fixture(scope="module")
def trained():
    given_ = {"email": sent(1_200), "sms": sent(1_200, seed=4, of_kind=0.7), "call": sent(40)}
    return {each.model: each for each in propensity.train(given_, NOBODY, AS_OF, AT)}


def test_who_reacted_before_is_told_from_who_did_not(trained):
    told = trained["propensity_email"]
    chance = told.scores.values
    likes = (told.scores.profile_ids - 1) % 4 == 0
    assert chance[likes].mean() == pytest.approx(0.6, abs=0.06)
    assert chance[~likes].mean() == pytest.approx(0.05, abs=0.03)
    card = told.card
    assert card.withheld is None
    assert card.metric("auc").model > 0.8
    assert card.metric("calibration_error").model < 0.05
    assert json.loads(json.dumps(told.parameters)) == told.parameters


def test_a_channel_with_few_people_is_withheld(trained):
    assert trained["propensity_call"].card.withheld.code == "too_few_messaged"
    assert trained["propensity_whatsapp"].card.withheld.values["n"] == 0
    assert trained["propensity_whatsapp"].scores is None


def test_the_best_channel_is_one_the_person_has_shown_to_use(trained):
    (trait,) = trained["best_channel"].traits
    best = dict(zip(trait.profile_ids.tolist(), trait.values.tolist(), strict=True))
    reacted = {
        channel: set(of.people[of.reacted_at != NEVER].tolist())
        for channel, of in (("email", sent(1_200)), ("sms", sent(1_200, seed=4, of_kind=0.7)))
    }
    assert all(who in reacted[channel] for who, channel in best.items())
    assert set(best.values()) == {"email", "sms"}
    assert not set(best) - reacted["email"] - reacted["sms"]
    higher = {
        c: dict(
            zip(
                trained[f"propensity_{c}"].scores.profile_ids.tolist(),
                trained[f"propensity_{c}"].scores.values.tolist(),
                strict=True,
            )
        )
        for c in reacted
    }
    for who, channel in best.items():
        other = "sms" if channel == "email" else "email"
        if who in reacted[other]:
            assert higher[channel][who] >= higher[other][who]


def test_without_any_channel_nobody_has_a_best_one():
    told = list(propensity.train({}, NOBODY, AS_OF, AT))
    assert {each.card.withheld.code for each in told} == {"too_few_messaged", "no_channel"}
    assert len(told[-1].traits[0].profile_ids) == 0


def test_messages_that_nobody_reacts_to_teach_nothing():
    cold = sent(500)
    cold = Touches(cold.people, cold.sent_at, np.full(len(cold), NEVER))
    told = next(iter(propensity.train({"email": cold}, NOBODY, AS_OF, AT)))
    assert told.card.withheld.code == "too_few_of_a_kind"


def test_reactions_that_came_later_than_the_example_change_nothing_it_knows():
    of = sent(300)
    early = of.sent_at < AT - 40 * DAY
    changed = np.where(
        (of.reacted_at != NEVER) & (of.reacted_at >= AT - 40 * DAY), NEVER, of.reacted_at
    )
    asked = (of.people[early], np.full(int(early.sum()), AT - 40 * DAY))
    seen, without = (
        messages.features(*asked, Touches(of.people, of.sent_at, each), NOBODY, 0.2)
        for each in (of.reacted_at, changed)
    )
    for name, values in seen.items():
        assert np.array_equal(values, without[name], equal_nan=True), name


rows = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 50)), max_size=25)


@given(rows, rows)
def test_what_came_before_a_moment_is_counted_as_one_by_one(asked, others):
    people, at = (np.array([row[n] for row in asked], np.int64) for n in range(2))
    other, when = (np.array([row[n] for row in others], np.int64) for n in range(2))
    of = Touches(other, when * DAY, np.full(len(other), NEVER))
    found = messages.features(people, at * DAY, of, NOBODY, 0.1)
    for nth, (who, day) in enumerate(asked):
        before = [d for p, d in others if p == who and d < day]
        assert found["messages"][nth] == pytest.approx(np.log1p(len(before)))
        assert np.isnan(found["since_message"][nth]) == (not before)
        if before:
            assert found["since_message"][nth] == pytest.approx(day - max(before))


def test_orders_before_the_message_count_and_those_behind_it_do_not():
    asked = (np.array([1, 1]), np.array([100 * DAY, 300 * DAY]))
    orders = past.orders([1, 1], [50, 200])
    found = messages.features(*asked, messages.no_touches(), orders, 0.1)
    assert np.expm1(found["orders"]).tolist() == pytest.approx([1, 2])
    assert found["since_order"].tolist() == [50.0, 100.0]


def test_the_window_of_the_card_lies_before_the_day():
    told = next(iter(propensity.train({"email": sent(1_200)}, NOBODY, AS_OF, AT)))
    window = told.card.window
    assert window.until_on == AS_OF
    assert AS_OF - timedelta(days=12 * 7 + 1) < window.from_on < AS_OF
    assert window.from_on > EPOCH
