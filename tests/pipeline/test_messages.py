"""Messages of the tracking API: what they come to, for whom, and when it was."""

import datetime as dt

import pytest
from tests.pipeline.company import NOW
from tests.pipeline.sent import (
    come_in,
    holder,
    identify,
    message,
    names_of,
    reasons,
    track,
    traits_of,
)

from pusula.events.models import Event
from pusula.lib import clock
from pusula.profiles.models import Identifier, Profile

pytestmark = pytest.mark.django_db(databases=["default", "log"])

LIKE_THIS = {"context": {"library": {"name": "analytics.js"}}, "integrations": {}}


def iso(moment):
    return clock.to_datetime(moment).isoformat()


def test_what_a_visitor_does_is_kept_under_the_device(company):
    stepped = come_in(
        NOW,
        track("Stay Searched", {"region": "Bodrum", "nights": 7}, anonymousId="a-1", **LIKE_THIS),
        track("Hotel Searched", anonymousId="a-1", userId=None),
        track("Hotel Searched", anonymousId="a-1", userId=""),
    )
    assert (stepped.n_entries, stepped.n_quarantined) == (3, 0)
    visitor = holder("anonymous", "web:a-1")
    assert names_of(visitor) == ["Stay Searched", "Hotel Searched", "Hotel Searched"]
    assert Event.objects.order_by("id").first().properties == {"region": "Bodrum", "nights": 7}
    assert company("searched") == [visitor]


def test_a_message_of_nobody_is_put_aside(company):
    come_in(
        NOW,
        track("Stay Viewed", anonymousId=None, userId=""),
        track("Stay Viewed", anonymousId="undefined", userId="000"),
        track("Stay Viewed", anonymousId={"a": 1}),
        track("Stay Viewed", anonymousId="x" * 201),
    )
    first, second, third, fourth = reasons()
    assert "userId or anonymousId is needed" in first
    assert "userId or anonymousId is needed" in second
    assert third.startswith("anonymousId: a text or a whole number")
    assert "at most 200" in fourth
    assert not Profile.objects.exists()


def test_numbers_as_user_ids_are_the_texts_that_they_are_written_as(company):
    come_in(NOW, track("A", userId=10027), track("B", userId="10027"))
    assert names_of(holder("key", "web:10027")) == ["A", "B"]


@pytest.mark.parametrize("name", ["timestamp", "originalTimestamp"])
def test_a_clock_that_is_wrong_is_corrected_by_its_own_time_of_sending(company, name):
    wrong = NOW + 400 * clock.DAY
    come_in(
        NOW,
        track("A", anonymousId="a", sent_at=iso(wrong), **{name: iso(wrong - 3 * clock.HOUR)}),
        track("B", anonymousId="a", sentAt=iso(wrong), **{name: iso(wrong - 2 * clock.HOUR)}),
    )
    assert [event.at for event in Event.objects.order_by("at")] == [
        NOW - 3 * clock.HOUR,
        NOW - 2 * clock.HOUR,
    ]


def test_an_event_that_waited_in_a_browser_keeps_its_own_time(company):
    told_at = NOW - 9 * clock.HOUR
    come_in(NOW, track("A", anonymousId="a", timestamp=iso(told_at), sentAt=iso(NOW)))
    assert Event.objects.get().at == told_at


def test_without_a_time_of_sending_the_time_is_taken_as_told_but_never_as_later(company):
    come_in(
        NOW,
        track("A", anonymousId="a", timestamp="2026-05-31T10:00:00"),  # in the company's zone
        track("B", anonymousId="a", timestamp=iso(NOW + clock.DAY)),
        track("C", anonymousId="a", timestamp=1780221600000),
        track("D", anonymousId="a"),
        track("E", anonymousId="a", timestamp="2026-05-31T10:00:00", rules={"time_zone": "UTC"}),
    )
    day = clock.from_datetime(dt.datetime(2026, 5, 31, 10, tzinfo=dt.UTC))
    ats = dict(Event.objects.values_list("name", "at"))
    assert ats == {"A": day - 3 * clock.HOUR, "B": NOW, "C": day, "D": NOW, "E": day}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"timestamp": "31.05.2026"}, "timestamp: '31.05.2026' is no time"),
        ({"timestamp": "9999-12-31T00:00:00Z"}, "in no year that can be meant"),
        ({"timestamp": "0001-01-01T00:00:00Z"}, "in no year that can be meant"),
        ({"timestamp": {"a": 1}}, "is no time"),
        ({"timestamp": 10**30}, "is no time"),
        (
            {"timestamp": "2026-05-31T10:00:00Z", "sentAt": "9999-12-31T00:00:00Z"},
            "in no year that can be meant",
        ),
    ],
)
def test_a_time_that_nobody_can_mean_puts_the_message_aside(company, fields, reason):
    come_in(NOW, track("A", anonymousId="a", **fields), track("B", anonymousId="a"))
    (why,) = reasons()
    assert reason in why
    assert names_of(holder("anonymous", "web:a")) == ["B"]


