"""The ledger of erased people: keyed hashes by which their identifiers are known and refused."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from functools import lru_cache

from django.conf import settings

from pusula.lake import rows
from pusula.profiles.models import Erased, Identifier, Profile

Pair = tuple[str, str]  # kind and value of an identifier, spelled as identifiers are
ALWAYS = 2**63 - 1
_NUMBER = "profile"


@lru_cache(maxsize=2)
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"pusula.profiles.erased", "sha256")


def digest(kind: str, value: str) -> str:
    """Return the keyed hash of an identifier: 43 characters that only this installation makes."""
    said = hmac.digest(_key(settings.SECRET_KEY), f"{kind}\x1f{value}".encode(), "sha256")
    return base64.urlsafe_b64encode(said).rstrip(b"=").decode()


def number(profile_id: int, created_at: int) -> str:
    """Return the keyed hash of a number of ours: a restored database gives a number again."""
    return digest(_NUMBER, f"{profile_id}:{created_at}")


def numbers(profile_ids: Iterable[int]) -> dict[int, str]:
    """Return the hash of the number of each of these profiles that is there."""
    met = Profile.objects.filter(pk__in=set(profile_ids)).values_list("pk", "created_at")
    return {pk: number(pk, at) for pk, at in met}


def leaving(profile_ids: Iterable[int]) -> set[int]:
    """Return which of these profiles are being erased: on the ledger, and still there."""
    asked = {said: pk for pk, said in numbers(profile_ids).items()}
    on_it = Erased.objects.filter(digest__in=asked, lifted_at=None)
    return {asked[said] for said in on_it.values_list("digest", flat=True)}


def barring(pairs: Iterable[Pair]) -> dict[Pair, int]:
    """Return until when what names these identifiers is refused; nobody's but the erased are in it.

    ``ALWAYS``, or up to the moment at which the person came back by a registration of their own:
    what happened before is still that of somebody who was erased. An identifier that somebody else
    holds is theirs and never refused.
    """
    asked = set(pairs)
    if not asked or not Erased.objects.exists():
        return {}
    by_digest = {digest(*pair): pair for pair in asked}
    found: dict[Pair, int] = {}
    for part in rows.parts(by_digest):
        told = Erased.objects.filter(digest__in=part).values_list("digest", "lifted_at")
        for one, lifted_at in told:
            found[by_digest[one]] = ALWAYS if lifted_at is None else lifted_at
    others = _held(pair for pair, until in found.items() if until == ALWAYS)
    return {pair: until for pair, until in found.items() if pair not in others}


def refused(pairs: Iterable[Pair]) -> set[Pair]:
    """Return which identifiers are those of people who were erased, and did not come back."""
    return {pair for pair, until in barring(pairs).items() if until == ALWAYS}


def own(profile_ids: Iterable[int]) -> tuple[set[Pair], set[Pair]]:
    """Return the identifiers of these profiles: those that are theirs alone, and shared ones."""
    ids = set(profile_ids)
    held = set(Identifier.objects.filter(profile_id__in=ids).values_list("kind", "value"))
    shared = _held(held, but=ids)
    return held - shared, shared


def enter(digests: Iterable[str], *, at: int) -> int:
    """Put hashes on the ledger, in the caller's transaction; return how many are new or again."""
    n = 0
    for part in rows.parts(set(digests)):
        n += Erased.objects.filter(digest__in=part).exclude(lifted_at=None).update(lifted_at=None)
        known = set(Erased.objects.filter(digest__in=part).values_list("digest", flat=True))
        new = [Erased(digest=one, erased_at=at) for one in part if one not in known]
        Erased.objects.bulk_create(new, ignore_conflicts=True)
        n += len(new)
    return n


def lift(digests: Iterable[str], *, at: int) -> int:
    """Let identifiers be known again, of people who registered anew; return how many were not."""
    standing = Erased.objects.filter(digest__in=set(digests), lifted_at=None)
    return standing.update(lifted_at=at)


def _held(pairs: Iterable[Pair], but: Iterable[int] = ()) -> set[Pair]:
    """Return those of ``pairs`` that somebody holds, ``but`` these profiles."""
    asked = set(pairs)
    found: set[Pair] = set()
    for part in rows.parts({value for _kind, value in asked}):
        held = Identifier.objects.filter(value__in=part).exclude(profile_id__in=set(but))
        found.update(held.values_list("kind", "value"))
    return found & asked
