"""Merges as facts: who was merged into whom; identifiers, traits and scores of both as one.

Only ``pipeline.identity`` calls this, in one transaction with the other owners of a person's rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Q

from pusula.lake import rows
from pusula.lib import clock
from pusula.profiles import cards, compared, moving, unheard
from pusula.profiles.models import Merge, Profile, Trait, TraitChange
from pusula.profiles.moving import Once
from pusula.profiles.relations import Ids

_TRAITS, _TRAIT_CHANGES = "profiles_trait", "profiles_traitchange"
_IDENTIFIERS = Once(
    "profiles_identifier",
    ("kind", "value", "source", "recorded_at", "verified_at"),
    of=("kind", "value"),
    rank=lambda row: (row["verified_at"] is None, row["recorded_at"], row["id"]),
)
_SCORES = Once(
    "profiles_score",
    ("model", "value", "decile", "scored_at"),
    of=("model", "scored_at"),
    rank=lambda row: (row["id"],),
)
_TRAIT = ("name", "kind", "text", "text_fold", "number", "day", "source")


# Who undoes the merges of an import that is taken back: that parts nobody for good.
TAKEN_BACK = "pusula:import"


class StillOwnedError(Exception):
    """A merged profile still has rows: an owner has not moved them."""


def current(numbers: Iterable[int]) -> dict[int, int]:
    """Return the profile that each number leads to; numbers that nobody ever had are missing."""
    found: dict[int, int] = {}
    for part in rows.parts(set(numbers)):
        present = Profile.objects.filter(pk__in=part)
        found.update((pk, pk) for pk in present.values_list("pk", flat=True))
        merged = Merge.objects.filter(loser_id__in=part, undone_at=None)
        for loser, winner in merged.values_list("loser_id", "winner_id"):
            if winner in (onward := current([winner])):
                found[loser] = onward[winner]
    return found


def of_now(profile_ids: Ids) -> Ids:
    """Return whom these profiles have become, ascending; who is gone for good is left out."""
    found = [np.empty(0, np.int64)]
    for part in rows.parts(profile_ids.tolist()):
        there = set(Profile.objects.filter(pk__in=part).values_list("pk", flat=True))
        there.update(current(set(part) - there).values())
        found.append(np.fromiter(there, np.int64, len(there)))
    return np.unique(np.concatenate(found))


def everyone_in(profile_id: int) -> set[int]:
    """Return the number ``profile_id`` and those of all who are merged into it, however often."""
    found, waiting = set[int](), {profile_id}
    while waiting:
        found |= waiting
        merged = Merge.objects.filter(winner_id__in=waiting, undone_at=None)
        waiting = set(merged.values_list("loser_id", flat=True)) - found
    return found


def are_parted(one: int, other: int) -> bool:
    """Say whether a merge of some of the two was undone: then no rule makes them one again."""
    first, second = everyone_in(one), everyone_in(other)
    undone = Merge.objects.filter(undone_at__isnull=False, loser_id__in=first | second)
    undone = undone.exclude(undone_by=TAKEN_BACK)
    return any(
        (loser in first and winner in second) or (loser in second and winner in first)
        for loser, winner in undone.values_list("loser_id", "winner_id")
    )


def history_of(profile_id: int) -> list[Merge]:
    """Return the merges that made somebody what they are, undone ones too, the newest first."""
    numbers = everyone_in(profile_id)
    concerned = Merge.objects.filter(Q(winner_id__in=numbers) | Q(loser_id__in=numbers))
    return list(concerned.order_by("-pk"))


def is_merging(since_at: int) -> bool:
    """Say whether somebody was merged or parted since ``since_at``, or an hour before.

    A step takes its moment before it waits for its turn.
    """
    recent = since_at - clock.HOUR
    return Merge.objects.filter(Q(merged_at__gte=recent) | Q(undone_at__gte=recent)).exists()


def move(loser: int, winner: int) -> None:
    """Give identifiers, traits, scores and the card of ``loser`` to ``winner``."""
    cards.move(loser, winner)
    _SCORES.move(loser, winner)
    move_told(loser, winner)
    compared.forget([loser, winner])
    unheard.forget([loser, winner])  # both are looked at by who merges them


def move_told(loser: int, winner: int) -> None:
    """Give identifiers and traits of ``loser``, who may be gone already, to ``winner``."""
    _IDENTIFIERS.move(loser, winner)
    moving.move(_TRAIT_CHANGES, loser, winner)
    _derive_traits([loser, winner])


def close(
    loser: int,
    winner: int,
    *,
    reason: str,
    evidence: dict[str, Any],
    actor: str,
    at: int,
) -> Merge:
    """Write the merge down and take the row of ``loser`` away, of which nothing is left."""
    card = Profile.objects.get(pk=loser)
    merge = Merge.objects.create(
        loser_id=loser,
        winner_id=winner,
        loser_name=card.name[:250],
        reason=reason,
        evidence=evidence,
        actor=actor,
        merged_at=at,
    )
    _n, gone = Profile.objects.filter(pk=loser).delete()
    if left := gone.keys() - {"profiles.Profile"}:
        raise StillOwnedError(f"rows of {', '.join(sorted(left))} were left with {loser}")
    return merge


def reopen(merge: Merge, winner: int, *, actor: str, reason: str, at: int) -> None:
    """Make the row of the merged profile again and write down that the merge is undone."""
    cards.revive(winner, merge.loser_id)
    merge.undone_at, merge.undone_by, merge.undone_reason = at, actor, reason[:400]
    merge.save(update_fields=["undone_at", "undone_by", "undone_reason"])


def give_back(winner: int, origins: Collection[int], to: int) -> None:
    """Give what came from ``origins`` to the profile ``to``."""
    cards.give_back(winner, origins, to)
    _SCORES.give_back(winner, origins, to)
    give_back_told(winner, origins, to)
    compared.forget([winner, to])
    unheard.forget([winner, to])


def give_back_told(winner: int, origins: Collection[int], to: int) -> None:
    """Give the identifiers and traits that came from ``origins`` to the profile ``to``."""
    _IDENTIFIERS.give_back(winner, origins, to)
    moving.give_back(_TRAIT_CHANGES, winner, origins, to)
    _derive_traits([winner, to])


def _derive_traits(profile_ids: Collection[int]) -> None:
    """Write the traits of ``profile_ids`` as their history says: the newest word on each counts."""
    Trait.objects.filter(profile_id__in=profile_ids).delete()
    newest: dict[tuple[int, str], tuple[Any, ...]] = {}
    told = TraitChange.objects.filter(profile_id__in=profile_ids)
    for profile_id, recorded_at, *said in told.order_by(
        "changed_at", "recorded_at", "id"
    ).values_list("profile_id", "recorded_at", *_TRAIT):
        newest[profile_id, said[0]] = (*said, recorded_at)
    rows.insert(
        connection,
        _TRAITS,
        ("profile_id", *_TRAIT, "updated_at"),
        ((profile_id, *said) for (profile_id, _name), said in newest.items() if said[1]),
    )
