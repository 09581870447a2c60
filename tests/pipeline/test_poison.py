"""What cannot be taken over is put aside with its reason, and blocks nobody behind it."""

import json

import pytest
from django.db import DataError
from tests.pipeline.company import NOW, event, members, order, told

from pusula.consent.models import Consent
from pusula.events import actions as events
from pusula.events.models import Event
from pusula.lib import clock
from pusula.pipeline import live, queries, upkeep
from pusula.pipeline.appender import BadEntryError, Entry
from pusula.profiles.models import Identifier
from pusula.segments.evaluate import Pass
from pusula.segments.models import Due

pytestmark = pytest.mark.django_db(databases=["default", "log"])

WHO = {"email": "elif@example.com"}


def entry(kind, body, number=0):
    text = body if isinstance(body, str) else json.dumps(body)
    return Entry(kind, "web", f"web:poison-{number}", text)


def with_property(text):
    """Return the text of an event with one property, written as ``text``."""
    return '{"email": "a@example.com", "name": "A", "properties": {"x": ' + text + "}}"


EVENT = {**WHO, "name": "A"}
ORDER = {**WHO, "source_id": "1", "status": "completed", "ordered_at": 1, "net_minor": 1}
TRILLIONS = 10**15 + 1
TRAIT = {**WHO, "traits": {}}
CONSENT = {**WHO, "channel": "email", "purpose": "marketing", "status": "granted"}
POISON = {
    "no JSON": ("event", "{", "body"),
    "no object": ("event", "[1]", "body"),
    "not a number": ("event", with_property("NaN"), "body"),
    "beyond all numbers": ("event", with_property("1e999"), "body"),
    "beyond 64 bits": ("event", {**EVENT, "properties": {"x": 2**70}}, "64 bits"),
    "NUL": ("event", {**EVENT, "properties": {"x": "a\0b"}}, "NUL"),
    "NUL in a list": ("event", {**EVENT, "properties": {"x": ["a\0b"]}}, "NUL"),
    "NUL in a name": ("event", {**EVENT, "properties": {"x": {"a\0b": 1}}}, "NUL"),
    "half a character": ("event", with_property('"\\ud800"'), "body"),
    "ten megabytes": ("event", {**EVENT, "properties": {"x": "y" * 10**7}}, "longer than"),
    "deep": ("event", with_property("[" * 9_999 + "]" * 9_999), "body"),
    "rather deep": ("event", with_property("[" * 9 + "]" * 9), "deeper"),
    "a path": ("event", {**EVENT, "properties": {"$.a": 1}}, "no name"),
    "a star": ("event", {**EVENT, "properties": {"*": 1}}, "no name"),
    "a name that is a path": ("event", {**WHO, "name": "/a/b"}, "no name"),
    "nobody": ("event", {"name": "A"}, "of no profile"),
    "no address": ("event", {"email": "at home", "name": "A"}, "email"),
    "nobody of ours": ("event", {"profile": 987654321, "name": "A"}, "there is no 987654321"),
    "a strange field": ("event", {**EVENT, "nmae": 1}, "nmae"),
    "a name that is a number": ("event", {**WHO, "name": 7}, "name"),
    "an unknown kind": ("purchase", {**WHO}, "kind"),
    "an unknown state": ("order", {**ORDER, "status": "lost"}, "status"),
    "no rate": ("order", {**ORDER, "currency": "EUR"}, "net_base_minor"),
    "an unknown currency": ("order", {**ORDER, "currency": "XXX"}, "currency"),
    "a line twice": ("order", {**ORDER, "items": [{"line_no": 1}, {"line_no": 1}]}, "line_no"),
    "a stay backwards": (
        "order", {**ORDER, "starts_on": "2026-05-02", "ends_on": "2026-05-01"}, "ends_on"
    ),
    "an order at the end of time": ("order", {**ORDER, "ordered_at": 2**63 - 1}, "ordered_at"),
    "an order before all time": ("order", {**ORDER, "ordered_at": -(2**63)}, "ordered_at"),
    "a change at the end of time": ("order", {**ORDER, "status_at": 2**63 - 1}, "status_at"),
    "a stay in the year 9999": ("order", {**ORDER, "starts_on": "9999-12-31"}, "starts_on"),
    "a stay in the year 1": ("order", {**ORDER, "ends_on": "0001-01-01"}, "ends_on"),
    "more money than there is": ("order", {**ORDER, "net_minor": TRILLIONS}, "net_minor"),
    "a line of more": (
        "order", {**ORDER, "items": [{"line_no": 1, "amount_minor": TRILLIONS}]}, "amount_minor"
    ),
    "born in the year 9999": ("trait", {**TRAIT, "traits": {"b": {"day": "9999-12-31"}}}, "mean"),
    "a trait of nothing": ("trait", {**WHO, "traits": {"tier": None}}, "null"),
    "an unknown channel": ("consent", {**CONSENT, "channel": "fax"}, "channel"),
}  # fmt: skip


