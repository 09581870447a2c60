"""Call records become events of whoever called, known or not."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from tests.sources.hotels import at as at_time
from tests.sources.hotels import key_of, moment, source, step

from pusula.api import hooks
from pusula.events.models import Event
from pusula.pipeline.models import LogEntry
from pusula.profiles.models import Identifier, Profile

pytestmark = pytest.mark.django_db(databases=["default", "log"])
NOW = "2026-06-01T12:00"
CALL = {
    "call_id": "k1", "direction": "inbound", "phone": "0532 123 45 68",
    "started_at": "2026-06-01T11:00:00", "answered_at": "2026-06-01T11:00:10",
    "ended_at": "2026-06-01T11:04:10", "queue": "rezervasyon", "agent": "Derya",
    "disposition": "answered", "recording_id": "rec-9", "outcome": "asked the price",
}  # fmt: skip


@pytest.fixture
def door(db):
    return f"/hooks/calls/santral/{key_of(source('santral', 'calls'))}"


def send(door, told, kind="application/json"):
    body = told if isinstance(told, str) else json.dumps(told)
    with at_time(NOW):
        answer = Client().post(door, body, content_type=kind)
    step(moment(NOW) + 1)
    return answer


def test_a_call_of_somebody_unknown_makes_a_profile_known_by_the_number(door):
    assert send(door, CALL).json() == {"n_new": 1, "n_same": 0, "problems": []}
    event = Event.objects.get()
    assert (event.name, event.at) == ("Call Received", moment("2026-06-01T11:00"))
    told = json.loads(LogEntry.objects.get().body)["properties"]
    assert (told["duration_s"], told["agent"], told["recording_id"]) == (240, "Derya", "rec-9")
    assert (told["outcome"], told["queue"]) == ("asked the price", "rezervasyon")
    assert list(Identifier.objects.values_list("kind", "value")) == [("phone", "+905321234568")]
    send(door, CALL)
    assert (Event.objects.count(), Profile.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"disposition": "no answer"}, "Call Missed"),
        ({"disposition": "meşgul"}, "Call Missed"),
        ({"missed": "true"}, "Call Missed"),
        ({"direction": "giden"}, "Call Logged"),
        ({"direction": "outbound", "disposition": "missed"}, "Call Logged"),
    ],
)
def test_a_call_is_named_by_its_direction_and_end(door, told, name):
    send(door, CALL | told)
    assert Event.objects.get().name == name


def test_the_records_of_a_switchboard_are_read_by_its_own_names(door):
    told = (
        "\ufeffuuid;direction;caller_id_number;destination_number;start_stamp;duration;missed\r\n"
        "a1;inbound;905321234568;902521112233;2026-06-01 10:00:00;35;false\r\n"
        "a2;outbound;902521112233;905321234568;2026-06-01 10:05:00;12;false\r\n"
        "a3;inbound;anonymous;902521112233;2026-06-01 10:06:00;12;true\r\n"
    )
    answer = send(door, told, "text/csv").json()
    assert (answer["n_new"], [p["record"] for p in answer["problems"]]) == (2, [3])
    assert sorted(Event.objects.values_list("name", flat=True)) == ["Call Logged", "Call Received"]
    assert Profile.objects.count() == 1


def test_a_card_number_read_out_on_the_phone_is_not_kept(door):
    send(door, CALL | {"outcome": "paid with 4111 1111 1111 1111"})
    assert "4111" not in LogEntry.objects.get().body


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"call_id": ""}, "call_id"),
        ({"phone": ""}, "phone"),
        ({"phone": "12"}, "phone"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"direction": "sideways"}, "direction"),
    ],
)
def test_what_a_record_lacks_is_said(door, told, reason):
    answer = send(door, CALL | told)
    assert answer.status_code == 400
    assert reason in answer.json()["problems"][0]["message"]


@pytest.mark.parametrize("told", ["[]", "{", "7", '[{"call_id": "1"}, 3]'])
def test_what_is_no_record_is_refused(door, told):
    assert send(door, told).status_code == 400
    assert not LogEntry.objects.exists()


def test_more_records_than_are_taken_at_once_are_refused_and_none_is_lost_unsaid(door, monkeypatch):
    monkeypatch.setattr(hooks, "_MOST_RECORDS", 1)
    assert send(door, [CALL, CALL | {"call_id": "k2"}]).status_code == 413
    assert not LogEntry.objects.exists()


def test_a_table_with_an_endless_cell_is_refused(door):
    assert send(door, f"call_id\n{'x' * 200_000}\n", "text/csv").status_code == 400


def test_as_many_records_as_may_come_at_once_are_taken(door, monkeypatch):
    monkeypatch.setattr(hooks, "_MOST_RECORDS", 2)
    assert send(door, [CALL, CALL | {"call_id": "k2"}]).status_code == 200
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize(("n", "status"), [(200, 200), (201, 400)])
def test_the_number_of_a_call_has_200_characters_at_most(door, n, status):
    assert send(door, CALL | {"call_id": "k" * n}).status_code == status
    assert LogEntry.objects.count() == (status == 200)


def test_what_is_said_of_a_call_is_cut_and_nothing_else_is_kept(door):
    send(door, CALL | {"agent": "a" * 500, "transcript": "secret " * 9})
    body = LogEntry.objects.get().body
    assert "a" * 200 in body
    assert "a" * 201 not in body
    assert "secret" not in body
