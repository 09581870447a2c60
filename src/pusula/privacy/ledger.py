"""The ledger of erasures apart from the database: what a restored copy is cleaned by.

One line an erasure: keyed hashes of the person's identifiers, nothing else. It only grows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings

from pusula.lake import rows
from pusula.profiles import erased
from pusula.profiles.models import Erased, Identifier, Profile


def file() -> Path:
    """Return where the ledger is: keep it when the database is restored from a copy."""
    return Path(settings.PUSULA_HOME) / "privacy" / "erased.jsonl"


def digests_of(profile_ids: Iterable[int]) -> set[str]:
    """Return the hashes by which these people are known again: of what is theirs alone."""
    ids = list(profile_ids)
    own, _shared = erased.own(ids)
    return {*erased.numbers(ids).values(), *(erased.digest(*pair) for pair in own)}


def write(digests: Iterable[str], *, at: int, is_lifted: bool = False) -> None:
    """Add a line; on the disk when this returns. Writing the same again changes nothing."""
    line = {"at": at, "lifted" if is_lifted else "erased": sorted(digests)}
    path = file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, json.dumps(line).encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def standing() -> dict[str, int]:
    """Return the hashes that hold, each with when its person was erased."""
    found: dict[str, int] = {}
    if not file().exists():
        return found
    for line in file().read_text(encoding="ascii", errors="replace").splitlines():
        try:
            told = json.loads(line)
        except ValueError:  # the last line of a machine that went down
            continue
        for one in told.get("lifted", ()):
            found.pop(one, None)
        for one in told.get("erased", ()):
            found.setdefault(one, told["at"])
    return found


def missing() -> dict[str, int]:
    """Return what the file holds and the database does not: it was restored from a copy."""
    found = standing()
    for part in rows.parts(list(found)):
        held = Erased.objects.filter(digest__in=part, lifted_at=None)
        for one in held.values_list("digest", flat=True):
            del found[one]
    return found


def people(digests: Iterable[str]) -> list[int]:
    """Return the profiles that hold an identifier with one of these hashes, ascending."""
    wanted = set(digests)
    found = {profile_id for profile_id, digest in _everybody() if digest in wanted}
    return sorted(found)


def _everybody() -> Iterator[tuple[int, str]]:
    for pk, at in Profile.objects.values_list("pk", "created_at").iterator():
        yield pk, erased.number(pk, at)
    held = Identifier.objects.values_list("profile_id", "kind", "value")
    for pk, kind, value in held.iterator():
        yield pk, erased.digest(kind, value)
