"""A model of coming back: everybody has a beat of their own, and at any visit may stay away.

The gaps of one customer are log-normal around a mean of their own; the means of all customers are
normal around a common one, so that a short history leans on everybody's and a long one speaks for
itself. After the first visit a customer stays away for good with one chance, after any later visit
with another. The wait since the last visit counts as what it is: a gap that is at least so long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from pusula.predict.rhythm.gaps import Rhythms

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_FITTED = 50_000  # more customers move the five numbers less than they are rounded to
LEAST_GAPS = 100
_NO_WAIT = 0.5  # days: who bought today has waited for some of it
_LEAST_DEVIATION = 1e-3
_LEAST_MEAN = -2.0
_SEEN = 0.75


@dataclass(frozen=True)
class Renewal:
    """The rhythm of all customers.

    ``mean``: of the logarithm of gaps in days; ``between`` and ``within``: standard deviations of
    customers' own means, and of one customer's gaps around theirs. ``stays_away_first`` and
    ``stays_away_later``: the chance that nobody comes back after a first or a later visit.
    """

    mean: float
    between: float
    within: float
    stays_away_first: float
    stays_away_later: float

    def known(self, n_gaps: Ints, log_mean: Floats) -> Gap:
        """Return what is known of the next gap of customers with so many gaps of such a mean."""
        spread = self.between**2
        noise = self.within**2
        left = 1 / (1 / spread + n_gaps / noise)
        return Gap(
            mean=left * (self.mean / spread + n_gaps * log_mean / noise),
            deviation=np.sqrt(left + noise),
        )

    def own(self, of: Rhythms) -> Own:
        """Return what is known of the next visit of each customer."""
        gap = self.known(of.n_gaps, of.log_mean)
        away = np.where(of.n_gaps == 0, self.stays_away_first, self.stays_away_later)
        return Own(gap.mean, gap.deviation, away, np.maximum(of.waited, _NO_WAIT))


@dataclass(frozen=True)
class Gap:
    """One entry per customer: the logarithm of the next gap in days is normal."""

    mean: Floats
    deviation: Floats


@dataclass(frozen=True)
class Own:
    """One entry per customer: the next gap is log-normal with ``mean`` and ``deviation``.

    ``stays_away``: the chance, at the last visit, of no next one. ``waited``: the days since then.
    """

    mean: Floats
    deviation: Floats
    stays_away: Floats
    waited: Floats

    def gap(self, share: float) -> Floats:
        """Return the days within which ``share`` of their gaps end; one half: their usual gap."""
        days: Floats = np.exp(self.mean + self.deviation * special.ndtri(share))
        return days

    def share_of_gaps(self, days: Floats | Ints) -> Floats:
        """Return the share of their gaps that end within ``days``, 0 to 1."""
        within: Floats = special.ndtr((np.log(days) - self.mean) / self.deviation)
        return within

    def still_comes(self) -> Floats:
        """Return the chance that the customer has not left for good, by the wait so far."""
        waits = np.exp(self._log_longer(self.waited)) * (1 - self.stays_away)
        return np.asarray(waits / (waits + self.stays_away), np.float64)

    def returns_within(self, days: float) -> Floats:
        """Return the chance of a visit in the next ``days`` days."""
        now, then = (np.exp(self._log_longer(self.waited + more)) for more in (0.0, days))
        comes = 1 - self.stays_away
        return np.asarray(comes * (now - then) / (comes * now + self.stays_away), np.float64)

    def until_next(self, share: float, horizon: float = math.inf) -> Floats:
        """Return the days from now within which ``share`` of those come who do come back.

        With a ``horizon``: of those who come back within so many days.
        """
        now, then = (self._log_longer(self.waited + more) for more in (0.0, horizon))
        longer = now + np.log1p(share * np.expm1(then - now))
        day = np.exp(self.mean - self.deviation * special.ndtri_exp(longer))
        return np.asarray(np.clip(day - self.waited, 0.0, horizon), np.float64)

    def share_within(self, days: Floats, horizon: float) -> Floats:
        """Return where ``days`` stands among the gaps that end within ``horizon``: 0 to 1."""
        longer = [np.exp(self._log_longer(self.waited + d)) for d in (0.0, days, horizon)]
        return np.asarray((longer[0] - longer[1]) / (longer[0] - longer[2]), np.float64)

    def _log_longer(self, days: Floats) -> Floats:
        """Return the log of the chance that the gap of one who comes back exceeds ``days``."""
        longer: Floats = special.log_ndtr((self.mean - np.log(days)) / self.deviation)
        return longer


def fit(of: Rhythms) -> Renewal:
    """Return the rhythm under which what ``of`` tells is likeliest.

    Long gaps that end after all history look the same as staying away for good. So the common mean
    is kept at or below that of three in four of those who came back: whoever is away for much
    longer than anybody was seen to be counts as gone. Of more than ``MOST_FITTED`` customers every
    so-and-so-many-th is looked at.
    """
    seen = of.only(np.arange(0, len(of), -(-len(of) // MOST_FITTED)))
    has_gaps = seen.n_gaps > 0
    n_gaps = max(int(seen.n_gaps.sum()), 1)
    mean = float((seen.n_gaps * seen.log_mean).sum() / n_gaps)
    within = float(np.sqrt(seen.log_squares.sum() / n_gaps)) or 1.0
    means = seen.log_mean[has_gaps] if has_gaps.any() else np.array([mean])
    longest = float(np.quantile(means, _SEEN))
    between = float(means.std())
    start = [min(mean, longest), np.log(max(between, 0.1)), np.log(max(within, 0.1)), -1.0, -2.0]
    found = optimize.minimize(
        lambda numbers: -_likelihood(_renewal(numbers), seen) / max(len(seen), 1),
        start,
        method="L-BFGS-B",
        bounds=[(_LEAST_MEAN, max(longest, _LEAST_MEAN)), (-5, 3), (-5, 3), (-12, 8), (-12, 8)],
    )
    return _renewal(found.x)


def _renewal(numbers: Floats) -> Renewal:
    mean, between, within, first, later = (float(number) for number in numbers)
    return Renewal(
        mean,
        max(float(np.exp(between)), _LEAST_DEVIATION),
        max(float(np.exp(within)), _LEAST_DEVIATION),
        float(special.expit(first)),
        float(special.expit(later)),
    )


def _likelihood(model: Renewal, of: Rhythms) -> float:
    """Return the log of the likelihood of all gaps and waits.

    The gaps of one customer are together normal: k of them around the common mean, their own mean
    integrated out. The wait is a longer gap to come, or none.
    """
    own = model.own(of)
    n = of.n_gaps
    noise, spread = model.within**2, model.between**2
    of_mean = noise + n * spread
    gaps = -0.5 * (
        n * np.log(2 * np.pi * noise)
        + np.log(of_mean / noise)
        + of.log_squares / noise
        + n * (of.log_mean - model.mean) ** 2 / of_mean
    )
    came = np.where(n > 0, np.log1p(-model.stays_away_first), 0.0)
    came += np.maximum(n - 1, 0) * np.log1p(-model.stays_away_later)
    longer = special.ndtr((own.mean - np.log(own.waited)) / own.deviation)
    waits = np.log(own.stays_away + (1 - own.stays_away) * longer)
    return float((np.where(n > 0, gaps, 0.0) + came + waits).sum())


def as_json(model: Renewal) -> dict[str, Any]:
    """Return ``model`` as plain numbers."""
    return asdict(model)


def from_json(plain: Mapping[str, Any]) -> Renewal:
    """Return the model that ``as_json`` made plain."""
    return Renewal(**plain)
