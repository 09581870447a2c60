"""Messages that say that an earlier id and a user are one person: a device, or a known person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pusula.lib.sayings import Saying, placed
from pusula.pipeline.entries import AliasBody, MergeBody, Refusals, Told
from pusula.profiles import queries
from pusula.profiles.models import IdentifierKind


def followed(told: Sequence[Told]) -> tuple[list[Told], Refusals]:
    """Return ``told`` with aliases of known people turned into merges, and those refused.

    An earlier id that is nobody's number is that of a device, as the alias says. That two people
    whose numbers are known are one, only a server key may say.
    """
    previous = {one.body.previous for one in told if isinstance(one.body, AliasBody)}
    if not previous:
        return list(told), []
    known = queries.holders(IdentifierKind.KEY, previous)
    coming = {one.key for one in told}
    found: list[Told] = []
    refused: Refusals = []
    for one in told:
        if not (isinstance(one.body, AliasBody) and _is_somebody(one, known, coming)):
            found.append(one)
        elif one.trusted:
            found.append(_merge(one, one.body.previous, known))
        else:
            why = Saying("only a server key joins two people who are known")
            refused.append((one, placed("alias", why)))
    return found, refused


def _is_somebody(one: Told, known: dict[str, list[int]], coming: set[str | None]) -> bool:
    """Say whether the earlier id is the number of somebody known, or about to be."""
    previous: str = one.body.previous
    is_ours = previous.partition(":")[0] == one.entry.source
    return previous in known or (is_ours and previous in coming)


def _merge(one: Told, previous: str, known: dict[str, list[int]]) -> Told:
    body = MergeBody(evidence={"said": "alias"})
    if previous in known:
        body.gone_profile = known[previous][0]
    else:
        body.gone_key = previous.partition(":")[2]
    return replace(one, kind="merge", body=body, anonymous=None)
