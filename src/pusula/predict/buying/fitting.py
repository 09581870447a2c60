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

Numbers = npt.NDArray[Any]
Likelihood = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True)
class Fit:
    """The most likely parameters, the log-likelihood there, and which of them ran to a bound."""

    parameters: tuple[float, ...]
    log_likelihood: float
    at_bound: tuple[bool, ...]


def dot(one: Numbers, other: Numbers) -> float:
    """Return the sum of products, without BLAS: its waiting threads cost more than they save."""
    return float(np.einsum("i,i", one, other))


def maximise(likelihood: Likelihood, starts: Sequence[Sequence[float]], weight: float) -> Fit:
    """Return where ``likelihood`` is highest.

    It takes the parameters and returns the log-likelihood of all customers and its gradient;
    ``weight`` is their number, which makes the search's tolerance independent of it.
    """

    def loss(logarithms: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logarithms)
        value, gradient = likelihood(parameters)
        return -value / weight, -gradient * parameters / weight

    bounds = [(np.log(LOWEST), np.log(HIGHEST))] * len(starts[0])
    found = [
        optimize.minimize(
            loss,
            np.log(np.clip(start, LOWEST * 2, HIGHEST / 2)),
            jac=True,
            method="TNC",  # without LAPACK, whose waiting threads cost more than the search
            bounds=bounds,
            options={"ftol": 1e-13, "xtol": 1e-9, "gtol": 1e-9, "maxfun": 1_000},
        )
        for start in starts
    ]
    best = min(found, key=lambda one: float(one.fun))
    parameters = np.exp(best.x)
    near = (parameters < LOWEST * (1 + _AT_BOUND)) | (parameters > HIGHEST * (1 - _AT_BOUND))
    return Fit(
        parameters=tuple(float(p) for p in parameters),
        log_likelihood=float(-best.fun * weight),
        at_bound=tuple(bool(one) for one in near),
    )
