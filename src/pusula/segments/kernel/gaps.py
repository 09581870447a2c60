"""The gaps between the moments at which a profile's rows lie: usual, longest, newest, overdue.

Rows of one moment are one. Gaps are kept as whole microseconds and divided once, so that a value
which is a limit on paper is that limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pusula.lib import clock
from pusula.segments.kernel.asked import Numbers
from pusula.segments.kernel.block import Bools, Floats, Ints, Positions


@dataclass(frozen=True, slots=True)
class Gaps:
    """Of each profile, in microseconds, over its rows at ``n`` + 1 different moments.

    ``n`` gaps make up the ``span`` from the first row to the ``last``; ``longest_`` and
    ``newest_`` are two of them. 0 where there is no gap.
    """

    n: Ints
    span: Ints
    longest_: Ints
    newest_: Ints
    last: Ints
    has_rows: Bools

    @property
    def has_gap(self) -> Bools:
        """Who has rows at different moments."""
        return self.n > 0

    def usual(self) -> tuple[Floats, Bools]:
        """Return the mean gap in days of 24 hours, and who has one."""
        return self.span / (np.maximum(self.n, 1) * clock.DAY), self.has_gap

    def longest(self) -> tuple[Floats, Bools]:
        """Return the longest gap in days of 24 hours, and who has one."""
        return self.longest_ / clock.DAY, self.has_gap

    def newest(self) -> tuple[Floats, Bools]:
        """Return the gap between the last two rows in days of 24 hours, and who has one."""
        return self.newest_ / clock.DAY, self.has_gap

    def overdue(self, at: Numbers) -> tuple[Floats, Bools]:
        """Return the time since the last row as a multiple of the mean gap, and who has one.

        That is (at - last) × n / span, below 0 if the last row lies ahead. Whole multiples are
        split off before the division, so that each multiple of two or three decimals is met to
        the microsecond. (Not so beyond int64: 10,000 rows and 29 years.)
        """
        span, waited = np.maximum(self.span, 1), at - self.last
        fits = np.abs(waited) <= np.iinfo(np.int64).max // np.maximum(self.n, 1)
        whole, rest = np.divmod(np.where(fits, waited, 0) * self.n, span)
        return np.where(fits, whole + rest / span, waited / span * self.n), self.has_gap

    def passes(self, multiple: float, at: Numbers) -> Ints:
        """Return a moment after ``at`` no later than the next at which overdue passes ``multiple``.

        At most some microseconds before it; int64 max if it never does.
        """
        never = np.iinfo(np.int64).max
        with np.errstate(over="ignore"):
            waited = multiple * self.span / np.maximum(self.n, 1)
        reached = self.last + np.clip(waited, -_AGE, _AGE).astype(np.int64)
        flips = np.full(len(reached), never)
        for beside in (2, 1, 0, -1):  # the float may lie beside the moment
            flips = np.where(reached + beside > at, reached + beside, flips)
        return np.where(self.has_gap, flips, never)


_AGE = 10_000 * 366 * clock.DAY


def gaps(profiles: Positions, moments: Ints, n_profiles: int) -> Gaps:
    """Return the gaps between the ``moments`` of rows of ``profiles``, in any order."""
    order = _order(profiles, moments)
    if order is not None:
        profiles, moments = profiles[order], moments[order]
    is_next = np.diff(profiles) == 0
    steps = np.where(is_next, np.diff(moments), 0)
    steps_of, steps = profiles[1:][steps > 0], steps[steps > 0]
    longest, newest = np.zeros(n_profiles, np.int64), np.zeros(n_profiles, np.int64)
    np.maximum.at(longest, steps_of, steps)
    newest[steps_of] = steps  # the last of them stays
    last, span = np.zeros(n_profiles, np.int64), np.zeros(n_profiles, np.int64)
    last[profiles] = moments
    np.add.at(span, steps_of, steps)
    has_rows = np.zeros(n_profiles, np.bool_)
    has_rows[profiles] = True
    n = np.bincount(steps_of, minlength=n_profiles)
    return Gaps(n, span, longest, newest, last, has_rows)


def _order(profiles: Positions, moments: Ints) -> Positions | None:
    """Return the order by profile and moment, ``None`` if the rows have it."""
    steps = np.diff(profiles)
    if (steps >= 0).all() and (np.diff(moments)[steps == 0] >= 0).all():
        return None
    return np.lexsort((moments, profiles))
