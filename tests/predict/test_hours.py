"""Hours: people's own where they have shown them, nobody's where they have not."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from pusula.predict.rhythm import hours
from pusula.predict.training import day_number

AS_OF = date(2026, 3, 1)
TODAY = day_number(AS_OF)


def lived(n: int, *, seed: int = 2, steady: float = 0.8, days: int = 120) -> hours.Acts:
    """People of whom half act around 9 and half around 21 o'clock, now and then at any hour."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(1, n + 1), 20)
    when = TODAY - 1 - rng.integers(0, days, len(people))
    own = np.where(people % 2 == 0, 9, 21)
    hour = np.where(rng.random(len(people)) < steady, own, rng.integers(0, 24, len(people)))
    return hours.acts(people, when, hour)


def test_people_get_their_own_hour_and_it_is_proved_on_unseen_days():
    (told,) = hours.train(lived(600), AS_OF)
    card = told.card
    assert card.withheld is None
    assert card.metric("within_an_hour").is_better
    assert card.metric("within_an_hour").model > 0.75
    (trait,) = told.traits
    right = np.where(trait.profile_ids % 2 == 0, 9, 21)
    assert (trait.values == right).mean() > 0.98


def test_where_all_act_alike_own_hours_are_withheld():
    (told,) = hours.train(lived(600, steady=0.0), AS_OF)
    assert told.card.withheld.code == "no_better_than_common_hours"
    assert len(told.traits[0].profile_ids) == 0


def test_a_person_with_few_days_has_no_hour():
    few = hours.acts(np.full(4, 9_999), TODAY - np.arange(1, 5), np.full(4, 3))
    many = lived(600)
    both = hours.Acts(
        np.append(many.people, few.people),
        np.append(many.days, few.days),
        np.append(many.hours, few.hours),
    )
    (told,) = hours.train(both, AS_OF)
    assert told.card.withheld is None
    assert 9_999 not in told.traits[0].profile_ids


def test_many_acts_in_one_hour_of_a_day_are_one():
    once = hours.acts(np.array([1, 1, 1]), np.array([5, 5, 5]), np.array([8, 8, 8]))
    assert len(once.people) == 1
    known = hours.habits(hours.acts(np.array([1, 1, 1]), np.array([5, 5, 6]), np.array([8, 9, 8])))
    assert known.n_days.tolist() == [2]
    assert known.counts[0, 8] == 2


@pytest.mark.parametrize(
    ("acts", "code"),
    [
        (lived(100), "too_few_with_acts"),
        (lived(600, days=120).only(lived(600).days < TODAY - 28), "too_few_acts"),
    ],
)
def test_too_little_to_learn_from_is_told(acts, code):
    (told,) = hours.train(acts, AS_OF)
    assert told.card.withheld.code == code


def test_midnight_has_neighbours_on_both_sides():
    counts = np.zeros(24)
    counts[0] = 4.0
    assert hours.spread(counts)[[23, 0, 1]].tolist() == [1.0, 2.0, 1.0]
    assert hours._near(np.array([23, 0, 12]), np.array([0, 23, 14])).tolist() == [True, True, False]


def test_the_weight_is_found_without_the_days_kept_aside():
    of = lived(600)
    start = TODAY - hours.TEST_DAYS
    rng = np.random.default_rng(8)
    mixed = np.where(of.days >= start, rng.integers(0, 24, len(of.hours)), of.hours)
    assert hours._weight(of, start) == hours._weight(hours.Acts(of.people, of.days, mixed), start)
