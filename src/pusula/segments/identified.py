"""Customers found by what is written of them: e-mail, phone, or a number in some system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pusula.profiles import contacts
from pusula.profiles.contacts import ContactError
from pusula.profiles.models import IdentifierKind
from pusula.profiles.queries import holders


@dataclass(frozen=True)
class Identified:
    """Whom a list of identifiers leads to.

    ``ids`` are the profiles, ascending. ``unknown`` are the words that lead to nobody or are no
    identifier, ``shared`` those that several profiles hold, each once and as it was written.
    """

    ids: tuple[int, ...]
    unknown: tuple[str, ...]
    shared: tuple[str, ...]


def find(words: Iterable[str], *, region: str, system: str = "") -> Identified:
    """Return the profiles that ``words`` lead to.

    A word with @ is an e-mail address, one with a colon a number with its system (``pms:10027``),
    any other a phone number as dialled in ``region``. With ``system`` all are numbers of it.
    """
    meant: dict[str, tuple[IdentifierKind, str] | None] = {}
    for word in words:
        if word not in meant:
            meant[word] = _identifier(word, region, system)
    held = {kind: holders(kind, _values(meant, kind)) for kind in IdentifierKind}
    ids: set[int] = set()
    unknown: list[str] = []
    shared: list[str] = []
    for word, identifier in meant.items():
        found = [] if identifier is None else held[identifier[0]].get(identifier[1], [])
        if len(found) == 1:
            ids.add(found[0])
        else:
            (shared if found else unknown).append(word)
    return Identified(tuple(sorted(ids)), tuple(unknown), tuple(shared))


def _identifier(word: str, region: str, system: str) -> tuple[IdentifierKind, str] | None:
    """Return the kind and the value that ``word`` means; ``None`` if it can lead to nobody."""
    if system:
        return IdentifierKind.KEY, f"{system}:{word}"
    try:
        if "@" in word:
            address = contacts.email(word)
            return None if address is None else (IdentifierKind.EMAIL, address)
        if ":" in word:
            return IdentifierKind.KEY, word
        number = contacts.phone(word, region)
    except ContactError:
        return None
    return None if number is None else (IdentifierKind.PHONE, number)


def _values(
    meant: Mapping[str, tuple[IdentifierKind, str] | None], kind: IdentifierKind
) -> Iterator[str]:
    return (each[1] for each in meant.values() if each is not None and each[0] == kind)
