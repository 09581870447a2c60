"""The gate: what may go goes once, what may not keeps its reason, and a late no still counts."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import IntegrityError, connection
from tests.outbox.people import consented, in_line, profiles

from pusula.consent import actions as consent
from pusula.lib import clock
from pusula.outbox import actions, gate, machine, moves
from pusula.outbox.claims import claim
from pusula.outbox.gate import GO, HELD, NOT_OURS, FencedError
from pusula.outbox.models import Message, Receipt
from pusula.outbox.moves import Move, apply
from pusula.outbox.reasons import Reason
from pusula.profiles.models import Identifier, IdentifierKind

pytestmark = pytest.mark.django_db(transaction=True)
ME, OTHER = "me", "other"


def claimed(n: int = 1, owner: str = ME) -> list[int]:
    """Return the ids of ``n`` messages to people who said yes, claimed by ``owner``."""
    people = profiles(n)
    consented(people)
    in_line(people)
    return [letter.id for letter in claim(owner, n=100, at=clock.now())]


def through_the_gate(ids: list[int], owner: str = ME) -> dict[int, str]:
    return gate.turn([], [], ids, owner=owner, at=clock.now())


def state_of(id_: int) -> tuple[str, str]:
    message = Message.objects.get(pk=id_)
    return message.state, message.reason


def refuse(profile_id: int) -> None:
    consent.refuse(
        [profile_id], channel="email", purpose="marketing", source="test", evidence="said so",
        at=clock.now(),
    )  # fmt: skip


def decision(
    profile_id: int, status: str, at: int, evidence: str = "", **told: str
) -> consent.Decision:
    common = {"channel": "email", "purpose": "marketing", "source": "test"}
    return consent.Decision(
        profile_id=profile_id, status=status, decided_at=at, evidence=evidence, **(common | told)
    )


def test_a_message_passes_once_and_only_for_the_sender_that_claimed_it():
    [id_] = claimed()
    assert through_the_gate([id_], OTHER) == {id_: NOT_OURS}
    assert through_the_gate([id_]) == {id_: GO}
    assert state_of(id_) == ("sending", "")
    assert Message.objects.get(pk=id_).gated_at is not None
    assert through_the_gate([id_]) == {id_: NOT_OURS}


def test_two_senders_never_claim_the_same_message():
    ids = claimed(5)
    assert len(ids) == 5
    assert claim(OTHER, n=100, at=clock.now()) == []


def test_a_message_is_not_claimed_before_it_is_due():
    [person] = profiles(1)
    consented([person])
    [message] = in_line([person])
    assert claim(ME, n=10, at=message.due_at - 1) == []
    assert len(claim(ME, n=10, at=message.due_at)) == 1


@pytest.mark.parametrize(
    ("reason", "spoil"),
    [
        (Reason.REFUSED, lambda m: refuse(m.profile_id)),
        (Reason.NO_CONSENT, lambda m: m.profile.consents.all().delete()),
        (
            Reason.SUPPRESSED,
            lambda m: consent.suppress("email", m.address, reason="complaint", at=clock.now()),
        ),
        (
            Reason.EXPIRED,
            lambda m: Message.objects.filter(pk=m.pk).update(not_after_at=clock.now() - 1),
        ),
        (Reason.NO_ADDRESS, lambda m: Message.objects.filter(pk=m.pk).update(address="")),
    ],
)
def test_what_must_not_go_is_skipped_with_its_reason(reason, spoil):
    good, bad = claimed(2)
    spoil(Message.objects.get(pk=bad))
    assert through_the_gate([good, bad]) == {good: GO, bad: reason}
    assert state_of(bad) == ("skipped", reason)
    assert Message.objects.get(pk=bad).settled_at is not None


def test_consent_for_another_channel_or_purpose_is_none():
    [id_] = claimed()
    Message.objects.filter(pk=id_).update(purpose="surveys")
    assert through_the_gate([id_]) == {id_: Reason.NO_CONSENT}


@pytest.mark.parametrize("first_state", ["sending", "sent", "unknown"])
def test_an_inbox_that_has_or_may_have_a_copy_gets_no_second(first_state):
    first, second = claimed(2)
    address = Message.objects.get(pk=first).address
    Message.objects.filter(pk=second).update(address=address)
    Message.objects.filter(pk=first).update(state=first_state)
    assert through_the_gate([second]) == {second: Reason.DUPLICATE_ADDRESS}


def test_another_mailing_may_go_to_the_same_inbox():
    [first] = claimed()
    through_the_gate([first])
    message = Message.objects.select_related("profile").get(pk=first)
    [again] = in_line([message.profile], origin="campaign:2")
    claim(ME, n=10, at=clock.now())
    assert through_the_gate([again.pk]) == {again.pk: GO}


def test_two_senders_that_reach_one_inbox_together_cannot_both_pass():
    # Each would see only its own uncommitted pass; the database itself says no to the second.
    first, second = claimed(2)
    address = Message.objects.get(pk=first).address
    Message.objects.filter(pk=second).update(address=address)
    through_the_gate([first])
    with pytest.raises(IntegrityError):
        Message.objects.filter(pk=second).update(state=machine.SENDING)


@pytest.mark.parametrize("origin", ["campaign:1", ""])
def test_what_is_held_stays_in_line(origin):
    [id_] = claimed()
    actions.hold(origin, at=clock.now())
    assert through_the_gate([id_]) == {id_: HELD}
    assert state_of(id_) == ("pending", "")
    assert claim(OTHER, n=10, at=clock.now()) == []
    assert actions.lift(origin)
    assert through_the_gate([id_]) == {id_: GO}


def test_answers_are_recorded_with_the_next_passes_and_what_moved_belongs_to_nobody():
    first, second = claimed(2)
    through_the_gate([first])
    gate.turn(
        [(machine.SENDING, Move(first, machine.SENT, detail="250 2.0.0 queued"))], [], [second],
        owner=ME, at=clock.now(),
    )  # fmt: skip
    message = Message.objects.get(pk=first)
    assert (message.state, message.owner, message.detail) == ("sent", "", "250 2.0.0 queued")
    assert state_of(second)[0] == "sending"


def test_a_hop_that_says_later_puts_the_message_back_in_line():
    [id_] = claimed()
    through_the_gate([id_])
    later_at = clock.now() + clock.HOUR
    back = Move(id_, machine.PENDING, detail="451 busy", later_at=later_at)
    gate.turn([(machine.SENDING, back)], [], [], owner=ME, at=clock.now())
    message = Message.objects.get(pk=id_)
    assert (message.state, message.owner, message.due_at, message.n_attempts) == (
        "pending", "", later_at, 1,
    )  # fmt: skip
    assert message.settled_at is None


def test_a_mailbox_that_does_not_exist_is_never_written_to_again():
    [id_] = claimed()
    address = Message.objects.get(pk=id_).address
    gate.turn(
        [(machine.PENDING, Move(id_, machine.FAILED, Reason.HARD_BOUNCE, "550 5.1.1 no"))],
        [gate.Bounce(id_, address, "550 5.1.1 no")], [], owner=ME, at=clock.now(),
    )  # fmt: skip
    assert Receipt.objects.get().kind == "bounced"
    [again] = in_line([Message.objects.get(pk=id_).profile], origin="campaign:2")
    claim(ME, n=10, at=clock.now())
    assert through_the_gate([again.pk]) == {again.pk: Reason.SUPPRESSED}


def test_a_no_between_the_pass_and_the_dot_calls_the_message_back():
    first, second, third = claimed(3)
    assert set(through_the_gate([first, second, third]).values()) == {GO}
    refuse(Message.objects.get(pk=second).profile_id)
    consent.suppress(
        "email", Message.objects.get(pk=third).address, reason="complaint", at=clock.now()
    )
    assert gate.withdrawn([first, second, third], owner=ME, at=clock.now()) == {second, third}


def test_a_person_erased_between_the_pass_and_the_dot_is_called_back():
    [id_] = claimed()
    through_the_gate([id_])
    message = Message.objects.get(pk=id_)
    message.delete()
    assert gate.withdrawn([id_], owner=ME, at=clock.now()) == {id_}


def test_who_shares_an_inbox_with_a_refuser_is_not_written_to():
    first, second = claimed(2)
    here, there = (Message.objects.get(pk=id_) for id_ in (first, second))
    Identifier.objects.filter(profile_id=there.profile_id).update(value=here.address)
    assert Identifier.objects.filter(kind=IdentifierKind.EMAIL, value=here.address).count() == 2
    refuse(there.profile_id)
    assert through_the_gate([first]) == {first: Reason.REFUSED}


@pytest.mark.parametrize(
    ("granted_ago", "evidence", "verdict"),
    [
        (clock.DAY, "form", Reason.REFUSED),
        (clock.MINUTE, "", Reason.REFUSED),
        (clock.MINUTE, "signed at the desk", GO),
    ],
)
def test_a_refused_inbox_stays_closed_to_a_new_profile_of_the_same_person(
    granted_ago, evidence, verdict
):
    now = clock.now()
    before, after = profiles(2)
    consented([before])
    address = before.identifiers.get().value
    consent.record([decision(before.pk, "refused", now - clock.HOUR)], at=now)
    after.identifiers.update(value=address)
    consent.record([decision(after.pk, "granted", now - granted_ago, evidence)], at=now)
    in_line([after])
    Message.objects.update(address=address)
    [letter] = claim(ME, n=10, at=clock.now())
    assert through_the_gate([letter.id]) == {letter.id: verdict}


def test_a_refusal_by_another_holder_concerns_its_channel_and_purpose_only():
    first, second = claimed(2)
    here, there = (Message.objects.get(pk=id_) for id_ in (first, second))
    Identifier.objects.filter(profile_id=there.profile_id).update(value=here.address)
    told = {"profile_id": there.profile_id, "status": "refused", "at": clock.now()}
    other = [decision(**told, purpose="surveys"), decision(**told, channel="sms")]
    consent.record(other, at=clock.now())
    assert through_the_gate([first]) == {first: GO}


def test_a_message_taken_away_while_we_look_rolls_the_whole_turn_back(monkeypatch):
    first, second = claimed(2)
    judge = gate._within_limits

    def judge_slowly(ids, **given):
        verdicts = judge(ids, **given)
        Message.objects.filter(pk=second).update(owner=OTHER)
        return verdicts

    monkeypatch.setattr(gate, "_within_limits", judge_slowly)
    with pytest.raises(FencedError):
        through_the_gate([first, second])
    assert state_of(first) == ("pending", "")


def test_a_sender_thought_dead_cannot_change_what_was_settled_without_it():
    [id_] = claimed()
    through_the_gate([id_])
    Message.objects.filter(pk=id_).update(state=machine.UNKNOWN, owner="")
    moved = apply([Move(id_, machine.SENT)], state=machine.SENDING, owner=ME, at=clock.now())
    assert moved == 0
    assert state_of(id_)[0] == "unknown"


def test_only_the_moves_of_the_machine_are_possible():
    [id_] = claimed()
    for state, allowed in machine.MOVES.items():
        for to in set(machine.STATES) - allowed - {state}:
            with pytest.raises(ValueError, match="cannot go"):
                apply([Move(id_, to)], state=state, owner=ME, at=clock.now())
    assert state_of(id_) == ("pending", "")


def test_the_search_for_copies_uses_its_index():
    if connection.vendor != "sqlite":
        pytest.skip("a planner with few rows prefers to scan; SQLite always takes an index")
    [id_] = claimed()
    with connection.cursor() as cursor:
        cursor.execute(f"explain query plan {gate._FACTS}(%s)", [0, id_])
        plan = " ".join(str(row[-1]) for row in cursor.fetchall())
    assert "message_once_per_address" in plan
    assert "SEARCH m USING INTEGER PRIMARY KEY" in plan
    assert "SCAN d" not in plan
    assert "SEARCH holder USING COVERING INDEX" in plan
    assert "SCAN" not in plan


def test_moves_of_named_messages_do_not_walk_through_all_that_wait():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL estimates from the size of the table; SQLite guesses ten rows")
    ids = claimed(60)
    ran = []

    def note(execute, sql, params, many, context):
        ran.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        through_the_gate(ids[:30])
        moves.release(owner=ME, ids=ids[30:])
        moves.displace(ids[30:], at=clock.now())
        moves.withdraw(Message.objects.filter(pk__in=ids), at=clock.now())
    updates = [(sql, params) for sql, params in ran if sql.strip().lower().startswith("update")]
    assert len(updates) == 4
    with connection.cursor() as cursor:
        for sql, params in updates:
            cursor.execute(f"explain query plan {sql}", params)
            plan = str(cursor.fetchall())
            assert "message_in_line" not in plan, sql


def test_an_address_of_which_only_the_hash_is_kept_is_closed_and_its_neighbour_is_not():
    people = profiles(2)
    consented(people)
    first, second = in_line(people)
    Message.objects.update(owner="me")
    consent.forget("email", [first.address], at=1)
    found = gate.judge([first.pk, second.pk], owner="me", state=machine.PENDING, at=clock.now())
    assert found == {first.pk: Reason.SUPPRESSED, second.pk: gate.GO}


def test_what_stops_commercial_messages_lets_the_others_through():
    people = profiles(1)
    consented(people)
    [message] = in_line(people)
    Message.objects.update(owner="me")
    consent.suppress("email", message.address, reason="manual", scope="commercial", at=1)

    def verdict() -> str:
        found = gate.judge([message.pk], owner="me", state=machine.PENDING, at=clock.now())
        return found[message.pk]

    assert verdict() == Reason.SUPPRESSED
    Message.objects.update(is_commercial=False)
    assert verdict() == gate.GO


def test_the_last_look_is_spared_only_where_nothing_was_written(monkeypatch):
    first, second = claimed(2)
    verdicts = through_the_gate([first, second])
    looked: list[int] = []
    judge = gate.judge

    def seen(ids, **given):
        looked.extend(ids)
        return judge(ids, **given)

    monkeypatch.setattr(gate, "judge", seen)
    assert gate.withdrawn([first, second], owner=ME, at=clock.now(), since=verdicts.mark) == set()
    can_tell = connection.vendor == "sqlite"
    assert looked == ([] if can_tell else [first, second])
    refuse(Message.objects.get(pk=second).profile_id)
    found = gate.withdrawn([first, second], owner=ME, at=clock.now(), since=verdicts.mark)
    assert found == {second}


def test_the_last_look_sees_what_another_connection_wrote_behind_the_turn():
    first, second = claimed(2)
    verdicts = through_the_gate([first, second])
    profile_id = Message.objects.get(pk=first).profile_id

    def refuse_elsewhere():
        refuse(profile_id)
        connection.close()

    other = Thread(target=refuse_elsewhere)
    other.start()
    other.join()
    found = gate.withdrawn([first, second], owner=ME, at=clock.now(), since=verdicts.mark)
    assert found == {first}
