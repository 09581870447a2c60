"""The send loop of the channels spoken over HTTP, with the gate, both databases and simulators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.channels.contract import CASES
from tests.outbox.people import profiles
from tests.simulators.sms import Netgsm

from pusula.channels.port import Outcome, Outgoing, Report, ReportKind, Result
from pusula.consent.actions import Decision, record, refuse
from pusula.consent.models import Suppression
from pusula.lib import clock
from pusula.outbox import actions, gate, machine, registry, reports
from pusula.outbox.models import Content, Hold, Message, PushSubscription, Receipt, Sender
from pusula.outbox.posting import PostLoop
from pusula.outbox.reasons import Reason
from pusula.profiles.models import Identifier, IdentifierKind, Profile

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Scripted:
    """A provider that answers by a script: a result for each address, accepted if there is none."""

    script: dict[str, Outcome] = field(default_factory=dict)
    channel: str = "sms"
    name: str = "scripted"
    largest_batch: int = 3
    taken: list[Outgoing] = field(default_factory=list)
    meanwhile: Callable[[Sequence[Outgoing]], None] = lambda _batch: None

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        self.meanwhile(batch)
        for one in batch:
            self.taken.append(one)
            told = self.script.get(one.address)
            if told is None:
                yield Outcome(one.id, Result.ACCEPTED, f"no-{one.id}", "ok")
            else:
                yield Outcome(one.id, told.result, words=told.words, after_s=told.after_s)

    def close(self) -> None:
        pass


def guests(n: int, channel: str = "sms") -> list[Profile]:
    people = profiles(n)
    now = clock.now()
    Identifier.objects.bulk_create(
        Identifier(
            profile=person, kind=IdentifierKind.PHONE, value=phone(i), source="test",
            recorded_at=now,
        )
        for i, person in enumerate(people)
    )  # fmt: skip
    record(
        [
            Decision(
                profile_id=person.pk, channel=channel, purpose="marketing", status="granted",
                source="test", decided_at=now - clock.DAY, evidence="form",
            )
            for person in people
        ],
        at=now,
    )  # fmt: skip
    return people


def phone(i: int) -> str:
    return f"+9053200000{i:02}"


def content(text: str = "Sayın {{ profile.last_name }}, odanız hazır") -> Content:
    return actions.freeze(channel="sms", sender="DENIZOTEL", subject="", text=text, html="")


def in_line(people: Sequence[Profile], *, origin: str = "campaign:1", **told: object) -> None:
    now = clock.now()
    frozen = told.pop("content", None) or content()
    actions.reserve(
        actions.Draft(
            dedupe_key=f"{origin}:{person.pk}", origin=origin, profile_id=person.pk,
            content_id=frozen.pk, channel="sms", purpose="marketing", address=phone(i),
            due_at=now, not_after_at=now + clock.DAY, **told,
        )
        for i, person in enumerate(people)
    )  # fmt: skip


def states(origin: str = "campaign:1") -> list[tuple[str, str]]:
    held = Message.objects.filter(origin=origin).order_by("profile_id")
    return list(held.values_list("state", "reason"))


def post(provider: Scripted, tmp_path: Path) -> None:
    PostLoop(provider, tmp_path).run(once=True)


def test_everybody_gets_their_own_text_once_and_its_number_is_kept(tmp_path: Path) -> None:
    in_line(guests(7))
    provider = Scripted()
    post(provider, tmp_path)
    post(provider, tmp_path)
    assert states() == [(machine.SENT, "")] * 7
    assert sorted(one.text for one in provider.taken) == sorted(
        f"Sayın Y{i}, odanız hazır" for i in range(7)
    )
    assert {one.provider_id for one in Message.objects.all()} == {
        f"no-{one.id}" for one in provider.taken
    }


def test_the_real_adapter_hands_over_through_the_same_loop(tmp_path: Path) -> None:
    in_line(guests(4))
    with next(case for case in CASES if case.name == "netgsm").staged() as stage:
        PostLoop(stage.provider, tmp_path).run(once=True)
        company: Netgsm = stage.company
    assert states() == [(machine.SENT, "")] * 4
    assert len(company.taken) == 4
    assert all(one["commercial"] for one in company.taken)


def test_each_outcome_becomes_its_state_and_only_later_stays_in_line(tmp_path: Path) -> None:
    in_line(guests(5))
    at = clock.now()
    said = {
        phone(1): Outcome(0, Result.LATER, words="busy", after_s=77),
        phone(2): Outcome(0, Result.BAD_ADDRESS, words="no such number"),
        phone(3): Outcome(0, Result.REJECTED, words="too long"),
        phone(4): Outcome(0, Result.DOUBT, words="no answer"),
    }
    post(Scripted(said), tmp_path)
    assert states() == [
        (machine.SENT, ""),
        (machine.PENDING, ""),
        (machine.FAILED, Reason.HARD_BOUNCE),
        (machine.FAILED, Reason.REJECTED),
        (machine.UNKNOWN, Reason.CONNECTION_LOST),
    ]
    later = Message.objects.get(state=machine.PENDING)
    assert later.due_at >= at + 77 * clock.SECOND
    assert later.owner == ""
    closed = Suppression.objects.get()
    assert (closed.channel, closed.address) == ("sms", phone(2))


def test_a_message_in_doubt_is_never_handed_over_again_by_itself(tmp_path: Path) -> None:
    in_line(guests(2))
    provider = Scripted({phone(0): Outcome(0, Result.DOUBT), phone(1): Outcome(0, Result.DOUBT)})
    for _ in range(3):
        post(provider, tmp_path)
    assert len(provider.taken) == 2


@pytest.mark.parametrize(
    ("kind", "state"),
    [("sent", "sent"), ("delivered", "sent"), ("bounced", "sent"), ("rejected", "failed")],
)
def test_a_doubt_ends_with_what_the_provider_tells_of_the_message(
    kind: str, state: str, tmp_path: Path
) -> None:
    in_line(guests(1))
    post(Scripted({phone(0): Outcome(0, Result.DOUBT)}), tmp_path)
    token = Message.objects.get().token
    told = Report(kind=ReportKind(kind), key="k", token=token, words="they know it")
    for n_new in (1, 0):
        assert reports.apply([told], channel="sms", at=clock.now()).n_new == n_new
    assert [one for one, _reason in states()] == [state]


@pytest.mark.parametrize("odd", ["a\0b", "a\ud800b"])
def test_a_report_with_letters_that_no_database_takes_is_applied_once(
    odd: str, tmp_path: Path
) -> None:
    in_line(guests(1))
    post(Scripted(), tmp_path)
    token = Message.objects.get().token
    mine = Report(kind=ReportKind.CLICKED, key=odd, token=token, words=odd, url=odd)
    nobodys = Report(kind=ReportKind.DELIVERED, key=odd, token=odd, provider_id=odd)
    for n_new in (1, 0):
        done = reports.apply([mine, nobodys], channel="sms", at=clock.now())
        assert (done.n_new, done.n_unknown) == (n_new, 1)
    assert Receipt.objects.get().detail == "a b"


def test_a_sender_shows_that_it_lives_while_a_batch_takes_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_line(guests(3))
    monkeypatch.setattr(registry, "BEAT_S", 0.0)
    seen: list[int] = []
    handed_at = clock.now()

    class Slow(Scripted):
        """Takes a minute and a half for each message."""

        def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
            for n, outcome in enumerate(super().send(batch)):
                seen.append(Sender.objects.get().heartbeat_at)
                at = handed_at + (n + 1) * 90 * clock.SECOND
                monkeypatch.setattr(clock, "now", lambda at=at: at)
                yield outcome

    post(Slow(), tmp_path)
    assert seen == sorted(set(seen)), "the next one looks at a heart that stands still"
    assert len(seen) == 3


def test_a_loop_that_dies_with_a_batch_at_the_provider_leaves_it_unknown(tmp_path: Path) -> None:
    in_line(guests(3))

    class Died(BaseException):
        """The process ended."""

    def die(_batch: Sequence[Outgoing]) -> None:
        raise Died

    provider = Scripted(meanwhile=die)
    with pytest.raises(Died):
        post(provider, tmp_path)
    assert states() == [(machine.UNKNOWN, Reason.CONNECTION_LOST)] * 3
    post(Scripted(), tmp_path)
    assert provider.taken == []


def test_refused_for_our_sake_the_channel_is_held_and_nobody_is_lost(tmp_path: Path) -> None:
    in_line(guests(5))
    provider = Scripted({phone(i): Outcome(0, Result.POLICY, words="no credit") for i in range(5)})
    post(provider, tmp_path)
    assert len(provider.taken) == 3  # the first batch; the rest is held
    assert {state for state, _ in states()} == {machine.PENDING}
    held = Hold.objects.get()
    assert (held.origin, held.reason, held.detail) == ("channel:sms", "policy", "no credit")
    provider.script.clear()
    post(provider, tmp_path)
    assert len(provider.taken) == 3
    actions.lift("channel:sms")
    Message.objects.update(due_at=clock.now())
    post(provider, tmp_path)
    assert states() == [(machine.SENT, "")] * 5


def test_a_fault_of_the_content_holds_its_own_mailing_alone(tmp_path: Path) -> None:
    people = guests(2)
    in_line(people[:1], origin="campaign:1")
    in_line(people, origin="journey:2")
    provider = Scripted(largest_batch=1)
    provider.script[phone(0)] = Outcome(0, Result.CONTENT, words="template paused")
    post(provider, tmp_path)
    assert set(Hold.objects.values_list("origin", flat=True)) == {"campaign:1", "journey:2"}
    assert not Hold.objects.filter(origin="channel:sms").exists()


def test_a_refusal_during_a_running_mailing_stops_what_has_not_left(tmp_path: Path) -> None:
    people = guests(6)
    in_line(people)
    provider = Scripted()

    def withdraw(batch: Sequence[Outgoing]) -> None:
        if not provider.taken:
            refuse(
                [people[5].pk], channel="sms", purpose="marketing", source="test",
                evidence="call", at=clock.now(),
            )  # fmt: skip

    provider.meanwhile = withdraw
    post(provider, tmp_path)
    assert len(provider.taken) == 5
    assert states()[5] == (machine.SKIPPED, Reason.REFUSED)


def test_what_is_withdrawn_between_the_gate_and_the_provider_is_called_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = guests(3)
    in_line(people)
    turn = gate.turn

    def turn_and_withdraw(*given: object, **named: object) -> object:
        verdicts = turn(*given, **named)
        if verdicts:
            refuse(
                [people[1].pk], channel="sms", purpose="marketing", source="test",
                evidence="call", at=clock.now(),
            )  # fmt: skip
        return verdicts

    monkeypatch.setattr(gate, "turn", turn_and_withdraw)
    provider = Scripted()
    post(provider, tmp_path)
    assert {one.address for one in provider.taken} == {phone(0), phone(2)}
    assert states()[1] == (machine.SKIPPED, Reason.REFUSED)


def test_a_text_that_cannot_be_filled_is_skipped_and_says_why(tmp_path: Path) -> None:
    in_line(
        guests(1), content=content("{{ profile.last_name | date: 1 | nothing }}")
    ) if False else None
    in_line(guests(1), content=content("{% if false %}x{% endif %}"))
    post(Scripted(), tmp_path)
    assert states() == [(machine.SKIPPED, Reason.RENDER_ERROR)]


def test_an_inbox_gets_one_copy_of_a_mailing(tmp_path: Path) -> None:
    people = guests(3)
    in_line(people)
    Message.objects.update(address=phone(0))
    provider = Scripted()
    post(provider, tmp_path)
    assert len(provider.taken) == 1
    assert sorted(states()) == [
        (machine.SENT, ""),
        (machine.SKIPPED, Reason.DUPLICATE_ADDRESS),
        (machine.SKIPPED, Reason.DUPLICATE_ADDRESS),
    ]


def test_one_number_gets_two_messages_in_two_batches(tmp_path: Path) -> None:
    people = guests(1)
    in_line(people, origin="campaign:1")
    in_line(people, origin="campaign:2")
    batches: list[int] = []
    post(Scripted(meanwhile=lambda batch: batches.append(len(batch))), tmp_path)
    assert batches == [1, 1]
    assert states() + states("campaign:2") == [(machine.SENT, "")] * 2


def test_a_provider_that_says_at_once_is_not_asked_at_once(tmp_path: Path) -> None:
    in_line(guests(1))
    provider = Scripted({phone(0): Outcome(0, Result.LATER, words="busy", after_s=0)})
    at = clock.now()
    post(provider, tmp_path)
    assert len(provider.taken) == 1
    assert Message.objects.get().due_at >= at + 30 * clock.SECOND


@pytest.mark.parametrize("is_theirs", [True, False])
def test_a_push_for_one_person_is_not_shown_to_who_uses_the_browser_now(
    tmp_path: Path, is_theirs: bool
) -> None:
    before, now_there = guests(2, "webpush")
    PushSubscription.objects.create(
        profile=before if is_theirs else now_there, address="b", endpoint="https://p.example/1",
        p256dh="k", auth="a", vapid_key="v", source="test", subscribed_at=1,
    )  # fmt: skip
    frozen = actions.freeze(channel="webpush", sender="", subject="Oda", text="12", html="")
    now = clock.now()
    actions.reserve(
        [
            actions.Draft(
                dedupe_key="p", origin="campaign:1", profile_id=before.pk, content_id=frozen.pk,
                channel="webpush", purpose="marketing", address="b", due_at=now,
                not_after_at=now + clock.DAY,
            )
        ]
    )  # fmt: skip
    provider = Scripted(channel="webpush")
    post(provider, tmp_path)
    assert len(provider.taken) == is_theirs
    assert states() == [(machine.SENT, "") if is_theirs else (machine.SKIPPED, "no_address")]
    assert PushSubscription.objects.exists(), "the browser is still somebody's"


def test_a_held_channel_and_the_stop_file_keep_everything_in_line(tmp_path: Path) -> None:
    in_line(guests(2))
    actions.hold("channel:sms", at=clock.now())
    provider = Scripted()
    post(provider, tmp_path)
    actions.lift("channel:sms")
    (tmp_path / "run").mkdir(exist_ok=True)
    (tmp_path / "run" / "stop-sending").touch()
    post(provider, tmp_path)
    assert provider.taken == []
    (tmp_path / "run" / "stop-sending").unlink()
    post(provider, tmp_path)
    assert len(provider.taken) == 2


def test_two_loops_share_the_line_and_each_message_has_one_of_them(tmp_path: Path) -> None:
    in_line(guests(9))
    second = Scripted()
    first = Scripted(meanwhile=lambda _batch: second.taken or post(second, tmp_path))
    post(first, tmp_path)
    numbers = [one.id for one in (*first.taken, *second.taken)]
    assert len(numbers) == len(set(numbers)) == 9


def test_what_a_dead_loop_had_let_pass_is_unknown_for_the_next(tmp_path: Path) -> None:
    in_line(guests(1))
    Message.objects.update(state=machine.SENDING, owner="gone")
    provider = Scripted()
    post(provider, tmp_path)
    assert states() == [(machine.UNKNOWN, Reason.SENDER_DIED)]
    assert provider.taken == []


def test_of_a_long_sms_its_parts_are_kept_since_each_is_paid_for(tmp_path: Path) -> None:
    in_line(guests(2), content=content("{{ profile.last_name }} " + "ş" * 150))
    post(Scripted(), tmp_path)
    assert set(Message.objects.values_list("n_parts", flat=True)) == {3}


def test_a_second_try_that_says_less_is_paid_for_as_what_it_says(tmp_path: Path) -> None:
    [guest] = guests(1)
    Profile.objects.filter(pk=guest.pk).update(last_name="Я" * 100)
    in_line([guest])
    post(Scripted({phone(0): Outcome(0, Result.LATER, after_s=60)}), tmp_path)
    assert Message.objects.get().n_parts == 2
    Profile.objects.filter(pk=guest.pk).update(last_name="Yıldız")
    Message.objects.update(due_at=clock.now())
    post(Scripted(), tmp_path)
    assert (Message.objects.get().state, Message.objects.get().n_parts) == (machine.SENT, None)
