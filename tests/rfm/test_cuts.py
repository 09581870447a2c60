"""Published limits: everybody of the run gets what the run gave them, alone and later."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta

import msgspec
import numpy as np
import pytest

from pusula.lib import clock
from pusula.rfm import config, cuts, days
from pusula.rfm.cautions import contradictions
from pusula.rfm.cuts import between, grade, published
from pusula.rfm.rules import Config, Frequency, Recency, Ties
from pusula.rfm.scoring import score

ZONES = ("Europe/Istanbul", "Europe/Berlin", "America/Santiago")


def population(seed: int, n: int, *, as_text: bool):
    rng = np.random.default_rng(seed)
    keys = np.array([f"pms:{k}" for k in rng.permutation(10 * n)[:n]]) if as_text else np.arange(n)
    recency, counts = rng.integers(0, 400, n), rng.integers(1, 5, n)
    return keys, recency, counts, rng.integers(1, 90, n) * 100


@pytest.mark.parametrize("ties", list(Ties))
@pytest.mark.parametrize("n", [1, 2, 7, 60, 500])
@pytest.mark.parametrize("ranked", [True, False])
def test_a_run_and_its_published_limits_grade_alike(ties, n, ranked):
    rules = Config(
        ties=ties,
        frequency=Frequency(quantiles=5, ranked=ranked),
        recency=Recency(cuts=(30, 90, 180, 365)),
    )
    for seed in range(10):
        people = population(seed, n, as_text=ties is Ties.PROFILE_KEY)
        scores = score(*people, rules)
        kept = tuple(each[scores.kept] for each in people)
        limits = cuts.read(stored(published(scores.edges, kept[0], kept[2], rules)))
        alone = [
            grade(*(each[i : i + 1] for each in kept), ever=kept[2][i : i + 1], cuts=limits,
                  config=rules)
            for i in range(len(kept[0]))
        ]  # fmt: skip
        found = [(int(g.r[0]), int(g.f[0]), int(g.m[0]), int(g.group[0])) for g in alone]
        wanted = zip(*(each.tolist() for each in (scores.r, scores.f, scores.m, scores.group)),
                     strict=True)  # fmt: skip
        assert found == list(wanted)


def stored(limits):
    """Return what is stored and read back."""
    return json.loads(json.dumps(msgspec.to_builtins(limits)))


def test_a_limit_lies_between_two_keys_and_is_neither():
    rng = random.Random(3)  # noqa: S311 - a test's dice
    letters = "19a:ışİ\ue000 "
    for _ in range(5_000):
        # Who has no key stands behind all others, under a letter that no key has.
        head = rng.choice(["", "", "\U0010ffff000"])
        pair = {head + "".join(rng.choices(letters, k=rng.randint(1, 6))) for _ in range(2)}
        if len(pair) < 2:
            continue
        key, following = sorted(pair)
        found = between(key, following)
        assert key <= found < following, (key, following)
        found.encode()
        assert found not in pair
    assert between("pms:10027", "pms:10031") == "pms:1002\U0010ffff"


@pytest.mark.parametrize("zone", ZONES)
def test_recency_and_the_window_move_on_at_the_day_that_is_foretold(zone):
    """Held against looking at every day, in zones that change their clocks."""
    rng = random.Random(zone)  # noqa: S311 - a test's dice
    measures = (
        (days.calendar_days, days.when_calendar_days),
        (days.floor_days, days.when_floor_days),
    )
    for _ in range(60):
        last = date(2024, 3, 20) + timedelta(days=rng.randrange(400))
        last_at = np.array([clock.start_of(last, zone) + rng.randrange(clock.DAY)])
        last = clock.day_of(int(last_at[0]), zone)
        n = rng.choice([1, 2, 30, 90])
        for measure, when in measures:
            day = last
            while measure(last_at, day, zone)[0] < n:
                day += timedelta(days=1)
            assert when(last_at, np.array([n]), zone)[0] == clock.start_of(day, zone)
        months, day = rng.choice([1, 6, 24]), last
        while clock.start_of(clock.add_months(day, -months), zone) <= last_at[0]:
            day += timedelta(days=1)
        assert days.leaving(last_at, months, zone)[0] == clock.start_of(day, zone)


def test_today_is_no_day_ago_by_either_measure():
    now = np.array([clock.start_of(date(2026, 5, 5), "Europe/Istanbul") + clock.HOUR])
    for measure in (days.calendar_days, days.floor_days):
        assert measure(now, date(2026, 5, 5), "Europe/Istanbul").tolist() == [0]


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({"pool": {"ordered_within_days": 90}, "recency": {"cuts": [30, 90, 180, 365]}},
         ["pool_contradicts_cuts"]),
        ({"look_back_months": 6, "recency": {"cuts": [30, 90, 200, 365]}},
         ["cuts_beyond_look_back"]),
        ({"look_back_months": 6, "pool": {"ordered_within_days": 365}}, ["pool_beyond_look_back"]),
        ({"orders": {"count": "stays", "statuses": ["completed"]}}, ["booked_counts_late"]),
        ({"orders": {"dated_by": "stay", "statuses": ["confirmed"]}}, ["future_stays"]),
        ({"orders": {"statuses": ["completed", "cancelled"]}}, ["cancelled_net"]),
        ({"orders": {"statuses": ["completed", "cancelled"], "amount": "gross"}}, []),
        ({"look_back_months": 24, "recency": {"cuts": [30, 90, 180, 365]}}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_said_before_anybody_is_graded(given, codes):
    assert [each.code for each in contradictions(config.parse(given))] == codes
