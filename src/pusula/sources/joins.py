"""People whom the rows of a file proved to be one: told to the log, and parted by an undo.

The import keeps them in its transaction; the log hears of them after it. Whoever is stopped in
between leaves them to the next import: the log knows each by its id and takes it once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import DatabaseError, connection

from pusula.lake import locks
from pusula.lib.errors import PusulaError
from pusula.pipeline import identity
from pusula.profiles import merging
from pusula.profiles.models import Merge
from pusula.segments import actions as segments
from pusula.sources import journal
from pusula.sources.models import Import, ImportState

_log = logging.getLogger(__name__)
IMPORT = "import"  # in the evidence of a merge: the import whose rows spoke for it


def tell() -> None:
    """Ask for the merges that finished imports found; what cannot be told now is told later."""
    for import_id in journal.untold():
        try:
            for join in journal.joins(import_id):
                identity.merge(
                    join.winner,
                    join.loser,
                    reason=identity.RULE,
                    evidence={"rule": join.kind.value, IMPORT: import_id},
                    message_id=f"{identity.SOURCE}:import:{import_id}:{join.winner}:{join.loser}",
                )
        except (PusulaError, DatabaseError, OSError):
            _log.exception("the merges of import %d are told with the next one", import_id)
        else:
            journal.told(import_id)


def part(import_id: int, *, at: int) -> tuple[int, set[int]]:
    """Undo the merges that rows of this import led to, in the caller's transaction.

    Returns how many, and who are people of their own again.
    """
    carried = identity.Carried()
    found = _caused_by([import_id])
    if found:
        locks.take(connection, segments.LOCK)  # beside evaluations nobody is merged or parted
    why_not = [
        identity.part(held.pk, actor=merging.TAKEN_BACK, reason="", at=at, carried=carried)
        for held in found
    ]
    return why_not.count(""), carried.touched


def part_late(*, since: int) -> None:
    """Ask for the undoing of merges that came when their import was taken back already."""
    gone = Import.objects.filter(state=ImportState.UNDONE, undone_at__gte=since)
    for held in _caused_by(list(gone.values_list("pk", flat=True))):
        identity.unmerge(held.pk, actor=merging.TAKEN_BACK)


def _caused_by(import_ids: Sequence[int]) -> list[Merge]:
    """Return the merges that stand by the word of these imports, the newest first."""
    caused = Merge.objects.filter(reason=identity.RULE, undone_at=None)
    return list(caused.filter(**{f"evidence__{IMPORT}__in": import_ids}).order_by("-pk"))
