"""The decisions of a merged person: one ledger, from which the present consents follow anew."""

from __future__ import annotations

from collections.abc import Collection

from pusula.consent import actions
from pusula.consent.models import Consent, ConsentEntry
from pusula.profiles import moving


def move(loser: int, winner: int) -> None:
    """Give the decisions of ``loser`` to ``winner``.

    A refusal of either is one of the person: only a newer grant with evidence turns it back on.
    """
    moving.move(actions.LEDGER, loser, winner)
    _derive([loser, winner])


def give_back(winner: int, origins: Collection[int], to: int) -> None:
    """Give the decisions that came from ``origins``, or speak of their addresses, to ``to``."""
    moving.give_back(actions.LEDGER, winner, origins, to)
    moving.give_back_addressed(actions.LEDGER, winner, origins, to)
    _derive([winner, to])


def _derive(profile_ids: Collection[int]) -> None:
    Consent.objects.filter(profile_id__in=profile_ids).delete()
    told = ConsentEntry.objects.filter(profile_id__in=profile_ids)
    actions.derive(set(told.values_list("profile_id", "channel", "purpose")))
