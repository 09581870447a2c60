"""Segments that speak of other segments: who names whom, and in which order to evaluate them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from pusula.lib.errors import PusulaError
from pusula.segments.language.nodes import AllOf, AnyOf, Condition, Definition, InSegment, Leaf, Not
from pusula.segments.language.place import hint

# Whoever explains a segment writes out those that it names: each that names the one before it twice
# doubles the work.
_MOST_LEAVES = 1_000
_MOST_IN_A_ROW = 20


class SegmentReferenceError(PusulaError):
    """A segment names one that does not exist, itself by a detour, or far too many."""

    code = "segment_reference"


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield the conditions without parts, in the order in which they are written."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield condition


def references(condition: Condition) -> tuple[str, ...]:
    """Return the keys of the segments that ``condition`` names, each once, as written."""
    keys = (leaf.key for leaf in leaves(condition) if isinstance(leaf, InSegment))
    return tuple(dict.fromkeys(keys))


def check_references(definitions: Mapping[str, Definition]) -> None:
    """Raise ``SegmentReferenceError`` if a segment names an unknown one or a circle is closed."""
    for error in evaluation_order(definitions)[1].values():
        raise error


def evaluation_order(
    definitions: Mapping[str, Definition],
) -> tuple[list[str], dict[str, SegmentReferenceError]]:
    """Return the keys, each behind those it names, and the keys that cannot stand in the order."""
    order = _Order(definitions)
    for key in definitions:
        order.visit(key)
    return order.keys, order.errors


class _Order:
    """The order so far, found depth first."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self.definitions = definitions
        self.keys: list[str] = []
        self.errors: dict[str, SegmentReferenceError] = {}
        self.seen: set[str] = set()
        self._sizes: dict[str, int] = {}  # conditions, those of the segments that it names included
        self._depths: dict[str, int] = {}  # segments in a row, each naming the next

    def visit(self, key: str) -> None:
        """Put ``key`` and those it leads to in their order, or note why they have no place."""
        way, ahead = [key], [self._named(key)]
        while way:
            name = next(ahead[-1], None)
            if name is None:
                self._close(way.pop())
                ahead.pop()
            elif problem := self._problem(name, way):
                self.errors[way[-1]] = SegmentReferenceError(f"{way[-1]} names {name}: {problem}")
                ahead[-1] = iter(())
            elif name not in self.seen:
                ahead[-1] = chain((name,), ahead[-1])  # to be looked at again when it is placed
                way.append(name)
                ahead.append(self._named(name))

    def _named(self, key: str) -> Iterator[str]:
        return iter(() if key in self.seen else references(self.definitions[key].where))

    def _close(self, key: str) -> None:
        """Place ``key``, whose segments have their places, if it is not too large with them."""
        if key in self.seen:
            return
        self.seen.add(key)
        if key in self.errors:
            return
        inner = list(leaves(self.definitions[key].where))
        named = [leaf.key for leaf in inner if isinstance(leaf, InSegment)]
        size = len(inner) + sum(self._sizes[name] for name in named)
        depth = 1 + max((self._depths[name] for name in named), default=0)
        if size > _MOST_LEAVES:
            problem = f"more than {_MOST_LEAVES:,} conditions, with those of the segments it names"
            self.errors[key] = SegmentReferenceError(f"{key}: {problem}")
        elif depth > _MOST_IN_A_ROW:
            problem = f"more than {_MOST_IN_A_ROW} segments in a row, each naming the next"
            self.errors[key] = SegmentReferenceError(f"{key}: {problem}")
        else:
            self._sizes[key], self._depths[key] = size, depth
            self.keys.append(key)

    def _problem(self, name: str, way: list[str]) -> str | None:
        """Return why a segment reached by ``way`` cannot name ``name``, if it cannot."""
        if name not in self.definitions:
            return f"there is no such segment{hint(name, list(self.definitions))}"
        if name in way:
            return f"a circle: {' → '.join([*way[way.index(name) :], name])}"
        error = self.errors.get(name)
        return error.message if error else None
