"""How large a control group must be so that a journey's result can be told from chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pusula.journeys.backtest import Result
from pusula.measurement.stats import detectable_difference

MOST_PEOPLE = 1_000_000_000


@dataclass(frozen=True)
class Needed:
    """The least control group among ``n_people`` that mostly shows a relative ``lift``.

    Two-sided two-proportion test at 5 % with a power of 80 %; ``rate`` is what converts without
    sending. ``share`` and ``n_control`` are ``None`` where even half of them would not do;
    ``n_at_halves`` is how many people would do if half of them were held out.
    """

    rate: float
    lift: float
    n_people: int
    share: float | None
    n_control: int | None
    n_at_halves: int | None


def holdout(found: Result, lift: float) -> Needed | None:
    """Return the control group that a backtest tells of; ``None`` if nothing says what converts."""
    if found.goal is None or not 0 < found.goal.share < 1:
        return None
    return needed(found.goal.share, lift, found.n_people)


def needed(rate: float, lift: float, n_people: int) -> Needed:
    """Return the control group among ``n_people`` of whom the share ``rate`` converts anyway."""
    n_control = None
    if n_people and _shows(rate, lift, n_people, n_people // 2):
        low, high = 0, n_people // 2  # too few, enough
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _shows(rate, lift, n_people, middle) else (middle, high)
        n_control = high
    share = None if n_control is None else n_control / n_people
    return Needed(rate, lift, n_people, share, n_control, _at_halves(rate, lift))


def plain(found: Needed | None) -> dict[str, Any] | None:
    """Return it as JSON has it."""
    return None if found is None else asdict(found)


def _shows(rate: float, lift: float, n_people: int, n_control: int) -> bool:
    least = detectable_difference(rate, n_people - n_control, n_control)
    return least is not None and least <= rate * lift


def _at_halves(rate: float, lift: float) -> int | None:
    low, high = 1, 2
    while not _shows(rate, lift, high, high // 2):
        low, high = high, high * 2
        if high > MOST_PEOPLE:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _shows(rate, lift, middle, middle // 2) else (middle, high)
    return high
