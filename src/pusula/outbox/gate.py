"""The last check before a message leaves, and the commit that makes it binding.

A turn of the sender is one transaction: the answers that came in are recorded, and the messages
whose envelopes the hop has taken are judged and moved to ``sending``. Only after that commit may
a body end with its final dot. A crash behind it leaves doubt, never a second copy.

Two databases decide differently what a transaction sees of others, so there is a second look
after the commit: whatever was withdrawn before the commit is visible then, and the message is
called back before its dot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection, transaction

from pusula.consent import actions as consent
from pusula.consent import queries as consents
from pusula.consent.iys import queries as iys
from pusula.consent.models import Channel, Scope, Status
from pusula.outbox import limits, machine, moves, policies, room, stillness
from pusula.outbox.limits import Late
from pusula.outbox.models import FENCE, Message, Receipt, ReceiptKind
from pusula.outbox.moves import Move
from pusula.outbox.reasons import Reason
from pusula.outbox.room import Going
from pusula.outbox.rules.policy import UNLIMITED
from pusula.outbox.spikes import Watch

GO = ""
NOT_OURS = "not_ours"  # another sender has it, it is settled, or it is gone
HELD = "held"  # paused, or there is no room in a budget: it stays in line
PUT_OFF = "put_off"  # it must wait for its hour: it is back in line
_STAYED = (machine.PENDING, machine.FAILED)  # it did not leave
_TAKEN = ", ".join(f"'{state}'" for state in machine.TAKEN)
_GRANTED = Status.GRANTED.value
_COUNTED = ", ".join(f"'{state}'" for state in machine.COUNTED)
_REFUSED_INBOX = consents.refused_inbox(
    profile_id="m.profile_id", address="m.address", channel="m.channel", purpose="m.purpose"
)
_COVERED = consents.covered(
    profile_id="m.profile_id", address="m.address", channel="m.channel", purpose="m.purpose"
)
# Read in one statement: it runs once for every turn, and the planner sees all of it. Addresses of
# which only the hash is kept, and İYS, are asked behind it, where there is anything to ask.
_FACTS = f"""
select m.id, m.state, m.owner, m.profile_id, m.channel, m.address, m.not_after_at,
  m.is_commercial, m.policy, m.due_at, m.open_until_at, (select max(number) from outbox_policy),
  m.is_commercial and exists(select 1 from outbox_message o
    where o.profile_id = m.profile_id and o.not_after_at > %s - (
        select p.memory from outbox_policy p
        where p.number = (select max(number) from outbox_policy))
      and o.is_commercial and o.id <> m.id and o.state in ({_COUNTED})),
  case when {_REFUSED_INBOX} then '{Status.REFUSED}' else c.status end,
  proof.address in ('', m.address) or {_COVERED},
  exists(select 1 from consent_suppression s
    where s.channel = m.channel and s.address = m.address and s.lifted_at is null
      and (s.scope = '{Scope.ALL}' or m.is_commercial)),
  exists(select 1 from consent_suppression s
    where s.address = '' and s.channel = m.channel and s.lifted_at is null),
  exists(select 1 from consent_iysaccount a where a.slug > '' and a.is_enforced),
  exists(select 1 from outbox_message d
    where m.step = '' and d.step = '' and d.origin = m.origin and d.channel = m.channel
      and d.address = m.address and d.state in ({_TAKEN}) and d.id <> m.id),
  exists(select 1 from outbox_hold h
    where h.origin in ('', '{FENCE}', m.origin, 'channel:' || m.channel)),
  exists(select 1 from outbox_spent b where b.channel = m.channel)
from outbox_message m
left join consent_consent c
  on c.profile_id = m.profile_id and c.channel = m.channel and c.purpose = m.purpose
left join consent_consententry proof on proof.id = c.entry_id
where m.id in """


@dataclass(frozen=True, slots=True)
class Bounce:
    """A message whose address the hop says does not exist, in the hop's words."""

    id: int
    address: str
    detail: str
    channel: str = Channel.EMAIL


class FencedError(Exception):
    """A message was taken from us between looking and writing; roll back and look again."""


def judge(ids: Sequence[int], *, owner: str, state: str, at: int) -> dict[int, str]:
    """Return for each message that ``owner`` holds in ``state`` whether it may go.

    ``GO``, ``NOT_OURS``, ``HELD``, or the reason why it must not go (a ``Reason``). The limits are
    not asked: see ``look`` and ``turn``.
    """
    found = dict.fromkeys(ids, NOT_OURS)
    for fact, verdict in _judged(ids, owner=owner, state=state, at=at):
        found[fact.id] = verdict
    return found


def look(ids: Sequence[int], *, owner: str, at: int) -> dict[int, str]:
    """Return what ``turn`` would say of messages just claimed, so that none is filled in vain.

    Those that must wait for their hour are ``PUT_OFF`` and back in line; nothing else is written.
    """
    with transaction.atomic():
        return _within_limits(ids, owner=owner, at=at, is_binding=False)