@pytest.mark.parametrize("name", POISON)
def test_a_poisoned_entry_is_put_aside_and_its_neighbours_are_not(company, name):
    kind, body, reason = POISON[name]
    told(event(1, "ali@example.com"), entry(kind, body), event(2, "ali@example.com"))
    stepped = live.step(at=clock.now() + clock.SECOND)
    assert (stepped.n_entries, stepped.n_quarantined) == (3, 1)
    assert Event.objects.count() == 2
    assert len(company("searched")) == 1
    (aside,) = queries.quarantined()
    assert (aside.entry_id, aside.kind) == (2, kind)
    assert reason in str(aside.why)
    assert queries.lag().n_entries == 0


def test_what_the_database_refuses_is_found_among_many(company, monkeypatch):
    """No check foresees everything: halves are tried until the one row stands alone."""
    append = events.append

    def refuse_some(new, **more):
        if any(one.properties.get("poison") for one in new):
            raise DataError("value out of range")
        return append(new, **more)

    monkeypatch.setattr(events, "append", refuse_some)
    told(*(event(n, f"g{n}@example.com", properties={"poison": n in {3, 17}}) for n in range(30)))
    stepped = live.step(at=clock.now() + clock.SECOND)
    assert stepped.n_quarantined == 2
    assert Event.objects.count() == 28
    assert [one.entry_id for one in queries.quarantined()] == [4, 18]
    assert "value out of range" in str(queries.quarantined()[0].why)
    # Nobody was made of a row that was put aside.
    assert not Identifier.objects.filter(value="g3@example.com").exists()

    monkeypatch.setattr(events, "append", append)
    retried = live.Live().retry()
    assert (retried.n_entries, retried.n_quarantined) == (2, 0)
    assert Event.objects.count() == 30
    assert not queries.quarantined().exists()


def test_a_retry_that_fails_stays_in_quarantine_and_is_counted(company):
    told(entry("event", "{"), entry("event", "[", 1))
    live.step()
    assert live.Live().retry([1]).n_quarantined == 1
    assert {one.entry_id: one.n_tries for one in queries.quarantined()} == {1: 2, 2: 1}


def test_an_address_of_several_people_leads_to_nobody(company):
    told(
        Entry("trait", "a", "a:1", json.dumps({"key": "1", "email": "desk@example.com"})),
        Entry("trait", "a", "a:2", json.dumps({"key": "2", "email": "desk@example.com"})),
        event(1, "desk@example.com"),
        order(1, "desk@example.com", 1, NOW),
        Entry(
            "consent", "web", "web:c",
            json.dumps({"email": "desk@example.com", "channel": "email", "purpose": "marketing",
                        "status": "refused"}),
        ),
    )  # fmt: skip
    stepped = live.step()
    assert stepped.n_quarantined == 2
    assert all("several profiles" in str(one.why) for one in queries.quarantined())


def test_a_trait_keeps_its_kind(company):
    told(
        Entry("trait", "a", "a:1", json.dumps({"key": "1", "traits": {"tier": "gold"}})),
        Entry("trait", "a", "a:2", json.dumps({"key": "2", "traits": {"tier": 5}})),
    )
    assert live.step().n_quarantined == 1
    assert "is a text trait" in str(queries.quarantined()[0].why)


