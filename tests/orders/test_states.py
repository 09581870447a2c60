"""Where orders stood at the end of a day, asked of a real hotel's bookings."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.db.models import Sum

from pusula.ops.main import cli
from pusula.orders.models import Order
from pusula.sources.actions import run_import

pytestmark = pytest.mark.django_db

MAPS = Path(__file__).resolve().parents[1] / "maps"


@pytest.mark.slow
def test_a_real_hotels_bookings_stand_on_six_days_where_the_reference_says(
    shared_data, settings, tmp_path
):
    settings.PUSULA_HOME = tmp_path
    file, mapping = shared_data / "hotel_bookings_city.parquet", MAPS / "hotel_bookings_city.toml"
    report = run_import("orders", file, mapping)
    assert (report.n_new, report.n_rejected, len(report.touched)) == (79_330, 0, 79_330)
    reference = json.loads((shared_data / "reference_hotel_misc.json").read_text())["hotel_city"]

    found = {}
    for day in reference["as_of"]:
        result = CliRunner().invoke(cli, ["orders", "states", "--as-of", day, "--json"])
        found[day] = json.loads(result.output)

    assert found == {
        day: {
            "as_of_on": day,
            "known": counts["known"],
            "upcoming": counts["upcoming"],
            "in_house": counts["in_house"],
            "departed": counts["departed"],
            "cancelled": counts["canceled_or_no_show_by_then"],
        }
        for day, counts in reference["as_of"].items()
    }
    stayed = Order.objects.filter(status="completed").aggregate(total=Sum("net_minor"))["total"]
    assert stayed / 100 == pytest.approx(reference["stayed_value"], rel=1e-6)
    again = run_import("orders", file, mapping)
    assert (again.n_new, again.n_changed, again.n_same) == (0, 0, 79_330)


def test_the_day_counts_to_its_end_in_the_companys_time_zone(settings, tmp_path):
    settings.PUSULA_HOME = tmp_path
    (tmp_path / "map.toml").write_text(
        'source = "pms"\n[columns]\nsource_id = "n"\nprofile_key = "n"\nordered_at = "at"\n'
        'starts_on = "a"\nends_on = "b"\nstatus = "s"\nstatus_at = "sat"\nnet_amount = "n"\n'
    )
    (tmp_path / "b.csv").write_text(
        "n,at,a,b,s,sat\n"
        "1,2024-01-31 23:59,2024-02-10,2024-02-12,completed,2024-02-12\n"
        "2,2024-02-01 00:00,2024-02-10,2024-02-12,cancelled,2024-02-11 08:00\n"
        "3,2024-01-01 12:00,2024-01-31,2024-01-31,completed,2024-01-31\n"
    )
    run_import("orders", tmp_path / "b.csv", tmp_path / "map.toml")

    def states(day: date) -> tuple[int, ...]:
        result = CliRunner().invoke(cli, ["orders", "states", "--as-of", str(day), "--json"])
        told = json.loads(result.output)
        return tuple(list(told.values())[1:])

    #                                  known, upcoming, in house, departed, cancelled
    assert states(date(2023, 12, 31)) == (0, 0, 0, 0, 0)
    assert states(date(2024, 1, 31)) == (2, 1, 0, 1, 0)
    assert states(date(2024, 2, 1)) == (3, 2, 0, 1, 0)
    assert states(date(2024, 2, 10)) == (3, 0, 2, 1, 0)
    assert states(date(2024, 2, 11)) == (3, 0, 1, 1, 1)
    assert states(date(2024, 2, 12)) == (3, 0, 0, 2, 1)
