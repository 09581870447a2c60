"""Sources that are late or failing are said so, where their numbers stand."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation
from tests.sources.hotels import at as at_time
from tests.sources.hotels import moment, source

from pusula.lib import clock
from pusula.pipeline import appender
from pusula.pipeline.appender import Entry
from pusula.sources import health
from pusula.sources.models import Source
from pusula.web import source_notes

pytestmark = pytest.mark.django_db(databases=["default", "log"])
NOW = moment("2026-06-01T12:00")
HOUR = clock.HOUR


def state(**told) -> str:
    made = source("web", "website")
    for name, value in told.items():
        setattr(made, name, value)
    return health.of(made, NOW).state


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, "silent"),
        ({"last_data_at": NOW - HOUR}, "ok"),
        ({"last_data_at": NOW - HOUR, "expected_every_s": 3_600}, "ok"),
        ({"last_data_at": NOW - HOUR - clock.SECOND, "expected_every_s": 3_600}, "late"),
        ({"expected_every_s": 3_600}, "late"),
        ({"last_error": "401", "last_error_at": NOW}, "failing"),
        ({"last_error": "401", "last_error_at": NOW - 1, "last_ok_at": NOW}, "ok"),
        ({"last_error": "401", "last_error_at": NOW, "is_enabled": False}, "off"),
    ],
)
def test_a_source_is_what_its_times_say(told, expected):
    if expected == "ok":
        told = {"last_data_at": NOW - HOUR, **told}
    assert state(**told) == expected


def test_pushed_events_need_no_note_of_their_own():
    web, quiet = source("web", "website"), source("quiet", "website")
    with at_time(NOW):
        appender.append([Entry("event", "web", f"web:{n}", "{}") for n in range(3)])
    head = health.look(0)
    for one in (web, quiet):
        one.refresh_from_db()
    assert (web.last_data_at, quiet.last_data_at) == (NOW, None)
    Source.objects.update(last_data_at=5)
    assert health.look(head) == head
    assert set(Source.objects.values_list("last_data_at", flat=True)) == {5}, "read once"


@pytest.mark.parametrize(
    ("language", "late", "failing"),
    [
        ("en", "has sent no data since", "has not been in order since"),
        ("tr", "", ""),
    ],
)
def test_pages_say_which_source_is_late_or_failing_and_what_to_do(
    language, late, failing, django_user_model
):
    source("web", "website")
    source("mews", "mews")
    Source.objects.filter(slug="web").update(last_data_at=NOW - 3 * HOUR, expected_every_s=60)
    Source.objects.filter(slug="mews").update(
        last_ok_at=NOW - HOUR, last_error="mews: POST: <b>401</b>", last_error_at=NOW
    )
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("deniz"))
    client.cookies["django_language"] = language
    with at_time(NOW):
        pages = [client.get(path).content.decode() for path in ("/", "/customers/", "/segments/")]
        imports = client.get("/imports/").content.decode()
    for page in pages:
        assert "MEWS" in page
        assert "WEB" in page
        assert late in page
        assert failing in page
        assert "&lt;b&gt;401&lt;/b&gt;" in page, "what a system says is text"
    assert "MEWS" not in imports


def test_nobody_who_has_not_signed_in_learns_of_sources(rf):
    request = rf.get("/")
    request.resolver_match = None
    assert source_notes.notes(request) == []


def test_a_company_in_order_sees_nothing(django_user_model):
    source("web", "website")
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("deniz"))
    client.cookies["django_language"] = "en"
    with translation.override("en"), at_time(NOW):
        assert "has sent no data since" not in client.get("/").content.decode()
