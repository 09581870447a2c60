"""The demo company's day: nothing in its files is still to come, whatever the hour."""

from __future__ import annotations

import datetime as dt

import pytest
from examples.hotel import generate  # puts the made-up company's package on the path
from lodos.company import EXPORT_HOUR_S, World

from pusula.lib import clock
from pusula.ops import demo

assert generate


@pytest.mark.parametrize("hour", [0, 1, 3, 5, 6, 12, 20, 21, 22, 23])
def test_the_files_of_a_day_are_taken_only_when_their_hour_has_come(hour):
    at = clock.from_datetime(dt.datetime(2026, 11, 23, hour, 30, tzinfo=dt.UTC))
    world = World(100, 1, demo.exported_on(at))
    exported_at = clock.start_of(world.today, demo.EXPORT_ZONE) + EXPORT_HOUR_S * clock.SECOND
    assert exported_at <= at < exported_at + clock.DAY
