"""Two profiles become one person, and one person two again: asked for in the log, done by the step.

Whoever finds that two profiles are one appends an entry; the live step carries it out in its own
transaction, through each owner of a person's rows by name, and evaluates those it concerns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
from django.db import transaction

from pusula.campaigns import merging as campaigns
from pusula.consent import merging as consents
from pusula.consent.models import ConsentEntry
from pusula.events import merging as events
from pusula.events.models import Event
from pusula.journeys import merging as journeys
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed
from pusula.orders import merging as orders
from pusula.orders.models import Order
from pusula.outbox import merging as outbox
from pusula.pipeline import appender, due
from pusula.pipeline.entries import MergeBody, Refusals, Told, UnmergeBody
from pusula.pipeline.models import LogEntry
from pusula.predict import merging as predictions
from pusula.profiles import erased, holding
from pusula.profiles import merging as profiles
from pusula.profiles.models import Identifier, Merge
from pusula.profiles.resolve import Join, Reference, resolve
from pusula.rfm import merging as rfm
from pusula.segments import merging as segments

SOURCE = "pusula"  # of entries that no system sent
MERGE, UNMERGE = "merge", "unmerge"
KINDS = frozenset({MERGE, UNMERGE})
RULE = "rule"

# Above each other as in the order of layers. Those that write down when something ended are told.
_OWNERS = (campaigns, rfm, predictions, consents, orders, events)
_TIMED_OWNERS = (journeys, segments, outbox)
_WRITTEN = (consents, orders, events)  # what imports write beside the step, but for what is told
_COUNTED: tuple[Any, ...] = (Identifier, Order, Event, ConsentEntry)


class UnknownMergeError(PusulaError):
    """There is no merge that could be undone."""

    code = "unknown_merge"
    status = 404


@dataclass
class Carried:
    """What became of merges: who is to be evaluated, who is gone, and what could not be done.

    ``late`` are those of the gone who were due before they went, with the moment.
    """

    touched: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    late: list[tuple[int, int]] = field(default_factory=list)
    refused: Refusals = field(default_factory=list)


def merge(
    winner: int,
    loser: int,
    *,
    reason: str = "manual",
    evidence: Mapping[str, Any] | None = None,
    actor: str = "",
    message_id: str = "",
) -> None:
    """Ask for a merge: ``loser`` becomes part of ``winner`` with the next step of the log.

    ``evidence`` says what spoke for it, without identifiers in full; ``actor`` is a login. The same
    ``message_id`` asks once for ever.
    """
    body = {
        "profile": winner, "gone_profile": loser, "reason": reason, "evidence": evidence or {},
        "actor": actor,
    }  # fmt: skip
    _append(MERGE, message_id or f"{SOURCE}:merge:{uuid4().hex}", body)


def unmerge(merge_id: int, *, reason: str = "", actor: str = "") -> None:
    """Ask for the undoing of a merge; asked twice it is done once.

    Raises ``UnknownMergeError`` if there is none or it is undone already.
    """
    held = Merge.objects.filter(pk=merge_id, undone_at=None).first()
    if held is None:
        raise UnknownMergeError(
            Saying("there is no merge %(merge_id)s that could be undone", {"merge_id": merge_id})
        )
    body = {"profile": held.loser_id, "merge": merge_id, "reason": reason, "actor": actor}
    _append(UNMERGE, f"{SOURCE}:unmerge:{merge_id}", body)


def _append(kind: str, message_id: str, body: Mapping[str, Any]) -> None:
    text = json.dumps(body, ensure_ascii=False)
    appender.append([appender.Entry(kind, SOURCE, message_id, text)])


@dataclass(frozen=True)
class Consequences:
    """What an un-merge would give back to the profile that was merged."""

    n_identifiers: int
    n_orders: int
    n_events: int
    n_consents: int


def consequences(held: Merge) -> Consequences:
    """Return how much the undoing of a merge would give back, as of now."""
    winner = profiles.current([held.loser_id]).get(held.loser_id, 0)
    mine = {"profile_id": winner, "origin_id__in": profiles.everyone_in(held.loser_id)}
    counts = (model.objects.filter(**mine).count() for model in _COUNTED)
    return Consequences(*counts)


def is_being_undone(held: Merge) -> bool:
    """Say whether the undoing of a merge was asked for and waits for its step."""
    asked = LogEntry.objects.filter(message_id=f"{SOURCE}:unmerge:{held.pk}")
    return held.undone_at is None and asked.exists()


def carry_out(told: Iterable[Told], *, at: int, carried: Carried) -> None:
    """Do what merge and unmerge entries ask, in the order of the log; in the step's transaction.

    The profile of each ``told`` is found already. What is done already is no error.
    """
    for one in told:
        if isinstance(one.body, MergeBody):
            reason = _merge(one, one.body, at, carried)
        else:
            reason = _unmerge(one.body, at, carried)
        if reason:
            carried.refused.append((one, reason))


def join(joins: Sequence[Join], *, at: int, carried: Carried) -> None:
    """Carry out what a rule found while identifiers were resolved; in the step's transaction."""
    for one in joins:
        if profiles.current([one.loser]).get(one.loser) != one.loser:
            continue  # it went to another by now: whose history it is, is not for a rule to say
        evidence = {"rule": one.kind.value}
        unite(one.winner, one.loser, reason=RULE, evidence=evidence, at=at, carried=carried)


