"""Segments that speak of other segments: who names whom, and in which order to evaluate them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
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
        self.causes: dict[str, Saying] = {}  # the first error on the way; not the whole way to it
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
            elif why := self._problem(name, way):
                self._refuse(way[-1], "%(key)s names %(name)s: %(why)s", name=name, why=why)
                if name in self.causes:
                    self.causes[way[-1]] = self.causes[name]
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
            self._refuse(
                key, "%(key)s: more than %(most)s conditions, with those of the segments it names",
                most=_MOST_LEAVES,
            )  # fmt: skip
        elif depth > _MOST_IN_A_ROW:
            self._refuse(
                key, "%(key)s: more than %(most)s segments in a row, each naming the next",
                most=_MOST_IN_A_ROW,
            )  # fmt: skip
        else:
            self._sizes[key], self._depths[key] = size, depth
            self.keys.append(key)

    def _problem(self, name: str, way: list[str]) -> Saying | None:
        """Return why a segment reached by ``way`` cannot name ``name``, if it cannot."""
        if name not in self.definitions:
            near = hint(name, list(self.definitions))
            return Saying("there is no such segment; %(hint)s", {"hint": near})
        if name in way:
            circle = " → ".join([*way[way.index(name) :], name])
            return Saying("a circle: %(circle)s", {"circle": circle})
        return self.causes.get(name)

    def _refuse(self, key: str, text: str, **values: object) -> None:
        self.causes[key] = Saying(text, {"key": key, **values})
        self.errors[key] = SegmentReferenceError(self.causes[key])
