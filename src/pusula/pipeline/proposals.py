"""Proposals that two profiles are one person, decided: accepted, rejected, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.db import transaction

from pusula.lib import clock
from pusula.lib.sayings import Saying
from pusula.pipeline import identity
from pusula.profiles import proposals
from pusula.profiles.models import Profile, Proposal, ProposalState

PROPOSAL = "proposal"  # the reason of its merges
DAILY = 20 * clock.HOUR  # a night's run that starts a little earlier than the last still counts


def is_due() -> bool:
    """Say whether everybody is to be compared again: the last time was not since yesterday."""
    last = proposals.last()
    return last is None or last.started_at <= clock.now() - DAILY


def accept_certain() -> list[tuple[int, int]]:
    """Ask for the merges that may be done unseen; return who stays and who becomes part of them.

    Of those who hang together the one known longest stays, whatever the order of their merges.
    """
    tell_again()
    asked: list[tuple[int, int]] = []
    for held in proposals.certain():
        winner, loser = _accept(held.pk, actor="", gone={gone: to for to, gone in asked})
        if winner != loser:
            asked.append((winner, loser))
    return asked


def accept(pk: int, *, actor: str) -> tuple[int, int]:
    """Ask for the merge that is proposed; return who stays and who becomes part of them.

    Who is known longer stays. Raises ``ProposalError`` if the proposal is not open.
    """
    tell_again()
    return _accept(pk, actor=actor, gone={})


def tell_again() -> None:
    """Tell the log of accepted proposals whose merge did not come: somebody was stopped before.

    The log takes the same decision once, however often it is told.
    """
    for held in proposals.without_merge():
        _tell(held, *sides(held))


def _accept(pk: int, *, actor: str, gone: Mapping[int, int]) -> tuple[int, int]:
    """Accept a proposal. ``gone``: whose merge is asked for already, and with whom.

    Then the two may be one already. The decision first: of a merge that cannot be told, there is it
    to tell it again.
    """
    with transaction.atomic():
        held = proposals.lock(pk)
        winner, loser = sides(held, gone)
        proposals.decide(held, ProposalState.ACCEPTED, actor=actor, at=clock.now())
    if winner != loser:
        _tell(held, winner, loser)
    return winner, loser


def _tell(held: Proposal, winner: int, loser: int) -> None:
    fields = {field: level for field, (level, _) in held.evidence.items()}
    identity.merge(
        winner,
        loser,
        reason=PROPOSAL,
        evidence={"proposal": held.pk, "weight": held.weight, "fields": fields},
        actor=held.decided_by,
        message_id=f"{identity.SOURCE}:proposal:{held.pk}:{held.decided_at}",
    )


def reject(pk: int, *, actor: str) -> Proposal:
    """Write down that the two are not one person. Raises ``ProposalError`` if it is not open."""
    with transaction.atomic():
        held = proposals.lock(pk)
        proposals.decide(held, ProposalState.REJECTED, actor=actor, at=clock.now())
    return held


def sides(held: Proposal, gone: Mapping[int, int] = MappingProxyType({})) -> tuple[int, int]:
    """Return who would stay, the one known longer, and who would become part of them.

    ``gone`` as in ``accept``. Raises ``ProposalError`` if one of them is not there any more.
    """
    ids = [held.one_id, held.other_id]
    if Profile.objects.filter(pk__in=ids).count() < len(ids):
        raise proposals.ProposalError(
            Saying("proposal %(pk)s: one of the two is gone", {"pk": held.pk})
        )
    for i, one in enumerate(ids):
        while one in gone:
            one = gone[one]  # noqa: PLW2901  onward to whom it leads
        ids[i] = one
    found = Profile.objects.filter(pk__in=ids).order_by("created_at", "pk")
    order = list(found.values_list("pk", flat=True))
    return order[0], order[-1]