def unite(
    winner: int,
    loser: int,
    *,
    reason: str,
    evidence: dict[str, Any],
    actor: str = "",
    at: int,
    carried: Carried,
) -> Saying | str:
    """Give all that belongs to ``loser`` to ``winner``; return why that cannot be, else nothing.

    Numbers of merged profiles stand for those they belong to now. One that is the same already is
    left alone. Who is being erased stays who they were when that was asked for.
    """
    present = profiles.current([winner, loser])
    if missing := {winner, loser} - present.keys():
        return placed("profile", Saying("there is no %(number)s", {"number": min(missing)}))
    winner, loser = present[winner], present[loser]
    if winner == loser:
        return ""
    with transaction.atomic():
        holding.take([winner, loser])
        if leaving := erased.leaving([winner, loser]):
            return _is_leaving(leaving)
        carried.late += due.among(np.array([loser], np.int64), at)
        for timed in _TIMED_OWNERS:
            timed.move(loser, winner, at=at)
        for owner in _OWNERS:
            owner.move(loser, winner)
        profiles.move(loser, winner)
        profiles.close(loser, winner, reason=reason, evidence=evidence, actor=actor, at=at)
    carried.touched.add(winner)
    carried.gone.add(loser)
    return ""


def catch_up(leads: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Have rows that were written in this transaction follow merges that came since it began.

    ``leads`` are profile and merged number (0: none) as they were found then. Whom they lead to is
    held from now on until the transaction ends, and returned by number.
    """
    asked = set(leads)
    now = holding.hold({number for lead in asked for number in lead if number})
    for led, origin in sorted(asked):
        if led in now and now[led] != led:
            for owner in _WRITTEN:
                owner.move(led, now[led])
            profiles.move_told(led, now[led])
        if origin and led in now and now.get(origin, now[led]) != now[led]:
            parted = profiles.everyone_in(origin)
            for owner in _WRITTEN:
                owner.give_back(now[led], parted, now[origin])
            profiles.give_back_told(now[led], parted, now[origin])
    return now


def _is_leaving(leaving: set[int]) -> Saying:
    return placed("profile", Saying("%(number)s is being erased", {"number": min(leaving)}))


def part(merge_id: int, *, actor: str, reason: str, at: int, carried: Carried) -> Saying | str:
    """Give back what a merge took, and what came since through the identifiers of the loser.

    Returns why that cannot be, else nothing.
    """
    held = Merge.objects.filter(pk=merge_id, undone_at=None).first()
    if held is None:
        return ""  # undone already
    loser = held.loser_id
    winner = profiles.current([loser])[loser]
    origins = profiles.everyone_in(loser)
    with transaction.atomic():
        holding.take([winner])
        if leaving := erased.leaving([winner]):
            return _is_leaving(leaving)
        profiles.reopen(held, winner, actor=actor, reason=reason, at=at)
        for owner in (*_TIMED_OWNERS, *_OWNERS, profiles):
            owner.give_back(winner, origins, loser)
    carried.touched |= {winner, loser}
    carried.gone.discard(loser)
    return ""


def _merge(told: Told, body: MergeBody, at: int, carried: Carried) -> Saying | str:
    winner = told.profile_id or 0
    loser = body.gone_profile
    if loser is None:
        key = f"{told.entry.source}:{body.gone_key}"
        found = resolve([Reference(key, None, None, told.at)], source=told.entry.source, at=at)
        loser = int(found.profile_ids[0])
        carried.touched |= {loser} if len(found.created) else set()
    return unite(
        winner,
        loser,
        reason=body.reason,
        evidence=body.evidence,
        actor=body.actor or ("" if told.entry.source == SOURCE else told.entry.source),
        at=at,
        carried=carried,
    )


def _unmerge(body: UnmergeBody, at: int, carried: Carried) -> Saying | str:
    merges = Merge.objects.filter(loser_id=body.profile or 0).order_by("-pk")
    if body.merge is not None:
        merges = merges.filter(pk=body.merge)
    held = merges.first()
    if held is None:
        return placed("merge", Saying("%(number)s was never merged", {"number": body.profile or 0}))
    return part(held.pk, actor=body.actor, reason=body.reason, at=at, carried=carried)
