"""The next best action: which rule speaks, whom it may be said to, and when it is tired."""

from __future__ import annotations

from datetime import date

import pytest

from pusula.consent.actions import Decision, record
from pusula.events.models import Event
from pusula.lib import clock, text
from pusula.orders.models import Order, OrderChange
from pusula.outbox import policies, suggesting
from pusula.outbox.models import Content, Message
from pusula.outbox.rules import policy
from pusula.outbox.rules.weigh import is_held_out
from pusula.predict import answers
from pusula.predict.models import Answer, ModelVersion, Recommendation
from pusula.profiles.models import Identifier, IdentifierKind, Profile, Score, Trait
from pusula.profiles.objections import OBJECTED

pytestmark = pytest.mark.django_db
NOW = 1_790_000_000_000_000  # Monday 2026-09-21, early in the evening in Istanbul


@pytest.fixture(autouse=True)
def _fixed_clock(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def elif_() -> Profile:
    who = Profile.objects.create(first_name="Elif", last_name="Doğan", created_at=0, recorded_at=0)
    for kind, value in (
        (IdentifierKind.PHONE, "+905321234541"),
        (IdentifierKind.EMAIL, "elif@example.com"),
    ):
        Identifier.objects.create(profile=who, kind=kind, value=value, source="pms", recorded_at=0)
    return who


def agrees(who, *channels, status="granted"):
    record(
        [
            Decision(
                profile_id=who.pk, channel=channel, purpose="marketing", status=status,
                source="test", decided_at=NOW - 400 * clock.DAY, evidence="form",
            )
            for channel in channels
        ],
        at=NOW,
    )  # fmt: skip


def ordered(who, days_ago, *, status="completed", **more):
    at = NOW - days_ago * clock.DAY
    amounts = {"gross_base_minor": 100, "net_base_minor": 100}
    order = Order.objects.create(
        profile=who, source="t", source_id=f"{who.pk}-{days_ago}-{more}", status=status,
        ordered_at=at, status_at=at, currency="TRY", gross_minor=100, net_minor=100,
        recorded_at=at, **amounts, **more,
    )  # fmt: skip
    OrderChange.objects.create(
        order=order, profile=who, changed_at=at, recorded_at=at, status=status, ordered_at=at,
        **amounts, **more,
    )  # fmt: skip
    return order


def happened(who, name, days_ago):
    at = NOW - round(days_ago * clock.DAY)
    Event.objects.create(
        profile=who, name=name, at=at, recorded_at=at, dedupe_key=f"{name}{at}", source="web",
        properties={},
    )  # fmt: skip


def trait(who, name, value):
    Trait.objects.create(
        profile=who, name=name, kind="text", text=value, text_fold=text.fold(value),
        source="predict", updated_at=0,
    )  # fmt: skip


def scored(who, model, value, decile):
    Score.objects.create(profile=who, model=model, value=value, decile=decile, scored_at=1)


def recommended(who, model="next_best_item", reason="Fincan"):
    version = ModelVersion.objects.create(
        model=model, number=1, as_of_on=date(2026, 9, 21), card={}, made_at=0
    )
    Recommendation.objects.create(
        version=version, profile=who, rank=1, code="1", name="Demlik", reason_code="2",
        reason_name=reason, score=1.0,
    )  # fmt: skip
    trait(who, model, "Demlik")


def key_for(who) -> str:
    found = suggesting.suggestion_for(who.pk, at=NOW)
    return found.rule.key if found else ""


def channel_for(who) -> str:
    return suggesting.suggestion_for(who.pk, at=NOW).channel


def test_nothing_is_suggested_where_nothing_is_sensible(elif_):
    agrees(elif_, "email", "call")
    assert suggesting.suggestion_for(elif_.pk, at=NOW) is None


def test_every_rule_has_its_words_and_icon():
    import lucide.jinja  # noqa: PLC0415  only here

    for key, rule in suggesting.rules().items():
        assert set(rule.title) == {"tr", "en"}, key
        assert rule.rest_days >= 7
    for document in suggesting.card.documents("TRY", suggesting.BOOK):
        assert set(document["says"]) == {"tr", "en"}
        assert "<svg" in lucide.jinja.lucide(document["icon"])


def test_no_rule_tells_to_call_somebody_who_may_have_agreed_to_another_channel_only():
    for key, rule in suggesting.rules().items():
        said = {
            word.strip(".,:").casefold() for text in rule.title.values() for word in text.split()
        }
        assert rule.channels == ("call",) or not said & {"call", "phone", "arayın"}, key


def test_a_booking_left_behind_is_offered_on_the_best_channel_that_is_open(elif_):
    happened(elif_, "Booking Abandoned", 2)
    assert key_for(elif_) == "", "nobody agreed to anything"
    agrees(elif_, "email")
    assert (key_for(elif_), channel_for(elif_)) == ("finish-booking", "email")
    agrees(elif_, "call")
    assert channel_for(elif_) == "call"


def test_whoever_booked_meanwhile_is_not_asked_to_finish(elif_):
    agrees(elif_, "email")
    happened(elif_, "Booking Abandoned", 2)
    ordered(elif_, 1, status="confirmed")
    assert key_for(elif_) == ""


def test_a_complaint_comes_before_anything_for_sale_and_needs_no_consent(elif_):
    agrees(elif_, "email", "call")
    happened(elif_, "Booking Abandoned", 2)
    happened(elif_, "Complaint Received", 5)
    assert key_for(elif_) == "hear-complaint"
    assert channel_for(elif_) == ""


def test_a_stay_ahead_is_prepared_and_nobody_is_won_back_before_it(elif_):
    agrees(elif_, "call")
    ordered(elif_, 400)
    ordered(elif_, 20, status="confirmed", starts_on=date(2026, 9, 28), ends_on=date(2026, 10, 1))
    trait(elif_, "lifecycle", "at_risk")
    scored(elif_, "clv_12m", 900.0, 10)
    assert key_for(elif_) == "prepare-stay"


def test_valuable_customers_who_are_late_are_called(elif_):
    agrees(elif_, "call", "email")
    ordered(elif_, 400)
    trait(elif_, "lifecycle", "lapsed")
    scored(elif_, "clv_12m", 10.0, 3)
    assert key_for(elif_) == ""
    Score.objects.update(decile=9)
    assert key_for(elif_) == "bring-back"


def test_without_a_value_model_the_rfm_group_says_who_is_valuable(elif_):
    agrees(elif_, "call")
    ordered(elif_, 400)
    trait(elif_, "rfm_group", "cant_loose")
    assert key_for(elif_) == "bring-back"


def test_what_they_may_like_is_recommended_with_what_it_goes_with(elif_):
    agrees(elif_, "email")
    ordered(elif_, 100)
    recommended(elif_)
    found = suggesting.suggestion_for(elif_.pk, at=NOW)
    assert found.rule.key == "offer-item"
    assert (found.thing.name, found.thing.reason_name) == ("Demlik", "Fincan")


def test_a_recommendation_without_a_reason_is_not_suggested(elif_):
    agrees(elif_, "email")
    ordered(elif_, 100)
    recommended(elif_, reason="")
    assert key_for(elif_) == ""


def test_whoever_never_decided_is_asked_for_consent_only_when_they_talk_to_us(elif_):
    ordered(elif_, 200)
    assert (key_for(elif_), channel_for(elif_)) == ("ask-consent", "")
    agrees(elif_, "email", status="refused")
    assert key_for(elif_) == ""


def test_an_answer_lets_the_rule_rest_and_the_next_one_speak(elif_):
    agrees(elif_, "email")
    happened(elif_, "Booking Abandoned", 2)
    happened(elif_, "Cart Abandoned", 1)
    asked = {"by": "deniz", "at": NOW}
    assert suggesting.answer(elif_.pk, "finish-booking", "declined", **asked)
    assert key_for(elif_) == "finish-cart"
    assert not suggesting.answer(elif_.pk, "finish-booking", "accepted", **asked), "sent twice"
    assert Answer.objects.count() == 1
    Answer.objects.update(answered_at=NOW - 15 * clock.DAY)
    assert key_for(elif_) == "finish-booking"


def test_answers_are_counted_by_suggestion(elif_):
    for verdict, days in (("accepted", 1), ("declined", 2), ("accepted", 200)):
        at = NOW - days * clock.DAY
        answers.answer(elif_.pk, "finish-cart", verdict, by="deniz", at=at)
    (tally,) = answers.counts(NOW - 90 * clock.DAY)
    assert (tally.accepted, tally.declined, tally.n, tally.rate) == (1, 1, 2, 0.5)


def test_an_answer_is_one_of_two_words_to_a_suggestion_there_is(elif_):
    with pytest.raises(answers.VerdictError):
        suggesting.answer(elif_.pk, "finish-cart", "maybe", by="deniz", at=NOW)
    with pytest.raises(suggesting.NoSuggestionError):
        suggesting.answer(elif_.pk, "nothing", "accepted", by="deniz", at=NOW)


def test_a_person_who_objects_to_profiling_is_left_alone(elif_):
    agrees(elif_, "email")
    happened(elif_, "Booking Abandoned", 2)
    Trait.objects.create(
        profile=elif_, name=OBJECTED, kind="bool", number=1, source="privacy", updated_at=0
    )
    assert key_for(elif_) == ""


def limited(**more) -> None:
    policies.apply(policy.parse(more, "limits"), by="deniz", at=NOW)


def test_a_cap_that_is_full_closes_the_channel(elif_):
    agrees(elif_, "email", "call")
    happened(elif_, "Booking Abandoned", 2)
    limited(caps=[{"most": 1, "in": "7d", "channel": "call"}])
    content = Content.objects.create(channel="call", created_at=0)
    Message.objects.create(
        profile=elif_, dedupe_key="x", origin="journey:1", channel="call", content=content,
        address="+905321234541", state="sent", is_commercial=True, due_at=NOW - clock.DAY,
        gated_at=NOW - clock.DAY, not_after_at=NOW, created_at=NOW - clock.DAY, policy=1,
        purpose="marketing",
    )  # fmt: skip
    assert channel_for(elif_) == "email"
    limited(caps=[{"most": 1, "in": "7d"}])
    assert key_for(elif_) == "", "one message of any channel was all there was room for"


def test_quiet_hours_close_a_channel(elif_):
    agrees(elif_, "email", "call")
    happened(elif_, "Booking Abandoned", 2)
    limited(quiet=[{"from": "09:00", "to": "23:00", "channels": ["call"]}])
    assert channel_for(elif_) == "email"


def test_the_control_group_of_all_messages_gets_no_offer_but_is_heard(elif_):
    agrees(elif_, "email", "call")
    happened(elif_, "Booking Abandoned", 2)
    for name in map(str, range(40)):  # a name that draws her
        held = policy.parse({"holdout": {"share": 0.5, "name": name}}, "limits")
        if is_held_out(held, elif_.pk):
            break
    limited(holdout={"share": 0.5, "name": name})
    assert key_for(elif_) == ""
    happened(elif_, "Complaint Received", 5)
    assert key_for(elif_) == "hear-complaint"
