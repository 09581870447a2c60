"""The business's own horizon: how long a wait must be before it says something."""

from __future__ import annotations

import numpy as np

from pusula.predict.rhythm import gaps
from pusula.predict.rhythm.gaps import Visits

SHARE = 0.9  # of all gaps are over by then
LEAST = 14
MOST = 365
# Days before training, days to learn from, days to be judged on: each as long as the horizon.
PARTS = 4


def horizon(of: Visits, day: int) -> int:
    """Return the days within which nine of ten who come back have come, as of ``day``.

    Between ``LEAST`` and ``MOST``, and never more than a quarter of the history: else nothing would
    be left to learn from. 0 if the history is shorter than that.
    """
    between = gaps.gaps(of)
    if not len(between):
        return 0
    span = day - int(of.days.min())
    usual = int(np.quantile(between, SHARE, method="inverted_cdf"))
    days = min(max(usual, LEAST), MOST, span // PARTS)
    return days if days >= LEAST else 0
