"""What a key that stands in a page may not do: it adds to what is known, and changes none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from pusula.pipeline.entries import Told
from pusula.profiles import queries


def adding(told: Sequence[Told]) -> list[Told]:
    """Return what browsers have ``told`` of people without what they would overwrite by it.

    Names stay as they are known, and so does a trait that somebody else than a browser has told.
    """
    people = {one.profile_id or 0 for one in told}
    firm = queries.firm_traits(people, {name for one in told for name in one.body.traits})
    named = queries.named(people)
    return [_adding(one, firm, named) for one in told]


def _adding(one: Told, firm: set[tuple[int, str]], named: set[int]) -> Told:
    profile_id = one.profile_id or 0
    traits = {
        name: value for name, value in one.body.traits.items() if (profile_id, name) not in firm
    }
    names = {"first_name": "", "last_name": ""} if profile_id in named else {}
    return replace(one, body=msgspec.structs.replace(one.body, traits=traits, **names))
