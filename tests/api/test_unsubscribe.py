"""A person stops messages with one click; nothing that only looks ever changes a consent."""

from __future__ import annotations

import hmac
import re
from email import message_from_bytes
from email.policy import default
from html import unescape

import pytest
from django.conf import settings
from django.db import IntegrityError
from django.test import Client
from tests.outbox.people import HTML, consented, erased, in_line, profiles

from pusula.api import preferences, unsubscribe
from pusula.consent import actions as consent
from pusula.consent.models import Consent, ConsentEntry
from pusula.events.models import Event
from pusula.lib import clock, ids
from pusula.outbox import links
from pusula.outbox.letters import Desk, Letter, preview
from pusula.outbox.models import Message, Receipt
from pusula.outbox.variables import values
from pusula.profiles.models import Identifier

pytestmark = pytest.mark.django_db

PERSON = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0"}


@pytest.fixture
def message() -> Message:
    [person] = profiles(1)
    consented([person])
    [made] = in_line([person])
    Message.objects.filter(pk=made.pk).update(state="sent", settled_at=clock.now() - clock.HOUR)
    return Message.objects.get(pk=made.pk)


def path_of(url: str) -> str:
    return re.sub(r"^https?://[^/]+", "", url)


def unsubscribe_path(message: Message) -> str:
    return path_of(links.MessageLinks(message.token).unsubscribe_url)


def first_path(message: Message, kind: str = "unsubscribe") -> str:
    """Return the address that the first mails had, each kind of link signed by itself."""
    key = hmac.digest(settings.SECRET_KEY.encode(), f"pusula.links.{kind}".encode(), "sha256")
    return f"/u/{ids.sign(key, message.token)}/"


def test_the_link_of_a_mail_that_left_long_ago_still_unsubscribes(message):
    assert Client().post(first_path(message)).status_code == 200
    assert status_of(message.profile_id) == "refused"


@pytest.mark.parametrize("kind", ["open", "click", "preferences"])
def test_another_link_of_a_mail_that_left_long_ago_does_not(message, kind):
    Client().post(first_path(message, kind))
    assert status_of(message.profile_id) == "granted"


def status_of(profile_id: int) -> str:
    return Consent.objects.get(profile_id=profile_id).status


def mail_of(message: Message):
    letter = Letter(
        message.pk, message.token, message.origin, message.profile_id, message.content_id,
        message.address, 0,
    )  # fmt: skip
    people = values([message.profile_id], at=clock.now())
    return message_from_bytes(Desk().mail(letter, people[message.profile_id]), policy=default)


def urls_of(mail) -> set[str]:
    """Return every address in the mail: headers, text and HTML."""
    texts = [mail["List-Unsubscribe"]]
    texts += [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    found = {url for text in texts for url in re.findall(r"https?://[^\s\"'<>)]+", unescape(text))}
    assert any("/u/" in url for url in found)
    assert any("/c/" in url for url in found)
    assert any("/o/" in url for url in found)
    return found


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_crawler_that_visits_every_address_of_a_mail_changes_no_consent(message, method):
    for url in urls_of(mail_of(message)):
        for _ in range(2):
            response = getattr(Client(), method)(path_of(url), headers=PERSON)
            assert response.status_code in {200, 204, 302, 404}
    assert status_of(message.profile_id) == "granted"
    assert ConsentEntry.objects.count() == 1
    assert not Receipt.objects.filter(kind="unsubscribed").exists()


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},  # multipart, as the test client sends it
        {
            "data": "List-Unsubscribe=One-Click",
            "content_type": "application/x-www-form-urlencoded",
        },
        {"data": "", "content_type": "application/octet-stream"},
        {"data": {"token": "someone-else", "email": "x@example.com"}},
    ],
    ids=["multipart", "urlencoded", "empty", "strange"],
)
def test_one_click_acts_at_once_without_cookie_login_form_or_redirect(message, body):
    client = Client(enforce_csrf_checks=True)
    response = client.post(unsubscribe_path(message), **body)
    assert response.status_code == 200
    assert not response.cookies
    assert status_of(message.profile_id) == "refused"
    entry = ConsentEntry.objects.latest("pk")
    assert message.token in entry.evidence


def test_a_second_click_changes_nothing_more(message):
    for _ in range(3):
        assert Client().post(unsubscribe_path(message)).status_code == 200
    assert ConsentEntry.objects.filter(status="refused").count() == 1
    assert Receipt.objects.filter(kind="unsubscribed").count() == 1
    assert Event.objects.filter(name="Email Unsubscribed").count() == 1


def test_an_address_without_its_last_slash_is_heard_without_a_redirect(message):
    assert Client().post(unsubscribe_path(message).rstrip("/")).status_code == 200
    assert status_of(message.profile_id) == "refused"


