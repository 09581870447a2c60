"""A real hotel's bookings as of six days: segments count what the published table counts."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from django.conf import settings as configured

from pusula.lib import clock
from pusula.segments import catalog, history
from pusula.segments.language import parse, read_yaml
from pusula.sources.actions import run_import

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MAP = Path(__file__).resolve().parents[1] / "maps" / "hotel_bookings_city.toml"
# Asked at the end of a day, "today" is the day after it.
DEFINITIONS = """
known:
  orders: {count: {at_least: 1}}
upcoming:
  orders: {count: {at_least: 1},
           where: {status: {not_in: [cancelled, no_show]}, starts_on: {from: today}}}
in-house:
  orders: {count: {at_least: 1},
           where: {status: {not_in: [cancelled, no_show]}, starts_on: {to: today},
                   ends_on: {from: today}}}
departed:
  orders: {count: {at_least: 1},
           where: {status: {not_in: [cancelled, no_show]}, starts_on: {to: today},
                   ends_on: {to: today}}}
cancelled:
  orders: {count: {at_least: 1}, where: {status: {in: [cancelled, no_show]}}}
"""
PUBLISHED = {"in-house": "in_house", "cancelled": "canceled_or_no_show_by_then"}


def test_a_real_hotels_bookings_are_in_the_segments_of_their_states_on_six_days(shared_data):
    reference = json.loads((shared_data / "reference_hotel_misc.json").read_text())["hotel_city"]
    report = run_import("orders", shared_data / "hotel_bookings_city.parquet", MAP)
    assert len(report.touched) == 79_330, "every booking is somebody's"
    schema = catalog.schema()
    asked = {
        key: parse({"segment": key, "title": {"tr": key, "en": key}, "where": where}, schema)
        for key, where in read_yaml(DEFINITIONS).items()
    }
    days = [dt.date.fromisoformat(day) for day in reference["as_of"]]
    zone = configured.PUSULA.time_zone
    moments = [clock.start_of(day + dt.timedelta(days=1), zone) for day in days]

    found = history.sizes(asked, moments, known_at=clock.now())

    assert {key: [n for _at, n in each] for key, each in found.items()} == {
        key: [counts[PUBLISHED.get(key, key)] for counts in reference["as_of"].values()]
        for key in asked
    }
    nothing = history.sizes(asked, moments, known_at=None)
    assert all(n == 0 for each in nothing.values() for _at, n in each), "nobody had told us then"
