"""What a key that stands in a page may not do: it adds to what is known, and changes none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from pusula.pipeline.entries import Told
from pusula.profiles import queries


def adding(told: Sequence[Told], source: str) -> list[Told]:
    """Return traits ``told`` without what a browser of ``source`` would overwrite by them.

    Names stay as they are known; a trait that another source has told stays as that says.
    """
    loose = [one for one in told if not one.trusted]
    if not loose:
        return list(told)
    names = {name for one in loose for name in one.body.traits}
    people = {one.profile_id or 0 for one in loose}
    owned = queries.traits_of_others(people, names, source)
    named = queries.named(people)
    return [one if one.trusted else _adding(one, owned, named) for one in told]


def _adding(one: Told, owned: set[tuple[int, str]], named: set[int]) -> Told:
    profile_id = one.profile_id or 0
    traits = {
        name: value for name, value in one.body.traits.items() if (profile_id, name) not in owned
    }
    names = {"first_name": "", "last_name": ""} if profile_id in named else {}
    return replace(one, body=msgspec.structs.replace(one.body, traits=traits, **names))