def test_a_profile_that_cannot_be_evaluated_is_put_off_and_blocks_nobody(company, monkeypatch):
    evaluate_block = Pass.evaluate_block

    told(*(event(n, f"g{n}@example.com") for n in range(5)))
    live.step()
    third = Identifier.objects.get(value="g2@example.com").profile_id

    def stumble(self, facts, **more):
        if third in facts.profile_ids:
            raise ValueError("a kernel's mistake")
        return evaluate_block(self, facts, **more)

    monkeypatch.setattr(Pass, "evaluate_block", stumble)
    told(*(order(n, f"g{n}@example.com", 2000_00, NOW) for n in range(5)))
    stepped = live.step()
    assert (stepped.n_quarantined, stepped.n_put_off) == (0, 1)
    assert len(company("big-basket")) == 4
    assert Due.objects.get(profile_id=third).due_at == stepped.at + clock.HOUR
    monkeypatch.setattr(Pass, "evaluate_block", evaluate_block)
    live.step(at=stepped.at + clock.HOUR)
    assert len(members("big-basket")) == 5


def test_facts_that_cannot_be_read_stop_nobody_else(company, monkeypatch):
    """Whatever a column holds: it is one profile's trouble, not that of the step."""
    told(*(event(n, f"g{n}@example.com") for n in range(5)))
    live.step()
    third = Identifier.objects.get(value="g2@example.com").profile_id
    block = upkeep.block

    def stumble(ids, needs):
        if third in ids:
            raise OverflowError("a column holds what no column holds")
        return block(ids, needs)

    monkeypatch.setattr(upkeep, "block", stumble)
    told(*(order(n, f"g{n}@example.com", 2000_00, NOW) for n in range(5)))
    stepped = live.step()
    assert (stepped.n_entries, stepped.n_put_off) == (5, 1)
    assert len(company("big-basket")) == 4
    late = live.step(at=stepped.at + 40 * clock.DAY)  # they fall due together
    assert (late.n_due, late.n_put_off) == (5, 1)


def test_a_moment_that_nobody_can_mean_is_refused(company):
    told(event(1, "ali@example.com", at=-(2**63)), event(2, "ali@example.com", at=-(10**18)))
    assert live.step().n_quarantined == 2
    assert "not in the years" in str(queries.quarantined()[0].why)


def test_a_refused_trait_does_not_say_of_which_kind_traits_are(company):
    told(
        Entry("trait", "a", "a:1", json.dumps({"key": "1", "traits": {"tier": 5, "x": []}})),
        Entry("trait", "a", "a:2", json.dumps({"key": "2", "traits": {"tier": "gold"}})),
    )
    assert live.step().n_quarantined == 1
    assert [one.entry_id for one in queries.quarantined()] == [1]


def test_decisions_for_a_shared_address_with_long_numbers_are_told_apart(company):
    """Numbers that begin alike are different decisions: the second one is a refusal."""
    told(
        Entry("trait", "a", "a:1", json.dumps({"key": "1", "email": "desk@example.com"})),
        Entry("trait", "a", "a:2", json.dumps({"key": "2", "email": "desk@example.com"})),
    )
    said = {"email": "desk@example.com", "channel": "email", "purpose": "marketing"}
    told(
        *(
            Entry("consent", "web", f"web:{'x' * 190}{n}", json.dumps({**said, "status": status}))
            for n, status in enumerate(("granted", "refused"))
        )
    )
    assert live.step().n_quarantined == 0
    assert set(Consent.objects.values_list("status", flat=True)) == {"refused"}


@pytest.mark.parametrize(
    "bad",
    [
        {"message_id": ""},
        {"source": "pms:1"},
        {"message_id": "x" * 201},
        {"kind": "a\nb"},
        {"body": "\0"},
        {"body": "\ud800"},
        {"occurred_at": 2**63},
    ],
)
def test_what_the_log_cannot_hold_is_refused_at_its_door(bad):
    good = {"kind": "event", "source": "web", "message_id": "web:1", "body": "{}"}
    Entry(**good)
    with pytest.raises(BadEntryError):
        Entry(**{**good, **bad})
