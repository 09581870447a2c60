"""Profiles that are asked about at moments of their own, in one pass."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.segments import histories
from tests.segments.histories import moment
from tests.segments.oracle import Person

from pusula.lib import clock
from pusula.segments import kernel
from pusula.segments.kernel import days
from pusula.segments.kernel.asked import NEVER, Asked
from pusula.segments.language import Schema, parse
from pusula.segments.language.windows import Offset, StartOf, Today

IDS = np.arange(1, 5)
ZONES = ["Europe/Istanbul", "Europe/Berlin", "America/New_York", "Africa/Casablanca", "UTC"]
YEARS = st.integers(
    clock.from_datetime(dt.datetime(2014, 1, 1, tzinfo=dt.UTC)),
    clock.from_datetime(dt.datetime(2029, 1, 1, tzinfo=dt.UTC)),
)


def compiled(where, tz="Europe/Istanbul"):
    schema = Schema(currency="TRY", tz=tz)
    document = {"segment": "a", "title": {"tr": "a", "en": "a"}, "where": where}
    return kernel.compile({"a": parse(document, schema)}, schema, {})


def searched_at(at):
    """Return a block of four profiles, each with one search at the same moment."""
    names = pa.array(["Hotel Searched"] * len(IDS))
    return kernel.Block(IDS, events=pa.table({"profile_id": IDS, "name": names, "at": [at] * 4}))


def test_each_profile_has_its_own_window_existence_and_next_flip():
    noon = moment("2026-06-01T12:00")
    plan = compiled({"events": {"name": "Hotel Searched", "count": {"at_least": 1},
                                "within": {"last": "7 days"}}})  # fmt: skip
    end = noon + 7 * clock.DAY + 1
    at = np.array([noon, noon + 1, end - 1, end])  # before it exists, in its window, at its end
    found = plan.evaluate(searched_at(noon), at)
    assert found.members["a"].tolist() == [False, True, True, False]
    assert found.next_flip.tolist() == [noon + 1, end, end, NEVER]


def test_days_of_the_calendar_are_those_of_each_profile():
    noon = moment("2026-06-01T12:00")
    plan = compiled({"events": {"name": "Hotel Searched", "count": {"at_least": 1},
                                "within": {"this": "month"}}})  # fmt: skip
    july = moment("2026-07-01T00:00", "Europe/Istanbul")
    at = np.array([noon + 1, july - 1, july, july + 400 * clock.DAY])
    found = plan.evaluate(searched_at(noon), at)
    assert found.members["a"].tolist() == [True, True, False, False]
    assert found.next_flip[:2].tolist() == [july, july]


def test_there_is_one_moment_for_each_profile_or_one_for_all():
    plan = compiled({"orders": {"count": {"is": 0}}})
    nobody = histories.block([], [], plan.requirements)
    assert plan.evaluate(nobody, np.empty(0, np.int64)).members["a"].tolist() == []
    block = histories.block([Person(), Person()], [1, 2], plan.requirements)
    with pytest.raises(ValueError, match="2 profiles are asked about at 3 moments"):
        plan.evaluate(block, np.array([1, 2, 3]))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(YEARS, min_size=1, max_size=6),
    st.sampled_from(ZONES),
    st.one_of(
        st.builds(Offset, st.integers(-40, 40), st.sampled_from(["hour", "day", "month", "year"])),
        st.builds(
            StartOf,
            st.sampled_from(["day", "week", "month", "quarter", "year"]),
            st.integers(-3, 3),
        ),
        st.just(Today()),
    ),
)
def test_a_point_means_for_each_profile_what_it_means_at_its_moment(moments, tz, point):
    together = np.broadcast_to(Asked(np.array(moments), tz).moment(point), len(moments))
    assert together.tolist() == [point.moment(at, tz) for at in moments]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(YEARS, st.sampled_from(ZONES))
@example(moment("2026-03-29T02:30:00"), "Europe/Berlin")  # the clock jumps over it
@example(moment("2026-10-25T02:30:00"), "Europe/Berlin")  # and shows this twice
def test_what_clocks_show_leads_to_the_moment_that_the_clock_says(wall, tz):
    shown = clock.to_datetime(wall).replace(tzinfo=None)
    (found,) = days.moments(np.array([wall]), tz).tolist()
    assert found == clock.from_datetime(shown, tz)
    (read,) = days.walls(np.array([found]), tz).tolist()
    again = clock.to_datetime(found, tz).replace(tzinfo=dt.UTC)
    assert read == clock.from_datetime(again)
