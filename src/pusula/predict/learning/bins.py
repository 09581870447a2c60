"""Numbers and words as a few bins each, so that a sum of points can follow any curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int16]

MOST_BINS = 10


@dataclass(frozen=True)
class Binning:
    """The bins of one feature.

    ``edges`` ascend; bin ``i`` holds values above ``edges[i-1]`` up to and with ``edges[i]``. What
    is missing (NaN) has the bin behind all others.
    """

    name: str
    edges: tuple[float, ...]

    @property
    def n(self) -> int:
        """How many bins there are, with that of missing values."""
        return len(self.edges) + 2

    def codes(self, values: Floats) -> Codes:
        """Return the number of each value's bin."""
        code = np.searchsorted(np.array(self.edges), values, side="left")
        return np.where(np.isnan(values), self.n - 1, code).astype(np.int16)


def binned(name: str, values: Floats, most: int = MOST_BINS) -> Binning:
    """Return bins of ``values`` with about equally many in each; equal values are never parted.

    A feature with at most ``most`` different values gets a bin for each.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return Binning(name, ())
    different = np.unique(known)
    if len(different) <= most:
        edges = different[:-1]
    else:
        cuts = np.quantile(known, np.arange(1, most) / most, method="inverted_cdf")
        edges = np.unique(cuts[cuts < different[-1]])
    return Binning(name, tuple(float(edge) for edge in edges))


def codes_of(words: Sequence[str]) -> tuple[Floats, tuple[str, ...]]:
    """Return words as numbers by their alphabetical order, and the words; for ``binned``."""
    known, codes = np.unique(np.array(words, dtype=str), return_inverse=True)
    return codes.astype(np.float64), tuple(known.tolist())


def as_json(binning: Binning) -> dict[str, Any]:
    """Return ``binning`` as plain data."""
    return {"name": binning.name, "edges": list(binning.edges)}


def from_json(plain: Mapping[str, Any]) -> Binning:
    """Return the binning that ``as_json`` made plain."""
    return Binning(plain["name"], tuple(plain["edges"]))
