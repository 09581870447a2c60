"""Which definitions hang together because one names the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pusula.segments.language import Definition, references


def naming(keys: Iterable[str], definitions: Mapping[str, Definition]) -> list[str]:
    """Return the segments that name one of ``keys``, also by a detour, without ``keys``."""
    given = frozenset(keys)
    reached = set(given)
    while True:
        more = {
            key
            for key, definition in definitions.items()
            if key not in reached and reached.intersection(references(definition.where))
        }
        if not more:
            return sorted(reached - given)
        reached |= more


def with_named(keys: Iterable[str], definitions: Mapping[str, Definition]) -> dict[str, Definition]:
    """Return the definitions ``keys`` and all that they name, also by a detour."""
    found: dict[str, Definition] = {}
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key in definitions and key not in found:
            found[key] = definitions[key]
            waiting += references(definitions[key].where)
    return found
