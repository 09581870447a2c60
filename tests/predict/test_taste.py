"""Recommendations without a database: who had what, the three ways, how they are measured."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from pusula.lib import clock
from pusula.predict.taste import baskets, choice, factors, lines, methods, ranking

DAY = clock.DAY


def bought(*rows):
    """Return lines of (person, basket, thing, day)."""
    people, orders, things, days = zip(*rows, strict=True)
    return lines.lines_of(people, orders, things, [day * DAY for day in days])


def circles(*, n_people=400, seed=1, days=100):
    """Return purchases of two circles of people: each buys only the things of its own."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(n_people):
        own = [f"{'ab'[person % 2]}{i:02}" for i in range(15)]
        for basket, thing in enumerate(rng.choice(own, 8, replace=False)):
            rows.append((person, person * 100 + basket, str(thing), int(rng.integers(1, days))))
    return bought(*rows)


def test_a_pair_of_person_and_thing_counts_once_and_rare_things_are_left_out():
    had = bought(
        (1, 10, "tea", 1), (1, 11, "tea", 2), (2, 20, "tea", 1), (2, 20, "cup", 1),
        (3, 30, "jam", 1),
    )  # fmt: skip
    seen = lines.owned(had, least_owners=2)
    assert seen.codes == ("tea",)
    assert seen.people.tolist() == [1, 2, 3]
    assert seen.matrix.toarray().tolist() == [[1], [1], [0]]


def test_what_is_to_be_foreseen_is_new_to_the_person_and_known_before():
    seen = lines.owned(bought((1, 1, "tea", 1), (2, 2, "cup", 1)))
    later = bought((1, 3, "tea", 9), (1, 4, "cup", 9), (2, 5, "new", 9), (7, 6, "tea", 9))
    fresh = lines.targets(later, seen).toarray()
    assert seen.codes == ("cup", "tea")
    assert fresh.tolist() == [[1, 0], [0, 0]], "own, unknown things and strangers say nothing"


def test_likeness_is_common_owners_over_the_root_of_both_counts():
    seen = lines.owned(
        bought((1, 1, "a", 1), (1, 1, "b", 1), (2, 2, "a", 1), (2, 2, "b", 1), (3, 3, "a", 1))
    )
    alike = methods.cosine(seen).toarray()
    assert alike == pytest.approx(np.array([[0, 2 / np.sqrt(6)], [2 / np.sqrt(6), 0]]))


def test_things_with_one_score_stand_in_their_own_order_and_owned_ones_are_left_out():
    rows = sparse.csr_matrix(np.array([[0, 1.0, 0, 0, 0]]))
    ((_, places, _scores),) = ranking.best(rows, lambda _: np.array([[2.0, 9, 2, 5, 0]]), 3)
    assert places.tolist() == [3, 0, 2]


def test_what_may_not_be_sold_is_not_listed():
    rows = sparse.csr_matrix((1, 3))
    allowed = np.array([True, False, True])
    ((_, places, _),) = ranking.best(rows, lambda _: np.ones((1, 3)), 3, allowed=allowed)
    assert places.tolist() == [0, 2]


def test_figures_of_a_list_are_those_worked_out_by_hand():
    before = sparse.csr_matrix(np.eye(2, 14))
    later = np.zeros((2, 14))
    later[0, [2, 5]] = 1  # second and fifth of the list
    later[1, 13] = 1  # not among the ten
    score = methods.by_popularity(
        lines.Owned(np.arange(2), tuple("abcdefghijklmn"), sparse.csr_matrix(np.ones((2, 14))))
    )
    found = ranking.qualities(score, before, sparse.csr_matrix(later)).of()
    # The first person's list: places 1 to 10; 2 and 5 stand second and fifth.
    ideal = 1 + 1 / np.log2(3)
    gained = 1 / np.log2(3) + 1 / np.log2(6)
    assert found.recall == pytest.approx(0.5)
    assert found.hit_rate == pytest.approx(0.5)
    assert found.ndcg == pytest.approx(gained / ideal / 2)


def test_the_factorisation_solves_its_least_squares():
    rng = np.random.default_rng(3)
    matrix = sparse.csr_matrix((rng.random((40, 25)) < 0.2).astype(float))
    made = factors.factorise(matrix, n_factors=6, weight=3.0, ridge=0.5, n_rounds=4, seed=0)
    found = factors.folded(made, matrix)
    for row, person in enumerate(matrix.toarray()):
        confidence = np.diag(1 + 3.0 * person)
        left = made.things.T @ confidence @ made.things + 0.5 * np.eye(6)
        exact = np.linalg.solve(left, made.things.T @ confidence @ person)
        assert found[row] == pytest.approx(exact, abs=1e-6)


