"""Two records that may be one person, with what speaks for and against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Agreement:
    """How one field stands in a pair: a level of ``model`` and its weight (log2 of odds)."""

    level: str
    weight: float


@dataclass(frozen=True)
class Pair:
    """Two records, ``one`` < ``other``; their weight, and what it is made of by field.

    ``certain``: may be merged unseen.
    """

    one: int
    other: int
    weight: float
    fields: Mapping[str, Agreement]
    certain: bool
