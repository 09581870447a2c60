"""``pusula rfm run`` as people and programs see it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from django.utils import translation

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops.rfm import rfm
from pusula.orders.models import Order, OrderChange
from pusula.profiles.models import Profile
from pusula.rfm.config import ConfigError
from pusula.rfm.models import RfmRun
from pusula.segments import actions as segments
from pusula.segments.everybody import rebuild
from pusula.segments.models import Membership

pytestmark = pytest.mark.django_db
CHAMPIONS = {
    "segment": "champions",
    "title": {"en": "Champions", "tr": "Şampiyonlar"},
    "where": {"trait": {"rfm_group": {"is": "champions"}}},
}


@pytest.fixture
def shop():
    """Ten people who order ever more often and ever later."""
    start = clock.start_of(clock.day_of(1_770_000_000_000_000, "UTC"), "Europe/Istanbul")
    for n in range(10):
        profile = Profile.objects.create(created_at=0, recorded_at=0)
        for k in range(n + 1):
            at = start + n * clock.DAY + k
            order = Order.objects.create(
                profile=profile, source="shop", source_id=f"{n}-{k}", status="completed",
                ordered_at=at, status_at=at, currency="TRY", gross_minor=100_000,
                net_minor=100_000, gross_base_minor=100_000, net_base_minor=100_000, recorded_at=at,
            )  # fmt: skip
            OrderChange.objects.create(
                order=order, profile=order.profile, ordered_at=at, changed_at=at, recorded_at=at,
                status="completed", gross_base_minor=100_000, net_base_minor=100_000,
            )  # fmt: skip


def run(*words: str) -> str:
    with translation.override("en"):
        told = CliRunner(env={"COLUMNS": "100"}).invoke(rfm, ["run", *words])
    if told.exception:
        raise told.exception
    return told.output


def test_people_see_every_group_and_the_warnings(shop):
    told = run("--as-of", "2026-03-01")
    assert "10 customers" in told
    assert "Champions" in told
    assert "55,000" not in told  # nobody's revenue: 10 orders of 1,000 each
    assert "19,000" in told  # the champions' 19 orders
    assert "Nobody is in these groups:" in told


def test_programs_get_all_numbers(shop):
    told = json.loads(run("--as-of", "2026-03-01", "--json"))
    assert told["n_profiles"] == 10
    assert len(told["grid"]) == 25
    champions = next(g for g in told["groups"] if g["name"] == "champions")
    assert (champions["n"], champions["revenue_minor"]) == (2, 1_900_000)
    assert told["config"]["recency"]["quantiles"] == 5


def test_the_rules_of_a_file_are_taken_and_its_errors_named(shop, tmp_path):
    file = tmp_path / "rfm.toml"
    file.write_text("[pool]\nmin_orders = 6\n", encoding="utf-8")
    assert (
        json.loads(run("--as-of", "2026-03-01", "--config", str(file), "--json"))["n_profiles"] == 5
    )
    file.write_text("[pool]\nmin_order = 6\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown field `min_order`"):
        run("--as-of", "2026-03-01", "--config", str(file))
    assert RfmRun.objects.count() == 1


def test_segments_over_rfm_groups_follow_the_run(shop, tmp_path):
    run("--as-of", "2026-03-01")
    segments.apply([("champions.yaml", CHAMPIONS)])
    rebuild.everybody(at=clock.now())
    members = Membership.objects.filter(left_at=None)
    assert members.count() == 2
    file = tmp_path / "rfm.toml"
    file.write_text("[pool]\nmin_orders = 10\n", encoding="utf-8")
    run("--as-of", "2026-03-02", "--config", str(file))
    assert members.count() == 0


def test_a_day_that_has_not_come_is_refused(shop):
    run("--as-of", "2026-09-21")
    with pytest.raises(PusulaError, match="2026-09-22 has not come yet: take 2026-09-21 or an ear"):
        run("--as-of", "2026-09-22")
    assert RfmRun.objects.count() == 1
