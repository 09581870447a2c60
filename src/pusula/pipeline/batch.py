"""The pass over all customers: cut-points published, every segment evaluated for everybody."""

from __future__ import annotations

from django.db import connection

from pusula.lake import statistics
from pusula.lib import clock
from pusula.pipeline import grading, mirror
from pusula.profiles import unheard
from pusula.segments import queries
from pusula.segments.everybody import means, rebuild
from pusula.segments.everybody.means import Means
from pusula.segments.everybody.rebuild import OnProgress, silent
from pusula.segments.everybody.settlement import Outcome
from pusula.segments.everybody.workers import cores

# Below this many parts starting processes costs more than they save.
_WORTH_PROCESSES = 4
# A check looks at one share of all customers; each hour it is the next one's turn.
SHARES = 24


def run(on_progress: OnProgress = silent, *, from_lake: bool = False) -> Outcome:
    """Evaluate everybody now, on all cores; ``on_progress`` hears how many of how many are done.

    ``from_lake``: bring the lake up to date first, and read what it has from there.
    """
    beside = unheard.numbers()  # before anything is read: what they are of is seen by this run
    grading.repair()
    lake = mirror.run().snapshot if from_lake else None
    outcome = rebuild.everybody(
        at=queries.moment(), means=Means(n_processes(), lake), on_progress=on_progress
    )
    unheard.heard(beside)
    statistics.refresh(connection)
    return outcome


def check(*, repair: bool = True) -> Outcome:
    """Compare the share of all customers whose turn it is with what is written of them."""
    at = queries.moment()
    return rebuild.check(at=at, share=at // clock.HOUR, n_shares=SHARES, repair=repair)


def n_processes() -> int:
    """Return how many processes are worth starting."""
    return cores() if len(means.parts()) >= _WORTH_PROCESSES else 1
