"""Whether a fit may be believed: the reasons why its scores would mislead, and the cautions."""

from __future__ import annotations

import numpy as np

from pusula.predict.buying.fitting import Fit
from pusula.predict.buying.learned import Learned
from pusula.predict.buying.summary import WEEK, Summary
from pusula.predict.buying.validation import Validation
from pusula.predict.cards import Note

FEWEST_CUSTOMERS = 300
FEWEST_AGAIN = 100
SHORTEST = 90  # days of history
SILENCE = 90  # days without any order: the data has ended
NOBODY_LEAVES = 0.99  # the mean P(alive) of those who came again
EVERYBODY_LEFT = 0.02
HIGHEST_CORRELATION = 0.3
NOTABLY_OFF = 0.1
MOST_OFF = 0.5  # of the total of the validation
_NAMES = ("r", "alpha", "a", "b")
_VALUE_NAMES = ("p", "q", "gamma")
_TRUNCATED_DAYS = 60
_TRUNCATED_TIMES = 2.0


def too_little(seen: Summary) -> Note | None:
    """Return why there is too little to learn from; ``None``: there is enough."""
    n, n_again = len(seen), int((seen.x > 0).sum())
    if n < FEWEST_CUSTOMERS:
        return Note("too_few_customers", {"n": n, "needed": FEWEST_CUSTOMERS})
    if n_again < FEWEST_AGAIN:
        return Note("too_few_again", {"n": n_again, "needed": FEWEST_AGAIN})
    if (days := seen.days) < SHORTEST:
        return Note("too_short", {"n": days, "needed": SHORTEST})
    if (days := round(float((seen.age - seen.t_x).min()) * WEEK)) > SILENCE:
        return Note("no_recent_orders", {"n": days})
    return None


def degenerate(learned: Learned) -> Note | None:
    """Return why the fit of purchases says nothing; ``None``: it holds.

    If leaving cannot be told from buying rarely, b grows without end, and everybody is alive.
    """
    if learned.model is None or learned.fit is None:
        return Note("too_few_again", {"n": 0, "needed": FEWEST_AGAIN})
    alive = float(learned.p_alive()[learned.summary.x > 0].mean())
    if alive > NOBODY_LEAVES:
        return Note("nobody_leaves", {"percent": round(100 * alive, 2)})
    if alive < EVERYBODY_LEFT:
        return Note("everybody_left", {"percent": round(100 * alive, 2)})
    return _vanished(learned.fit, _NAMES)


def off(validation: Validation | None) -> Note | None:
    """Return how far the total was off on unseen days, if that is too far to believe it."""
    if validation is None:
        return None
    expected, came = float(validation.expected.sum()), float(validation.came.sum())
    if abs(expected - came) > MOST_OFF * max(came, 1.0):
        return Note("off", {"expected": round(expected), "came": round(came)})
    return None


def leaning(validation: Validation | None) -> Note | None:
    """Return that the total was off on unseen days by more than a little."""
    if validation is None:
        return None
    expected, came = float(validation.expected.sum()), float(validation.came.sum())
    by = (expected - came) / max(came, 1.0)
    if abs(by) < NOTABLY_OFF:
        return None
    return Note("too_high" if by > 0 else "too_low", {"percent": round(100 * abs(by))})


def degenerate_values(learned: Learned) -> Note | None:
    """Return why the mean value of a purchase cannot be told; ``None``: it can."""
    values, fit = learned.values, learned.values_fit
    if values is None or fit is None or learned.correlation is None:
        return Note("no_values")
    if values.q <= 1:
        return Note("infinite_value", {"q": round(values.q, 3)})
    if abs(learned.correlation) > HIGHEST_CORRELATION:
        return Note("value_depends", {"r": round(learned.correlation, 2)})
    return _vanished(fit, _VALUE_NAMES)


def _vanished(fit: Fit, names: tuple[str, ...]) -> Note | None:
    """Return which parameter shrank to nothing: the model says nothing then.

    Those that grow without end only say that customers are alike in something.
    """
    for name, at_bound in zip(names, fit.at_bound, strict=True):
        if at_bound < 0:
            return Note("vanished", {"parameter": name})
    return None


def cautions(seen: Summary, kept_share: float, horizon_days: int) -> tuple[Note, ...]:
    """Return what a reader should know of what was learned from."""
    found: list[Note] = []
    if (share := _truncated(seen)) is not None:
        found.append(Note("left_truncated", {"percent": round(100 * share)}))
    if seen.days < horizon_days:
        found.append(Note("short_history", {"n": seen.days, "horizon": horizon_days}))
    if kept_share < 1.0:
        found.append(Note("returns", {"percent": round(100 * (1 - kept_share), 1)}))
    return tuple(found)


def _truncated(seen: Summary) -> float | None:
    """Return the share of customers first seen when the data begins, if that is suspiciously many.

    People who bought before the data begins look like new ones on their first order in it. Where
    nobody comes in later at all, it is a cohort that somebody chose.
    """
    first_seen = seen.days - 1 - np.rint(seen.age * WEEK).astype(np.int64)
    if seen.days < 3 * _TRUNCATED_DAYS:
        return None
    early = first_seen < _TRUNCATED_DAYS
    a_later_day = float((~early).sum()) / (seen.days - _TRUNCATED_DAYS)
    is_cohort = not (first_seen >= seen.days // 2).any()
    if is_cohort or early.sum() / _TRUNCATED_DAYS < _TRUNCATED_TIMES * a_later_day:
        return None
    return float(early.mean())
