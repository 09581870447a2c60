"""Tests by SMS, WhatsApp and push reach what is proven to be the team's, and count nowhere."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pusula.campaigns import posted_trials, team, trials
from pusula.campaigns.models import TeamAddress, Trial
from pusula.campaigns.team import TeamError
from pusula.campaigns.templates import Says
from pusula.campaigns.trials import TrialError
from pusula.channels.port import Outcome, Outgoing, Result
from pusula.consent.models import Consent
from pusula.content.language import RenderError
from pusula.lib import clock
from pusula.lib.sayings import Saying, found, told
from pusula.measurement.reports import schedules
from pusula.outbox import actions as outbox
from pusula.outbox.models import Message, PushSubscription, channel_hold
from pusula.outbox.subscriptions import address_of

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "+905321234567"
ENDPOINT = "https://fcm.googleapis.com/fcm/send/deniz"
SAYS = {
    "sms": Says(text="Merhaba {{ profile.first_name }}"),
    "whatsapp": Says(
        details={"template": "bahar", "language": "tr", "body": ["{{ profile.first_name }}"]}
    ),
    "webpush": Says(subject="Bahar", text="Merhaba {{ profile.first_name }}"),
}


@dataclass
class Kept:
    """A provider that keeps what it is given."""

    channel: str
    result: Result = Result.ACCEPTED
    name: str = "kept"
    largest_batch: int = 3
    taken: list[Outgoing] = field(default_factory=list)

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        for one in batch:
            self.taken.append(one)
            yield Outcome(one.id, self.result, words="said")

    def close(self) -> None:
        pass


@pytest.fixture
def ayse(hotel):
    return hotel.guest("Ayse", consent=None)


@pytest.fixture
def send(tmp_path):
    def sent(channel: str, result: Result = Result.ACCEPTED) -> list[Outgoing]:
        provider = Kept(channel, result)
        posted_trials.send_waiting(provider, tmp_path)
        return provider.taken

    return sent


def keys() -> dict[str, str]:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "p256dh": base64.urlsafe_b64encode(raw).decode(),
        "auth": base64.urlsafe_b64encode(os.urandom(16)).decode(),
    }


def browser(endpoint: str = ENDPOINT) -> TeamAddress:
    told = {"endpoint": endpoint, **keys()}
    return team.add_browser(told, name="deniz – Firefox", by="deniz", at=clock.now())


def number() -> TeamAddress:
    at = clock.now()
    return TeamAddress.objects.create(
        kind="phone", address=NUMBER, asked_by="deniz", asked_at=at, mailed_at=at, verified_at=at
    )


def ask(to: TeamAddress, customer, channel: str) -> Trial:
    return trials.ask(
        SAYS[channel], to=to.pk, as_customer=customer.pk, by="deniz", at=clock.now(),
        channel=channel,
    )  # fmt: skip


def code_of(send) -> str:
    (one,) = send("sms")
    assert one.address == NUMBER
    return re.search(r"\d{6}", one.text)[0]


def test_a_number_counts_once_its_code_is_typed(ayse, send):
    one = team.invite_number("0532 123 45 67", by="deniz", at=clock.now())
    with pytest.raises(TrialError):
        ask(one, ayse, "sms")
    code = code_of(send)
    assert code not in str(TeamAddress.objects.values())
    assert not team.verify_code(one.pk, f"{(int(code) + 1) % 10**6:06}", at=clock.now())
    assert team.verify_code(one.pk, f"{code[:3]} {code[3:]}", at=clock.now())
    ask(one, ayse, "sms")
    (sms,) = send("sms")
    assert (sms.address, sms.text) == (NUMBER, "[Test] Merhaba Ayse")
    assert not sms.is_commercial, "the number of a colleague is in no registry"


def test_a_code_cannot_be_guessed_and_ends(send):
    one = team.invite_number(NUMBER, by="deniz", at=clock.now())
    code = code_of(send)
    assert not send("sms"), "it is sent once"
    late = clock.now() + team.CODE_GOOD_FOR + 1
    with pytest.raises(TeamError):
        team.verify_code(one.pk, code, at=late)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(team.MOST_TRIES):
        assert not team.verify_code(one.pk, wrong, at=clock.now())
    with pytest.raises(TeamError):
        team.verify_code(one.pk, code, at=clock.now())
    assert TeamAddress.objects.get().verified_at is None


def test_an_sms_code_verifies_no_mail_address(db):
    one = team.invite("deniz@ajans.example", by="deniz", at=clock.now())
    assert team.take_code(at=clock.now()) is None
    team.take_invitation(at=clock.now())
    with pytest.raises(TeamError):
        team.verify_code(one.pk, "000000", at=clock.now())


def test_the_number_and_the_browser_of_a_customer_are_refused(hotel, ayse):
    hotel.identify(ayse, "phone", NUMBER)
    with pytest.raises(TeamError):
        team.invite_number(NUMBER, by="deniz", at=clock.now())
    PushSubscription.objects.create(
        profile=ayse, address=address_of(ENDPOINT), endpoint=ENDPOINT, subscribed_at=0
    )
    with pytest.raises(TeamError):
        browser()
    assert not TeamAddress.objects.exists()


@pytest.mark.parametrize(
    "text", ["", "x", "12", f"{NUMBER}, +905329999999", f"{NUMBER}\nBcc", "1" * 99]
)
def test_nothing_but_one_number_can_be_added(db, text):
    with pytest.raises(TeamError):
        team.invite_number(text, by="deniz", at=clock.now())


@pytest.mark.parametrize("endpoint", ["", "http://10.0.0.1/x", "https://evil.example/push"])
def test_only_push_services_that_we_know_are_called(db, endpoint):
    with pytest.raises(TeamError):
        browser(endpoint)


def test_a_test_by_whatsapp_says_so_in_its_first_value(ayse, send):
    ask(number(), ayse, "whatsapp")
    (one,) = send("whatsapp")
    assert one.details["body"] == ["[Test] Ayse"]
    assert one.details["template"] == "bahar"


def test_a_test_push_goes_to_the_browser_that_allowed_it(ayse, send):
    ask(browser(), ayse, "webpush")
    (one,) = send("webpush")
    assert (one.title, one.text) == ("[Test] Bahar", "Merhaba Ayse")
    assert one.details["endpoint"] == ENDPOINT
    assert one.details["url"]


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "webpush"])
def test_a_test_is_no_message_and_asks_for_no_consent_of_the_customer(ayse, send, channel):
    ask(browser() if channel == "webpush" else number(), ayse, channel)
    send(channel)
    trial = Trial.objects.get()
    assert trial.sent_at is not None
    assert trial.as_customer is None
    assert not Message.objects.exists()
    assert not Consent.objects.exists()
    assert send(channel) == [], "it leaves once"


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "webpush"])
def test_nothing_of_another_kind_gets_a_test(ayse, channel):
    wrong = number() if channel == "webpush" else browser()
    with pytest.raises(TrialError):
        ask(wrong, ayse, channel)


def test_a_number_revoked_meanwhile_gets_none(ayse, send):
    one = number()
    ask(one, ayse, "sms")
    team.revoke(one.pk, at=clock.now())
    assert send("sms") == []


def test_a_number_revoked_after_the_test_was_taken_gets_none(ayse, tmp_path, monkeypatch):
    one = number()
    ask(one, ayse, "sms")
    asked = trials.may_get
    monkeypatch.setattr(trials, "may_get", lambda to: team.revoke(to, at=clock.now()) and asked(to))
    provider = Kept("sms")
    posted_trials.send_waiting(provider, tmp_path)
    assert provider.taken == []
    assert told(Trial.objects.get().problem) == "its address was taken off the list meanwhile"


def test_while_the_channel_is_held_neither_codes_nor_tests_leave(ayse, send):
    ask(number(), ayse, "sms")
    team.invite_number("+905329999999", by="deniz", at=clock.now())
    outbox.hold(channel_hold("sms"), at=clock.now())
    assert send("sms") == []
    outbox.lift(channel_hold("sms"))
    assert len(send("sms")) == 2


@pytest.mark.parametrize("result", [one for one in Result if one is not Result.ACCEPTED])
def test_what_the_provider_refuses_is_said_in_the_language_of_whoever_reads_it(ayse, send, result):
    ask(number(), ayse, "sms")
    send("sms", result)
    problem = found(Trial.objects.get().problem)
    assert isinstance(problem, Saying), "a sentence that has its Turkish"
    assert problem.values == {"words": "said"}, "in the provider's own words"


def test_what_cannot_be_filled_is_said_at_once(hotel):
    with pytest.raises(RenderError):
        ask(number(), hotel.guest("", consent=None), "sms")
    assert not Trial.objects.exists()


def test_reports_go_to_mail_addresses_alone(db):
    number()
    browser()
    assert not schedules.verified().exists()