def _within_limits(ids: Sequence[int], *, owner: str, at: int, is_binding: bool) -> dict[int, str]:
    """Return the verdicts on waiting messages, the caps and quiet hours of now included.

    If it is binding, the budgets are asked as well, and what may go has taken its place.
    """
    found = dict.fromkeys(ids, NOT_OURS)
    judged = _judged(ids, owner=owner, state=machine.PENDING, at=at)
    facts = {fact.id: fact for fact, _verdict in judged}
    found |= {fact.id: verdict for fact, verdict in judged}
    number = next((fact.policy_now or 0 for fact in facts.values()), 0)
    asks_room = is_binding and any(fact.asks_room for fact in facts.values())
    policy = policies.of_number(number).policy if number and asks_room else UNLIMITED
    if policy.budgets:
        going = [
            Going(fact.id, fact.channel, fact.due_at, bool(fact.is_commercial))
            for fact in facts.values()
            if found[fact.id] == GO
        ]
        # Before the caps: who waits for room takes nobody's place under them.
        found |= dict.fromkeys(room.without(going, policy, at=at), HELD)
    late = [
        Late(fact.id, fact.profile_id, fact.channel, fact.not_after_at, fact.has_others)
        for fact in facts.values()
        if found[fact.id] == GO and fact.asks_limits(at)
    ]
    if late:
        again = limits.look_again(late, policy=number, at=at, is_binding=is_binding)
        found |= again.refused
        found |= dict.fromkeys(again.put_off, PUT_OFF)
        moves.put_off(again.put_off, policy=number, owner=owner)
    if policy.budgets:
        passing = (fact.channel for fact in facts.values() if found[fact.id] == GO)
        room.take(passing, policy, at=at)
    return found


def _judged(ids: Sequence[int], *, owner: str, state: str, at: int) -> list[tuple[_Facts, str]]:
    if not ids:
        return []
    marks = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(f"{_FACTS}({marks})", [at, *ids])
        held = map(_Facts._make, sorted(cursor.fetchall()))  # by id: of two the first counts
        mine = [fact for fact in held if fact.state == state and fact.owner == owner]
    closed = _forgotten([fact for fact in mine if fact.asks_hashes])
    unregistered = _unregistered(mine, at)
    return [
        (
            fact,
            GO
            if fact.may_go(at) and fact.id not in closed and fact.id not in unregistered
            else _verdict(
                fact,
                is_suppressed=bool(fact.is_suppressed) or fact.id in closed,
                is_registered=fact.id not in unregistered,
                at=at,
            ),
        )
        for fact in mine
    ]


class _Facts(NamedTuple):
    """What the statement says of a message."""

    id: int
    state: str
    owner: str
    profile_id: int
    channel: str
    address: str
    not_after_at: int
    is_commercial: bool
    policy: int  # under which it was decided
    due_at: int
    open_until_at: int | None  # no quiet hours from ``due_at`` until then
    policy_now: int | None
    has_others: bool  # messages to the person that may count under a cap
    status: str | None  # of the consent
    is_covered: bool | None  # the consent speaks of this address
    is_suppressed: bool
    asks_hashes: bool  # there are suppressed addresses that are not kept
    asks_iys: bool
    is_taken: bool  # somebody at this address got it
    is_held: bool
    has_budget: bool  # or had one

    def may_go(self, at: int) -> bool:
        """Whether nothing here speaks against it: what is usual is found in one look."""
        return bool(
            self.status == _GRANTED
            and self.is_covered
            and self.address
            and at <= self.not_after_at
            and not (self.is_held or self.is_suppressed or self.is_taken)
        )

    @property
    def asks_room(self) -> bool:
        """Whether there may be a budget: one that nobody has claimed under yet is a new policy."""
        return bool(self.has_budget) or self.policy != self.policy_now

    def asks_limits(self, at: int) -> bool:
        """Whether caps and quiet hours may say something else than when it was decided."""
        if not self.is_commercial or not self.policy_now:
            return False
        # Before it is due, where somebody has set the clock back since it was claimed.
        is_open = self.open_until_at is None or self.due_at <= at < self.open_until_at
        return bool(self.has_others) or not is_open or self.policy != self.policy_now


def _verdict(fact: _Facts, *, is_suppressed: bool, is_registered: bool, at: int) -> str:
    """Return what is to become of a message.

    What tells of a booking needs no consent and no registry, but no refusal either.
    """
    checks = (
        (fact.is_held, HELD),
        (at > fact.not_after_at, Reason.EXPIRED),
        (not fact.address, Reason.NO_ADDRESS),
        (is_suppressed, Reason.SUPPRESSED),
        (fact.status == Status.REFUSED, Reason.REFUSED),
        (fact.is_commercial and fact.status is None, Reason.NO_CONSENT),
        (fact.is_commercial and not fact.is_covered, Reason.OTHER_ADDRESS),
        (not is_registered, Reason.NOT_IN_IYS),
        (fact.is_taken, Reason.DUPLICATE_ADDRESS),
    )
    return next((verdict for applies, verdict in checks if applies), GO)


