"""Peers' bugs, and some of our own, each as what it changes in the product.

``promise`` is what a bug breaks: the violation that is found has to be of that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from tests.simulation import company

from pusula.consent import merging as consent_merging
from pusula.consent.models import ConsentEntry
from pusula.events import actions as events
from pusula.events import undo as events_undo
from pusula.journeys import advance, course, hearing
from pusula.journeys.course import Happening
from pusula.lib import clock, ids
from pusula.outbox import gate, known, limits, machine, moves, posting, registry, room, sender
from pusula.outbox.gate import GO, Verdicts
from pusula.outbox.letters import Letter
from pusula.outbox.models import Message
from pusula.outbox.rules import weigh
from pusula.outbox.rules.ledger import Entry
from pusula.pipeline import appender, live, queries
from pusula.pipeline.queries import Logged
from pusula.privacy import stores
from pusula.profiles import erased, moving

Change = tuple[Any, str, Any]  # of what, its name, what is put there


@dataclass(frozen=True)
class Mutant:
    """A bug: its name, the promises that it may break, and the changes that make it."""

    name: str
    promises: tuple[str, ...]
    needs: tuple[str, ...]
    changes: Callable[[], Sequence[Change]]


def _fetch_is_sent() -> Sequence[Change]:
    """Count a message as sent when it is fetched (listmonk)."""
    claim = sender.claim

    def fetched(owner: str, *, n: int, at: int, **more: Any) -> list[Letter]:
        with transaction.atomic():
            letters = claim(owner, n=n, at=at, **more)
            mine = Message.objects.filter(pk__in=[letter.id for letter in letters])
            mine.update(state=machine.SENT, owner="", settled_at=at)
        return letters

    def all_go(*_args: Any, **_more: Any) -> dict[int, str]:
        return dict.fromkeys(_args[0], GO)

    def no_gate(
        _settled: Any, _bounced: Any, ready: Sequence[int], **_more: Any
    ) -> Mapping[int, str]:
        return Verdicts(dict.fromkeys(ready, GO))

    return [
        (sender, "claim", fetched),
        (posting, "claim", fetched),
        (gate, "look", all_go),
        (gate, "turn", no_gate),
        (gate, "withdrawn", lambda *_args, **_more: set()),
    ]


def _offset_first() -> Sequence[Change]:
    """Move the offset in a commit of its own, before the effects."""
    step = live.Live.step
    read: list[Logged] = []

    def early(self: live.Live, limit: int = live.LIMIT, **more: Any) -> live.Stepped:
        offset = queries.offset()
        found = queries.entries_from(offset.entry_id + 1, limit)
        if found:
            live._move_offset(found[-1].id, found[-1].message_id, offset.at)
        read[:] = found
        return step(self, limit, **more)

    def given(_self: live._Step, _limit: int) -> list[Logged]:
        found, read[:] = list(read), []
        return found

    return [(live.Live, "step", early), (live._Step, "_next", given)]


def _no_message_key() -> Sequence[Change]:
    """Take a message told again for another one."""
    append = appender._append

    def anew(entries: Sequence[appender.Entry]) -> Sequence[int | None]:
        return append(
            [
                appender.Entry(
                    one.kind, one.source, f"{one.message_id}:{ids.random_id()}", one.body
                )
                for one in entries
            ]
        )

    return [(appender, "_append", anew)]


def _consent_when_asked_only() -> Sequence[Change]:
    """Ask for consent when a message is put in line, and not when it leaves (Mautic)."""
    verdict = gate._verdict

    def blind(fact: Any, **more: Any) -> str:
        blinded = fact._replace(status="granted", is_covered=True)
        return verdict(blinded, **{**more, "is_suppressed": False})

    return [(gate, "_verdict", blind)]


def _no_latest_time() -> Sequence[Change]:
    """Send a message however late it is (listmonk)."""
    verdict = gate._verdict

    def patient(fact: Any, **more: Any) -> str:
        return verdict(fact._replace(not_after_at=2**62), **more)

    return [(gate, "_verdict", patient)]


def _no_rescue() -> Sequence[Change]:
    """Leave what a dead sender has claimed to it (Postal)."""
    return [(registry.Registration, "recover", lambda _self: 0)]


def _rescue_by_age() -> Sequence[Change]:
    """Put what has been under way for a minute back in line, whoever lives (Oban Lifeline)."""
    recover = registry.Registration.recover

    def by_age(self: registry.Registration) -> int:
        old = Message.objects.filter(state=machine.SENDING, gated_at__lt=clock.now() - clock.MINUTE)
        return old.update(state=machine.PENDING, owner="") + recover(self)

    return [(registry.Registration, "recover", by_age)]


def _retry_in_doubt() -> Sequence[Change]:
    """Send again what got no answer."""
    again: list[Change] = []
    for loop in (sender.SendLoop, posting.PostLoop):
        settle = loop._settle

        def hopeful(self: Any, state: str, move: moves.Move, settle: Any = settle) -> None:
            if move.to == machine.UNKNOWN:
                move = replace(move, to=machine.PENDING, later_at=clock.now() + clock.MINUTE)
            settle(self, state, move)

        again.append((loop, "_settle", hopeful))
    return again


def _mark_after_sending() -> Sequence[Change]:
    """Let bodies go first, and write it down after (the usual outbox)."""
    pass_gate = sender.SendLoop._pass_gate

    def hasty(self: sender.SendLoop, ready: dict[int, Any]) -> None:
        verdicts = gate.judge(
            list(ready), owner=self._me.owner, state=machine.PENDING, at=clock.now()
        )
        for key, verdict in verdicts.items():
            if verdict == GO:
                ready[key].finish(self._bodies[key])
        self._pool.let_go()
        finish = self._pool.finish
        self._pool.finish = lambda _connection, _body: None  # type: ignore[method-assign]
        try:
            pass_gate(self, ready)
        finally:
            self._pool.finish = finish  # type: ignore[method-assign]

    return [(sender.SendLoop, "_pass_gate", hasty)]


def _heard_twice() -> Sequence[Change]:
    """Hear of every event twice, a moment apart: harmless as long as entries have their key."""
    add = hearing.add

    def twice(heard: Any, journey_id: int, profile_id: int, happening: Happening) -> None:
        add(heard, journey_id, profile_id, happening)
        add(heard, journey_id, profile_id, happening)

    return [(hearing, "add", twice)]


def _no_entry_key() -> Sequence[Change]:
    """Let somebody in as often as a trigger is heard (Mautic)."""
    return [
        *_heard_twice(),
        (course, "entry_key", lambda *_args: f"any:{ids.random_id()}"),
    ]


def _erasure_misses_log() -> Sequence[Change]:
    """Leave in the log what it says of who is erased."""
    return [(stores, "_blank", lambda _work, _step: None)]


def _erasure_misses_outbox() -> Sequence[Change]:
    """Keep the messages of who is erased, as somebody else's."""
    (outbox,) = [owner for owner in stores.OWNERS if owner.__name__.startswith("pusula.outbox")]

    def kept(profile_ids: Any) -> int:
        others = Message.objects.exclude(profile_id__in=profile_ids).values("profile_id")[:1]
        return Message.objects.filter(profile_id__in=profile_ids).update(profile_id=others)

    return [(outbox, "erase", kept)]


