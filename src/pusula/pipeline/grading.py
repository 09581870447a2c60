"""Customers graded by the RFM limits in force outside the live step: some, or everybody."""

from __future__ import annotations

from pusula.profiles import relations as profiles
from pusula.profiles.relations import Ids
from pusula.rfm import live as rfm
from pusula.segments import evaluate
from pusula.segments import queries as segments
from pusula.segments.actions import owe

BLOCK = 20_000  # profiles that are graded at a time


def look_at(ids: Ids, at: int) -> None:
    """Grade ``ids`` (ascending) as of ``at``; in the transaction of whoever evaluates them next."""
    held = rfm.in_force()
    if held is None:
        return
    for start in range(0, len(ids), profiles.LISTED):
        rfm.grade(ids[start : start + profiles.LISTED], at, held)


def repair() -> int:
    """Grade everybody by what is in force, a block at a time; return how many it was wrong for.

    Finds what was written past the live step, as a full evaluation does. Their segments are owed.
    """
    held = rfm.in_force()
    if held is None:
        return 0
    n = 0
    for ids in profiles.blocks(BLOCK):
        with evaluate.alone():
            at = segments.moment()
            changed = rfm.grade(ids, at, held)
            if changed:
                owe("rfm", at)
        n += len(changed)
    return n
