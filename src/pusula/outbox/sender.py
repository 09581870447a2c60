"""The loop that sends: claim, fill, open the envelope, pass the gate, let go, record the answer."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pusula.channels.email.address import AddressError
from pusula.channels.email.replies import Answer, Reply, Step, meaning
from pusula.channels.email.smtp import (
    Answered,
    Connection,
    Lost,
    Pool,
    Ready,
    Refused,
    Server,
    TransportError,
)
from pusula.content.language import RenderError, TemplateError
from pusula.lib import clock
from pusula.outbox import actions, gate, machine, moves
from pusula.outbox.books import Books, Tally
from pusula.outbox.brakes import LOOK_S, POLICY_HOLD, is_stopped
from pusula.outbox.claims import claim
from pusula.outbox.gate import GO, HELD, NOT_OURS, PUT_OFF, Verdicts
from pusula.outbox.letters import Desk, Letter
from pusula.outbox.moves import Move
from pusula.outbox.reasons import Reason
from pusula.outbox.registry import Registration, registered
from pusula.outbox.variables import values

CLAIM = 500  # messages taken at once: their people's values are read together
IDLE_S = 30.0  # after which an unused connection is given back to the hop
DRAIN_S = 8.0  # how long a sender that stops waits for answers
_FIRST_WAIT = 15 * clock.MINUTE
_LONGEST_WAIT = 4 * clock.HOUR
_MAX_CONNECT_WAIT_S = 60.0
_CONNECT_TRIES_ONCE = 3
_BREAKS = 3  # connections a message may break before it waits

_log = logging.getLogger("pusula.sender")


class SendLoop:
    """One sender: turns the outbox into mails until it is told to stop."""

    _me: Registration

    def __init__(
        self, server: Server, home: Path, *, progress: Callable[[Tally], None] | None = None
    ) -> None:
        """Prepare; nothing is opened or claimed before ``run``."""
        self._books = Books()
        self.tally = self._books.tally
        self._server = server
        self._home = home
        self._progress = progress
        self._pool = Pool(server)
        self._desk = Desk()
        self._queue: deque[Letter] = deque()
        self._doubles: list[Letter] = []  # their inbox is being written to already
        self._flying: dict[int, Letter] = {}  # begun or in doubt
        self._bodies: dict[int, bytes] = {}  # of those begun, and of the next
        self._inboxes: set[tuple[str, str]] = set()  # begun since the last claim
        self._variables: dict[int, dict[str, Any]] = {}
        self._breaks: dict[int, int] = {}
        self._n_connect_failures = 0
        self._connect_at = 0.0  # monotonic
        self._look_at = 0.0  # monotonic
        self._is_dry = False  # the last look found nothing due
        self._is_stopping = False

    def stop(self) -> None:
        """Ask the loop to end; safe in a signal handler."""
        self._is_stopping = True

    def run(self, *, once: bool = False) -> Tally:
        """Send until stopped, or with ``once`` until nothing more is due; return the tally.

        Raises ``TransportError`` with ``once`` if the next hop cannot be reached, and
        ``DeposedError`` if another sender has declared this one dead.
        """
        with registered(self._home) as me:
            self._me = me
            try:
                while not (self._is_stopping or (once and self._is_finished())):
                    self._turn(once=once)
                self._drain()
            finally:
                self._pool.close()
        return self.tally

    def _is_finished(self) -> bool:
        """Return whether nothing is due and nobody dead has left anything."""
        is_idle = self._is_dry and not (
            self._queue or self._doubles or self._flying or self._books.settled
        )
        return is_idle and not self._me.recover()

    def _turn(self, *, once: bool = False) -> None:
        self._me.beat()
        if is_stopped(self._home):
            self._give_back()
        else:
            self._refill()
            self._begin()
            self._connect(once=once)
            self._prepare()
        has_more_to_do = self._books.settled or self._wants_connection()
        ready = self._listen(0 if has_more_to_do else LOOK_S)
        if ready or self._books.settled:
            self._pass_gate(ready)
        if self._progress:
            self._progress(self.tally)

    def _drain(self) -> None:
        """Wait for the answers to what is in doubt; begin and let pass nothing more."""
        ends_at = time.monotonic() + DRAIN_S
        while self._flying and time.monotonic() < ends_at:
            for key, connection in self._listen(LOOK_S).items():
                self._pool.drop(connection)
                self._land(key)
            if all(connection.in_doubt is None for connection in self._pool.connections):
                break
        if self._books.settled:
            self._commit([])

    # What comes next

    def _give_back(self) -> None:
        """Put what is claimed but not begun back in line: we may be held for long."""
        waiting = [*self._queue, *self._doubles]
        self._queue.clear()
        self._doubles.clear()
        for letter in waiting:
            self._bodies.pop(letter.id, None)
        if waiting:
            moves.release(owner=self._me.owner, ids=[letter.id for letter in waiting])
        self._is_dry = True

    def _refill(self) -> None:
        """Claim due messages when the last are begun, and settle at once those that cannot go."""
        if self._queue or time.monotonic() < self._look_at:
            return
        if self._doubles:
            if self._flying:
                return  # first see what becomes of the copies on their way
            self._give_back()
        now = clock.now()
        letters = claim(self._me.owner, n=CLAIM, at=now)
        self._is_dry = not letters
        if self._is_dry:
            self._look_at = time.monotonic() + LOOK_S
            self._pool.close_idle(IDLE_S)
            return
        self._inboxes = {_inbox(letter) for letter in self._flying.values()}
        ids = [letter.id for letter in letters]
        verdicts = gate.look(ids, owner=self._me.owner, at=now)
        for letter in letters:
            self._sort(letter, verdicts[letter.id])
        self._variables = values([letter.profile_id for letter in self._queue], at=now)

    def _sort(self, letter: Letter, verdict: str) -> None:
        if verdict == GO:
            self._queue.append(letter)
        elif verdict == HELD:
            moves.release(owner=self._me.owner, ids=[letter.id])
        elif verdict not in {NOT_OURS, PUT_OFF}:
            self._settle(machine.PENDING, Move(letter.id, machine.SKIPPED, verdict))

    def _wants_connection(self) -> bool:
        return (
            bool(self._queue)
            and not self._is_stopping
            and len(self._pool.connections) < min(self._server.n_connections, len(self._queue) + 1)
            and time.monotonic() >= self._connect_at
        )

    def _connect(self, *, once: bool) -> None:
        """Open one more connection if there is work for it, and begin there."""
        if not self._wants_connection():
            return
        try:
            self._pool.connect()
        except TransportError as error:
            self._back_off(error.message)
            if once and self._n_connect_failures >= _CONNECT_TRIES_ONCE:
                raise
        else:
            self._begin()

    def _back_off(self, what: str) -> None:
        if time.monotonic() < self._connect_at:
            return  # connections break together
        wait_s = min(2.0**self._n_connect_failures, _MAX_CONNECT_WAIT_S)
        self._n_connect_failures += 1
        self._connect_at = time.monotonic() + wait_s
        _log.warning("%s; trying again in %.0f s", what, wait_s)

    def _begin(self) -> None:
        """Give every idle connection the next message."""
        for connection in self._pool.idle():
            letter = self._next()
            if letter is None:
                return
            self._flying[letter.id] = letter
            self._pool.begin(connection, self._desk.envelope(letter))

    def _next(self) -> Letter | None:
        """Return the next message with its body ready; settle those that cannot be filled."""
        while self._queue:
            letter = self._queue.popleft()
            if _inbox(letter) in self._inboxes:
                self._doubles.append(letter)
            elif self._is_filled(letter):
                self._inboxes.add(_inbox(letter))
                return letter
        return None

    def _prepare(self) -> None:
        """Fill the next messages in a row while the hop has the word.

        So a body leaves right behind the gate with the next envelope, and each of the many steps
        of filling finds its code and data where the message before has left them.
        """
        n_ahead = min(len(self._queue), len(self._pool.connections))
        following = [self._queue.popleft() for _ in range(n_ahead)]
        self._queue.extendleft(reversed([one for one in following if self._is_filled(one)]))

    def _is_filled(self, letter: Letter) -> bool:
        """Fill a message unless it has a body already; settle it if that cannot be done."""
        if letter.id in self._bodies:
            return True
        try:
            variables = self._variables.get(letter.profile_id, {})
            self._bodies[letter.id] = self._desk.mail(letter, variables)
        except AddressError as error:
            self._skip(letter, Reason.BAD_ADDRESS, error.message)
        except (TemplateError, RenderError) as error:
            self._skip(letter, Reason.RENDER_ERROR, error.message)
        return letter.id in self._bodies

    def _skip(self, letter: Letter, reason: Reason, detail: str) -> None:
        self._settle(machine.PENDING, Move(letter.id, machine.SKIPPED, reason, detail))

    # What the hop says

    def _listen(self, wait_s: float) -> dict[int, Connection]:
        """Take in what happens within ``wait_s``; return the messages ready for the gate."""
        ready: dict[int, Connection] = {}
        for happening in self._pool.poll(wait_s):
            match happening:
                case Ready(connection, key):
                    ready[key] = connection
                case Refused(_, key, step, reply):
                    self._answer(key, machine.PENDING, step, reply)
                case Answered(_, key, reply):
                    self._n_connect_failures = 0
                    self._answer(key, machine.SENDING, Step.DOT, reply)
                case Lost():
                    if happening.begun is not None:
                        ready.pop(happening.begun, None)
                    self._lose(happening)
        return ready

    def _answer(self, key: int, state: str, step: Step, reply: Reply) -> None:
        letter = self._land(key)
        self._breaks.pop(key, None)
        answer, detail = meaning(reply, step), str(reply)
        if answer is Answer.ACCEPTED and state == machine.SENDING:
            self._settle(state, Move(key, machine.SENT, detail=detail))
        elif answer is Answer.BAD_ADDRESS:
            self._books.bounced.append(gate.Bounce(key, letter.address, detail))
            self._settle(state, Move(key, machine.FAILED, Reason.HARD_BOUNCE, detail))
        elif answer is Answer.REJECTED:
            self._settle(state, Move(key, machine.FAILED, Reason.REJECTED, detail))
        elif answer is Answer.POLICY:
            self._settle(state, Move(key, machine.FAILED, Reason.POLICY, detail))
            self._raise_alarm(detail)
        else:
            self._put_off(letter, state, detail)

    def _put_off(self, letter: Letter, state: str, detail: str) -> None:
        wait = min(_FIRST_WAIT << min(letter.n_attempts, 8), _LONGEST_WAIT)
        later_at = clock.now() + wait
        self._settle(state, Move(letter.id, machine.PENDING, detail=detail, later_at=later_at))

    def _raise_alarm(self, detail: str) -> None:
        """Hold all sending: whoever is next would be refused too, and each try costs reputation."""
        _log.error("the receiving server refuses us; sending is held: %s", detail)
        actions.hold(reason=POLICY_HOLD, detail=detail, at=clock.now())

    def _lose(self, lost: Lost) -> None:
        if lost.in_doubt is not None:
            self._land(lost.in_doubt)
            if lost.dot_left:
                doubt = Move(lost.in_doubt, machine.UNKNOWN, Reason.CONNECTION_LOST, lost.error)
                self._settle(machine.SENDING, doubt)
            else:
                # Without its dot the hop has thrown it away.
                self._settle(machine.SENDING, Move(lost.in_doubt, machine.PENDING))
        if lost.begun is not None:
            body = self._bodies[lost.begun]
            self._retry(self._land(lost.begun), body, lost.error)
        if lost.begun is not None or lost.in_doubt is not None:
            self._back_off(f"connection lost: {lost.error}")

    def _retry(self, letter: Letter, body: bytes, error: str) -> None:
        """Try a message again whose envelope was lost, unless it is what breaks connections."""
        n_breaks = self._breaks[letter.id] = self._breaks.get(letter.id, 0) + 1
        if n_breaks < _BREAKS:
            self._inboxes.discard(_inbox(letter))
            self._bodies[letter.id] = body
            self._queue.append(letter)
        else:
            del self._breaks[letter.id]
            self._put_off(letter, machine.PENDING, error)

    # The point of no return

    def _pass_gate(self, ready: dict[int, Connection]) -> None:
        """Commit answers and passes, look again, then let the bodies go."""
        if ready and is_stopped(self._home):
            verdicts = Verdicts(dict.fromkeys(ready, HELD))
            self._commit([])
        else:
            verdicts = self._commit(list(ready))
        passed = {key for key, verdict in verdicts.items() if verdict == GO}
        called_back = gate.withdrawn(
            list(passed), owner=self._me.owner, at=clock.now(), since=verdicts.mark
        )
        for key in passed - called_back:
            self._pool.finish(ready.pop(key), self._bodies.pop(key))
        if passed:
            # The next envelope leaves with the body; nothing slow stands between gate and wire.
            self._begin()
            self._pool.let_go()
        for key, connection in ready.items():
            # The hop waits for a body; ending the connection is the way to send none.
            self._pool.drop(connection)
            self._land(key)
            if key in called_back:
                self._settle(machine.SENDING, Move(key, machine.PENDING))
            elif verdicts[key] == HELD:
                moves.release(owner=self._me.owner, ids=[key])
            elif verdicts[key] not in {NOT_OURS, PUT_OFF}:
                self.tally.n_skipped += 1
        if called_back:
            self._commit([])  # they are in line again, before anybody looks whether it is empty
            self._is_dry = False
        if HELD in verdicts.values() or verdicts.has_held:
            self._give_back()

    def _commit(self, ready: list[int]) -> Verdicts:
        return self._books.commit(ready, owner=self._me.owner)

    # Books

    def _land(self, key: int) -> Letter:
        self._bodies.pop(key, None)
        return self._flying.pop(key)

    def _settle(self, state: str, move: Move) -> None:
        self._books.settle(state, move)


def _inbox(letter: Letter) -> tuple[str, str]:
    return letter.origin, letter.address