def _cap_counts_what_was_sent() -> Sequence[Change]:
    """Count what somebody got when a message is put in line, and not what waits (Mautic)."""
    counting = known.counting

    def sent(*args: Any, **more: Any) -> Iterator[tuple[int, Entry]]:
        return ((whose, one) for whose, one in counting(*args, **more) if not one.is_pending)

    return [
        (known, "counting", sent),
        (limits, "_capped", lambda *_args, **_more: None),
        (weigh.Scales, "count", lambda *_args, **_more: None),
    ]


def _quiet_when_queueing_only() -> Sequence[Change]:
    """Look at the hour when a message is put in line, and not when it leaves."""
    return [(limits, "_quiet", lambda *_args: None)]


def _merge_loses_refusals() -> Sequence[Change]:
    """Keep the winner's decisions, and forget what the loser refused."""
    move = consent_merging.move

    def forgetful(loser: int, winner: int) -> None:
        refused = ConsentEntry.objects.filter(profile_id=loser, status="refused")
        refused.update(status="granted")
        move(loser, winner)

    return [(consent_merging, "move", forgetful)]


def _parted_keep_addressed() -> Sequence[Change]:
    """Leave with one person what went to the other's address while they were one."""
    return [(moving, "give_back_addressed", lambda *_args: None)]


