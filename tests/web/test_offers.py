"""Doing what the card suggests: who may, what they see of consents, and that it can be undone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from tests.web.calls import CALL
from tests.web.company import NOW

from pusula.campaigns import offers, templates
from pusula.campaigns.templates import Says
from pusula.consent.actions import Decision, record
from pusula.events.models import Event
from pusula.journeys import versions
from pusula.journeys.models import Task
from pusula.lib import clock
from pusula.outbox.models import Message
from pusula.predict.models import Answer
from pusula.privacy.models import AuditEntry

pytestmark = pytest.mark.django_db
KEY = "finish-booking"


def page(client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


@pytest.fixture
def guest(company):
    """Elif left a booking behind yesterday, and agrees to mails and calls."""
    who = company.elif_
    at = NOW - clock.DAY
    Event.objects.create(
        profile=who, name="Booking Abandoned", at=at, recorded_at=at, dedupe_key="a", source="web",
        properties={},
    )  # fmt: skip
    record(
        [
            Decision(
                profile_id=who.pk, channel=channel, purpose="marketing", status="granted",
                source="test", decided_at=at, evidence="form",
            )
            for channel in ("email", "call")
        ],
        at=NOW,
    )  # fmt: skip
    return who


@pytest.fixture
def template(db):
    says = Says(
        subject="Rezervasyonunuz", text="Merhaba {{ profile.first_name }} {{ unsubscribe_url }}"
    )
    return templates.save(None, name="yarim", says={"": says}, by="ece", at=NOW)


def agent(*rights: str) -> Client:
    user = User.objects.create(username="ece")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


def write(client, guest, template, key: str = KEY):
    sent = {"suggestion": key, "template": str(template.pk)}
    return client.post(f"/customers/{guest.pk}/offer/write/", sent)


@pytest.mark.parametrize("language", ["tr", "en"])
def test_consents_are_shown_before_a_message_is_put_in_line_and_undone(guest, template, language):
    ece = agent("write_from_card")
    card = f"/customers/{guest.pk}/"
    assert f"{card}offer/?suggestion={KEY}" in page(ece, card, language)
    shown = page(ece, f"{card}offer/?suggestion={KEY}", language)
    assert "Merhaba Elif" in shown
    assert ("İzin var" if language == "tr" else "Consent given") in shown
    write(ece, guest, template)
    (message,) = offers.waiting(guest.pk)
    assert f"{card}offer/{message.pk}/undo/" in page(ece, card, language)
    ece.post(f"{card}offer/{message.pk}/undo/")
    assert not offers.waiting(guest.pk)
    verbs = AuditEntry.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["card.message", "card.undone"]


def test_which_of_several_templates_is_sent_is_chosen_and_they_are_called_by_what_they_say(
    guest, template
):
    says = Says(subject="Bahar geldi", text="Bahar {{ unsubscribe_url }}")
    other = templates.save(None, name="bahar", says={"": says}, by="ece", at=NOW)
    ece, here = agent("write_from_card"), f"/customers/{guest.pk}/offer/?suggestion={KEY}"
    shown = page(ece, here)
    assert "E-mail: Rezervasyonunuz (yarim)" in shown
    assert "E-mail: Bahar geldi (bahar)" in shown
    assert "/offer/write/" not in shown
    shown = page(ece, f"{here}&template={other.pk}")
    assert "/offer/write/" in shown
    assert "Merhaba Elif" not in shown


def test_without_the_right_nothing_is_shown_or_sent(guest, template):
    ece, card = agent(), f"/customers/{guest.pk}/"
    assert "/offer/" not in page(ece, card)
    assert ece.get(f"{card}offer/?suggestion={KEY}").status_code == 403
    assert write(ece, guest, template).status_code == 403
    assert ece.post(f"{card}offer/call/", {"suggestion": KEY, "journey": "kart"}).status_code == 403
    assert not Message.objects.exists()
    offers.prepare(guest.pk, KEY, template, by="deniz", at=NOW)
    (message,) = offers.waiting(guest.pk)
    assert ece.post(f"{card}offer/{message.pk}/undo/").status_code == 403
    assert offers.waiting(guest.pk)


def test_a_stranger_is_asked_to_sign_in(guest, template):
    assert write(Client(), guest, template).status_code == 302
    assert not Message.objects.exists()


def test_no_get_sends_anything(guest, template):
    ece = agent("write_from_card")
    assert ece.get(f"/customers/{guest.pk}/offer/write/").status_code == 405
    assert not Message.objects.exists()


def test_what_may_not_be_said_is_told_and_nothing_is_kept(guest, template):
    ece = agent("write_from_card")
    write(ece, guest, template, key="bring-back")
    sent = {"suggestion": KEY, "template": "999"}
    ece.post(f"/customers/{guest.pk}/offer/write/", sent)
    assert not Message.objects.exists()
    assert not Answer.objects.exists()


def publish(key: str, **more: object) -> None:
    document = {
        "journey": key, "title": {"tr": "Karttan arama", "en": "Call from the card"},
        "holdout": 0, "entry": [{"api": True}], "steps": [CALL], **more,
    }  # fmt: skip
    [definition] = versions.read([("journey.yaml", document)]).values()
    versions.publish(versions.save(definition, by="deniz", at=NOW), at=NOW)


def test_a_call_is_asked_for_with_the_script_of_a_journey(guest):
    publish("kart")
    ece, here = agent("write_from_card"), f"/customers/{guest.pk}/offer/"
    assert "Call from the card" in page(ece, f"{here}?suggestion={KEY}")
    for _ in range(2):
        ece.post(f"{here}call/", {"suggestion": KEY, "journey": "kart"})
    (task,) = Task.objects.all()
    assert task.enrollment.profile_id == guest.pk
    assert Answer.objects.count() == 1
    assert AuditEntry.objects.filter(verb="card.call_asked").count() == 1


def test_a_service_call_which_needs_no_consent_is_not_offered(guest):
    publish("hizmet", **{"class": "service"})
    ece, here = agent("write_from_card"), f"/customers/{guest.pk}/offer/"
    assert "Call from the card" not in page(ece, f"{here}?suggestion={KEY}")
    ece.post(f"{here}call/", {"suggestion": KEY, "journey": "hizmet"})
    assert not Task.objects.exists()


def test_nobody_is_called_who_has_not_agreed_to_calls(guest):
    publish("kart")
    record(
        [
            Decision(
                profile_id=guest.pk, channel="call", purpose="marketing", status="refused",
                source="test", decided_at=NOW, evidence="form",
            )
        ],
        at=NOW,
    )  # fmt: skip
    ece = agent("write_from_card")
    sent = {"suggestion": KEY, "journey": "kart"}
    ece.post(f"/customers/{guest.pk}/offer/call/", sent)
    assert not Task.objects.exists()
    assert not Answer.objects.exists()
