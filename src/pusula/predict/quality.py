"""How good a predicted chance is: what is told apart, how far it is off, and whether it is true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pusula.predict.cards import Bin

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

N_BINS = 10
# A chance of exactly 0 or 1 that does not come true would cost infinitely much.
_LEAST = 1e-12


@dataclass(frozen=True)
class Quality:
    """The figures of one model on examples it was not trained on.

    ``auc``: how often a random positive stands above a random negative, ties half. ``log_loss`` in
    nats and ``brier`` are means over the examples, lower is better. ``error``: how far the chances
    told are from the shares that came, the mean over ``N_BINS`` groups weighted by their size
    (expected calibration error). ``lift``: the share of positives among the highest tenth over
    their share among all.
    """

    n: int
    n_positive: int
    auc: float
    log_loss: float
    brier: float
    error: float
    lift: float


def quality(chance: Floats, came: Bools) -> Quality:
    """Judge ``chance`` (of each example, 0 to 1) against what ``came``; both are not empty."""
    return Quality(
        n=len(came),
        n_positive=int(came.sum()),
        auc=auc(chance, came),
        log_loss=log_loss(chance, came),
        brier=brier(chance, came),
        error=calibration_error(chance, came),
        lift=lift(chance, came),
    )


def auc(chance: Floats, came: Bools) -> float:
    """Return the area under the ROC curve; one half if all or none came."""
    n_came = int(came.sum())
    n_not = len(came) - n_came
    if not n_came or not n_not:
        return 0.5
    _, group, sizes = np.unique(chance, return_inverse=True, return_counts=True)
    ranks = np.cumsum(sizes) - (sizes - 1) / 2  # of ties the mean
    above = ranks[group][came].sum() - n_came * (n_came + 1) / 2
    return float(above / (n_came * n_not))


def log_loss(chance: Floats, came: Bools) -> float:
    """Return the mean of minus the log of the chance given to what happened, in nats."""
    given = np.where(came, chance, 1 - chance)
    return float(-np.log(np.clip(given, _LEAST, 1.0)).mean())


def brier(chance: Floats, came: Bools) -> float:
    """Return the mean squared difference of the chance and what came (1 or 0)."""
    return float(((chance - came) ** 2).mean())


def calibration(chance: Floats, came: Bools, n_bins: int = N_BINS) -> list[Bin]:
    """Return groups of about equal size by ascending chance; equal chances stay together."""
    edges = np.quantile(chance, np.arange(1, n_bins) / n_bins)
    group = np.searchsorted(edges, chance, side="left")
    sizes = np.bincount(group, minlength=n_bins)
    told = np.bincount(group, chance, n_bins)
    seen = np.bincount(group, came, n_bins)
    return [
        Bin(float(told[i] / sizes[i]), float(seen[i] / sizes[i]), int(sizes[i]))
        for i in range(n_bins)
        if sizes[i]
    ]


def calibration_error(chance: Floats, came: Bools, n_bins: int = N_BINS) -> float:
    """Return the mean gap of chance told and share seen over the groups, weighted by size."""
    table = calibration(chance, came, n_bins)
    return sum(each.n * abs(each.predicted - each.observed) for each in table) / len(came)


def lift(chance: Floats, came: Bools, share: float = 0.1) -> float:
    """Return the share of positives among the highest ``share``, over that among all; 0 of none.

    Equal chances at the limit count with their mean, so that the order of rows does not matter.
    """
    if not came.any():
        return 0.0
    n_taken = max(round(len(came) * share), 1)
    values, group, sizes = np.unique(-chance, return_inverse=True, return_counts=True)
    positives = np.bincount(group, came, len(values))
    before = np.cumsum(sizes) - sizes
    taken = np.clip(n_taken - before, 0, sizes)
    found = (positives * taken / sizes).sum()
    return float(found / n_taken / came.mean())


def average_precision(chance: Floats, came: Bools) -> float:
    """Return the mean precision over the positives, thresholds falling; 0 if none came."""
    if not came.any():
        return 0.0
    values, group, sizes = np.unique(-chance, return_inverse=True, return_counts=True)
    positives = np.bincount(group, came, len(values))
    found = np.cumsum(positives)
    return float((found / np.cumsum(sizes) * positives).sum() / found[-1])