def _budget_when_queueing_only() -> Sequence[Change]:
    """Ask for room when a message is put in line, and not when it leaves (our own)."""
    return [
        (room, "left", lambda *_args, **_more: None),
        (room, "without", lambda *_args, **_more: set()),
    ]


def _room_is_not_kept() -> Sequence[Change]:
    """Ask for room at the claim, and forget there what has left (our own)."""
    return [(room, "take", lambda *_args, **_more: None)]


def _deaf_waits() -> Sequence[Change]:
    """Let waits end by their time alone."""

    def deaf(self: advance._Run, occurrence: Any) -> None:
        self.leave(occurrence)

    return [(advance._Run, "hear", deaf)]


def _file_counts_again() -> Sequence[Change]:
    """Take over the events of a file as often as it is brought."""
    append = events.append

    def anew(given: Sequence[events.NewEvent], *, source: str, at: int) -> events.Appended:
        if source == company.FILES:
            given = [replace(e, dedupe_key=f"{e.dedupe_key}:{ids.random_id()}") for e in given]
        return append(given, source=source, at=at)

    return [(events, "append", anew)]


def _file_leaves_events() -> Sequence[Change]:
    """Take back an import, and not what it says happened."""
    return [(events_undo, "take_back", lambda *_args, **_more: (0, set()))]


def _merged_while_erased() -> Sequence[Change]:
    """Merge who is being erased: what was theirs is somebody else's, and stays (our own)."""
    return [(erased, "leaving", lambda _profile_ids: set())]


MUTANTS = (
    Mutant(
        "fetched is sent", ("at most once", "sent or unknown", "after a no"), (), _fetch_is_sent
    ),
    Mutant("offset before effects", ("effects", "entries"), ("kills",), _offset_first),
    Mutant("no message key", ("once", "effects"), ("twice",), _no_message_key),
    Mutant(
        "consent when queueing",
        ("after a no",),
        ("refusals", "complaints"),
        _consent_when_asked_only,
    ),
    Mutant("no rescue", ("over",), ("kills",), _no_rescue),
    Mutant(
        "rescue by age",
        ("at most once", "sent or unknown"),
        ("wire", "two senders"),
        _rescue_by_age,
    ),
    Mutant("retry in doubt", ("at most once", "sent or unknown"), ("wire",), _retry_in_doubt),
    Mutant(
        "marked after sending",
        ("at most once", "sent or unknown", "after a no"),
        ("kills", "refusals"),
        _mark_after_sending,
    ),
    Mutant("no entry key", ("entries",), (), _no_entry_key),
    Mutant("no latest time", ("latest time",), ("outages",), _no_latest_time),
    Mutant("erasure misses the log", ("erased",), ("erasures",), _erasure_misses_log),
    Mutant(
        "erasure misses the outbox",
        ("nobody lost", "after a no", "erased"),
        ("erasures",),
        _erasure_misses_outbox,
    ),
    Mutant("cap counts what was sent", ("caps",), ("caps",), _cap_counts_what_was_sent),
    Mutant("quiet when queueing", ("quiet",), ("quiet", "outages"), _quiet_when_queueing_only),
    Mutant("merge loses refusals", ("after a no",), ("merges", "refusals"), _merge_loses_refusals),
    Mutant(
        "parted keep what was addressed",
        ("erased", "caps", "after a no"),
        ("merges", "erasures", "caps"),
        _parted_keep_addressed,
    ),
    Mutant(
        "budget when queueing only",
        ("budgets",),
        ("budgets", "outages"),
        _budget_when_queueing_only,
    ),
    Mutant("room is not kept", ("budgets",), ("budgets", "pauses"), _room_is_not_kept),
    Mutant("waits do not hear", ("waits",), (), _deaf_waits),
    Mutant("a file counts again", ("imports",), ("imports", "twice"), _file_counts_again),
    Mutant("taken back in part", ("imports",), ("imports",), _file_leaves_events),
    Mutant(
        "merged while erased",
        ("erased", "over", "nobody lost", "imports"),  # who never asked may go along
        ("merges", "erasures"),
        _merged_while_erased,
    ),
)
