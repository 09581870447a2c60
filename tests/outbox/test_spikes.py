"""A campaign or journey whose first messages come to nothing too often is held by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.outbox.people import in_line, profiles
from tests.outbox.test_posting import Scripted, phone, post
from tests.outbox.test_posting import guests as with_phones
from tests.outbox.test_posting import in_line as texts_in_line

from pusula.channels.port import Outcome, Report, ReportKind, Result
from pusula.lib import clock
from pusula.lib.sayings import told
from pusula.outbox import actions, machine, reports, spikes
from pusula.outbox.models import Hold, Message

pytestmark = pytest.mark.django_db(transaction=True)


def sent(n: int, **columns: object) -> list[Message]:
    made = in_line(profiles(n), origin="campaign:7")
    told_ = {"state": machine.SENT, "gated_at": clock.now(), **columns}
    Message.objects.filter(pk__in=[one.pk for one in made]).update(**told_)
    return made


def tell(messages: Sequence[Message], kind: ReportKind = ReportKind.BOUNCED) -> None:
    told_ = [Report(kind=kind, key=f"{kind}{one.pk}", token=one.token) for one in messages]
    reports.apply(told_, channel="email", at=clock.now())


def held() -> list[str]:
    return [told(one.detail) for one in Hold.objects.filter(origin="campaign:7")]


def test_a_campaign_whose_addresses_are_gone_is_held_with_the_reason():
    messages = sent(300)
    tell(messages[:20])
    assert held() == [], "so few are everyday"
    tell(messages[20:21])
    assert held() == ["of 300 messages 21 came to nothing: there is nobody at the address"]
    assert Hold.objects.get().reason == spikes.ORIGIN_HOLD


def test_a_large_share_is_asked_of_a_large_campaign():
    messages = sent(500)
    tell(messages[:25])
    assert held() == [], "5 in 100, not more"
    tell(messages[25:26])
    assert len(held()) == 1


def test_far_fewer_complaints_hold_it():
    messages = sent(300)
    tell(messages[:5], ReportKind.COMPLAINED)
    assert held() == []
    tell(messages[5:6], ReportKind.COMPLAINED)
    assert held() == ["of 300 messages 6 came to nothing: it was called spam"]


def test_what_a_person_has_let_go_on_is_not_held_again_for_what_was_known_then():
    messages = sent(300)
    tell(messages[:30])
    actions.lift("campaign:7")
    tell(messages[:30])
    tell(messages[30:40])
    assert held() == []


def test_of_two_who_are_told_at_the_same_moment_one_holds_it(monkeypatch):
    messages = sent(300)
    tell(messages[:20])
    looks = []
    with monkeypatch.context() as before_both:
        before_both.setattr(spikes.Watch, "look", lambda _, *told_, at: looks.append((*told_, at)))
        tell(messages[20:22])
        tell(messages[22:24])
    for receipts, at in looks:
        spikes.Watch().look(receipts, at=at)
    assert len(held()) == 1


def test_what_only_informs_and_what_has_long_been_under_way_goes_on(monkeypatch):
    tell(sent(100, is_commercial=False))
    assert held() == []
    monkeypatch.setattr(spikes, "FIRST", 99)
    Message.objects.update(is_commercial=True)
    tell(list(Message.objects.all()), ReportKind.COMPLAINED)
    assert held() == []


def test_numbers_that_do_not_exist_hold_it_while_it_is_sent(tmp_path: Path):
    texts_in_line(with_phones(60), origin="campaign:7")
    provider = Scripted({phone(i): Outcome(0, Result.BAD_ADDRESS) for i in range(60)})
    post(provider, tmp_path)
    assert len(held()) == 1
    assert len(provider.taken) < 30, "the rest stays in line"
    assert Message.objects.filter(state=machine.PENDING).exists()
