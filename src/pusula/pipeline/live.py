"""The pass over the customers that new data touched."""

from __future__ import annotations

import numpy as np

from pusula.lib import clock
from pusula.profiles.relations import Ids
from pusula.segments import evaluate
from pusula.segments.evaluate import Outcome


def refresh(touched: Ids, *, cause: str) -> Outcome:
    """Bring every segment up to date for the profiles ``touched`` (any order, repeats allowed)."""
    return evaluate.touched(np.unique(touched), at=clock.now(), cause=cause)
