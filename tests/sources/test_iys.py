"""What we tell İYS and what it tells us: in time, in its words, and a refusal told there wins."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.outbox.people import consented, in_line, profiles
from tests.simulators.iys import Simulator

from pusula.consent import actions as consent
from pusula.consent.iys import actions, queries, rules
from pusula.consent.models import (
    Consent,
    ConsentEntry,
    IysAccount,
    IysRecord,
    IysState,
    IysSubmission,
)  # fmt: skip
from pusula.lib import clock
from pusula.lib.sayings import kept
from pusula.outbox import gate, machine
from pusula.outbox.reasons import Reason
from pusula.pipeline import live
from pusula.pipeline.models import LogEntry
from pusula.profiles.models import Identifier, Profile, Trait
from pusula.sources.calling import LaterError
from pusula.sources.iys import sync
from pusula.sources.models import Source

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])

START = datetime(2026, 11, 18, 22, 30, tzinfo=UTC)  # a Wednesday; in Turkey it is Thursday 01:30


@pytest.fixture
def registry(monkeypatch) -> Simulator:
    monkeypatch.setenv("PUSULA_IYS_USERNAME", "hotel")
    monkeypatch.setenv("PUSULA_IYS_PASSWORD", "geheim")
    simulator = Simulator(START)
    Source.objects.create(
        slug="iys", kind="iys", settings={"iys_code": "7", "brand_code": "9"}, created_at=0
    )
    actions.open_account("iys", at=at(START))
    return simulator


def at(moment: datetime) -> int:
    return clock.from_datetime(moment)


def turn(registry: Simulator, minutes: int = 1) -> sync.Turn:
    """Let time pass, then do a turn."""
    registry.now += timedelta(minutes=minutes)
    http = httpx.Client(transport=registry)
    return sync.run(Source.objects.get(slug="iys"), at(registry.now), http)


def person(**contacts: str) -> int:
    profile = Profile.objects.create(created_at=0, recorded_at=0)
    for kind, value in contacts.items():
        Identifier.objects.create(
            profile=profile, kind=kind, value=value, source="pms", recorded_at=0
        )
    return profile.pk


def decide(profile_id: int, status: str, when: datetime, channel: str = "email", **told) -> None:
    decision = consent.Decision(
        **{
            "profile_id": profile_id, "channel": channel, "purpose": "marketing", "status": status,
            "source": "web", "decided_at": at(when), "evidence": "form", **told,
        }
    )  # fmt: skip
    consent.record([decision], at=at(when))


def states() -> list[tuple[str, str]]:
    return list(IysSubmission.objects.order_by("pk").values_list("state", "code"))


def test_a_decision_is_told_in_turkish_time_and_is_registered(registry):
    ayse = person(email="ayse@example.com")
    decide(ayse, "granted", START, proof={"iys_source": "HS_WEB"})
    done = turn(registry)
    assert (done.n_told, done.n_registered) == (1, 1)
    told = registry.held["ayse@example.com", "EPOSTA", "BIREYSEL"]
    assert told["consentDate"] == "2026-11-19 01:30:00", "wall time of Turkey, not UTC"
    assert (told["status"], told["source"]) == ("ONAY", "HS_WEB")
    record = IysRecord.objects.get()
    assert (record.status, record.decided_at) == ("ONAY", at(START))
    assert IysSubmission.objects.get().transaction_id == told["transactionId"]


def test_several_decisions_go_together_and_are_answered_later(registry):
    people = [person(email=f"g{n}@example.com", phone=f"+9053212345{n:02}") for n in range(3)]
    for one in people:
        decide(one, "granted", START)
        decide(one, "granted", START, channel="sms")
    decide(people[0], "granted", START, channel="webpush")
    assert turn(registry).n_told == 6
    assert turn(registry).n_registered == 0, "İYS has not done it yet"
    assert {state for state, _code in states()} == {IysState.SUBMITTED}
    registry.work()
    assert turn(registry).n_registered == 6
    assert registry.status("+905321234501", "MESAJ") == "ONAY"
    assert queries.records() == {"EPOSTA": {"ONAY": 3}, "MESAJ": {"ONAY": 3}}


def test_the_first_record_is_never_a_refusal_and_a_later_one_is_told(registry):
    ayse = person(email="ayse@example.com")
    decide(ayse, "refused", START)
    assert states() == [(IysState.NOT_NEEDED, "first_refusal")]
    decide(ayse, "granted", START + timedelta(minutes=1))
    decide(ayse, "refused", START + timedelta(minutes=2))
    turn(registry, 5)
    turn(registry)
    registry.work()
    turn(registry)
    assert registry.status("ayse@example.com", "EPOSTA") == "RET"
    assert [state for state, _code in states()][1:] == [IysState.REGISTERED] * 2


@pytest.mark.parametrize(
    ("kind", "value", "channel", "code"),
    [
        ("email", "gülşen@örnek.com", "email", "recipient_letters"),
        ("email", "a@b." + "c" * 262, "email", "recipient_length"),
        ("phone", "+4915112345678", "sms", "recipient_phone"),
    ],
)
def test_who_has_no_place_in_iys_is_said_so_without_asking(registry, kind, value, channel, code):
    decide(person(**{kind: value}), "granted", START, channel=channel)
    assert states() == [(IysState.REJECTED, code)]
    assert turn(registry).n_told == 0


def test_what_is_told_too_late_is_void(registry):
    ayse = person(email="ayse@example.com")
    decide(ayse, "granted", START)
    assert queries.late(at(START)).count() == 0
    friday = datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert queries.late(at(friday)).count() == 1, "a business day before it is due"
    registry.now = datetime(2026, 11, 24, 21, 0, 1, tzinfo=UTC)  # the end of the third, in Turkey
    turn(registry, 0)
    assert states() == [(IysState.REJECTED, "too_old")]
    assert ("POST", "/sps/7/brands/9/consents") not in registry.log


def test_approvals_from_before_the_law_are_told_as_such(registry):
    decide(person(email="old@example.com"), "granted", datetime(2014, 6, 1, tzinfo=UTC))
    turn(registry)
    assert registry.held["old@example.com", "EPOSTA", "BIREYSEL"]["source"] == "HS_2015"


def test_a_merchant_is_told_as_one(registry):
    shop = person(email="dukkan@example.com")
    Trait.objects.create(
        profile_id=shop, name="is_merchant", kind="bool", number=1, source="crm", updated_at=0
    )
    decide(shop, "granted", START)
    turn(registry)
    assert ("dukkan@example.com", "EPOSTA", "TACIR") in registry.held


def test_a_refusal_told_to_iys_becomes_ours_and_the_newer_decision_wins(registry):
    ayse, ali = person(email="ayse@example.com"), person(email="ali@example.com")
    for one in (ayse, ali):
        decide(one, "granted", START)
    registry.now += timedelta(hours=1)
    registry.tell("ayse@example.com", "EPOSTA", "RET")
    registry.tell("ali@example.com", "EPOSTA", "RET", consentDate="2026-11-18 23:00:00")
    turn(registry)
    live.step()
    held = dict(Consent.objects.values_list("profile_id", "status"))
    assert held == {ayse: "refused", ali: "granted"}, "Ali agreed after he had refused there"
    entry = ConsentEntry.objects.get(profile_id=ayse, source="iys")
    assert (entry.address, entry.evidence) == ("ayse@example.com", "İYS IYS_WEB")
    assert entry.proof["transaction"]
    assert not IysSubmission.objects.filter(status="RET").exists(), "it knows already"


def test_a_refusal_of_messages_closes_whatsapp_too(registry):
    ayse = person(phone="+905321234567")
    registry.tell("+905321234567", "MESAJ", "RET")
    turn(registry)
    live.step()
    assert set(Consent.objects.filter(profile_id=ayse).values_list("channel", "status")) == {
        ("sms", "refused"), ("whatsapp", "refused"),
    }  # fmt: skip


def test_changes_are_read_page_by_page_once_and_again_after_a_crash(registry):
    Source.objects.filter(slug="iys").update(
        settings={"iys_code": "7", "brand_code": "9", "page": 2}
    )
    for number in range(5):
        registry.tell(f"g{number}@example.com", "EPOSTA", "RET")
    assert turn(registry).n_heard == 5
    assert turn(registry).n_heard == 0
    assert LogEntry.objects.count() == 5
    Source.objects.filter(slug="iys").update(cursor={})  # as if the cursor had not been saved
    assert turn(registry).n_heard == 5
    assert LogEntry.objects.count() == 5, "the same messages"
    assert IysAccount.objects.get().read_at == at(registry.now)


def test_a_page_is_saved_although_the_next_one_fails(registry):
    Source.objects.filter(slug="iys").update(
        settings={"iys_code": "7", "brand_code": "9", "page": 1, "limits": {"changes": 1}}
    )
    for number in range(3):
        registry.tell(f"g{number}@example.com", "EPOSTA", "RET")
    assert [turn(registry).n_heard for _ in range(4)] == [1, 1, 1, 0]
    assert IysAccount.objects.get().read_at == at(registry.now), "read to the end only now"


def test_a_token_that_has_run_out_is_asked_for_again(registry):
    turn(registry)
    registry.now += timedelta(hours=3)
    registry.tokens = dict.fromkeys(registry.tokens, registry.now)
    turn(registry)
    signed_in = [path for _method, path in registry.log if path == "/oauth2/token"]
    assert len(signed_in) == 2


def test_a_token_that_is_refused_in_the_middle_is_replaced_once(registry):
    registry.fails_with = [httpx.Response(401)]
    assert turn(registry).n_heard == 0
    assert [path for _m, path in registry.log].count("/oauth2/token") == 2


def test_patience_is_kept_as_iys_asks(registry):
    registry.fails_with = [httpx.Response(429, headers={"Retry-After": "17"})]
    with pytest.raises(LaterError) as raised:
        turn(registry)
    assert raised.value.after_s == 17


def test_a_turn_stays_within_the_calls_of_a_minute(registry):
    people = [person(email=f"g{n}@example.com") for n in range(40)]
    for one in people:
        decide(one, "granted", START)
    settings = {"iys_code": "7", "brand_code": "9", "most_in_batch": 10, "most_asked": 3}
    Source.objects.filter(slug="iys").update(settings=settings)
    for _ in range(6):
        turn(registry)  # a 429 would raise
        registry.work()
    assert {state for state, _code in states()} == {IysState.REGISTERED}


def test_one_bad_record_does_not_hold_the_others_back(registry):
    good, bad = person(email="good@example.com"), person(email="bad@example.com")
    decide(good, "granted", START)
    decide(bad, "granted", START)
    IysSubmission.objects.filter(recipient="bad@example.com").update(source="HS_KARAR")
    turn(registry)
    registry.work()
    done = turn(registry)
    assert (done.n_registered, done.n_rejected) == (1, 1)
    assert IysSubmission.objects.get(recipient="bad@example.com").code == "H175"


def test_a_batch_whose_shape_is_wrong_is_given_up_after_a_few_tries_with_its_code(registry):
    registry.batch_body = "object"
    for name in ("a", "b"):
        decide(person(email=f"{name}{name}@example.com"), "granted", START)
    for _ in range(5):
        turn(registry)
    assert set(states()) == {(IysState.REJECTED, "H001")}


def test_the_other_shape_of_a_batch_is_a_setting(registry):
    registry.batch_body = "object"
    settings = {"iys_code": "7", "brand_code": "9", "batch_body": "object"}
    Source.objects.filter(slug="iys").update(settings=settings)
    for name in ("a", "b"):
        decide(person(email=f"{name}{name}@example.com"), "granted", START)
    turn(registry)
    registry.work()
    assert turn(registry).n_registered == 2


def test_a_batch_that_iys_has_forgotten_is_told_again(registry):
    for name in ("a", "b"):
        decide(person(email=f"{name}{name}@example.com"), "granted", START)
    turn(registry)
    registry.batches.clear()
    assert turn(registry).n_told == 2
    assert len(registry.batches) == 1


def test_comparing_finds_what_was_lost_on_either_side(registry):
    ayse, ali, can = (person(email=f"{name}@example.com") for name in ("ayse", "ali", "can"))
    for one in (ayse, ali, can):
        decide(one, "granted", START)
    turn(registry)
    registry.work()
    turn(registry)
    del registry.held["ali@example.com", "EPOSTA", "BIREYSEL"]
    IysRecord.objects.filter(recipient="can@example.com").delete()
    assert queries.n_disagreements() == {("email", "granted", ""): 1}
    assert turn(registry, 25 * 60).n_compared == 3
    assert queries.n_disagreements() == {("email", "granted", ""): 1}
    assert [one.recipient for one in queries.disagreements(10)] == ["ali@example.com"]
    assert turn(registry).n_compared == 0, "once a day"


def test_the_gate_asks_iys_once_it_is_enforced(registry):
    yes, unheard, no, shop, stale = profiles(5)
    consented([yes, unheard, no, shop, stale])
    Trait.objects.create(
        profile=shop, name="is_merchant", kind="bool", number=1, source="crm", updated_at=0
    )
    now = clock.now()
    for one, status in ((yes, "ONAY"), (no, "RET"), (stale, "ONAY")):
        IysRecord.objects.create(
            type="EPOSTA", recipient=f"p{one.pk}@example.com", recipient_type="BIREYSEL",
            status=status, decided_at=1, created_at=1, since_at=1,
            confirmed_at=now if one != stale else now - 30 * clock.DAY,
        )  # fmt: skip
    messages = in_line([yes, unheard, no, shop, stale])
    for one in messages:
        type(one).objects.filter(pk=one.pk).update(state=machine.PENDING, owner="me")

    def verdicts() -> list[str]:
        found = gate.judge(
            [one.pk for one in messages], owner="me", state=machine.PENDING, at=clock.now()
        )
        return [found[one.pk] for one in messages]

    assert verdicts() == [gate.GO] * 5, "nobody asked it so far"
    actions.open_account("iys", at=now, is_enforced=True)
    closed = Reason.NOT_IN_IYS
    assert verdicts() == [gate.GO, closed, closed, gate.GO, closed]
    IysAccount.objects.update(read_at=now)
    assert verdicts() == [gate.GO, closed, closed, gate.GO, gate.GO], "no change was told since"
    type(messages[0]).objects.update(is_commercial=False)
    assert verdicts() == [gate.GO] * 5, "İYS is about commercial messages"


def test_settings_that_are_wrong_say_where(registry):
    Source.objects.filter(slug="iys").update(settings={"iys_code": "7"})
    with pytest.raises(Exception, match=r"iys: settings: .*brand_code"):
        turn(registry)


@pytest.mark.parametrize(
    ("decided", "due"),
    [
        (datetime(2026, 5, 25, 9, tzinfo=UTC), "2026-06-02"),  # a feast between; a half day counts
        (datetime(2026, 11, 20, 9, tzinfo=UTC), "2026-11-25"),
        (datetime(2026, 10, 27, 9, tzinfo=UTC), "2026-11-02"),  # 28 October is half a day, 29 none
    ],
)
def test_three_business_days_in_turkey(decided, due):
    assert str(clock.day_of(rules.due_at(at(decided)) - 1, rules.ZONE)) == due


def test_nothing_that_is_logged_or_raised_quotes_a_recipient(registry):
    registry.changed.append({"recipient": "secret@example.com", "type": "EPOSTA", "status": "RET"})
    pages = list(
        sync._Sync(
            Source.objects.get(slug="iys"), at(START), httpx.Client(transport=registry)
        ).pages()
    )
    problems = [problem for page in pages for problem in page.problems]
    assert problems
    assert "secret" not in json.dumps([kept(problem) for problem in problems])


def test_an_approval_without_a_date_overtakes_no_decision_that_waits_to_be_told(registry):
    ayse = person(email="ayse@example.com")
    decide(ayse, "granted", START)
    decide(ayse, "refused", START + timedelta(minutes=1))
    later = at(START + timedelta(hours=2))
    actions.compared("EPOSTA", "BIREYSEL", ["ayse@example.com"], {"ayse@example.com": 0}, at=later)
    assert [one.status for one in actions.next_to_tell(10, at=later)] == ["ONAY"]
    assert states() == [(IysState.PENDING, "")] * 2, "the refusal goes next"


def test_an_approval_without_a_date_is_as_old_as_the_refusal_that_it_ended(registry):
    first, second = at(START), at(START + timedelta(days=3))
    refused = actions.Heard(
        "EPOSTA", "a@example.com", "BIREYSEL", "RET", "HS_WEB", first, first + 1
    )
    actions.hear([refused], at=first)
    actions.compared("EPOSTA", "BIREYSEL", ["a@example.com"], {"a@example.com": 0}, at=second)
    record = IysRecord.objects.get()
    assert (record.status, record.decided_at) == ("ONAY", first)
    actions.hear([refused], at=second)
    assert IysRecord.objects.get().status == "ONAY", "the old refusal, read once more"
    between = at(START + timedelta(days=1))
    actions.hear([replace(refused, decided_at=between, created_at=between)], at=second)
    assert IysRecord.objects.get().status == "RET", "one that is later than what was known counts"
