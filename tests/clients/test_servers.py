"""The SDKs of servers, unmodified: what they say arrives, however bad the line is."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime

import pytest
from tests.clients import trouble
from tests.clients.conftest import HERE, STORY
from tests.clients.installation import Installation, Keys
from tests.clients.trouble import Trouble

from pusula.lib import clock

PYTHON = ("segment", "rudder")
NODE = ("segment", "rudder", "old")
N_TOLD = 6 + STORY["n_views"]
BAD_LINE = (trouble.REFUSE, trouble.LOSE, trouble.SLOW_DOWN, trouble.TWICE)


def send(*command: str) -> int:
    """Run a client; return when it says that the guest searched."""
    done = subprocess.run(
        command, cwd=HERE, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["failed"] == [], said
    return clock.from_datetime(datetime.fromisoformat(said["searched_at"]))


def check(installation: Installation, source: Keys, searched_at: int) -> None:
    """Look whether the story arrived, each part of it once."""
    told = installation.arrived(source.slug, N_TOLD)
    assert len(told) == N_TOLD
    assert len({one.message_id for one in told}) == N_TOLD
    assert all(one.envelope["trusted"] for one in told)
    assert installation.quarantined(source.slug) == []
    events = installation.events(source.slug)
    views = [one for one in events if one.name == "Stay Viewed"]
    assert sorted(one.properties["position"] for one in views) == list(range(STORY["n_views"]))
    (searched,) = (one for one in events if one.name == "Stay Searched")
    assert searched.properties == STORY["search"]
    assert abs(searched.at - searched_at) < 30 * clock.SECOND
    (guest,) = installation.leads_to("key", f"{source.slug}:{STORY['guest']}")
    assert {one.profile_id for one in events} == {guest}
    traits = installation.traits(guest)
    assert (traits["first_name"], traits["last_name"]) == ("Ayşe", "Yılmaz")
    assert (traits["city"], traits["nights_a_year"]) == ("İzmir", 9)
    assert {one.name for one in events} >= {"Page Viewed", "Screen Viewed"}


@pytest.mark.django_db  # the mark brings it to PostgreSQL as well
@pytest.mark.parametrize("name", PYTHON)
def test_what_a_python_sdk_says_arrives(name, installation, source):
    at = send(sys.executable, "send_python.py", name, installation.url, source.server)
    check(installation, source, at)


@pytest.mark.django_db
@pytest.mark.parametrize("name", PYTHON)
def test_a_bad_line_makes_a_python_sdk_repeat_and_each_part_counts_once(name, installation, source):
    with Trouble(installation.url, BAD_LINE).open() as line:
        at = send(sys.executable, "send_python.py", name, line.url, source.server)
    assert set(line.met) >= set(BAD_LINE)
    check(installation, source, at)


@pytest.mark.parametrize("name", NODE)
def test_what_a_node_sdk_says_arrives(name, installation, source, node):
    at = send(node, "send_node.js", name, installation.url, source.server)
    check(installation, source, at)


@pytest.mark.parametrize("name", NODE)
def test_a_bad_line_makes_a_node_sdk_repeat_and_each_part_counts_once(
    name, installation, source, node
):
    with Trouble(installation.url, BAD_LINE).open() as line:
        at = send(node, "send_node.js", name, line.url, source.server)
    assert set(line.met) >= set(BAD_LINE)
    check(installation, source, at)
