"""What a trainer is given and what it gives back: frozen values, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from pusula.predict.cards import Card
from pusula.predict.taste.baskets import Companion

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Orders:
    """Orders that stand, as parallel arrays ordered by profile and then time."""

    profile_ids: Ints
    ordered_at: Ints  # moments
    days: Ints  # days since 1970 on which they were made, in the company's time zone
    net_minor: Ints  # in the company's currency
    major: float  # how much of a major unit one minor unit is: 0.01

    def bought(self) -> Orders:
        """Return them without the returns that are told as orders: who brings back comes not."""
        kept = self.net_minor >= 0
        return Orders(
            self.profile_ids[kept],
            self.ordered_at[kept],
            self.days[kept],
            self.net_minor[kept],
            self.major,
        )


class History(Protocol):
    """What was known on a day, leak-free: nothing that happened later is seen."""

    @property
    def as_of_on(self) -> date:
        """The day at whose start everything is looked at."""

    def orders(self, as_of_on: date | None = None) -> Orders:
        """Return the orders before 00:00 of a day (else of ``as_of_on``), as they stood then."""


@dataclass(frozen=True)
class Scores:
    """A number for each profile; profiles ascending, each once."""

    profile_ids: Ints
    values: Floats


@dataclass(frozen=True)
class TraitValues:
    """What a computed trait becomes: the value of each profile; who is not named has it no more."""

    name: str
    kind: Literal["text", "number"]
    profile_ids: Ints  # ascending, each once
    values: npt.NDArray[Any]  # text (dtype str or object) or float64


@dataclass(frozen=True)
class Recommended:
    """What each profile may like, and what is bought together; things by their codes.

    The first five are parallel columns, profiles ascending, ``ranks`` from 1. ``reasons`` are codes
    of what the profile has, or empty.
    """

    profile_ids: Ints
    ranks: Ints
    codes: tuple[str, ...]
    reasons: tuple[str, ...]
    scores: Floats
    companions: tuple[Companion, ...]
    names: Mapping[str, str]  # by code, where a thing has a name


@dataclass(frozen=True)
class Trained:
    """A model as it came out of training; nobody is scored if its card says why not."""

    model: str
    parameters: dict[str, Any]  # plain JSON values: numbers, no pickle
    card: Card
    scores: Scores | None = None
    traits: tuple[TraitValues, ...] = ()
    recommended: Recommended | None = None


def day_number(day: date) -> int:
    """Return ``day`` as days since 1970."""
    return (day - EPOCH).days
