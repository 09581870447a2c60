"""What not everybody may do is refused at every door, and no button leads there."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tests.web import pilots, rides

from pusula.journeys.models import Journey
from pusula.measurement.pilot.models import PLANNED, Pilot
from pusula.ops import users
from pusula.outbox import prices
from pusula.web import rights

pytestmark = pytest.mark.django_db


@pytest.fixture
def ece(company) -> Client:
    """Return the browser of Ece, who may sign in and no more."""
    client = Client()
    client.force_login(User.objects.create_user("ece"))
    client.cookies["django_language"] = "en"
    return client


def test_whoever_may_not_set_prices_reads_them_only(ece):
    prices.change({"sms": Decimal("0.20")}, by="deniz", at=1)
    shown = ece.get("/sending/prices/").content.decode()
    assert "0.20" in shown
    assert shown.count("readonly") == len(prices.Channel.values)
    assert ">Save<" not in shown
    assert ece.post("/sending/prices/", {"sms": "9"}).status_code == 403
    assert prices.current() == {"sms": Decimal("0.20")}


def test_whoever_may_not_publish_writes_drafts_and_lets_nobody_in_on_them(ece):
    first = rides.publish(ago=2)
    rides.publish(ago=1, priority=2)
    assert "Back to version" not in ece.get("/journeys/abandoned/").content.decode()
    assert ece.post("/journeys/abandoned/publish/1/").status_code == 403
    rides.save(priority=3)
    drawn = ece.get("/journeys/abandoned/publish/")
    assert 'value="publish"' not in drawn.content.decode()
    told = {"mark": drawn.context["mark"], "decision": "publish"}
    assert ece.post("/journeys/abandoned/publish/", told).status_code == 403
    assert Journey.objects.get(pk=first.pk).version.number == 2
    assert ece.post("/journeys/abandoned/publish/", told | {"decision": "discard"}).url
    assert first.versions.count() == 2


def test_a_pilot_publishes_journeys_so_it_is_started_by_those_who_may(ece):
    pilots.prepared()
    assert "/pilot/yaz/start/" not in ece.get("/pilot/yaz/").content.decode()
    for answer in (ece.get("/pilot/yaz/start/"), ece.post("/pilot/yaz/start/", {"people": "1"})):
        assert answer.status_code == 403
    assert Pilot.objects.get().state == PLANNED


def test_every_right_that_pages_ask_for_can_be_given():
    asked = {value for name, value in vars(rights).items() if name.isupper()}
    assert asked == set(users.RIGHTS.values())
