"""The pass over the customers that new data touched."""

from __future__ import annotations

import numpy as np

from pusula.lib import clock
from pusula.profiles.relations import Ids
from pusula.segments import evaluate, queries
from pusula.segments.evaluate import Outcome


def refresh(touched: Ids, *, cause: str, pays: int | None = None) -> Outcome:
    """Bring every segment up to date for the profiles ``touched`` (any order, repeats allowed).

    If other facts than the debt ``pays`` wait for evaluation, nobody knows any more whom they
    touched (their process was stopped, or they were deferred): then for everybody.
    """
    if set(queries.debts()) - {pays}:
        return evaluate.everybody(at=clock.now())
    return evaluate.touched(np.unique(touched), at=clock.now(), cause=cause, pays=pays)
