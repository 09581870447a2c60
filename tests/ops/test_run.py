"""``pusula run`` tells what it did, and by its exit status whether members were wrong."""

import json

import pytest
from click.testing import CliRunner

from pusula.lib import clock
from pusula.ops.run import run
from pusula.orders.models import Order
from pusula.profiles.models import Profile
from pusula.segments import actions
from pusula.segments.models import Membership

pytestmark = pytest.mark.django_db


@pytest.fixture
def elif_():
    profile = Profile.objects.create(first_name="Elif", created_at=0, recorded_at=0)
    at = clock.now() - clock.DAY
    Order.objects.create(
        profile=profile, source="pms", source_id="1", status="completed", ordered_at=at,
        status_at=at, currency="TRY", gross_minor=1, net_minor=1, gross_base_minor=1,
        net_base_minor=1, recorded_at=at,
    )  # fmt: skip
    title = {"tr": "Deneme", "en": "Trial"}
    document = {"segment": "trial", "title": title, "where": {"orders": {"count": {"is": 1}}}}
    actions.apply([("trial.yaml", document)])
    return profile


def told(*arguments):
    done = CliRunner().invoke(run, [*arguments, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_a_run_reports_moves_and_exits_with_0(elif_):
    status, report = told()
    assert (status, report["n_profiles"], report["drift"]) == (0, 1, {})
    assert report["moves"]["trial"] == {"n_entered": 1, "n_left": 0}


def test_drift_is_told_and_exits_with_3(elif_):
    told()
    Membership.objects.all().delete()
    status, report = told()
    assert status == 3
    assert report["drift"] == {"trial": {"n_missing": 1, "n_surplus": 0}}
    assert told()[0] == 0


def test_a_run_from_the_lake_finds_the_same(elif_, settings, tmp_path):
    settings.PUSULA_LAKE = str(tmp_path / "lake")
    status, report = told("--from-lake")
    assert (status, report["moves"]["trial"]["n_entered"]) == (0, 1)
    assert (tmp_path / "lake" / "orders" / "_delta_log").is_dir()


@pytest.mark.parametrize("wrong", [["--no-repair"], ["--check", "--from-lake"]])
def test_options_that_do_not_go_together_are_refused(wrong):
    assert CliRunner().invoke(run, wrong).exit_code == 2