def test_the_same_data_give_the_same_factors():
    matrix = lines.owned(circles()).matrix
    one, other = (
        factors.factorise(matrix, n_factors=4, weight=2.0, ridge=5.0, n_rounds=3, seed=0)
        for _ in range(2)
    )
    assert (one.things == other.things).all()


def test_people_are_recommended_what_their_own_circle_buys_and_told_why():
    had = circles()
    scope = choice.Scope(horizon_days=20, sold_within_days=60)
    found = choice.trial(lambda at: had.between(None, at), 100 * DAY, scope)
    assert found.chosen in (methods.TOGETHER, methods.FACTORS)
    plain, chosen = found.held[methods.POPULARITY], found.held[found.chosen]
    assert chosen.ndcg > plain.ndcg * 1.2

    made = choice.lists(had, 100 * DAY, found.chosen, scope)
    owned_by = {(p, had.codes[t]) for p, t in zip(had.people, had.things, strict=True)}
    rows = list(zip(made.people, made.things, made.reasons, strict=True))
    assert len({person for person, _, _ in rows}) == 400
    for person, thing, reason in rows:
        code = made.codes[thing]
        assert code[0] == "ab"[person % 2]
        assert (person, code) not in owned_by
        assert (person, made.codes[reason]) in owned_by


def test_things_that_nobody_bought_lately_are_not_recommended():
    had = circles()
    old = lines.Lines(had.people, had.baskets, had.things, had.at.copy(), had.codes)
    gone = old.codes.index("a03")
    old.at[old.things == gone] = 1 * DAY
    scope = choice.Scope(horizon_days=20, sold_within_days=30)
    made = choice.lists(old, 100 * DAY, methods.TOGETHER, scope)
    listed = {made.codes[thing] for thing in made.things}
    assert "a03" not in listed
    assert "a04" in listed


def test_what_comes_after_the_day_changes_nothing():
    had = circles(days=200)
    scope = choice.Scope(horizon_days=20, sold_within_days=60)
    shuffled = lines.Lines(
        had.people, had.baskets, np.where(had.at >= 100 * DAY, 0, had.things), had.at, had.codes
    )
    one, other = (
        choice.lists(each, 100 * DAY, methods.TOGETHER, scope) for each in (had, shuffled)
    )
    assert (one.things == other.things).all()
    assert (one.people == other.people).all()
    trials = [
        choice.trial(lambda at, each=each: each.between(None, at), 100 * DAY, scope)
        for each in (had, shuffled)
    ]
    assert trials[0] == trials[1]


def test_a_company_with_too_few_customers_is_told_nothing():
    had = circles(n_people=40)
    scope = choice.Scope(horizon_days=20, sold_within_days=60)
    assert choice.trial(lambda at: had.between(None, at), 100 * DAY, scope) is None


def test_pairs_have_support_confidence_and_lift():
    had = bought(
        (1, 1, "a", 1), (1, 1, "b", 1), (2, 2, "a", 1), (2, 2, "b", 1), (2, 2, "b", 1),
        (3, 3, "a", 1), (4, 4, "c", 1), (5, 5, "b", 1), (6, 6, "c", 1), (7, 7, "c", 1),
    )  # fmt: skip
    (pair,) = baskets.top_pairs(baskets.counted(had), 5)
    assert (pair.a, pair.b, pair.together) == ("a", "b", 2)
    assert pair.support == pytest.approx(2 / 7)
    assert pair.confidence_a_to_b == pytest.approx(2 / 3)
    assert pair.confidence_b_to_a == pytest.approx(2 / 3)
    assert pair.lift == pytest.approx((2 / 7) / (3 / 7 * 3 / 7))


def test_companions_are_together_more_often_than_chance():
    rows = [(i, i, "bag", 1) for i in range(100)]  # a bag is in every order
    rows += [(i, i, "tea", 1) for i in range(40)]
    rows += [(i, i, "pot", 1) for i in range(20)]
    found = baskets.companions(baskets.counted(bought(*rows)))
    assert [(one.with_code, one.code) for one in found] == [("pot", "tea"), ("tea", "pot")]
    assert found[0].confidence == 1.0
    assert found[0].lift == pytest.approx(2.5)
