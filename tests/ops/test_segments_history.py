"""The commands that ask about the past."""

import datetime as dt
import json

import pytest
from click.testing import CliRunner
from django.utils import translation

from pusula.lib import clock
from pusula.ops.main import cli
from pusula.orders import actions as orders
from pusula.profiles.models import Profile
from pusula.segments import actions
from pusula.segments.everybody import rebuild

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

NOW = clock.from_datetime(dt.datetime(2026, 6, 1, 12), "Europe/Istanbul")


@pytest.fixture
def elif_(monkeypatch):
    """Two orders, in March and in May; the second was told a week late."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    guest = Profile.objects.create(first_name="Elif", created_at=0, recorded_at=0)
    for number, (day, told) in enumerate([((3, 10), (3, 10)), ((5, 10), (5, 17))]):
        ordered_at, told_at = (
            clock.from_datetime(dt.datetime(2026, *each, 9), "Europe/Istanbul")
            for each in (day, told)
        )
        version = orders.Version(
            source_id=str(number), profile_id=guest.pk, status="completed", ordered_at=ordered_at,
            currency="TRY", gross_minor=1, net_minor=1, gross_base_minor=1, net_base_minor=1,
        )  # fmt: skip
        orders.record([version], source="pms", at=told_at, tz="Europe/Istanbul")
    where = {"all": [{"orders": {"count": {"at_least": 2}}}]}
    title = {"tr": "İki", "en": "Two"}
    actions.apply([("two.yaml", {"segment": "two", "title": title, "where": where})])
    rebuild.everybody(at=NOW)
    return guest.pk


def run(*words):
    with translation.override("en"):
        return CliRunner().invoke(cli, ["segments", *map(str, words)])


def asked(*words):
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_a_day_is_asked_about_at_its_end(elif_):
    before, on = (asked("at", "two", "--on", day) for day in ("2026-05-09", "2026-05-10"))
    assert (before["n_members"], on["n_members"]) == (0, 1)
    assert on["sample"] == [elif_]
    assert on["at"] == "2026-05-11T00:00:00+03:00"
    morning = asked("at", "two", "--on", "2026-05-10 09:00")
    assert morning["n_members"] == 0, "not before it was made"


def test_what_was_known_then_is_another_question(elif_):
    for day, n in [("2026-05-12", 0), ("2026-05-16", 0), ("2026-05-17", 1)]:
        assert asked("at", "two", "--on", day, "--known", "then")["n_members"] == n
    assert "two at 2026-05-13 00:00: 1" in run("at", "two", "--on", "2026-05-12").output


def test_why_somebody_was_not_in_is_told_with_the_values_of_then(elif_):
    found = asked("why", "two", elif_, "--on", "2026-05-01")["why"]
    assert found["holds"] is False
    (part,) = found["parts"]
    assert (part["holds"], part["value"]) == (False, 1)
    said = run("why", "two", elif_, "--on", "2026-05-20").output
    assert f"{elif_} was in two" in said
    assert "✓ All of these" in said


def test_moments_to_come_unknown_segments_and_unknown_people_are_refused(elif_):
    assert "not come yet" in run("at", "two", "--on", "2026-06-02").output
    assert asked("at", "two", "--on", "2026-06-01")["at"] == "2026-06-01T12:00:00+03:00"
    assert "there is no segment three" in run("at", "three", "--on", "2026-05-01").output
    assert "not known yet" in str(run("why", "two", 999, "--on", "2026-05-01").exception)
