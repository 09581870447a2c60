"""How an order is shared over the messages before it, and the laws that every model keeps."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusula.lib import clock
from pusula.measurement.attribution import credit
from pusula.measurement.attribution.credit import (
    CLICKED,
    OPENED,
    SENT,
    Model,
    Rules,
    RulesError,
    shared,
)

DAY = clock.DAY
WIDE = {"sent": 30, "opened": 30, "clicked": 30}


def orders(*rows: tuple[int, int, float, int]) -> pa.Table:
    """(order, person, day, net) as a table."""
    columns = zip(*[(o, p, round(d * DAY), n) for o, p, d, n in rows], strict=True)
    return pa.table(
        dict(zip(credit.ORDERS.names, map(list, columns), strict=True)), schema=credit.ORDERS
    )


def signs(*rows: tuple[int, int, float, int], about: int = 0) -> pa.Table:
    """(message, person, day, sign) as a table."""
    columns = zip(*[(m, p, round(d * DAY), s, about) for m, p, d, s in rows], strict=True)
    if not rows:
        return credit.SIGNS.empty_table()
    return pa.table(
        dict(zip(credit.SIGNS.names, map(list, columns), strict=True)), schema=credit.SIGNS
    )


def given_to(orders_: pa.Table, signs_: pa.Table, rules: Rules) -> dict[int, int]:
    """Return the credit of each message."""
    found: dict[int, int] = {}
    for table in shared(orders_, signs_, rules):
        for row in table.to_pylist():
            found[row["message_id"]] = found.get(row["message_id"], 0) + row["credit_minor"]
    return found


FOUR = signs((1, 7, 0, SENT), (2, 7, 2, SENT), (3, 7, 4, SENT), (4, 7, 6, SENT))
ONE_ORDER = orders((50, 7, 8, 1_000))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Model.LAST, {1: 0, 2: 0, 3: 0, 4: 1_000}),
        (Model.FIRST, {1: 1_000, 2: 0, 3: 0, 4: 0}),
        (Model.LINEAR, {1: 250, 2: 250, 3: 250, 4: 250}),
        (Model.POSITION, {1: 400, 2: 100, 3: 100, 4: 400}),
        # Halves every two days: 1/8, 1/4, 1/2 and 1 of 15/8.
        (Model.DECAY, {1: 67, 2: 133, 3: 267, 4: 533}),
    ],
)
def test_four_messages_share_an_order(model, expected):
    rules = Rules(model, WIDE, half_life_days=2)
    assert given_to(ONE_ORDER, FOUR, rules) == expected


def test_one_touch_and_two_touches_by_position():
    rules = Rules(Model.POSITION, WIDE)
    assert given_to(ONE_ORDER, FOUR.slice(0, 1), rules) == {1: 1_000}
    assert given_to(ONE_ORDER, FOUR.slice(0, 2), rules) == {1: 500, 2: 500}


def test_each_sign_counts_within_its_own_window():
    told = signs((1, 7, 0, CLICKED), (2, 7, 0, OPENED), (3, 7, 0, SENT))
    rules = Rules(Model.LINEAR, {"clicked": 7, "opened": 3, "sent": 1})
    assert given_to(orders((50, 7, 0.5, 300)), told, rules) == {1: 100, 2: 100, 3: 100}
    assert given_to(orders((50, 7, 1, 300)), told, rules) == {1: 150, 2: 150}  # half-open
    assert given_to(orders((50, 7, 5, 300)), told, rules) == {1: 300}
    assert given_to(orders((50, 7, 7, 300)), told, rules) == {}


def test_what_comes_behind_the_order_or_of_somebody_else_is_no_touch():
    told = signs((1, 7, 9, SENT), (2, 8, 5, SENT))
    assert given_to(ONE_ORDER, told, Rules(Model.LINEAR, WIDE)) == {}


def test_a_message_that_was_clicked_often_touches_once_at_the_newest_sign():
    told = signs((1, 7, 1, SENT), (1, 7, 2, OPENED), (1, 7, 3, CLICKED), (2, 7, 2.5, SENT))
    (table,) = shared(ONE_ORDER, told, Rules(Model.LAST, WIDE))
    assert table["message_id"].to_pylist() == [2, 1]
    assert table["sign"].to_pylist() == [SENT, CLICKED]
    assert table["credit_minor"].to_pylist() == [0, 1_000]


def test_a_message_does_not_earn_the_order_it_is_about():
    told = signs((1, 7, 5, SENT), about=50)
    assert given_to(ONE_ORDER, told, Rules(Model.LAST, WIDE)) == {}
    assert given_to(orders((51, 7, 8, 1_000)), told, Rules(Model.LAST, WIDE)) == {1: 1_000}


def test_a_return_takes_back_what_an_order_gave():
    both = orders((50, 7, 8, 1_000), (51, 7, 8.5, -400))
    assert given_to(both, FOUR, Rules(Model.LINEAR, WIDE)) == {1: 150, 2: 150, 3: 150, 4: 150}


def test_rules_that_say_nothing_or_nonsense_are_refused():
    for windows in ({"sent": 0}, {"sent": -1}, {"sent": 400}, {"seen": 3}):
        with pytest.raises(RulesError):
            Rules(windows=windows)
    with pytest.raises(RulesError, match="half_life"):
        Rules(half_life_days=0)


_ORDERS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 40), st.integers(-10_001, 10_001)),
    min_size=1, max_size=12,
)  # fmt: skip
_SIGNS = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 40), st.integers(0, 2)), max_size=30)


@given(_ORDERS, _SIGNS, st.sampled_from(list(Model)))
def test_the_credits_of_an_order_come_to_its_net_and_never_to_more(bought, told, model):
    rules = Rules(model, {"sent": 2, "opened": 5, "clicked": 20}, half_life_days=3)
    placed = orders(*[(100 + i, p, d, n) for i, (p, d, n) in enumerate(bought)])
    # A message belongs to one person.
    heard = signs(*[(m, 1 + m % 3, d, s) for m, d, s in told])
    net = {100 + i: n for i, (_p, _d, n) in enumerate(bought)}
    for table in shared(placed, heard, rules):
        for order, rows in table.to_pandas().groupby("order_id"):
            assert rows.credit_minor.sum() == net[order]
            assert rows.share.sum() == pytest.approx(1)
            assert (rows.credit_minor * np.sign(net[order]) >= 0).all()
            assert not rows.message_id.duplicated().any()


@given(_ORDERS, _SIGNS)
def test_all_models_ascribe_the_same_orders_as_a_whole(bought, told):
    placed = orders(*[(100 + i, p, d, n) for i, (p, d, n) in enumerate(bought)])
    heard = signs(*[(m, 1 + m % 3, d, s) for m, d, s in told])
    sums = {sum(given_to(placed, heard, Rules(model)).values()) for model in Model}
    assert len(sums) == 1


def test_how_much_is_held_at_a_time_changes_nothing(monkeypatch):
    rng = np.random.default_rng(5)
    placed = orders(*[(i, int(rng.integers(1, 40)), float(rng.integers(0, 60)), 101 + i)
                      for i in range(300)])  # fmt: skip
    heard = signs(*[(m, m % 40, float(rng.integers(0, 60)), m % 3) for m in range(2_000)])
    for model in Model:
        rules = Rules(model)
        whole = given_to(placed, heard, rules)
        monkeypatch.setattr(credit, "MOST_PAIRS", 17)
        assert given_to(placed, heard, rules) == whole
        monkeypatch.undo()
