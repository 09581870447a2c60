"""Profiles, events and consents from files: what becomes of them, row by row."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.utils import translation

from pusula.consent.models import Consent, ConsentEntry
from pusula.events.models import Event
from pusula.lib import clock
from pusula.profiles.models import Identifier, Profile, Trait
from pusula.sources.errors import MappingError

pytestmark = pytest.mark.django_db

GUESTS = """
source = "pms"
[columns]
profile_key = "no"
email = "mail"
phone = "tel"
first_name = "first"
last_name = "last"
full_name = "full"
created_at = "since"
[traits]
city = "city"
nights = { column = "n", type = "number" }
born_on = { column = "born", type = "day" }
vip = { column = "vip", type = "bool" }
"""
HEADER = "no,mail,tel,first,last,full,since,city,n,born,vip"


def test_a_profile_has_name_contacts_and_traits(bring):
    row = "10,AYSE@example.com,0532 123 45 67,Ayşe,Çağlar,,01.02.2020,İZMİR,7.5,05.03.1980,E"

    report = bring("profiles", f"{HEADER}\n{row}", GUESTS)

    assert (report.n_new, report.n_rejected) == (1, 0)
    ayse = Profile.objects.get()
    assert (ayse.name, ayse.name_key) == ("Ayşe Çağlar", "ayse caglar")
    assert ayse.created_at == 1580504400000000  # midnight in Istanbul
    assert set(ayse.identifiers.values_list("kind", "value", "source")) == {
        ("key", "pms:10", "pms"),
        ("email", "ayse@example.com", "pms"),
        ("phone", "+905321234567", "pms"),
    }
    traits = {trait.name: trait for trait in Trait.objects.all()}
    assert (traits["city"].text, traits["city"].text_fold) == ("İZMİR", "izmir")
    assert traits["nights"].number == 7.5
    assert str(traits["born_on"].day) == "1980-03-05"
    assert traits["vip"].number == 1


def test_a_full_name_ends_with_the_family_name(bring):
    rows = ["1,,,,,Ayşe Nur Çağlar,,,,,", "2,,,,,Madonna,,,,,", "3,,,Ali,Can,Veli Cem,,,,,"]
    bring("profiles", "\n".join([HEADER, *rows]), GUESTS)
    names = Profile.objects.order_by("id").values_list("first_name", "last_name")
    assert list(names) == [("Ayşe Nur", "Çağlar"), ("Madonna", ""), ("Ali", "Can")]


def test_of_several_rows_for_a_profile_the_last_word_counts_and_nothing_is_wiped(bring):
    rows = ["1,,,Ayşe,,,,İzmir,1,,", "2,,,Ali,,,,,,,", "1,,,Ayşegül,Çağlar,,,,2,,"]
    report = bring("profiles", "\n".join([HEADER, *rows]), GUESTS)
    assert (report.n_new, report.n_same) == (2, 1)
    ayse = Profile.objects.order_by("id").first()
    assert ayse.name == "Ayşegül Çağlar"
    assert dict(ayse.traits.values_list("name", "text")) == {"city": "İzmir", "nights": ""}
    assert ayse.traits.get(name="nights").number == 2


def test_a_changed_trait_changes_its_profile_only(bring):
    rows = ["1,,,Ayşe,,,,İzmir,1,,", "2,,,Ali,,,,Muğla,,,"]
    bring("profiles", "\n".join([HEADER, *rows]), GUESTS)
    report = bring("profiles", "\n".join([HEADER, rows[0].replace("İzmir", "Bodrum")]), GUESTS)
    assert (report.n_changed, report.n_same, len(report.touched)) == (1, 0, 1)
    assert Trait.objects.get(name="city", profile__first_name="Ayşe").text == "Bodrum"


def test_a_bad_trait_costs_the_row_and_names_its_column(bring, rejected):
    report = bring("profiles", f"{HEADER}\n1,,,Ayşe,,,,,çok,,", GUESTS)
    assert report.n_rejected == 1
    assert rejected(report)[0][:3] == ["2", "n", "çok"]
    assert not Profile.objects.exists()


def test_a_trait_keeps_the_kind_it_came_with(bring):
    head = 'source = "{}"\n[columns]\nprofile_key = "no"\n[traits]\nnights = '
    bring("profiles", "no;n\n1;3\n", head.format("pms") + '{ column = "n", type = "number" }')
    with pytest.raises(MappingError, match=r"\[traits\] nights.*is a number trait already"):
        bring("profiles", "no;n\n1;three\n", head.format("crm") + '"n"')


def test_a_trait_column_that_is_missing_is_named(bring):
    with pytest.raises(Exception, match="there is no column “vip”"):
        bring("profiles", "no,mail,tel,first,last,full,since,city,n,born\n1,,,,,,,,,", GUESTS)


EVENTS = """
source = "web"
[file]
properties = "context.details"
[columns]
event_id = "id"
name = "event"
at = "time"
profile_key = "user"
email = "mail"
[values.name]
search = "Hotel Searched"
[properties]
device = "context.device"
"""


def line(**told) -> str:
    return json.dumps({"id": "e1", "event": "search", "time": "2024-01-05T10:00:00Z", **told})


def test_an_event_keeps_its_details_with_their_types(bring):
    details = {
        "hotel": "Lodos Bodrum",
        "nights": 3,
        "price": 10.5,
        "filters": ["sea", 2],
        "x": None,
    }
    told = line(user=7, context={"device": "phone", "details": details})
    report = bring("events", told, EVENTS, name="a.jsonl")
    assert (report.n_new, report.n_rejected) == (1, 0)
    event = Event.objects.get()
    del details["x"]
    assert (event.name, event.dedupe_key) == ("Hotel Searched", "web:e1")
    assert event.properties == {**details, "device": "phone"}
    assert event.at == 1704448800000000
    assert event.profile.created_at == event.at


@pytest.mark.parametrize(
    ("told", "column", "word"),
    [
        ({"user": 7, "context": {"details": "no object"}}, "context.details", "not a JSON object"),
        ({"user": 7, "context": {"details": {"a" * 101: 1}}}, "context.details", "property's name"),
        (
            {"user": 7, "context": {"details": {"a": "b" * 65_536}}},
            "context.details",
            "longer than",
        ),
        ({"user": 7, "context": {"details": {"a": "\0"}}}, "context.details", "NUL"),
        ({"user": 7, "time": "yesterday"}, "time", "not a date"),
        ({"user": 7, "time": "2024-01-05T10:00:00Z", "event": ""}, "event", "is empty"),
        ({}, "user", "says of no profile"),
        ({"user": {"id": 7}}, "user", "a list or object"),
    ],
)
def test_a_bad_event_is_named_and_others_load(bring, rejected, told, column, word):
    good = line(id="e2", user=8)
    report = bring("events", f"{line(**told)}\n{good}", EVENTS, name="a.jsonl")
    assert (report.n_new, report.n_rejected) == (1, 1)
    [[number, named, _value, reason]] = rejected(report)
    assert (number, named) == ("1", column)
    assert word in reason


def test_an_event_from_the_future_is_refused(bring, rejected):
    at = clock.from_datetime(datetime(2024, 1, 1, tzinfo=UTC))
    report = bring("events", line(user=1), EVENTS, name="a.jsonl", at=at)
    assert rejected(report)[0][3] == "lies in the future"


def test_an_event_for_a_shared_address_is_rejected_as_ambiguous(bring, rejected):
    family = "a@example.com"
    bring("profiles", f"{HEADER}\n1,{family},,,,,,,,,\n2,{family},,,,,,,,,", GUESTS)
    report = bring("events", line(mail=family), EVENTS, name="a.jsonl")
    assert (report.n_new, report.n_rejected) == (0, 1)
    assert rejected(report) == [
        ["1", "mail", family, "several profiles hold this address and the row gives no number"]
    ]


CONSENTS = """
source = "pms"
[columns]
profile_key = "no"
email = "mail"
channel = "channel"
status = "status"
decided_at = "at"
evidence = "why"
entry_id = "id"
[constants]
purpose = "marketing"
"""
DECISIONS = "no,mail,channel,status,at,why,id"


def test_decisions_in_the_words_of_the_national_register(bring):
    rows = ["1,,EPOSTA,ONAY,2024-01-05 10:00,form 7,", "1,,MESAJ,RET,2024-01-05 10:00,,",
            "1,,arama,hayır,2024-01-05,,", "2,,email,E,2024-01-05,,x1"]  # fmt: skip
    report = bring("consents", "\n".join([DECISIONS, *rows]), CONSENTS)
    assert (report.n_new, report.n_rejected) == (4, 0)
    assert set(Consent.objects.values_list("profile__identifiers__value", "channel", "status")) == {
        ("pms:1", "email", "granted"),
        ("pms:1", "sms", "refused"),
        ("pms:1", "call", "refused"),
        ("pms:2", "email", "granted"),
    }
    assert ConsentEntry.objects.filter(dedupe_key__startswith="pms:x1:").count() == 1
    assert ConsentEntry.objects.first().evidence == "form 7"


def test_a_decision_for_a_shared_address_counts_for_everybody_who_holds_it(bring):
    family = "a@example.com"
    bring("profiles", f"{HEADER}\n1,{family},,,,,,,,,\n2,{family},,,,,,,,,", GUESTS)
    told = f"{DECISIONS}\n,{family},email,RET,2024-01-05,,"
    report = bring("consents", told, CONSENTS)
    assert (report.n_rows, report.n_new, len(report.touched)) == (1, 1, 2)
    assert list(Consent.objects.values_list("status")) == [("refused",), ("refused",)]
    assert bring("consents", told, CONSENTS).n_same == 1


def test_a_file_without_evidence_never_turns_an_opt_out_back_on(bring):
    bring("consents", f"{DECISIONS}\n1,,email,RET,2024-01-05,,", CONSENTS)
    silent = bring("consents", f"{DECISIONS}\n1,,email,ONAY,2024-02-05,,", CONSENTS)
    assert Consent.objects.get().status == "refused"
    assert (silent.n_new, len(silent.touched)) == (1, 0), "in the ledger, but it changes nothing"
    bring("consents", f"{DECISIONS}\n1,,email,ONAY,2024-02-06,signed form,", CONSENTS)
    assert Consent.objects.get().status == "granted"


@pytest.mark.parametrize("purpose", ["Marketing", " marketing ", "MARKETING", "MARKETİNG"])
def test_a_purpose_is_the_same_in_whatever_letters(bring, purpose):
    bring("consents", f"{DECISIONS}\n1,,email,ONAY,2024-01-05,form,", CONSENTS)
    mapping = CONSENTS.replace('[constants]\npurpose = "marketing"', 'purpose = "id"').replace(
        'entry_id = "id"\n', ""
    )
    bring("consents", f"{DECISIONS}\n1,,email,RET,2024-02-05,,{purpose}", mapping)
    assert list(Consent.objects.values_list("purpose", "status")) == [("marketing", "refused")]


def test_a_refusal_dated_ahead_counts_from_now_and_a_grant_dated_ahead_does_not(bring, rejected):
    bring("consents", f"{DECISIONS}\n1,,email,ONAY,2024-01-05,form,", CONSENTS)
    rows = ["1,,email,RET,2099-01-05,,", "2,,email,RET,2024-01-05,,", "2,,email,E,2099-01-01,f,"]
    with translation.override("en"):
        report = bring("consents", "\n".join([DECISIONS, *rows]), CONSENTS)
    assert (report.n_new, report.n_rejected) == (2, 1)
    assert rejected(report)[0][:2] == ["4", "at"]
    assert report.notes == ["1 refusal lies in the future; it counts from now on."]
    assert [held.status for held in Consent.objects.all()] == ["refused", "refused"]
    assert all(held.decided_at <= clock.now() for held in Consent.objects.all())


@pytest.mark.parametrize(
    ("row", "column"),
    [("1,,fax,E,2024-01-05,,", "channel"), ("1,,email,belki,2024-01-05,,", "status"),
     ("1,,email,E,,,", "at"), ("1,,email,E,2999-01-01,,", "at"), (",,email,E,2024-01-05,,", "no")],
)  # fmt: skip
def test_a_bad_decision_is_named(bring, rejected, row, column):
    report = bring("consents", f"{DECISIONS}\n{row}", CONSENTS)
    assert (report.n_new, report.n_rejected) == (0, 1)
    assert rejected(report)[0][1] == column


def test_an_unknown_kind_is_named(bring):
    with pytest.raises(MappingError, match="did you mean “orders”"):
        bring("order", "a", "source = 'x'")


def test_identifiers_of_fillers_and_relays_are_not_kept(bring):
    rows = ["1,yok@yok.com,5555555555,,,,,,,,", "2,x.123@guest.booking.com,5000000000,,,,,,,,"]
    assert bring("profiles", "\n".join([HEADER, *rows]), GUESTS).n_new == 2
    assert set(Identifier.objects.values_list("kind")) == {("key",)}
