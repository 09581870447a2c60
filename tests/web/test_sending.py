"""Messages and their limits as pages: every number leads to its rows, every change has a name."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.http import QueryDict
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from tests.outbox.asking import asked, content, limits
from tests.outbox.people import consented, profiles

from pusula.lib import clock
from pusula.outbox import gate, policies, prices
from pusula.outbox.candidates import Way
from pusula.outbox.claims import claim
from pusula.outbox.decisions import decide
from pusula.outbox.models import FENCE, Anchor, Hold, Message
from pusula.outbox.rules import policy as rules
from pusula.privacy.models import AuditEntry
from pusula.web import limits_form

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


def test_a_message_that_waits_for_room_in_a_budget_says_so(deniz, some):
    waits = "Waits for the next hour or day with room in the budget"
    assert waits not in page(deniz, "/sending/")
    policies.apply(
        rules.parse({"budgets": [{"channel": "email", "most": 1, "per": "day"}]}, "test"),
        by="test", at=clock.now(),
    )  # fmt: skip
    [letter] = claim("me", n=9, at=clock.now())
    assert set(gate.turn([], [], [letter.id], owner="me", at=clock.now()).values()) == {gate.GO}
    assert page(deniz, "/sending/").count(waits) == 2


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


FORM = {
    "cap.0.most": "1", "cap.0.number": "1", "cap.0.unit": "d", "cap.0.channel": "",
    "cap.1.most": "2", "cap.1.number": "7", "cap.1.unit": "d", "cap.1.channel": "sms",
    "quiet.0.from": "21:00", "quiet.0.to": "09:00", "quiet.0.channels": ["sms", "call"],
    "budget.0.most": "120", "budget.0.channel": "call", "budget.0.per": "day",
    "holdout.share": "2,5", "holdout.name": "2026", "note": "Kasım",
}  # fmt: skip


def test_limits_are_changed_in_the_form_without_writing_a_file(deniz):
    assert deniz.post("/sending/limits/", FORM).status_code == 302
    policy = policies.current().policy
    assert rules.plain(policy) == {
        "caps": [{"most": 1, "in": "1d"}, {"most": 2, "in": "7d", "channel": "sms"}],
        "quiet": [{"from": "21:00", "to": "09:00", "channels": ["sms", "call"]}],
        "budgets": [{"channel": "call", "most": 120, "per": "day"}],
        "holdout": {"share": 0.025, "name": "2026"},
    }
    shown = page(deniz, "/sending/limits/", "tr")
    assert 'name="holdout.share" value="2,5"' in shown
    assert 'name="cap.2.most" value=""' in shown, "a spare row for another"
    fewer = {**FORM, "cap.0.most": "", "holdout.share": "", "quiet.0.from": "", "quiet.0.to": ""}
    deniz.post("/sending/limits/", fewer)
    policy = policies.current().policy
    assert len(policy.caps) == 1
    assert (policy.quiet, policy.holdout) == ((), None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cap.0.most": "many"}, "whole numbers"),
        ({"cap.0.most": "0"}, "whole numbers"),
        ({"cap.0.number": "400"}, "366"),
        ({"cap.0.channel": "pigeon"}, "no such channel"),
        ({"quiet.0.to": ""}, "both times"),
        ({"quiet.0.to": "21:00"}, "the same"),
        ({"quiet.0.channels": []}, "at least one channel"),
        ({"quiet.1.from": "01:00", "quiet.1.to": "02:00", "quiet.1.channels": ["sms"]}, "keep one"),
        ({"budget.1.most": "9", "budget.1.channel": "call", "budget.1.per": "day"}, "keep one"),
        ({"budget.0.per": "year"}, "no such channel"),
        ({"holdout.share": "70"}, "at most 50"),
        ({"holdout.share": "\0"}, ""),
    ],
)
def test_what_is_wrong_in_the_form_is_said_at_its_row_and_what_was_typed_stays(deniz, wrong, said):
    deniz.cookies["django_language"] = "en"
    answer = deniz.post("/sending/limits/", FORM | wrong)
    if not said:
        assert answer.status_code == 302
        return
    text = " ".join(answer.content.decode().split())
    assert answer.status_code == 422
    assert said in text
    assert 'name="budget.0.most" value="120"' in text
    assert policies.current().number == 0


_LENGTHS = st.integers(1, 9_999).map(lambda n: f"{n}m") | st.integers(1, 366).map(lambda n: f"{n}d")
_CHANNEL = st.sampled_from(rules.CHANNELS)
_WALLS = st.times().map(lambda one: f"{one:%H:%M}")


@st.composite
def policies_made_up(draw: st.DrawFn) -> rules.Policy:
    data: dict[str, object] = {
        "caps": draw(st.lists(st.fixed_dictionaries(
            {"most": st.integers(1, 10**6), "in": _LENGTHS}, optional={"channel": _CHANNEL}
        ), max_size=5)),
        "budgets": draw(st.lists(st.fixed_dictionaries(
            {"channel": _CHANNEL, "most": st.integers(1, 10**6),
             "per": st.sampled_from(["hour", "day"])}
        ), max_size=5, unique_by=lambda one: (one["channel"], one["per"]))),
    }  # fmt: skip
    starts, ends = draw(st.tuples(_WALLS, _WALLS).filter(lambda two: two[0] != two[1]))
    if channels := draw(st.lists(_CHANNEL, unique=True)):
        data["quiet"] = [{"from": starts, "to": ends, "channels": channels}]
    if share := draw(st.integers(0, 500)):
        data["holdout"] = {"share": share / 1000, "name": draw(st.sampled_from(["global", "x"]))}
    return rules.parse(data, "test")


@pytest.mark.parametrize("language", ["tr", "en"])
@given(policy=policies_made_up())
def test_the_form_says_what_the_limits_say_and_gives_them_back(language, policy):
    sent = QueryDict(mutable=True)
    with translation.override(language):
        form = limits_form.of(policy)
        for kind, rows in (("cap", form.caps), ("quiet", form.quiet), ("budget", form.budgets)):
            for row in rows:
                for name, value in row.typed.items():
                    values = value if isinstance(value, list) else [value]
                    sent.setlist(f"{kind}.{row.number}.{name}", values)
        for name, value in form.holdout.typed.items():
            sent[f"holdout.{name}"] = value
        back = limits_form.read(sent)
    assert not back.has_errors
    assert rules.parse(back.data, "test") == policy


@pytest.mark.parametrize("language", ["tr", "en"])
def test_prices_are_set_and_shown_with_who_set_them(deniz, language):
    assert "sms" in page(deniz, "/sending/prices/", language)
    answer = deniz.post("/sending/prices/", {"sms": "0,1325", "email": ""})
    assert answer.status_code == 302
    assert prices.current() == {"sms": Decimal("0.1325")}
    whole = page(deniz, "/sending/prices/", language)
    assert ("0,1325" if language == "tr" else "0.1325") in whole
    assert AuditEntry.objects.filter(verb="sending.prices", object="sms").count() == 1


def test_a_price_that_is_none_changes_nothing_and_says_where(deniz):
    answer = deniz.post("/sending/prices/", {"sms": "bedava", "email": "1"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert prices.current() == {}