@pytest.mark.parametrize("place", ["root", "context"])
def test_traits_come_at_the_root_or_in_the_context(company, place):
    traits = {
        "firstName": "Elif", "last_name": "Yılmaz", "email": "Elif@Example.com",
        "phone": "0532 123 45 67", "birthday": "1990-05-31", "createdAt": "2020-01-02T10:00:00Z",
        "address": {"city": "İzmir", "country": "TR", "postalCode": "35000"},
        "company": {"name": "Lodos", "plan": {"tier": "gold"}}, "points": 12, "vip": True,
        "likes": ["spa", "deniz"], "avatar": "https://example.com/a.png", "nothing": None,
    }  # fmt: skip
    where = {"traits": traits} if place == "root" else {"context": {"traits": traits}}
    come_in(NOW, message("identify", trusted=True, userId="7", **where))
    elif_ = holder("key", "web:7")
    assert Profile.objects.get(pk=elif_).name == "Elif Yılmaz"
    assert holder("email", "elif@example.com") == elif_
    assert holder("phone", "+905321234567") == elif_
    assert traits_of(elif_) == {
        "birth_date": dt.date(1990, 5, 31), "registered_on": dt.date(2020, 1, 2), "city": "İzmir",
        "country": "TR", "postal_code": "35000", "company_name": "Lodos", "points": 12.0,
        "company_plan_tier": "gold", "vip": 1.0, "likes": "spa\ndeniz",
    }  # fmt: skip
    assert reasons() == []


def test_what_is_no_trait_is_left_out_with_a_reason_and_the_rest_is_taken_over(company):
    traits = {
        "city": "Bodrum", "$.path": 1, "deep": {"a": {"b": {"c": {"d": 1}}}}, "long": "x" * 401,
        "mixed": [1, "a"], "password": "gizli", "birthday": "31.02.1990", "rfm_group": "Champions",
        "email": "not an address",
    }  # fmt: skip
    come_in(NOW, identify(traits, trusted=True, userId="7"))
    (why,) = reasons()
    assert why.startswith("in part: ")
    for place in ("$.path", "deep_a_b_c", "long", "mixed", "password", "birthday", "rfm_group"):
        assert f"traits.{place}" in why.replace("'", "")
    assert "traits.email" in why
    assert "gizli" not in why
    assert traits_of(holder("key", "web:7")) == {"city": "Bodrum"}


def test_the_same_reason_stands_in_quarantine_once_for_each_source(company):
    for source in ("web", "web", "app"):
        come_in(NOW, identify({"$": 1}, source=source, trusted=True, userId="7"))
    assert len(reasons()) == 2


def test_a_name_in_one_piece_is_parted_before_its_last_word(company):
    come_in(
        NOW,
        identify({"name": "Ayşe Nur Demir"}, trusted=True, userId="1"),
        identify({"name": "Cher"}, trusted=True, userId="2"),
        identify({"name": "ignored", "firstName": "Ali"}, trusted=True, userId="3"),
    )
    names = Profile.objects.order_by("id").values_list("first_name", "last_name")
    assert list(names) == [("Ayşe Nur", "Demir"), ("Cher", ""), ("Ali", "")]


