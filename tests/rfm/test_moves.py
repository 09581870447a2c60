"""Moves between runs: transitions, paths, the people behind them, one person's history."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta

import pytest
from tests.rfm.histories import EDGES, GROUPS, people, run

from pusula.rfm import figures, moves
from pusula.rfm.matrix import ends, matrix
from pusula.rfm.models import RfmScore

pytestmark = pytest.mark.django_db
MAY, JUNE, JULY = (date(2026, month, 1) for month in (5, 6, 7))
CHAMPIONS, LOYAL, RISK, LOST = "champions", "loyal_customers", "at_risk", "hibernating"


@pytest.fixture
def months():
    """Five people over three months: Ayşe slips at once, Burak by way of loyal, Can comes."""
    ayse, burak, can, deniz, ece = people(5)
    may = run(MAY, {ayse: CHAMPIONS, burak: CHAMPIONS, deniz: LOYAL, ece: LOST}, edges=EDGES)
    june = run(JUNE, {ayse: RISK, burak: LOYAL, can: CHAMPIONS, deniz: LOYAL}, edges=EDGES)
    july = run(JULY, {ayse: RISK, burak: RISK, can: CHAMPIONS, deniz: CHAMPIONS}, edges=EDGES)
    return [may, june, july], [ayse, burak, can, deniz, ece]


def told(found):
    return {path.groups: path.n for path in found}


def test_paths_tell_direct_falls_from_those_by_way_of_another_group(months):
    runs, _people = months
    assert told(moves.paths(runs)) == {
        (CHAMPIONS, RISK, RISK): 1,
        (CHAMPIONS, LOYAL, RISK): 1,
        (None, CHAMPIONS, CHAMPIONS): 1,
        (LOYAL, LOYAL, CHAMPIONS): 1,
        (LOST, None, None): 1,
    }


def test_transitions_count_those_who_came_and_those_who_went(months):
    (may, _june, july), _people = months
    found = {(flow.before, flow.after): flow.n for flow in moves.transitions(may, july)}
    assert found == {
        (CHAMPIONS, RISK): 2, (None, CHAMPIONS): 1, (LOYAL, CHAMPIONS): 1, (LOST, None): 1,
    }  # fmt: skip


def test_paths_of_random_histories_are_those_counted_one_by_one():
    drawn = random.Random(3)  # noqa: S311 - the same histories every time
    crowd = people(40)
    was: list[dict[int, str]] = []
    runs = []
    for month in range(4):
        groups = {p: drawn.choice(GROUPS[:4]) for p in crowd if drawn.random() < 0.8}
        runs.append(run(date(2026, 1 + month, 1), groups))
        was.append({profile.pk: group for profile, group in groups.items()})
    expected = Counter(way for p in crowd if any(way := tuple(groups.get(p.pk) for groups in was)))
    assert told(moves.paths(runs)) == expected
    assert ends(runs, moves.paths(runs)).counts == matrix(runs[0], runs[-1]).counts
    for way, n in expected.items():
        assert moves.travellers(runs, way).count() == n


def test_the_people_of_a_path_are_named_the_highest_revenue_first(months):
    runs, (ayse, burak, _can, _deniz, ece) = months

    def who(*groups):
        return [score.profile_id for score in moves.travellers(runs, groups)]

    assert who(CHAMPIONS, moves.ANY, RISK) == [ayse.pk, burak.pk]
    assert who(CHAMPIONS, LOYAL, RISK) == [burak.pk]
    assert who(LOST, None, None) == [ece.pk]
    assert who(moves.ANY, moves.ANY, moves.ANY) == who(None, None, None) == []


def test_a_matrix_has_every_pair_and_shares_of_rows_that_add_up(months):
    (may, _june, july), _people = months
    found = matrix(may, july)
    assert found.days == 61
    cells = list(found.cells())
    assert len(cells) == 11 * 11 - 1
    shares = Counter()
    for old, _new, _n, share in cells:
        shares[old] += share or 0
    assert {old: round(share, 9) for old, share in shares.items() if share} == {
        CHAMPIONS: 1, LOYAL: 1, LOST: 1,
    }  # fmt: skip
    assert found.sizes_before[CHAMPIONS] == 2
    assert found.sizes_after[CHAMPIONS] == 2
    assert found.sizes_after["promising"] == 0


def test_a_matrix_says_what_the_limits_rule_out_and_nothing_without_them(months):
    runs, (ayse, *_others) = months
    barred = {(old, new): why.reason for old, new, why in matrix(*runs[:2]).impossible()}
    assert barred[CHAMPIONS, RISK] == "too_soon"
    assert (CHAMPIONS, LOYAL) not in barred
    bare = run(date(2026, 8, 1), {ayse: RISK})
    assert matrix(runs[-1], bare).impossible() == []
    other = run(date(2026, 8, 2), {ayse: RISK}, key="other", edges=EDGES)
    assert matrix(runs[-1], other).impossible() == []


def test_the_run_in_force_on_a_day_is_the_newest_as_of_it(months):
    (may, june, july), (ayse, *_others) = months
    assert moves.in_force(date(2026, 4, 30)) is None
    assert moves.in_force(MAY) == may
    assert moves.in_force(date(2026, 6, 30)) == june
    other = run(date(2026, 6, 15), {ayse: LOST}, key="other")
    assert moves.in_force(date(2026, 6, 30)) == other
    assert moves.in_force(date(2026, 6, 30), july.config_key) == june


def test_days_are_whole_months_apart_clipped_to_the_end_of_short_ones():
    first, last = date(2026, 1, 31), date(2026, 5, 1)
    assert moves.days(first, last, "month") == [
        first, date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30),
    ]  # fmt: skip
    assert moves.days(first, last, "quarter") == [first, date(2026, 4, 30)]
    assert moves.days(first, last, "year") == [first]
    assert len(moves.days(first, first + timedelta(days=21), "week")) == 4


def test_a_series_goes_back_by_periods_and_takes_what_held_then(months):
    (may, june, july), (ayse, *_others) = months
    assert moves.series(july, "month", 7) == [may, june, july]
    assert moves.series(july, "month", 2) == [june, july]
    assert moves.series(july, "quarter", 7) == [july]
    late = run(date(2026, 8, 15), {ayse: LOST})
    assert moves.series(late, "month", 4) == [may, june, july, late]
    assert moves.series(late, "quarter", 4) == [may, late]


def test_the_history_of_a_person_has_a_stop_for_each_run(months):
    (may, june, july), (_ayse, _burak, can, *_others) = months
    assert [(stop.run, stop.group) for stop in moves.history(can.pk)] == [
        (may, None), (june, CHAMPIONS), (july, CHAMPIONS),
    ]  # fmt: skip
    assert [stop.code for stop in moves.history(can.pk, 2)] == ["5-4-3", "5-4-3"]


def test_sizes_are_kept_when_a_run_is_made_and_counted_where_they_were_not(months):
    (may, _june, july), (ayse, burak, *_others) = months
    RfmScore.objects.filter(run=may).delete()
    assert figures.sizes(may) == {CHAMPIONS: 2, LOYAL: 1, LOST: 1}
    bare = run(date(2026, 8, 1), {ayse: RISK, burak: RISK}, is_counted=False)
    found = figures.of_runs([july, bare])
    assert found[bare.pk] == {RISK: figures.Size(2, 300)}
    assert found[july.pk][CHAMPIONS] == figures.Size(2, 200 + 100)
