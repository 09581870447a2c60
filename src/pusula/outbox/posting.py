"""The send loop of the channels spoken over HTTP: claim, fill, pass the gate, hand over, settle.

A batch passes the gate in one commit, and is handed over after it. Whatever happens then, its
messages are never handed over a second time by themselves: an answer that does not come leaves
them ``unknown``, and so does the end of this process.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pusula.channels.port import Outcome, Outgoing, Provider, Result
from pusula.channels.sms import segments as sms
from pusula.consent.models import Channel
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.outbox import actions, approvals, gate, machine, moves, reports, subscriptions
from pusula.outbox.books import Books, Tally
from pusula.outbox.brakes import LOOK_S, POLICY_HOLD, is_stopped
from pusula.outbox.claims import claim
from pusula.outbox.gate import GO, HELD, NOT_OURS, PUT_OFF, Verdicts
from pusula.outbox.letters import Letter
from pusula.outbox.models import Message, channel_hold
from pusula.outbox.moves import Move
from pusula.outbox.outgoing import Desk, TakenOverError
from pusula.outbox.reasons import Reason
from pusula.outbox.registry import Registration, registered
from pusula.outbox.variables import values

CLAIM = 500
_FIRST_WAIT = 5 * clock.MINUTE
_LONGEST_WAIT = 4 * clock.HOUR
_LEAST_WAIT_S = 30
_POLICY_WAIT = 15 * clock.MINUTE

_log = logging.getLogger("pusula.sender")


class PostLoop:
    """One sender of one channel: hands what is due to its provider until it is told to stop."""

    _me: Registration

    def __init__(
        self,
        provider: Provider,
        home: Path,
        *,
        progress: Callable[[Tally], None] | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare; nothing is claimed before ``run``."""
        self._books = Books()
        self.tally = self._books.tally
        self._provider = provider
        self._home = home
        self._progress = progress
        self._wait = wait
        self._desk = Desk()
        self._queue: deque[Letter] = deque()
        self._is_dry = False
        self._is_stopping = False

    def stop(self) -> None:
        """Ask the loop to end after the batch under way; safe in a signal handler."""
        self._is_stopping = True

    def run(self, *, once: bool = False) -> Tally:
        """Send until stopped, or with ``once`` until nothing more is due; return the tally.

        Raises ``DeposedError`` if another sender has declared this one dead.
        """
        with registered(self._home) as me:
            self._me = me
            try:
                self._work(once=once)
            finally:
                self._provider.close()
        return self.tally

    def _work(self, *, once: bool) -> None:
        while not self._is_stopping:
            self._turn()
            if self._is_dry:
                if once and not self._me.recover():
                    break
                self._wait(LOOK_S)
        self._commit([])

    def _turn(self) -> None:
        self._me.beat()
        if is_stopped(self._home):
            self._give_back()
        else:
            self._refill()
            self._post(self._batch())
        if self._books.settled:
            self._commit([])
            if self._progress:
                self._progress(self.tally)

    def _give_back(self) -> None:
        if self._queue:
            moves.release(owner=self._me.owner, ids=[letter.id for letter in self._queue])
            self._queue.clear()
        self._is_dry = True

    def _refill(self) -> None:
        """Claim due messages when the last are gone, and settle at once those that cannot go."""
        if self._queue:
            return
        now = clock.now()
        letters = claim(self._me.owner, n=CLAIM, at=now, channel=self._provider.channel)
        self._is_dry = not letters
        ids = [letter.id for letter in letters]
        verdicts = gate.look(ids, owner=self._me.owner, at=now)
        for letter in letters:
            verdict = verdicts[letter.id]
            if verdict == GO:
                self._queue.append(letter)
            elif verdict == HELD:
                moves.release(owner=self._me.owner, ids=[letter.id])
            elif verdict not in {NOT_OURS, PUT_OFF}:
                self._settle(machine.PENDING, Move(letter.id, machine.SKIPPED, verdict))

    def _batch(self) -> list[Letter]:
        """Return what goes together: no address twice, for gateways report by batch and number."""
        batch: list[Letter] = []
        addresses: set[str] = set()
        left: list[Letter] = []
        while self._queue and len(batch) < self._provider.largest_batch:
            letter = self._queue.popleft()
            if letter.address in addresses:
                left.append(letter)
            else:
                addresses.add(letter.address)
                batch.append(letter)
        self._queue.extendleft(reversed(left))
        return batch

    def _post(self, letters: Sequence[Letter]) -> None:
        """Fill ``letters``, let those pass that may, and hand them over."""
        if not letters:
            return
        people = values([letter.profile_id for letter in letters], at=clock.now())
        ready = {one.id: one for one in self._desk.outgoing(letters, people, self._refuse)}
        self._count_parts(ready.values())
        self._keep_waiting(ready)
        verdicts = self._commit(list(ready))
        passed = [key for key, verdict in verdicts.items() if verdict == GO]
        called_back = gate.withdrawn(
            passed, owner=self._me.owner, at=clock.now(), since=verdicts.mark
        )
        for key, verdict in verdicts.items():
            if key in called_back:
                self._settle(machine.SENDING, Move(key, machine.PENDING))
            elif verdict == HELD:
                moves.release(owner=self._me.owner, ids=[key])
            elif verdict not in {GO, NOT_OURS, PUT_OFF}:
                self.tally.n_skipped += 1
        if HELD in verdicts.values():
            self._give_back()
        going = [ready[key] for key in passed if key not in called_back]
        self._hand_over(going, {letter.id: letter for letter in letters})

    def _count_parts(self, ready: Iterable[Outgoing]) -> None:
        """Write down how many SMS each is: so much is paid for it. Nothing stands for one.

        A second try may say less than the first did.
        """
        if self._provider.channel != Channel.SMS:
            return
        of_size: dict[int, list[int]] = {}
        for one in ready:
            of_size.setdefault(sms.count(sms.wire(one.text, one.details)).n_parts, []).append(
                one.id
            )
        for n_parts, ids in of_size.items():
            counted = Message.objects.filter(pk__in=ids)
            if n_parts > 1:
                counted.update(n_parts=n_parts)
            else:
                counted.exclude(n_parts=None).update(n_parts=None)

    def _keep_waiting(self, ready: dict[int, Outgoing]) -> None:
        """Put back what Meta's word on its template holds; it is taken out of ``ready``."""
        if self._provider.channel != Channel.WHATSAPP:
            return
        later_at = clock.now() + approvals.AGAIN
        for one in list(ready.values()):
            name, language = (str(one.details.get(part, "")) for part in ("template", "language"))
            why = approvals.in_the_way(name, language, is_commercial=one.is_commercial)
            if why:
                del ready[one.id]
                move = Move(
                    one.id, machine.PENDING, Reason.TEMPLATE, why,
                    later_at=later_at, was_tried=False,
                )  # fmt: skip
                self._settle(machine.PENDING, move)

    def _refuse(self, letter: Letter, error: PusulaError) -> None:
        is_gone = isinstance(error, TakenOverError)
        reason = Reason.NO_ADDRESS if is_gone else Reason.RENDER_ERROR
        move = Move(letter.id, machine.SKIPPED, reason, error.message)
        self._settle(machine.PENDING, move)

    def _hand_over(self, going: Sequence[Outgoing], letters: dict[int, Letter]) -> None:
        if not going:
            return
        waiting = {one.id for one in going}
        try:
            for outcome in self._provider.send(going):
                waiting.discard(outcome.id)
                self._take(outcome, letters[outcome.id])
                self._me.beat()  # a batch may take minutes
        finally:
            # A fault of ours in the middle of a batch: of the rest nobody can tell.
            for id_ in waiting:
                doubt = Move(id_, machine.UNKNOWN, Reason.CONNECTION_LOST, "no outcome")
                self._settle(machine.SENDING, doubt)
            self._commit([])

    def _take(self, outcome: Outcome, letter: Letter) -> None:
        """Take in what became of a message."""
        key, said = outcome.id, outcome.words
        move = Move(key, machine.FAILED, Reason.REJECTED, said)
        match outcome.result:
            case Result.ACCEPTED:
                move = Move(key, machine.SENT, detail=said, provider_id=outcome.provider_id)
            case Result.DOUBT:
                move = Move(key, machine.UNKNOWN, Reason.CONNECTION_LOST, said)
            case Result.LATER:
                move = self._later(letter, said, outcome.after_s)
            case Result.POLICY:
                move = self._held(letter, said, channel_hold(self._provider.channel))
            case Result.CONTENT:
                move = self._held(letter, said, letter.origin)
            case Result.BAD_ADDRESS:
                move = Move(key, machine.FAILED, Reason.HARD_BOUNCE, said)
                self._close(letter, said)
            case Result.OPTED_OUT:
                move = Move(key, machine.FAILED, Reason.REFUSED, said)
                reports.opt_out(key, evidence=said, at=clock.now())
        self._settle(machine.SENDING, move)

    def _later(self, letter: Letter, said: str, after_s: int | None) -> Move:
        wait = min(_FIRST_WAIT << min(letter.n_attempts, 8), _LONGEST_WAIT)
        if after_s is not None:  # one that says "at once" may say so for ever
            wait = max(after_s, _LEAST_WAIT_S) * clock.SECOND
        return Move(letter.id, machine.PENDING, detail=said, later_at=clock.now() + wait)

    def _held(self, letter: Letter, said: str, what: str) -> Move:
        """Put a message back that was refused for our sake, and hold what would be refused too."""
        _log.error("%s refuses us; %s is held: %s", self._provider.name, what, said)
        actions.hold(what, reason=POLICY_HOLD, detail=said, at=clock.now())
        later_at = clock.now() + _POLICY_WAIT
        return Move(letter.id, machine.PENDING, detail=said, later_at=later_at)

    def _close(self, letter: Letter, said: str) -> None:
        channel = self._provider.channel
        if channel == Channel.WEBPUSH:
            subscriptions.drop(letter.address)
        else:
            self._books.bounced.append(gate.Bounce(letter.id, letter.address, said, channel))

    def _commit(self, ready: list[int]) -> Verdicts:
        return self._books.commit(ready, owner=self._me.owner)

    def _settle(self, state: str, move: Move) -> None:
        self._books.settle(state, move)
