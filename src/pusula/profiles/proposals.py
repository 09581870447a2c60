"""Proposals that two profiles are one person: written, kept as decided, and decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet

from pusula.lake import rows
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.profiles.linkage.pair import Pair
from pusula.profiles.models import (
    Compared,
    Comparison,
    Merge,
    Profile,
    Proposal,
    ProposalState,
)

_OPEN, _ACCEPTED = ProposalState.OPEN, ProposalState.ACCEPTED
_REJECTED, _STALE = ProposalState.REJECTED, ProposalState.STALE
_WRITTEN = ["weight", "certain", "evidence", "state", "proposed_at", "put_off_at"]
_GROUP = ["group_id", "group_weight"]


class _Edge(NamedTuple):
    one_id: int
    other_id: int
    weight: float


class ProposalError(PusulaError):
    """A proposal cannot be decided like this."""

    code = "proposal"
    status = 409


class Counts(NamedTuple):
    """How many proposals are new, and of how many nothing speaks for them any more."""

    n_new: int
    n_stale: int


def write(pairs: Iterable[Pair], whose: Collection[int], *, at: int) -> Counts:
    """Write what a comparison of the people ``whose`` found, in the caller's transaction.

    What somebody decided stays decided while the fields agree and differ as they did then. What is
    not found any more is stale. ``regroup`` is due afterwards.
    """
    known = {(one.one_id, one.other_id): one for one in _touching(whose)}
    made, changed = [], []
    n_new = n_stale = 0
    for pair in pairs:
        held = known.pop((pair.one, pair.other), None)
        if held is None:
            held = Proposal(one_id=pair.one, other_id=pair.other, group_id=pair.one, group_weight=0)
            made.append(_filled(held, pair, at))
        elif held.state == _OPEN or _is_other(held, pair):
            n_new += held.state != _OPEN
            changed.append(_filled(held, pair, at))
    for held in known.values():
        if held.state == _OPEN:
            held.state, n_stale = _STALE, n_stale + 1
            changed.append(held)
    Proposal.objects.bulk_create(made, batch_size=rows.ASKED)
    Proposal.objects.bulk_update(changed, _WRITTEN, batch_size=50)
    return Counts(n_new + len(made), n_stale)


def open_among(whose: Collection[int]) -> list[tuple[int, int]]:
    """Return the open proposals that speak of these people."""
    return [(one.one_id, one.other_id) for one in _touching(whose) if one.state == _OPEN]


def _touching(whose: Collection[int]) -> list[Proposal]:
    found: dict[int, Proposal] = {}
    for part in rows.parts(whose):
        found.update((one.pk, one) for one in Proposal.objects.filter(about(part)))
    return list(found.values())


def give_up() -> int:
    """Have the open proposals go stale of whom nothing is known any more; return how many.

    Everybody of whom something is known was compared.
    """
    known = Compared.objects.values("pk")
    left = Proposal.objects.filter(state=_OPEN).exclude(one_id__in=known, other_id__in=known)
    return left.update(state=_STALE)


def regroup() -> None:
    """Write which open proposals hang together; one transaction."""
    with transaction.atomic():
        held = list(Proposal.objects.filter(state=_OPEN).only(*_Edge._fields, *_GROUP))
        groups = grouped(_Edge(one.one_id, one.other_id, one.weight) for one in held)
        changed = []
        for one in held:
            if (one.group_id, one.group_weight) != (group := groups[one.one_id]):
                one.group_id, one.group_weight = group
                changed.append(one)
        Proposal.objects.bulk_update(changed, _GROUP, batch_size=200)


def grouped(pairs: Iterable[_Edge]) -> dict[int, tuple[int, float]]:
    """Return for each profile the lowest number and the highest weight of all it hangs with."""
    parent: dict[int, int] = {}
    heaviest: dict[int, float] = {}

    def root(one: int) -> int:
        while parent.setdefault(one, one) != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for pair in pairs:
        low, high = sorted((root(pair.one_id), root(pair.other_id)))
        parent[high] = low
        weights = (pair.weight, *(heaviest.get(one, pair.weight) for one in (low, high)))
        heaviest[low] = max(weights)
    return {one: (root(one), heaviest[root(one)]) for one in list(parent)}


def _filled(held: Proposal, pair: Pair, at: int) -> Proposal:
    if held.state != _OPEN:
        held.state, held.proposed_at, held.put_off_at = _OPEN, at, 0
    held.weight, held.certain, held.evidence = pair.weight, pair.certain, _evidence(pair)
    return held


def _evidence(pair: Pair) -> dict[str, Any]:
    return {field: [one.level, one.weight] for field, one in pair.fields.items()}


def _is_other(held: Proposal, pair: Pair) -> bool:
    """Say whether other fields agree or differ than when it was decided, or it had gone stale.

    A weight changes a little with everybody who comes; that is no reason to ask again.
    """
    before = {field: level for field, (level, _) in held.evidence.items()}
    now = {field: one.level for field, one in pair.fields.items()}
    return held.state == _STALE or before != now


def queue() -> QuerySet[Proposal]:
    """Return the open proposals between two who are there, those put off last; groups together."""
    there = Profile.objects.values("pk")
    found = Proposal.objects.filter(state=_OPEN, one_id__in=there, other_id__in=there)
    return found.order_by("put_off_at", "-group_weight", "group_id", "-weight", "pk")


def about(profile_ids: Iterable[int]) -> Q:
    """Return the condition that a proposal speaks of one of these people."""
    ids = list(profile_ids)
    return Q(one_id__in=ids) | Q(other_id__in=ids)


def lock(pk: int) -> Proposal:
    """Return an open proposal to be decided in this transaction.

    Raises ``ProposalError`` if there is none: it is decided already, or nothing speaks for it now.
    """
    held = Proposal.objects.select_for_update().filter(pk=pk, state=_OPEN).first()
    if held is None:
        raise ProposalError(
            Saying("there is no open proposal %(pk)s: see `pusula identity review`", {"pk": pk})
        )
    return held


def decide(held: Proposal, state: ProposalState, *, actor: str, at: int) -> None:
    """Write down what somebody decided."""
    held.state, held.decided_at, held.decided_by = state, at, actor
    held.save(update_fields=["state", "decided_at", "decided_by"])


def put_off(pk: int, *, at: int) -> None:
    """Leave an open proposal for later: it goes to the end of the queue."""
    Proposal.objects.filter(pk=pk, state=_OPEN).update(put_off_at=at)


def reopen(pk: int) -> Proposal:
    """Take a rejection back. Raises ``ProposalError`` if the proposal was not rejected."""
    held = Proposal.objects.select_for_update().filter(pk=pk, state=_REJECTED).first()
    if held is None:
        raise ProposalError(Saying("proposal %(pk)s was not rejected", {"pk": pk}))
    held.state, held.decided_at, held.decided_by = _OPEN, None, ""
    held.save(update_fields=["state", "decided_at", "decided_by"])
    return held


def certain() -> list[Proposal]:
    """Return the open proposals that may be carried out unseen, the heaviest first.

    Where somebody said of two that they are not one person, nothing joins them by way of a third.
    """
    found = list(queue().filter(certain=True))
    groups = grouped(_Edge(one.one_id, one.other_id, one.weight) for one in found)
    rejected = Proposal.objects.filter(Q(state=_REJECTED) | Q(state=_ACCEPTED))
    parted = {
        groups[one][0]
        for one, other in rejected.values_list("one_id", "other_id")
        if one in groups and other in groups and groups[one] == groups[other]
    }
    return [held for held in found if groups[held.one_id][0] not in parted]


def merge_of(held: Proposal) -> Merge | None:
    """Return the merge that followed from an accepted proposal, once it is carried out."""
    both = [held.one_id, held.other_id]
    since = Merge.objects.filter(loser_id__in=both, merged_at__gte=held.decided_at or 0)
    return since.order_by("pk").first()


def without_merge() -> list[Proposal]:
    """Return the accepted proposals between two who are there and were not merged since."""
    there = Profile.objects.values("pk")
    accepted = Proposal.objects.filter(state=_ACCEPTED, one_id__in=there, other_id__in=there)
    return [held for held in accepted.order_by("pk") if merge_of(held) is None]


def open_now() -> int:
    """Return how many proposals wait."""
    return Proposal.objects.filter(state=_OPEN).count()


def last() -> Comparison | None:
    """Return the newest comparison that came to its end."""
    return Comparison.objects.exclude(finished_at=None).order_by("-pk").first()
