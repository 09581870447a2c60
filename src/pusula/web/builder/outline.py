"""A whole definition in plain words: a sentence, lists for alternatives, and who is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext

from pusula.segments import spoken
from pusula.segments.language import Condition, sentence
from pusula.segments.language.nodes import AllOf, AnyOf, Not


@dataclass(frozen=True)
class Point:
    """A sentence, or a heading with points below it."""

    words: str
    points: tuple[Point, ...] = ()


def outline(condition: Condition, named: Mapping[str, str]) -> list[Point]:
    """Return ``condition`` as points; ``named`` are the titles of other segments by key."""
    return _Outliner(named).points(condition)


class _Outliner:
    def __init__(self, named: Mapping[str, str]) -> None:
        self.named = named
        self.language = spoken.language()

    def points(self, condition: Condition) -> list[Point]:
        """Return the parts of an ``all`` one by one, and anything else as one point."""
        parts = condition.parts if isinstance(condition, AllOf) else (condition,)
        return [self.point(part) for part in parts]

    def point(self, condition: Condition) -> Point:
        match condition:
            case AnyOf(parts):
                return Point(gettext("At least one of these:"), self.below(parts))
            case AllOf(parts):
                return Point(gettext("All of these:"), self.below(parts))
            case Not(AnyOf(parts)):
                return Point(gettext("None of these:"), self.below(parts))
        return Point(sentence(condition, self.language, self.named))

    def below(self, parts: tuple[Condition, ...]) -> tuple[Point, ...]:
        return tuple(self.point(part) for part in parts)