def test_who_shares_the_inbox_is_unsubscribed_too(message):
    [other] = profiles(1)
    consented([other])
    Identifier.objects.filter(profile=other).update(value=message.address)
    Client().post(unsubscribe_path(message))
    assert status_of(other.pk) == "refused"


@pytest.mark.parametrize("has_moved", [False, True])
def test_who_shares_the_inbox_is_unsubscribed_though_the_person_refused_before(message, has_moved):
    [other] = profiles(1)
    consented([other])
    Identifier.objects.filter(profile=other).update(value=message.address)
    refused = consent.Decision(
        profile_id=message.profile_id, channel="email", purpose="marketing", status="refused",
        source="crm", decided_at=clock.now(),
    )  # fmt: skip
    consent.record([refused], at=clock.now())
    if has_moved:
        Identifier.objects.filter(profile=message.profile_id).update(value="new@example.com")
    for _ in range(2):
        Client().post(unsubscribe_path(message))
    assert status_of(other.pk) == "refused"
    assert ConsentEntry.objects.filter(source="pusula", profile=other).count() == 1
    assert ConsentEntry.objects.filter(source="pusula").count() == 2
    assert Receipt.objects.filter(kind="unsubscribed").count() == 1


def test_who_came_to_the_inbox_after_a_click_is_unsubscribed_by_the_next(message):
    Client().post(unsubscribe_path(message))
    [other] = profiles(1)
    consented([other])
    Identifier.objects.filter(profile=other).update(value=message.address)
    Client().post(unsubscribe_path(message))
    assert status_of(other.pk) == "refused"


def test_only_the_purpose_of_the_message_is_refused(message):
    marketing = Consent.objects.get()
    Consent.objects.create(
        profile_id=message.profile_id, channel="email", purpose="surveys", status="granted",
        decided_at=1, entry=marketing.entry,
    )  # fmt: skip
    Client().post(unsubscribe_path(message))
    assert Consent.objects.get(purpose="surveys").status == "granted"


def test_the_page_asks_first_and_speaks_the_persons_language(message):
    response = Client().get(unsubscribe_path(message), headers={"Accept-Language": "en-GB,en"})
    assert response.status_code == 200
    assert b'<html lang="en">' in response.content
    assert b'<form method="post">' in response.content
    assert b"style=" not in response.content
    assert b"<script" not in response.content
    assert message.address.encode() not in response.content
    assert response["Cache-Control"] == "no-store, private"
    turkish = Client().get(unsubscribe_path(message), headers={"Accept-Language": "tr-TR"})
    assert b'<html lang="tr">' in turkish.content


def forged(message: Message) -> list[str]:
    signed = unsubscribe_path(message).split("/")[2]
    flipped = signed[:-1] + ("A" if signed[-1] != "A" else "B")
    other_kind = path_of(links.MessageLinks(message.token).pixel_url)[3:-4]
    other_key = ids.sign(b"k" * 32, message.token)
    return [message.token, flipped, other_kind, other_key, "x", "a.b.c", f"{message.token}."]


def test_an_address_we_did_not_sign_does_nothing(message):
    for signed in forged(message):
        response = Client().post(f"/u/{signed}/")
        assert response.status_code == 200, "the page of every link that does not work"
        assert b"<form" not in response.content
    assert status_of(message.profile_id) == "granted"


def test_the_link_of_an_erased_person_still_answers(message):
    path = unsubscribe_path(message)
    message.delete()
    assert Client().post(path).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("module", [unsubscribe, preferences])
def test_who_is_erased_while_they_choose_gets_a_page(message, monkeypatch, module):
    opened = module.opened

    def opened_then_erased(*args):
        found = opened(*args)
        erased(message.profile_id)
        return found

    monkeypatch.setattr(module, "opened", opened_then_erased)
    own = links.MessageLinks(message.token)
    url = own.unsubscribe_url if module is unsubscribe else own.preferences_url
    assert Client().post(path_of(url), {"nothing": "1"}).status_code == 200
    assert not ConsentEntry.objects.exists()


def test_the_links_of_a_preview_change_nothing(message):
    rendered = preview("Konu", "", HTML, message.profile_id)
    assert "/c/" not in rendered.html
    assert "/o/" not in rendered.html
    [url] = {url for url in re.findall(r'href="([^"]+)"', rendered.html) if "/u/" in url}
    assert Client().post(path_of(url)).status_code == 200
    assert status_of(message.profile_id) == "granted"
    assert "Merhaba Ayşe" in rendered.text


def test_a_decision_that_comes_in_between_does_not_lose_the_click(message, monkeypatch):
    refuse, failures = consent.refuse, iter([IntegrityError("somebody was faster")])

    def refuse_late(*args, **given):
        for failure in failures:
            raise failure
        return refuse(*args, **given)

    monkeypatch.setattr(consent, "refuse", refuse_late)
    assert Client().post(unsubscribe_path(message)).status_code == 200
    assert status_of(message.profile_id) == "refused"