def _unregistered(facts: Sequence[_Facts], at: int) -> set[int]:
    """Return the ids of those that İYS does not let through."""
    asked = [
        (fact.id, fact.profile_id, fact.channel, fact.address)
        for fact in facts
        if fact.asks_iys and fact.is_commercial
    ]
    return iys.closed(asked, at=at) if asked else set()


def _forgotten(facts: Sequence[_Facts]) -> set[int]:
    """Return the ids of those whose address is suppressed by its hash alone."""
    found: set[int] = set()
    for channel in {fact.channel for fact in facts}:
        part = [fact for fact in facts if fact.channel == channel]
        closed = consents.forgotten(channel, {fact.address for fact in part})
        found.update(fact.id for fact in part if fact.address in closed)
    return found


class Verdicts(dict[int, str]):
    """What a turn says of each message, and the mark of what it has seen.

    ``has_held``: for what was refused, more than those of which it speaks are held from now on.
    """

    def __init__(
        self, found: Mapping[int, str], *, mark: stillness.Mark = None, has_held: bool = False
    ) -> None:
        super().__init__(found)
        self.mark = mark
        self.has_held = has_held


def turn(
    settled: Collection[tuple[str, Move]],
    bounced: Collection[Bounce],
    ready: Sequence[int],
    *,
    owner: str,
    at: int,
    watch: Watch | None = None,
) -> Verdicts:
    """Record what became of messages, and let pass those of ``ready`` that may go; one commit.

    ``settled`` holds moves with the state they start from; the addresses of ``bounced`` are
    suppressed, and what has too many of them is held: ``watch`` is the sender's. No two of
    ``ready`` go to the same inbox for the same origin. Returns the verdict on each of ``ready``:
    those with ``GO`` are ``sending`` from now on, those with a reason are skipped, those that are
    ``PUT_OFF`` are back in line for their hour.

    Raises ``FencedError`` if a message was taken from us meanwhile, and ``IntegrityError`` if
    another sender reached an inbox first: nothing is written then, and a new try will see it.
    """
    with transaction.atomic():
        places = room.places([m.id for _s, m in settled if m.to in _STAYED], owner=owner)
        for state in (machine.PENDING, machine.SENDING):
            moves.apply([m for s, m in settled if s == state], state=state, owner=owner, at=at)
        has_held = _close(bounced, watch or Watch(), at) if bounced else False
        # Behind the lock of the brake: who had a place's row first might wait there for somebody
        # who waits for that row.
        room.give_back(places)
        verdicts = _within_limits(ready, owner=owner, at=at, is_binding=True)
        passed = [id_ for id_, verdict in verdicts.items() if verdict == GO]
        if passed and not moves.let_pass(passed, owner=owner, at=at):
            raise FencedError
        skipped = [
            Move(id_, machine.SKIPPED, verdict)
            for id_, verdict in verdicts.items()
            if verdict not in {GO, NOT_OURS, HELD, PUT_OFF}
        ]
        moves.apply(skipped, state=machine.PENDING, owner=owner, at=at)
        return Verdicts(verdicts, mark=stillness.mark(), has_held=has_held)


def _close(bounced: Collection[Bounce], watch: Watch, at: int) -> bool:
    """Suppress addresses, and hold what has too many of them, before anybody is let pass."""
    told = [receipt.pk for bounce in bounced if (receipt := _suppress(bounce, at))]
    closed = Counter(bounce.channel for bounce in bounced)
    spikes = [watch.close(channel, n, at=at) for channel, n in closed.items()]
    return watch.look(told, at=at) or any(spikes)


def _suppress(bounce: Bounce, at: int) -> Receipt | None:
    if not Message.objects.filter(pk=bounce.id).exists():
        return (
            None  # the person was erased meanwhile: nothing of them comes back, not even a refusal
        )
    consent.suppress(
        bounce.channel, bounce.address, reason=Reason.HARD_BOUNCE, detail=bounce.detail, at=at
    )
    return Receipt.objects.create(message_id=bounce.id, kind=ReceiptKind.BOUNCED, at=at)


def withdrawn(ids: Sequence[int], *, owner: str, at: int, since: stillness.Mark = None) -> set[int]:
    """Return those of ``ids``, let pass just now, that must not get their final dot after all.

    ``since`` is the mark of the turn that let them pass: where nothing was written behind it, the
    turn has seen all there is.
    """
    if since is not None and since == stillness.mark():
        return set()
    verdicts = judge(ids, owner=owner, state=machine.SENDING, at=at)
    return {id_ for id_, verdict in verdicts.items() if verdict != GO}
