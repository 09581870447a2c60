"""The last check before a message leaves, and the commit that makes it binding.

A turn of the sender is one transaction: the answers that came in are recorded, and the messages
whose envelopes the hop has taken are judged and moved to ``sending``. Only after that commit may
a body end with its final dot. A crash behind it leaves doubt, never a second copy.

Two databases decide differently what a transaction sees of others, so there is a second look
after the commit: whatever was withdrawn before the commit is visible then, and the message is
called back before its dot.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from pusula.consent import actions as consent
from pusula.consent import queries as consents
from pusula.consent.models import Channel, Status
from pusula.outbox import machine, moves
from pusula.outbox.models import Receipt, ReceiptKind
from pusula.outbox.moves import Move
from pusula.outbox.reasons import Reason

GO = ""
NOT_OURS = "not_ours"  # another sender has it, it is settled, or it is gone
HELD = "held"  # paused: it stays in line
_TAKEN = ", ".join(f"'{state}'" for state in machine.TAKEN)
_REFUSED_INBOX = consents.refused_inbox(
    profile_id="m.profile_id", address="m.address", channel="m.channel", purpose="m.purpose"
)
# Read in one statement: it runs once for every turn, and the planner sees all of it.
_FACTS = f"""
select m.id, m.state, m.owner, m.address, m.not_after_at,
  case when {_REFUSED_INBOX} then '{Status.REFUSED}' else c.status end,
  exists(select 1 from consent_suppression s
    where s.channel = m.channel and s.address = m.address),
  exists(select 1 from outbox_message d
    where d.origin = m.origin and d.channel = m.channel and d.address = m.address
      and d.state in ({_TAKEN}) and d.id <> m.id),
  exists(select 1 from outbox_hold h where h.origin in ('', m.origin))
from outbox_message m
left join consent_consent c
  on c.profile_id = m.profile_id and c.channel = m.channel and c.purpose = m.purpose
where m.id in """


@dataclass(frozen=True, slots=True)
class Bounce:
    """A message whose address the hop says does not exist, in the hop's words."""

    id: int
    address: str
    detail: str


class FencedError(Exception):
    """A message was taken from us between looking and writing; roll back and look again."""


def judge(ids: Sequence[int], *, owner: str, state: str, at: int) -> dict[int, str]:
    """Return for each message that ``owner`` holds in ``state`` whether it may go.

    ``GO``, ``NOT_OURS``, ``HELD``, or the reason why it must not go (a ``Reason``).
    """
    if not ids:
        return {}
    marks = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(f"{_FACTS}({marks})", list(ids))
        facts = cursor.fetchall()
    found = dict.fromkeys(ids, NOT_OURS)
    for id_, *claim, address, not_after_at, status, is_suppressed, is_taken, is_held in facts:
        if claim != [state, owner]:
            continue
        if is_held:
            found[id_] = HELD
        elif at > not_after_at:
            found[id_] = Reason.EXPIRED
        elif not address:
            found[id_] = Reason.NO_ADDRESS
        elif is_suppressed:
            found[id_] = Reason.SUPPRESSED
        elif status != Status.GRANTED:
            found[id_] = Reason.NO_CONSENT if status is None else Reason.REFUSED
        else:
            found[id_] = Reason.DUPLICATE_ADDRESS if is_taken else GO
    return found


def turn(
    settled: Collection[tuple[str, Move]],
    bounced: Collection[Bounce],
    ready: Sequence[int],
    *,
    owner: str,
    at: int,
) -> dict[int, str]:
    """Record what became of messages, and let pass those of ``ready`` that may go; one commit.

    ``settled`` holds moves with the state they start from; the addresses of ``bounced`` are
    suppressed. No two of ``ready`` go to the same inbox for the same origin. Returns the verdict
    on each of ``ready``: those with ``GO`` are ``sending`` from now on, those with a reason are
    skipped.

    Raises ``FencedError`` if a message was taken from us meanwhile, and ``IntegrityError`` if
    another sender reached an inbox first: nothing is written then, and a new try will see it.
    """
    with transaction.atomic():
        for state in (machine.PENDING, machine.SENDING):
            moves.apply([m for s, m in settled if s == state], state=state, owner=owner, at=at)
        for bounce in bounced:
            _suppress(bounce, at)
        verdicts = judge(ready, owner=owner, state=machine.PENDING, at=at)
        passed = [id_ for id_, verdict in verdicts.items() if verdict == GO]
        if passed and not moves.let_pass(passed, owner=owner, at=at):
            raise FencedError
        skipped = [
            Move(id_, machine.SKIPPED, verdict)
            for id_, verdict in verdicts.items()
            if verdict not in {GO, NOT_OURS, HELD}
        ]
        moves.apply(skipped, state=machine.PENDING, owner=owner, at=at)
    return verdicts


def _suppress(bounce: Bounce, at: int) -> None:
    consent.suppress(
        Channel.EMAIL, bounce.address, reason=Reason.HARD_BOUNCE, detail=bounce.detail, at=at
    )
    Receipt.objects.create(message_id=bounce.id, kind=ReceiptKind.BOUNCED, at=at)


def withdrawn(ids: Sequence[int], *, owner: str, at: int) -> set[int]:
    """Return those of ``ids``, let pass just now, that must not get their final dot after all."""
    verdicts = judge(ids, owner=owner, state=machine.SENDING, at=at)
    return {id_ for id_, verdict in verdicts.items() if verdict != GO}
