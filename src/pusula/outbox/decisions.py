"""The one place where it is decided who gets which message when, and why somebody gets none.

Every message, of a mailing or of a journey, is asked for here as a ``Candidate``. What is decided
is written in the same transaction, under a lock on the people concerned: whoever asks for the same
person at the same moment waits, and sees what was decided before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from django.conf import settings
from django.db import connection, transaction

from pusula.lake import rows
from pusula.outbox import actions, known, machine, models, moves, policies, zones
from pusula.outbox.actions import Draft
from pusula.outbox.candidates import Candidate, Decision
from pusula.outbox.reasons import Reason
from pusula.outbox.rules.policy import Policy
from pusula.outbox.rules.weigh import Asked, Scales, is_held_out
from pusula.outbox.ways import Chosen, choose
from pusula.profiles.models import Profile
from pusula.profiles.objections import objectors

_TRIES = 5


class _GoneMeanwhileError(Exception):
    """A message that was to give way has passed the gate; nothing was written."""


def decide(candidates: Iterable[Candidate], *, at: int) -> list[Decision]:
    """Decide about messages and write them down; return the decisions in the order of asking.

    1. The people are locked. 2. What was decided before under the same key stays so. 3. The
    others are weighed in the order (due, priority, profile, key). 4. Each becomes a row: in line,
    or skipped with its reason; less important messages that give way are skipped as well.

    Runs in the caller's transaction; ask for everything a transaction needs in one call, so that
    two of them lock people in the same order. Of a profile that is gone no row can be kept.
    """
    asked = list(candidates)
    if not asked:
        return []
    with transaction.atomic():
        lock({candidate.profile_id for candidate in asked})
        return list(settle(asked, foresee(asked, at=at), at=at))


def lock(profile_ids: Collection[int]) -> None:
    """Make whoever decides about one of these people wait until our transaction ends.

    Budgets belong to everybody: where there are any, all decisions wait for each other.
    """
    version = policies.current()
    if version.policy.budgets:
        list(models.Policy.objects.select_for_update().filter(number=version.number))
    if not connection.features.has_select_for_update:
        return  # whoever writes is alone there
    # Rows that point to the profile may come meanwhile: its key does not change.
    people = Profile.objects.select_for_update(no_key=True).order_by("pk")
    for part in rows.parts(sorted(profile_ids)):
        list(people.filter(pk__in=part).values_list("pk", flat=True))


def foresee(
    candidates: Sequence[Candidate],
    *,
    at: int,
    chosen: Mapping[str, Chosen] | None = None,
    with_budgets: bool = True,
) -> list[Decision]:
    """Return what ``decide`` would decide now, in the order of asking, and write nothing.

    ``chosen`` says by dedupe key where people are reached, if that was asked already. Without
    budgets, what it would be if every hour and day had room.
    """
    version = policies.current()
    found = known.decided(one.dedupe_key for one in candidates)
    there = known.there({one.profile_id for one in candidates})
    objecting = objectors({one.profile_id for one in candidates if one.is_commercial})
    new: dict[str, Candidate] = {}
    for one in sorted(candidates, key=_order):
        if one.dedupe_key in found:
            continue
        if one.profile_id not in there:
            found[one.dedupe_key] = _skipped(one, Reason.GONE)
        elif one.is_commercial and is_held_out(version.policy, one.profile_id):
            found[one.dedupe_key] = _skipped(one, Reason.HOLDOUT_GLOBAL)
        elif one.is_commercial and one.profile_id in objecting:
            found[one.dedupe_key] = _skipped(one, Reason.OBJECTED)
        else:
            new.setdefault(one.dedupe_key, one)
    if chosen is None:
        chosen = choose(new.values(), at=at)
    desk = _Desk(new.values(), chosen, version.policy, at=at, with_budgets=with_budgets)
    for key, one in new.items():
        found[key] = decision = desk.decide(one)
        for gone in decision.displaced:
            if isinstance(gone, str):  # decided a moment ago, and in no table yet
                found[gone] = replace(
                    found[gone], state=machine.SKIPPED, reason=Reason.OUTRANKED.value
                )
    return [found[one.dedupe_key] for one in candidates]


def settle(
    asked: Sequence[Candidate], foreseen: Sequence[Decision], *, at: int
) -> Sequence[Decision]:
    """Write what was foreseen under the lock of the same transaction; return what was written.

    That is something else only where a message that was to give way has just left.
    """
    for _try in range(_TRIES):
        try:
            with transaction.atomic():
                _write(asked, foreseen, at)
        except _GoneMeanwhileError:
            foreseen = foresee(asked, at=at)
        else:
            return foreseen
    raise _GoneMeanwhileError


def _order(one: Candidate) -> tuple[int, int, int, str]:
    return one.due_at, one.priority, one.profile_id, one.dedupe_key


def _skipped(one: Candidate, reason: str, chosen: Chosen | None = None) -> Decision:
    way = chosen.way if chosen else one.ways[0]
    return Decision(
        dedupe_key=one.dedupe_key, profile_id=one.profile_id, state=machine.SKIPPED,
        reason=str(reason), channel=way.channel, content_id=way.content_id,
        address=chosen.reached.address if chosen else "", due_at=one.due_at,
    )  # fmt: skip


class _Desk:
    """Decides about candidates one after the other, with all that has to be known read before."""

    def __init__(
        self,
        candidates: Collection[Candidate],
        chosen: Mapping[str, Chosen],
        policy: Policy,
        *,
        at: int,
        with_budgets: bool,
    ) -> None:
        self._at = at
        self._chosen = chosen
        self._inboxes = known.inboxes(
            (one.origin, found.way.channel, found.reached.address)
            for one in candidates
            if not one.step and not (found := chosen[one.dedupe_key]).reached.reason
        )
        self._zone = settings.PUSULA.time_zone
        self._scales = Scales(policy, zone=self._zone, with_budgets=with_budgets)
        commercial = {one.profile_id for one in candidates if one.is_commercial}
        if policy.caps:
            for profile_id, entry in known.counting(commercial, memory=policy.memory, at=at):
                self._scales.ledger.add(profile_id, entry)
        if with_budgets:
            self._load_budgets(policy)
        self._zones = self._clocks(candidates, policy)

    def decide(self, one: Candidate) -> Decision:
        """Return what becomes of a candidate that nobody has decided about."""
        chosen = self._chosen[one.dedupe_key]
        channel, address = chosen.way.channel, chosen.reached.address
        if chosen.reached.reason:
            return _skipped(one, chosen.reached.reason, chosen)
        if not one.step and (one.origin, channel, address) in self._inboxes:
            return _skipped(one, Reason.DUPLICATE_ADDRESS, chosen)
        weighed = self._scales.weigh(
            Asked(
                key=one.dedupe_key, profile_id=one.profile_id, channel=channel,
                due_at=max(one.due_at, self._at), not_after_at=one.not_after_at,
                zone=self._zones.get(one.profile_id, self._zone), priority=one.priority,
                is_commercial=one.is_commercial, in_quiet_hours=one.in_quiet_hours,
            )
        )  # fmt: skip
        if weighed.reason:
            return _skipped(one, weighed.reason, chosen)
        if not one.step:
            self._inboxes.add((one.origin, channel, address))
        return Decision(
            dedupe_key=one.dedupe_key, profile_id=one.profile_id, state=machine.PENDING,
            channel=channel, content_id=chosen.way.content_id, address=address,
            due_at=weighed.due_at, open_until_at=weighed.open_until_at,
            displaced=tuple(entry.key for entry in weighed.displaced),
        )  # fmt: skip

    def _load_budgets(self, policy: Policy) -> None:
        for budget in policy.budgets:
            for moment, n in known.spent(budget, zone=self._zone, at=self._at):
                self._scales.spending.take([budget], moment, n)

    def _clocks(self, candidates: Collection[Candidate], policy: Policy) -> Mapping[int, str]:
        """Return the time zones of those whose quiet hours matter."""
        if not policy.quiet:
            return {}
        return zones.of(
            {
                one.profile_id
                for one in candidates
                if one.is_commercial and policy.quiet_of(self._chosen[one.dedupe_key].way.channel)
            }
        )


def _write(asked: Sequence[Candidate], decided: Sequence[Decision], at: int) -> None:
    gone = [key for one in decided for key in one.displaced if isinstance(key, int)]
    if gone and not moves.displace(gone, at=at):
        raise _GoneMeanwhileError
    number = policies.current().number
    new = {
        one.dedupe_key: (one, decision)
        for one, decision in zip(asked, decided, strict=True)
        if decision.is_new and decision.reason != Reason.GONE
    }
    actions.put((_draft(one, decision, number) for one, decision in new.values()), at=at)


def _draft(one: Candidate, decision: Decision, policy: int) -> Draft:
    return Draft(
        dedupe_key=one.dedupe_key, origin=one.origin, step=one.step, profile_id=one.profile_id,
        order_id=one.order_id, content_id=decision.content_id, variables=one.variables,
        channel=decision.channel, purpose=one.purpose, is_commercial=one.is_commercial,
        priority=one.priority, policy=policy, address=decision.address, due_at=decision.due_at,
        not_after_at=one.not_after_at, open_until_at=decision.open_until_at,
        state=decision.state, reason=decision.reason,
    )  # fmt: skip