def test_pages_and_screens_are_events_and_addresses_lose_their_queries(company):
    page = {
        "url": "https://user:pw@otel.example/oda?token=secret#x", "path": "/oda", "title": "Oda",
        "referrer": "$direct", "search": "?token=secret",
    }  # fmt: skip
    context = {"page": page, "campaign": {"name": "yaz", "source": "mail", "medium": 7}}
    come_in(
        NOW,
        message("page", anonymousId="a", name="Oda", category="Otel", context=context,
                properties={"referrer": "https://arama.example/?q=x", "lang": "tr"}),
        message("page", anonymousId="a", context=context),
        message("screen", anonymousId="a", name="Ana", properties={"x": 1}),
    )  # fmt: skip
    first, second, third = Event.objects.order_by("id")
    assert first.name == "Page Viewed"
    assert first.properties == {
        "name": "Oda", "category": "Otel", "url": "https://otel.example/oda", "path": "/oda",
        "title": "Oda", "referrer": "https://arama.example/", "lang": "tr", "utm_campaign": "yaz",
        "utm_source": "mail",
    }  # fmt: skip
    assert "referrer" not in second.properties
    assert (third.name, third.properties) == ("Screen Viewed", {"name": "Ana", "x": 1})


def test_what_stands_above_a_batch_holds_for_its_messages(company):
    shared = {"context": {"campaign": {"name": "yaz"}, "traits": {"city": "Bodrum"}}}
    come_in(
        NOW,
        message("page", anonymousId="a", batch=shared, context={"page": {"path": "/"}}),
        message("identify", trusted=True, userId="7", batch=shared),
        message("identify", trusted=True, userId="8", traits={"city": "Kaş"}, batch=shared),
    )
    assert Event.objects.get().properties == {"path": "/", "utm_campaign": "yaz"}
    assert traits_of(holder("key", "web:7")) == {"city": "Bodrum"}
    assert traits_of(holder("key", "web:8")) == {"city": "Kaş"}


def test_a_group_gives_its_members_the_traits_of_the_company(company):
    traits = {"name": "Lodos", "industry": "travel", "address": {"city": "İzmir"}}
    come_in(NOW, message("group", anonymousId="a", groupId="g-1", traits=traits))
    assert traits_of(holder("anonymous", "web:a")) == {
        "company_id": "g-1", "company_name": "Lodos", "company_industry": "travel",
        "company_city": "İzmir",
    }  # fmt: skip


def test_a_message_refused_where_it_came_in_keeps_that_reason(company):
    entry = message("identify", anonymousId="a")
    body = '{"type":"","trusted":false,"refused":"the event is no object","message":[1]}'
    come_in(NOW, type(entry)("message", "web", "web:odd", body))
    assert reasons() == ["the event is no object"]


def test_poisoned_properties_are_left_out_and_the_event_is_kept(company):
    bad = {"good": 1, "$.a": 1, "nul": "a\0b", "big": 2**70, "deep": [[[[[[1]]]]]]}
    come_in(NOW, track("A", bad, anonymousId="a"), track("B", anonymousId="a"))
    assert Event.objects.get(name="A").properties == {"good": 1}
    (why,) = reasons()
    for place in ("$.a", "nul", "big", "deep"):
        assert place in why
    assert Event.objects.count() == 2


def test_an_event_without_a_proper_name_is_put_aside(company):
    come_in(
        NOW,
        message("track", anonymousId="a"),
        track("$.event", anonymousId="a"),
        message("track", anonymousId="a", event="A", properties=[1]),
        message("track", anonymousId="a", event="A", properties=None),
    )
    missing, path, array = reasons()
    assert missing.startswith("event: the name of what happened")
    assert "is no name" in path
    assert array.startswith("properties:")
    assert Event.objects.count() == 1


def test_known_names_count_however_their_capitals_are_written(company):
    come_in(NOW, track("order completed", {}, anonymousId="a"), track("BOOKING STARTED", userId=1))
    assert set(Event.objects.values_list("name", flat=True)) == {
        "Order Completed",
        "Booking Started",
    }


def test_a_message_told_twice_counts_once(company):
    come_in(NOW, *(track("A", anonymousId="a", message_id="same") for _ in range(3)))
    come_in(NOW + clock.MINUTE, track("A", anonymousId="a", message_id="same"))
    assert Event.objects.count() == 1
    assert Identifier.objects.count() == 1
