"""Old entries of the log are forgotten: never one that somebody has yet to read."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Min

from pusula.pipeline.models import LogEntry, Offset, Quarantine

_BATCH = 2_000


def forget(before_at: int) -> int:
    """Delete the entries recorded before ``before_at`` that are done with; return how many.

    Kept are those that a consumer has not read, the last one that each has read (by it a log is
    known again), and those in quarantine. A few at a time: appends go on meanwhile.
    """
    end = _end(before_at)
    aside = set(Quarantine.objects.values_list("entry_id", flat=True))
    last = n_deleted = 0
    while True:
        behind = LogEntry.objects.filter(id__gt=last, id__lt=end).order_by("id")
        ids = list(behind.values_list("id", flat=True)[:_BATCH])
        if not ids:
            return n_deleted
        last = ids[-1]
        n_deleted += LogEntry.objects.filter(id__in=[i for i in ids if i not in aside]).delete()[0]


def give_up(ids: Sequence[int]) -> int:
    """Delete entries in quarantine from the log and from there; return how many.

    Not the last one that a consumer has read: by it the log is known again.
    """
    last = set(Offset.objects.values_list("entry_id", flat=True))
    held = Quarantine.objects.filter(entry_id__in=set(ids) - last)
    chosen = list(held.values_list("entry_id", flat=True))
    # In this order: what a crash leaves in quarantine without an entry goes at the next retry.
    LogEntry.objects.filter(id__in=chosen).delete()
    return Quarantine.objects.filter(entry_id__in=chosen).delete()[0]


def forgettable(before_at: int) -> int:
    """Return how many entries ``forget`` would delete, give or take those in quarantine."""
    return LogEntry.objects.filter(id__lt=_end(before_at)).count()


def _end(before_at: int) -> int:
    """Return the first entry that is kept: the first young one, or the last that all have read."""
    read = Offset.objects.aggregate(least=Min("entry_id"))["least"] or 0
    done = LogEntry.objects.filter(id__lt=read)
    young = done.filter(recorded_at__gte=before_at).order_by("id").values_list("id", flat=True)
    return young.first() or read
