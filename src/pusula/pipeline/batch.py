"""The pass over all customers: cut-points published, every segment evaluated."""

from __future__ import annotations

from collections.abc import Callable

from pusula.lib import clock
from pusula.segments import evaluate
from pusula.segments.evaluate import Outcome


def run(on_progress: Callable[[int, int], None] = lambda _done, _all: None) -> Outcome:
    """Evaluate everybody now; ``on_progress`` hears how many of how many profiles are done."""
    return evaluate.everybody(at=clock.now(), on_progress=on_progress)
