"""A scorecard: each feature's bin brings points, and their sum is the log of the odds.

Logistic regression by Newton's method (iteratively reweighted least squares). The bins make it
follow curves and steps; a penalty on the squares of the points keeps rare bins near zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg, special

from pusula.predict.learning import bins
from pusula.predict.learning.bins import Binning, Codes

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Features = Mapping[str, Floats]

PENALTY = 30.0
_MOST_ROUNDS = 50
_STILL = 1e-9  # the largest change of a point at which the fit stands still
_MOST_HALVINGS = 20
_FREE = 1e-9
_LEAST_SHARE = 1e-6
_CHUNK = 50_000
_LEAST_SPREAD = 1e-9


@dataclass(frozen=True)
class Slope:
    """A straight line beside the bins: points per standard deviation from the mean."""

    name: str
    mean: float
    deviation: float
    points: float


@dataclass(frozen=True)
class Scorecard:
    """What was learned: the points of nobody in particular, and of each feature's bins.

    ``points[i][j]``: of bin ``j`` of ``binnings[i]``, in nats.
    """

    intercept: float
    binnings: tuple[Binning, ...]
    points: tuple[tuple[float, ...], ...]
    slopes: tuple[Slope, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The features it asks for."""
        return tuple(
            dict.fromkeys([*(b.name for b in self.binnings), *(s.name for s in self.slopes)])
        )

    def log_odds(self, features: Features) -> Floats:
        """Return the log of the odds of each example; all ``names`` must be there, equally long."""
        total = np.full(len(features[self.names[0]]), self.intercept)
        for binning, points in zip(self.binnings, self.points, strict=True):
            total += np.array(points)[binning.codes(features[binning.name])]
        for slope in self.slopes:
            total += slope.points * _standard(features[slope.name], slope.mean, slope.deviation)
        return total

    def chance(self, features: Features) -> Floats:
        """Return the chance of each example, 0 to 1."""
        chance: Floats = special.expit(self.log_odds(features))
        return chance


def fit(
    features: Features,
    came: Bools,
    *,
    words: Sequence[str] = (),
    penalty: float = PENALTY,
    most_bins: int = bins.MOST_BINS,
) -> Scorecard:
    """Learn from examples, of which ``came`` says whether it came true.

    ``words`` are features whose numbers stand for words (``bins.codes_of``): they get a bin for
    each and no slope. The others get quantile bins and, where they vary, a slope.
    """
    binnings = tuple(
        bins.binned(name, values, len(values) if name in words else most_bins)
        for name, values in features.items()
    )
    codes = [b.codes(features[b.name]) for b in binnings]
    slopes = [_slope(name, features[name]) for name in features if name not in words]
    lines = [
        _standard(features[slope.name], slope.mean, slope.deviation)
        for slope in slopes
        if slope is not None
    ]
    weights = _newton(_Design([b.n for b in binnings], codes, lines), came, penalty)
    kept = [slope for slope in slopes if slope is not None]
    ends = np.cumsum([1, *(b.n for b in binnings)])
    return Scorecard(
        intercept=float(weights[0]),
        binnings=binnings,
        points=tuple(tuple(weights[start:end].tolist()) for start, end in pairwise(ends)),
        slopes=tuple(
            Slope(s.name, s.mean, s.deviation, float(points))
            for s, points in zip(kept, weights[ends[-1] :], strict=True)
        ),
    )


class _Design:
    """The matrix of ones, bins and lines, made piece by piece: it is never there as a whole."""

    def __init__(self, sizes: list[int], codes: list[Codes], lines: list[Floats]) -> None:
        self._starts = np.cumsum([1, *sizes])
        self._codes = codes
        self._lines = lines
        self.n_columns = int(self._starts[-1]) + len(lines)

    def parts(self, came: Bools) -> Iterator[tuple[Floats, Bools]]:
        """Yield its rows with what came of them, so many at a time."""
        for start in range(0, len(came), _CHUNK):
            end = min(start + _CHUNK, len(came))
            yield self._rows(start, end), came[start:end]

    def _rows(self, start: int, end: int) -> Floats:
        rows = np.zeros((end - start, self.n_columns))
        rows[:, 0] = 1.0
        index = np.arange(end - start)
        for first, codes in zip(self._starts, self._codes, strict=False):
            rows[index, first + codes[start:end]] = 1.0
        for i, line in enumerate(self._lines, int(self._starts[-1])):
            rows[:, i] = line[start:end]
        return rows


def _newton(design: _Design, came: Bools, penalty: float) -> Floats:
    """Return the weights that make ``came`` likeliest, less ``penalty`` × their squares / 2.

    A step that would overshoot is halved until it does not.
    """
    ridge = np.full(design.n_columns, penalty)
    ridge[0] = _FREE  # the mean is not held back
    weights = np.zeros(design.n_columns)
    weights[0] = special.logit(np.clip(came.mean(), _LEAST_SHARE, 1 - _LEAST_SHARE))
    worth = _worth(design, came, ridge, weights)
    for _ in range(_MOST_ROUNDS):
        step = _step(design, came, ridge, weights)
        before = worth
        for _ in range(_MOST_HALVINGS):
            worth = _worth(design, came, ridge, weights + step)
            if worth >= before:
                break
            step = step / 2
        weights = weights + step
        if np.abs(step).max() < _STILL:
            break
    return weights


def _step(design: _Design, came: Bools, ridge: Floats, weights: Floats) -> Floats:
    """Return Newton's step from ``weights``."""
    slope = -ridge * weights
    bend = np.diag(ridge)
    for rows, truth in design.parts(came):
        chance = special.expit(rows @ weights)
        slope = slope + rows.T @ (truth - chance)
        bend = bend + (rows * (chance * (1 - chance))[:, None]).T @ rows
    step: Floats = linalg.solve(bend, slope, assume_a="pos")
    return step


def _worth(design: _Design, came: Bools, ridge: Floats, weights: Floats) -> float:
    """Return the log of the likelihood, less the penalty."""
    total = -0.5 * float((ridge * weights**2).sum())
    for rows, truth in design.parts(came):
        signed = np.where(truth, 1.0, -1.0) * (rows @ weights)
        total += float(special.log_expit(signed).sum())
    return total


def _slope(name: str, values: Floats) -> Slope | None:
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    deviation = float(known.std())
    return Slope(name, float(known.mean()), deviation, 0.0) if deviation > _LEAST_SPREAD else None


def _standard(values: Floats, mean: float, deviation: float) -> Floats:
    """Return how many deviations ``values`` are from the mean, at most four; missing is none."""
    told = np.where(np.isnan(values), mean, values)
    return np.clip((told - mean) / deviation, -4.0, 4.0)


def as_json(card: Scorecard) -> dict[str, Any]:
    """Return ``card`` as plain numbers."""
    return {
        "intercept": card.intercept,
        "features": [
            {**bins.as_json(binning), "points": list(points)}
            for binning, points in zip(card.binnings, card.points, strict=True)
        ],
        "slopes": [
            {"name": s.name, "mean": s.mean, "deviation": s.deviation, "points": s.points}
            for s in card.slopes
        ],
    }


def from_json(plain: Mapping[str, Any]) -> Scorecard:
    """Return the scorecard that ``as_json`` made plain."""
    return Scorecard(
        intercept=plain["intercept"],
        binnings=tuple(bins.from_json(feature) for feature in plain["features"]),
        points=tuple(tuple(feature["points"]) for feature in plain["features"]),
        slopes=tuple(Slope(**slope) for slope in plain["slopes"]),
    )
