"""Which steps are impossible by construction: held against trying everything out."""

from __future__ import annotations

import random
from itertools import product

import pytest

from pusula.rfm import config
from pusula.rfm.scoring import Edges
from pusula.rfm.steps import Between, Place, Range, between, places, possible, recencies

NO_ORDERS = None


def place(low: int, high: int | None) -> Place:
    return Place(Range(low, high), NO_ORDERS)


def rules(**given):
    return config.parse({"recency": {"cuts": [30, 90, 180, 270]}} | given)


def by_trying(old: Place, new: Place, time: Between, longest: int) -> bool:
    """Return whether anybody gets from ``old`` to ``new``: every history is played through."""

    def is_in(days: int, orders: int, there: Place) -> bool:
        held = (there.days, days), (there.orders, orders)
        return all(limits is None or limits.meets(Range(value, value)) for limits, value in held)

    for days, orders in product(range(longest), range(1, longest)):
        if not is_in(days, orders, old):
            continue
        if is_in(days + time.days, orders, new):
            return True
        for since, more in product(range(time.days + 1), range(1, longest)):
            if time.days and is_in(since, orders + more, new):
                return True
    return False


def test_what_is_called_impossible_is_what_no_history_leads_to():
    drawn = random.Random(7)  # noqa: S311 - the same examples every time
    told = {True: 0, False: 0}
    for _ in range(400):
        old, new = (
            Place(
                Range(low, None if drawn.random() < 0.2 else low + drawn.randrange(5)),
                None if drawn.random() < 0.5 else Range(few, few + drawn.randrange(3)),
            )
            for low, few in ((drawn.randrange(14), drawn.randrange(1, 6)) for _ in range(2))
        )
        if old.orders is None or new.orders is None:
            old, new = Place(old.days, None), Place(new.days, None)
        time = Between(drawn.randrange(7))
        expected = by_trying(old, new, time, 24)
        assert (possible([old], [new], time) is None) == expected, (old, new, time)
        told[expected] += 1
    assert min(told.values()) > 50


def test_nobody_falls_from_the_best_recency_to_the_second_worst_in_a_month():
    days = recencies(rules(), [30, 90, 180, 270])
    best, second_worst = (Place(days[r], None) for r in (5, 2))
    month = possible([best], [second_worst], Between(30))
    assert month is not None
    assert (month.reason, month.most, month.begins) == ("too_soon", 60, 181)
    assert possible([best], [second_worst], Between(150)) is not None
    assert possible([best], [second_worst], Between(151)) is None


def test_an_order_in_between_leads_past_the_groups_between():
    hindrance = possible([place(181, 270)], [place(91, 180)], Between(30))
    assert hindrance is not None
    assert hindrance.reason == "passed_over"
    assert possible([place(181, 270)], [place(0, 30)], Between(30)) is None
    assert possible([place(181, 270)], [place(91, 180)], Between(91)) is None


def test_where_status_makes_orders_count_late_only_falls_are_impossible():
    late = Between(30, counts_late=True)
    assert possible([place(181, 270)], [place(91, 180)], late) is None
    assert possible([place(0, 30)], [place(181, 270)], late) is not None
    assert between(rules(orders={"statuses": ["completed"]}), 30).counts_late


def test_days_of_24_hours_may_be_off_by_one_where_clocks_are_changed():
    assert between(rules(), 30).slack == 1
    assert possible([place(0, 30)], [place(62, 90)], Between(30, slack=1)) is not None
    assert possible([place(0, 30)], [place(61, 90)], Between(30, slack=1)) is None


def test_orders_only_add_up_where_all_are_counted():
    frequent = Place(Range(0, 30), Range(5, 9))
    rare = Place(Range(0, 30), Range(1, 4))
    hindrance = possible([frequent], [rare], Between(30))
    assert hindrance is not None
    assert hindrance.reason == "fewer_orders"
    assert possible([rare], [frequent], Between(30)) is None


def test_ranks_and_moving_windows_say_nothing_about_orders():
    edges = Edges((30, 90, 180, 270), (1.5, 2.5, 3.5, 4.5), (1, 2, 3, 4))
    plain = {"ranked": False}
    for given, is_counted in (
        ({"frequency": plain}, True),
        ({}, False),
        ({"frequency": plain, "look_back_months": 12}, False),
    ):
        found = places(rules(**given), edges)["champions"]
        assert all((place.orders is not None) == is_counted for place in found)


def test_a_group_that_the_limits_leave_empty_can_be_entered_by_nobody():
    edges = Edges((30, 90, 180, 270), (), ())
    found = places(rules(pool={"ordered_within_days": 90}), edges)
    assert found["hibernating"] == ()
    hindrance = possible(found["champions"], found["hibernating"], Between(30))
    assert hindrance is not None
    assert hindrance.reason == "nobody"


@pytest.mark.parametrize("measure", ["calendar_days", "floor_days"])
def test_limits_of_quantiles_fall_between_whole_days(measure):
    made_with = config.parse({"recency": {"measure": measure}})
    days = recencies(made_with, [13.8, 33.0, 72.0, 180.0])
    least = 1 if measure == "calendar_days" else 0
    assert days == {
        5: Range(least, 13), 4: Range(14, 33), 3: Range(34, 72), 2: Range(73, 180),
        1: Range(181, None),
    }  # fmt: skip


def test_a_run_over_nobody_has_no_limits_and_bars_nothing():
    found = places(config.parse({}), Edges((), (), ()))
    assert possible(found["champions"], found["hibernating"], Between(30)) is None
