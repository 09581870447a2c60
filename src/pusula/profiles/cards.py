"""What the row of a profile says of the person, kept apart for everybody who was merged into it.

A merged person has one name and one date since when they are known, made from the cards of all who
they turned out to be. The cards wait on the shelf, so an un-merge has everybody's own again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection

from pusula.lake import rows
from pusula.lib.text import person_key
from pusula.profiles.models import Profile, Shelved

_TABLE = "profiles_profile"
_NAME_KEY_SIZE = 250
# Most people were never merged: that is asked at less cost than their cards.
_HOLDERS = """
select distinct profile_id from profiles_shelved where profile_id in ({marks}) and "table" = %s
"""

Card = dict[str, Any]  # first_name, last_name, created_at, recorded_at


def name_key_of(first_name: str, last_name: str) -> str:
    """Return the stored key of a name."""
    return person_key(f"{first_name} {last_name}")[:_NAME_KEY_SIZE]


def kept(profile_ids: Iterable[int]) -> dict[tuple[int, int | None], Shelved]:
    """Return the cards that are kept of merged people, by profile and origin."""
    found: dict[tuple[int, int | None], Shelved] = {}
    holders = [one for (one,) in rows.found(connection, _HOLDERS, set(profile_ids), _TABLE)]
    for part in rows.parts(holders):
        for card in Shelved.objects.filter(table=_TABLE, profile_id__in=part):
            found[card.profile_id, card.origin_id] = card
    return found


def own(now: Mapping[int, int]) -> dict[int, Shelved]:
    """Return the card that is kept of each profile; ``now``: to whom its number leads."""
    held = kept(now.values())
    cards = {one: held.get((to, None if to == one else one)) for one, to in now.items()}
    return {one: card for one, card in cards.items() if card is not None}


def said(card: Shelved) -> tuple[str, str, int]:
    """Return first name, last name and date of a card."""
    return card.row["first_name"], card.row["last_name"], card.row["created_at"]


def write(card: Shelved, first_name: str, last_name: str, created_at: int) -> None:
    """Write a card anew; ``derive`` is due afterwards."""
    card.row |= {"first_name": first_name, "last_name": last_name, "created_at": created_at}
    card.save(update_fields=["row"])


def move(loser: int, winner: int) -> None:
    """Keep the cards of both with ``winner``, and write what follows from them."""
    held = kept([loser, winner])
    for profile_id in (loser, winner):
        origin = None if profile_id == winner else loser
        if (profile_id, None) not in held:
            Shelved.objects.create(
                table=_TABLE, profile_id=winner, origin_id=origin, row=_card(profile_id)
            )
    for (profile_id, origin), card in held.items():
        if profile_id == loser:
            card.profile_id, card.origin_id = winner, origin or loser
            card.save(update_fields=["profile_id", "origin_id"])
    derive(winner)


def revive(winner: int, profile_id: int) -> None:
    """Make the row of ``profile_id`` again, which was merged into ``winner``."""
    card = Shelved.objects.get(table=_TABLE, profile_id=winner, origin_id=profile_id)
    name_key = name_key_of(card.row["first_name"], card.row["last_name"])
    Profile.objects.create(pk=profile_id, name_key=name_key, **card.row)


def give_back(winner: int, origins: Collection[int], to: int) -> None:
    """Give the cards of ``origins`` to ``to``, and write what follows for both."""
    for origin in origins:
        Shelved.objects.filter(table=_TABLE, profile_id=winner, origin_id=origin).update(
            profile_id=to, origin_id=None if origin == to else origin
        )
    derive(winner)
    derive(to)


def derive(profile_id: int) -> None:
    """Write the row of a profile from the cards kept of it; a last own card is kept no longer.

    Their own name counts; who has none takes that of the one known for longest among the others.
    """
    held = [(origin, card) for (_, origin), card in kept([profile_id]).items()]
    if not held:
        return
    cards = sorted(held, key=lambda one: (one[0] is not None, one[1].row["recorded_at"], one[0]))
    said = [card.row for _, card in cards]
    named = next((one for one in said if one["first_name"] or one["last_name"]), said[0])
    first, last = named["first_name"], named["last_name"]
    Profile.objects.filter(pk=profile_id).update(
        first_name=first,
        last_name=last,
        name_key=name_key_of(first, last),
        created_at=min(one["created_at"] for one in said),
        recorded_at=min(one["recorded_at"] for one in said),
    )
    if [origin for origin, _ in cards] == [None]:
        Shelved.objects.filter(pk=cards[0][1].pk).delete()


def _card(profile_id: int) -> Card:
    profile = Profile.objects.get(pk=profile_id)
    return {
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "created_at": profile.created_at,
        "recorded_at": profile.recorded_at,
    }
