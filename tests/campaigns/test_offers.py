"""A message prepared on one customer's card passes what every message passes, and can be undone."""

from __future__ import annotations

import pytest
from tests.outbox.asking import limits
from tests.outbox.test_suggesting import NOW, agrees, elif_, happened

from pusula.campaigns import offers, templates
from pusula.campaigns.offers import OfferError
from pusula.campaigns.templates import Says
from pusula.consent.models import Channel
from pusula.lib import clock
from pusula.outbox import gate, machine
from pusula.outbox.models import Content, Message
from pusula.predict.models import Answer
from pusula.profiles.models import Trait
from pusula.profiles.objections import OBJECTED

__all__ = ["elif_"]
pytestmark = pytest.mark.django_db
KEY = "finish-booking"


@pytest.fixture(autouse=True)
def _fixed_clock(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def guest(elif_):
    """Elif has left a booking behind, and may be written to."""
    happened(elif_, "Booking Abandoned", 2)
    agrees(elif_, "email")
    return elif_


def template(channel: str = "email", text: str = "Merhaba {{ profile.first_name }}"):
    mail = text + " {{ unsubscribe_url }}"
    says = Says(subject="Rezervasyonunuz", text=mail if channel == "email" else text)
    return templates.save(None, name=channel, channel=channel, says={"": says}, by="ece", at=NOW)


def prepare(guest, channel: str = "email", *, key: str = KEY, at: int = NOW):
    return offers.prepare(guest.pk, key, template(channel), by="ece", at=at)


def test_it_waits_before_it_leaves_and_the_suggestion_is_noted_as_done(guest):
    decision = prepare(guest)
    (message,) = offers.waiting(guest.pk)
    assert (message.origin, message.step, message.is_commercial) == ("card", KEY, True)
    assert message.due_at == decision.due_at == NOW + offers.HOLD
    assert message.address == "elif@example.com"
    assert (Answer.objects.get().verdict, Answer.objects.get().answered_by) == ("accepted", "ece")


def test_it_is_sent_once_however_often_it_is_asked_for(guest):
    made = template()
    offers.prepare(guest.pk, KEY, made, by="ece", at=NOW)
    for at in (NOW, NOW + 1):
        with pytest.raises(OfferError):
            offers.prepare(guest.pk, KEY, made, by="ece", at=at)
    assert Message.objects.count() == 1


def test_undone_in_time_nobody_gets_it_and_it_may_be_suggested_again(guest):
    prepare(guest)
    (message,) = offers.waiting(guest.pk)
    assert offers.undo(guest.pk, message.pk, by="ece", at=NOW + clock.MINUTE)
    message.refresh_from_db()
    assert (message.state, message.reason) == (machine.SKIPPED, "withdrawn")
    assert not offers.waiting(guest.pk)
    assert offers.rule_of(guest.pk, KEY, at=NOW).key == KEY
    assert not offers.undo(guest.pk, message.pk, by="ece", at=NOW)


def test_what_has_left_cannot_be_undone(guest):
    prepare(guest)
    Message.objects.update(state=machine.SENT)
    assert not offers.undo(guest.pk, Message.objects.get().pk, by="ece", at=NOW)
    assert Answer.objects.count() == 1


def test_only_messages_from_this_card_can_be_undone(guest):
    prepare(guest)
    pk = Message.objects.get().pk
    assert not offers.undo(guest.pk + 1, pk, by="ece", at=NOW)
    Message.objects.update(origin="campaign:1")
    assert not offers.undo(guest.pk, pk, by="ece", at=NOW)


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "webpush"])
def test_a_channel_without_a_consent_or_outside_of_the_suggestion_is_refused(guest, channel):
    says = Says(text="x", subject="x", details={"template": "a", "language": "tr"})
    made = templates.save(None, name="x", channel=channel, says={"": says}, by="e", at=NOW)
    with pytest.raises(OfferError):
        offers.prepare(guest.pk, KEY, made, by="ece", at=NOW)
    assert not Message.objects.exists()
    assert not Answer.objects.exists()


def test_who_withdrew_the_consent_is_not_written_to_before_or_after(guest):
    prepare(guest)
    (message,) = offers.waiting(guest.pk)
    agrees(guest, "email", status="refused")
    Message.objects.update(owner="s", due_at=NOW)
    assert gate.judge([message.pk], owner="s", state="pending", at=NOW)[message.pk] == "refused"
    Answer.objects.all().delete()
    with pytest.raises(OfferError):
        offers.prepare(guest.pk, KEY, templates.usable().get(), by="ece", at=NOW + 1)


def test_a_full_cap_leaves_no_room_and_writes_nothing(guest):
    limits("caps: [{most: 1, in: 7d}]")
    made = template()
    offers.prepare(guest.pk, KEY, made, by="ece", at=NOW)
    Answer.objects.all().delete()
    n_contents = Content.objects.count()
    with pytest.raises(OfferError):
        offers.prepare(guest.pk, KEY, made, by="ece", at=NOW + clock.HOUR)
    assert Message.objects.count() == 1
    assert Content.objects.count() == n_contents
    assert not Answer.objects.exists()


def test_who_objects_to_profiling_gets_no_suggestion_and_no_message(guest):
    made = template()
    Trait.objects.create(
        profile=guest, name=OBJECTED, kind="flag", number=1, source="x", updated_at=0
    )
    with pytest.raises(OfferError):
        offers.prepare(guest.pk, KEY, made, by="ece", at=NOW)


def test_what_is_not_suggested_cannot_be_done(guest):
    with pytest.raises(OfferError):
        prepare(guest, key="bring-back")


def test_calls_are_not_written(guest):
    agrees(guest, "call")
    rule = offers.rule_of(guest.pk, KEY, at=NOW)
    assert Channel.CALL in rule.channels
    assert offers.open_channels(guest.pk, rule, at=NOW) == ["email"]


def test_a_channel_that_the_suggestion_does_not_name_is_refused_whatever_was_agreed(guest):
    agrees(guest, "sms")
    with pytest.raises(OfferError):
        prepare(guest, "sms")
    assert not Message.objects.exists()
