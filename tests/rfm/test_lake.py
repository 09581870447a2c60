"""What is counted over the lake's files is what the database counts."""

from __future__ import annotations

import json
import random
from dataclasses import astuple
from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from tests.rfm.conftest import NOW

from pusula.lib import clock
from pusula.ops.rfm import rfm
from pusula.orders import machine
from pusula.orders.models import Order, OrderChange
from pusula.pipeline import mirror
from pusula.profiles.models import Identifier, Profile, Trait
from pusula.rfm import config as rules
from pusula.rfm import lake_purchases, purchases, queries
from pusula.segments.everybody import mirrored

DAY = date(2026, 9, 1)
RULES = {
    "without any": {},
    "two years": {"look_back_months": 24, "recency": {"measure": "calendar_days"}},
    "returns are orders": {"orders": {"returns": "count"}, "monetary": {"above_zero": False}},
    "returns are not there": {"orders": {"returns": "drop", "statuses": ["completed"]}},
    "stays": {"orders": {"count": "stays", "dated_by": "stay"}, "look_back_months": 6},
    "gross": {"orders": {"amount": "gross"}, "ties": "file_order"},
    "not our own": {"pool": {"exclude": [{"trait": "tier", "is": ["PERSONEL"]}]}},
}


@pytest.fixture
def lake(settings, tmp_path, monkeypatch):
    settings.PUSULA_LAKE = str(tmp_path / "lake")
    monkeypatch.setattr(mirrored, "SPAN", 8)
    monkeypatch.setattr(lake_purchases, "_TOGETHER", 2)


@pytest.fixture
def world(db, lake):
    """Make 40 people whose orders were changed, moved on to others, and told late."""
    rng = random.Random(11)  # noqa: S311 - the same world every time
    day_at = clock.start_of(DAY, "Europe/Istanbul")
    people = [Profile.objects.create(created_at=0, recorded_at=0) for _ in range(40)]
    for number, who in enumerate(people):
        if number % 3:
            Identifier.objects.create(
                profile=who, kind="key", value=f"pms:{rng.random()}", source="pms", recorded_at=0
            )
        if number % 7 == 0:
            Trait.objects.create(
                profile=who, name="tier", kind="text", text="Personel", text_fold="personel",
                source="crm", updated_at=0,
            )  # fmt: skip
        for serial in range(rng.randrange(6)):
            _order(rng, who, f"{number}-{serial}", day_at)
    Order.objects.filter(profile=people[3]).update(profile=people[4])


def _order(rng, who, number, day_at):
    moments = sorted(day_at + rng.choice([-900, -400, -30, -1, 0, 1, 9]) * clock.DAY
                     for _ in range(rng.randrange(1, 4)))  # fmt: skip
    told = {}
    for nth, changed_at in enumerate(moments):
        starts_on = rng.choice([None, date(2026, 8, 31), date(2026, 3, 1), DAY, date(2027, 1, 1)])
        told = {
            "status": rng.choice(machine.STATES), "starts_on": starts_on,
            "net_base_minor": rng.randrange(-9_000, 90_000), "gross_base_minor": 100_000,
        }  # fmt: skip
        if nth == 0:
            order = Order.objects.create(
                profile=who, source="pms", source_id=number, ordered_at=changed_at,
                status_at=changed_at, currency="TRY", gross_minor=1, net_minor=1,
                recorded_at=NOW, **told,
            )  # fmt: skip
        OrderChange.objects.create(
            order=order, profile=who, changed_at=changed_at, ordered_at=order.ordered_at,
            recorded_at=NOW + OrderChange.objects.count(), **told,
        )  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_the_lake_counts_what_the_database_counts(world, name):
    config = rules.parse(RULES[name])
    places = mirror.run(with_history=True).history
    assert len(places) > 3
    for day in (DAY, date(2024, 8, 1)):
        stored = astuple(purchases.purchases(day, config))
        counted = astuple(lake_purchases.purchases(places, day, config))
        for one, other in zip(stored, counted, strict=True):
            assert np.array_equal(one, other), (name, day)
        assert len(stored[0]) or day < DAY


def test_versions_are_in_the_lake_only_once_somebody_asked_and_then_follow(world):
    assert mirror.run().history == ()
    asked = mirror.run(with_history=True)
    assert asked.history
    assert mirror.run().n_written == 0
    Order.objects.order_by("pk").first().delete()
    assert mirror.run().n_written == 3  # orders, lines, versions
    ids = {i for place in mirror.run().history for i in pq.read_table(place)["id"].to_pylist()}
    assert ids == set(Order.objects.values_list("pk", flat=True))


def test_a_run_from_the_lake_is_the_run_from_the_database(world, tmp_path):
    def told(*more):
        found = CliRunner().invoke(rfm, ["run", "--as-of", "2026-09-01", "--json", *more])
        assert found.exit_code == 0, found.output
        scores = queries.latest().scores.order_by("profile_id").values_list()
        return json.loads(found.output), [row[2:] for row in scores]

    assert told() == told("--from-lake")
    out = tmp_path / "scores.parquet"
    found = CliRunner().invoke(rfm, ["score", "--as-of", "2026-09-01", "--out", str(out)])
    assert found.exit_code == 0, found.output
    scores = queries.latest().scores.order_by("profile_id")
    columns = ("profile_id", "recency_days", "frequency", "monetary_minor", "r", "f", "m", "group")
    table = pq.read_table(out)
    seen = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    assert seen == list(scores.values_list(*columns))
