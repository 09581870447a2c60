"""Segments that speak of other segments: who names whom, and in which order to evaluate them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pusula.lib.errors import PusulaError
from pusula.segments.language.nodes import AllOf, AnyOf, Condition, Definition, InSegment, Leaf, Not
from pusula.segments.language.place import hint


class SegmentReferenceError(PusulaError):
    """A segment names one that does not exist, or itself by a detour."""

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
        order.visit(key, ())
    return order.keys, order.errors


class _Order:
    """The order so far, found depth first."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self.definitions = definitions
        self.keys: list[str] = []
        self.errors: dict[str, SegmentReferenceError] = {}
        self.seen: set[str] = set()

    def visit(self, key: str, way: tuple[str, ...]) -> None:
        if key in self.seen:
            return
        for name in references(self.definitions[key].where):
            problem = self.problem(name, (*way, key))
            if problem:
                self.errors[key] = SegmentReferenceError(f"{key} names {name}: {problem}")
                break
        else:
            self.keys.append(key)
        self.seen.add(key)

    def problem(self, name: str, way: tuple[str, ...]) -> str | None:
        """Return why a segment reached by ``way`` cannot name ``name``, if it cannot."""
        if name not in self.definitions:
            return f"there is no such segment{hint(name, list(self.definitions))}"
        if name in way:
            return f"a circle: {' → '.join([*way[way.index(name) :], name])}"
        self.visit(name, way)
        error = self.errors.get(name)
        return error.message if error else None
