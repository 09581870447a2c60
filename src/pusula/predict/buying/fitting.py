"""Maximum likelihood for positive parameters: bounded search in logarithms from several starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

from pusula.predict.training import Floats

LOWEST, HIGHEST = 1e-4, 1e4  # what a parameter can be, times in units of the mean observation
_AT_BOUND = 1e-3  # so near, relatively, is at it
_ROUGHLY, _LONG = 60, 400  # how often the likelihood is asked for
_STEPS, _APART, _NEAR = 8, 1e-5, 1e-6  # of logarithms

Numbers = npt.NDArray[Any]
Likelihood = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True)
class Fit:
    """The most likely parameters, the log-likelihood there, and which of them ran to a bound.

    ``at_bound``: -1 for the lowest a parameter can be, 1 for the highest, 0 for neither.
    """

    parameters: tuple[float, ...]
    log_likelihood: float
    at_bound: tuple[int, ...]


def dot(one: Numbers, other: Numbers) -> float:
    """Return the sum of products, without BLAS: its waiting threads cost more than they save."""
    return float(np.einsum("i,i", one, other))


def maximise(likelihood: Likelihood, starts: Sequence[Sequence[float]], weight: float) -> Fit:
    """Return where ``likelihood`` is highest.

    It takes the parameters and returns the log-likelihood of all customers and its gradient;
    ``weight`` is their number, which makes the search's tolerance independent of it.
    """
    loss = _loss(likelihood, weight)
    rough = [_search(loss, np.log(np.asarray(start)), _ROUGHLY) for start in starts]
    near = min(rough, key=lambda one: one[1])
    if (peak := climb(likelihood, np.exp(near[0]).tolist(), weight)) is not None:
        return peak
    at, value = min((_search(loss, one[0], _LONG) for one in rough), key=lambda one: one[1])
    return _fit(at, value, weight)


def _search(loss: Likelihood, start: Floats, most: int) -> tuple[Floats, float]:
    """Return where ``loss`` is low between the bounds, and how low, after ``most`` tries or so."""
    found = optimize.minimize(
        loss,
        np.clip(start, np.log(LOWEST * 2), np.log(HIGHEST / 2)),
        jac=True,
        method="TNC",  # without LAPACK, whose waiting threads cost more than the search
        bounds=[(np.log(LOWEST), np.log(HIGHEST))] * len(start),
        options={"ftol": 1e-13, "xtol": 1e-9, "gtol": 1e-9, "maxfun": most},
    )
    return np.asarray(found.x), float(found.fun)


def climb(likelihood: Likelihood, start: Sequence[float], weight: float) -> Fit | None:
    """Return where ``likelihood`` is highest near ``start``; ``None`` if that is no peak inside.

    Newton's way, the curvature from differences of the gradient: a few steps where the search from
    afar takes dozens.
    """
    loss, at = _loss(likelihood, weight), np.log(np.asarray(start))
    for _ in range(_STEPS):
        value, gradient = loss(at)
        moved = [loss(at + way)[1] for way in _APART * np.eye(len(at))]
        curvature = (np.array(moved) - gradient) / _APART
        curvature = (curvature + curvature.T) / 2
        if np.linalg.eigvalsh(curvature)[0] <= 0:
            return None
        step = np.linalg.solve(curvature, gradient)
        at = at - step
        if at.min() <= np.log(LOWEST) or at.max() >= np.log(HIGHEST):
            return None
        if np.abs(step).max() < _NEAR:
            return _fit(at, value, weight)
    return None


def _loss(likelihood: Likelihood, weight: float) -> Likelihood:
    """Return what is to be made small: of logarithms of parameters, for one customer."""

    def loss(logarithms: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logarithms)
        value, gradient = likelihood(parameters)
        return -value / weight, -gradient * parameters / weight

    return loss


def _fit(logarithms: Floats, loss: float, weight: float) -> Fit:
    parameters = np.exp(logarithms)
    lowest, highest = parameters < LOWEST * (1 + _AT_BOUND), parameters > HIGHEST * (1 - _AT_BOUND)
    return Fit(
        parameters=tuple(float(p) for p in parameters),
        log_likelihood=-loss * weight,
        at_bound=tuple((highest.astype(int) - lowest).tolist()),
    )
