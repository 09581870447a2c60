"""Several questions at once: p-values that have paid for all of them."""

from __future__ import annotations

from collections.abc import Sequence


def bonferroni(p_values: Sequence[float]) -> list[float]:
    """Return p-values times their number: the crudest payment."""
    return [min(1.0, p * len(p_values)) for p in p_values]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for having asked several questions at once (Holm)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    worst = 0.0
    for place, index in enumerate(order):
        worst = max(worst, min(1.0, p_values[index] * (len(p_values) - place)))
        adjusted[index] = worst
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that of what is called found a known share is false."""
    n = len(p_values)
    order = sorted(range(n), key=p_values.__getitem__, reverse=True)
    adjusted = [1.0] * n
    best = 1.0
    for place, index in enumerate(order):
        best = min(best, p_values[index] * n / (n - place))
        adjusted[index] = best
    return adjusted
