"""Messages and their limits as pages: every number leads to its rows, every change has a name."""

from __future__ import annotations

import pytest
from tests.outbox.asking import asked, content, limits
from tests.outbox.people import consented, profiles

from pusula.lib import clock
from pusula.outbox import policies
from pusula.outbox.candidates import Way
from pusula.outbox.decisions import decide
from pusula.outbox.models import FENCE, Anchor, Hold, Message
from pusula.privacy.models import AuditEntry

pytestmark = pytest.mark.django_db


def page(client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


@pytest.fixture
def some() -> list[Message]:
    """Three messages in line, two over the cap, one to nobody."""
    people = profiles(4)
    consented(people[:3])
    limits("caps: [{most: 1, in: 1d}]")
    now = clock.now()
    way = (Way("email", content().pk),)
    told = {"ways": way, "due_at": now, "not_after_at": now + clock.DAY}
    decide([asked(p.pk, **told) for p in people], at=now)
    decide([asked(p.pk, step="second", **told) for p in people[:2]], at=now)
    return list(Message.objects.order_by("pk"))


def test_without_messages_the_page_says_what_will_be_here(deniz):
    assert "each one is listed here" in page(deniz, "/sending/")


@pytest.mark.parametrize("language", ["tr", "en"])
def test_messages_are_counted_by_state_and_reason_and_each_number_opens_its_rows(
    deniz, some, language
):
    whole = page(deniz, "/sending/", language)
    assert "state=skipped&amp;reason=capped" in whole
    assert whole.count("journey:1") >= len(some)
    capped = page(deniz, "/sending/?state=skipped&reason=capped", language)
    assert capped.count("<td>second</td>") + capped.count(">second<") == 2
    assert "hello" not in capped


def test_narrowing_by_channel_origin_and_step_shows_those_alone(deniz, some):
    assert ">second<" not in page(deniz, "/sending/?step=hello")
    assert "No such message" in page(deniz, "/sending/?channel=sms")
    assert "No such message" in page(deniz, "/sending/?origin=campaign:9")


def test_a_state_or_number_of_days_that_there_is_not_is_left_out(deniz, some):
    assert "hello" in page(deniz, "/sending/?state=flying&days=12&before=zzz")


def test_pages_follow_each_other_without_losing_or_repeating_anybody(deniz):
    people = profiles(120)
    consented(people)
    now = clock.now()
    way = (Way("email", content().pk),)
    told = {"ways": way, "due_at": now, "not_after_at": now + clock.DAY}
    decide([asked(p.pk, **told) for p in people], at=now)
    seen: list[int] = []
    path = "/sending/"
    while path:
        answer = deniz.get(path)
        seen += [row["message"].pk for row in answer.context["rows"]]
        before = answer.context["next_before"]
        path = f"/sending/?before={before}" if before else ""
    assert len(seen) == len(set(seen)) == 120


def test_a_person_sends_an_uncertain_message_anew_and_that_is_recorded(deniz, some):
    doubtful = some[0]
    Message.objects.filter(pk=doubtful.pk).update(state="unknown", gated_at=clock.now())
    assert "Send anew" in page(deniz, "/sending/?state=unknown")
    answer = deniz.post(f"/sending/{doubtful.pk}/resend/", {"next": "/sending/"})
    assert answer.status_code == 302
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.reason) == ("failed", "resent")
    anew = Message.objects.get(dedupe_key=f"anew:{doubtful.pk}")
    assert (anew.state, anew.profile_id, anew.step) == ("pending", doubtful.profile_id, "hello")
    assert AuditEntry.objects.filter(verb="message.resent").count() == 1
    deniz.post(f"/sending/{doubtful.pk}/resend/")
    assert Message.objects.filter(dedupe_key__startswith="anew").count() == 1


def test_what_is_not_uncertain_is_not_sent_anew(deniz, some):
    deniz.post(f"/sending/{some[0].pk}/resend/")
    assert not Message.objects.filter(dedupe_key__startswith="anew").exists()
    assert deniz.get(f"/sending/{some[0].pk}/resend/").status_code == 405


def test_whoever_refused_meanwhile_is_not_written_to_anew(deniz, some):
    doubtful = some[0]
    Message.objects.filter(pk=doubtful.pk).update(state="unknown", gated_at=clock.now())
    doubtful.profile.consents.update(status="refused")
    deniz.post(f"/sending/{doubtful.pk}/resend/")
    anew = Message.objects.get(dedupe_key=f"anew:{doubtful.pk}")
    assert (anew.state, anew.reason) == ("skipped", "refused")


@pytest.mark.parametrize("language", ["tr", "en"])
def test_limits_are_changed_on_their_page_with_who_and_why(deniz, language):
    assert "/sending/limits/" in page(deniz, "/sending/", language)
    page(deniz, "/sending/limits/", language)
    text = "caps: [{most: 2, in: 7d}]\nquiet: [{from: '21:00', to: '09:00', channels: [sms]}]"
    answer = deniz.post("/sending/limits/", {"policy": text, "note": "Kasım"})
    assert answer.status_code == 302
    [version] = policies.history()
    assert (version.number, version.note, version.applied_by) == (1, "Kasım", "deniz")
    shown = page(deniz, "/sending/limits/", language)
    assert "21:00" in shown
    assert "Kasım" in shown
    deniz.post("/sending/limits/", {"policy": text})
    assert len(policies.history()) == 1
    assert AuditEntry.objects.filter(verb="sending.limits").count() == 1


def test_a_mistake_in_the_limits_is_named_and_nothing_is_lost(deniz):
    answer = deniz.post("/sending/limits/", {"policy": "caps: [{most: 2, in: 7 weeks}]"})
    assert answer.status_code == 422
    said = answer.content.decode()
    assert "caps[0].in" in said
    assert "7 weeks" in said
    assert policies.current().number == 0


def test_every_page_says_that_the_fence_stops_sending(deniz, settings, tmp_path):
    settings.PUSULA_HOME = tmp_path
    assert "pusula sender confirm" not in page(deniz, "/campaigns/")
    Hold.objects.create(origin=FENCE, reason="restored", since_at=1)
    assert "pusula sender confirm" in page(deniz, "/campaigns/")
    Hold.objects.all().delete()
    Anchor.objects.create(name="elsewhere", pulse=3, seen_at=1)
    assert "may be a copy" in page(deniz, "/campaigns/")
