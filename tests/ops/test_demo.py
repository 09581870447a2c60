"""The demo company's day: nothing in its files is still to come, whatever the hour."""

from __future__ import annotations

import datetime as dt
import tomllib

import pytest
from click.testing import CliRunner
from examples.hotel import generate  # puts the made-up company's package on the path
from lodos.company import EXPORT_HOUR_S, World

from pusula.events.models import Event
from pusula.lib import clock
from pusula.ops import demo
from pusula.ops.main import cli
from pusula.pipeline.live import Live
from pusula.pipeline.models import Quarantine
from pusula.profiles import queries
from pusula.profiles.models import Identifier, Profile
from pusula.sources.models import Source

assert generate


@pytest.mark.parametrize("hour", [0, 1, 3, 5, 6, 12, 20, 21, 22, 23])
def test_the_files_of_a_day_are_taken_only_when_their_hour_has_come(hour):
    at = clock.from_datetime(dt.datetime(2026, 11, 23, hour, 30, tzinfo=dt.UTC))
    world = World(100, 1, demo.exported_on(at))
    exported_at = clock.start_of(world.today, demo.EXPORT_ZONE) + EXPORT_HOUR_S * clock.SECOND
    assert exported_at <= at < exported_at + clock.DAY


@pytest.mark.django_db(databases=["default", "log"])
def test_the_visitor_who_signs_in_on_the_website_is_the_guest_and_one_message_is_put_aside():
    now = clock.now()
    guest = Profile.objects.create(first_name="Emine", created_at=now, recorded_at=now)
    Identifier.objects.create(
        profile=guest, kind="key", value="pms:M000042", source="pms", recorded_at=now
    )
    with (demo.EXAMPLE / "web.toml").open("rb") as file:
        Source.objects.create(
            slug="web", title="lodos.example", settings=tomllib.load(file), created_at=now
        )
    told = ["events", "append", str(demo.EXAMPLE / "web.jsonl"), "--source", "web"]
    assert CliRunner().invoke(cli, told, catch_exceptions=False).exit_code == 0
    Live().step()
    started = Event.objects.get(name="Booking Started")
    assert started.profile_id == guest.pk
    assert Event.objects.filter(name="Stay Searched", profile=guest).exists()  # before signing in
    assert queries.everybody().count() == 2  # and a visitor without a name
    assert Quarantine.objects.count() == 1  # speaks of nobody, as the example's README says
