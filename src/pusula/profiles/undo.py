"""Names, traits and identifiers brought back to what they were before one recorded time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import connection, transaction

from pusula.lake import rows
from pusula.profiles import cards, merging
from pusula.profiles.actions import PROFILES, TRAITS, Renamed
from pusula.profiles.cards import name_key_of
from pusula.profiles.models import Identifier, Merge, Profile, Shelved, Trait, TraitChange
from pusula.profiles.resolve import IDENTIFIERS

_PART = 500
_VALUE = ("kind", "text", "text_fold", "number", "day")


def followed(profile_ids: Iterable[int]) -> set[int]:
    """Return ``profile_ids``, whom they have become by merges, and whoever was one with them.

    Who was parted since may have been merged into somebody who still is.
    """
    found = asked = set(profile_ids)
    while asked:
        led: set[int] = set()
        for part in rows.parts(sorted(asked)):
            merges = Merge.objects.filter(loser_id__in=part, undone_at=None)
            led.update(merges.values_list("winner_id", flat=True))
            joined = Merge.objects.filter(winner_id__in=part)
            led.update(joined.values_list("loser_id", flat=True))
        asked = led - found
        found = found | asked
    return found


def take_back_names(renamed: Iterable[Renamed]) -> tuple[list[int], list[int]]:
    """Give profiles their names and creation times back; return whose, and who was left.

    Who was renamed again since is left. Of somebody who was merged since it is their own card that
    is put right, and the name of whom they belong to follows.
    """
    restored, left, values = [], [], []
    for part in rows.parts(renamed, _PART):
        kept = cards.own(merging.current(one.profile_id for one in part))
        held = {
            pk: tuple(told)
            for pk, *told in Profile.objects.filter(
                pk__in=[one.profile_id for one in part]
            ).values_list("pk", "first_name", "last_name", "created_at")
        }
        for one in part:
            if (card := kept.get(one.profile_id)) is not None:
                if cards.said(card) == one.after:
                    cards.write(card, *one.before)
                    cards.derive(card.profile_id)
                    restored.append(card.profile_id)
                else:
                    left.append(card.profile_id)
                continue
            if one.profile_id not in held:
                continue
            if held[one.profile_id] != one.after:
                left.append(one.profile_id)
                continue
            first, last, created_at = one.before
            values.append((first, last, name_key_of(first, last), created_at, one.profile_id))
            restored.append(one.profile_id)
    rows.update(connection, PROFILES, ("first_name", "last_name", "name_key", "created_at"), values)
    return restored, left


def take_back_traits(
    profile_ids: Iterable[int], *, source: str, recorded_at: int
) -> tuple[set[int], set[int]]:
    """Take what ``source`` said of traits at ``recorded_at`` out of their history.

    A trait becomes again what its history says without that. Returns whose traits changed back,
    and whose were changed by somebody else since and stay. One transaction.
    """
    restored: set[int] = set()
    left: set[int] = set()
    with transaction.atomic():
        for part in rows.parts(profile_ids, _PART):
            said = TraitChange.objects.filter(
                profile_id__in=part, source=source, recorded_at=recorded_at
            )
            subjects = set(said.values_list("profile_id", "name"))
            if not subjects:
                continue
            said.delete()
            back, kept = _restore(subjects, source, recorded_at)
            restored |= back
            left |= kept
    return restored, left


def _restore(
    subjects: Collection[tuple[int, str]], source: str, recorded_at: int
) -> tuple[set[int], set[int]]:
    ids, names = {pk for pk, _name in subjects}, {name for _pk, name in subjects}
    history = TraitChange.objects.filter(profile_id__in=ids, name__in=names)
    newest: dict[tuple[int, str], tuple[Any, ...]] = {
        (pk, name): tuple(told)
        for pk, name, *told in history.order_by("changed_at", "recorded_at", "id").values_list(
            "profile_id", "name", *_VALUE, "source", "recorded_at"
        )
    }
    held = Trait.objects.filter(profile_id__in=ids, name__in=names)
    restored, left, gone, values = set(), set(), [], []
    for trait_id, pk, name, told_by, updated_at in held.values_list(
        "id", "profile_id", "name", "source", "updated_at"
    ):
        if (pk, name) not in subjects:
            continue
        if (told_by, updated_at) != (source, recorded_at):
            left.add(pk)
            continue
        before = newest.get((pk, name))
        restored.add(pk)
        if before is None or not before[0]:
            gone.append(trait_id)
        else:
            values.append((*before, trait_id))
    Trait.objects.filter(pk__in=gone).delete()
    rows.update(connection, TRAITS, (*_VALUE, "source", "updated_at"), values)
    return restored, left


def take_back_identifiers(profile_ids: Sequence[int], *, source: str, recorded_at: int) -> set[int]:
    """Remove the identifiers that ``source`` told at ``recorded_at``; return whose they were."""
    touched: set[int] = set()
    for part in rows.parts(profile_ids, _PART):
        held = Identifier.objects.filter(
            profile_id__in=part, source=source, recorded_at=recorded_at
        )
        touched.update(held.values_list("profile_id", flat=True))
        held.delete()
        # What waits on the shelf beside the same of another would come back with an un-merge.
        waiting = Shelved.objects.filter(profile_id__in=part, table=IDENTIFIERS)
        waiting.filter(row__source=source, row__recorded_at=recorded_at).delete()
    return touched
