"""Old entries of the log are forgotten: never one that somebody has yet to read."""

from __future__ import annotations

from django.db.models import Min

from pusula.pipeline.models import LogEntry, Offset, Quarantine

_BATCH = 2_000


def forget(before_at: int) -> int:
    """Delete the entries recorded before ``before_at`` that are done with; return how many.

    Kept are those that a consumer has not read, the last one that each has read (by it a log is
    known again), and those in quarantine. A few at a time: appends go on meanwhile.
    """
    read = Offset.objects.aggregate(least=Min("entry_id"))["least"] or 0
    done = LogEntry.objects.filter(id__lt=read)
    young = done.filter(recorded_at__gte=before_at).order_by("id").values_list("id", flat=True)
    end = young.first() or read
    aside = set(Quarantine.objects.values_list("entry_id", flat=True))
    last = n_deleted = 0
    while True:
        behind = LogEntry.objects.filter(id__gt=last, id__lt=end).order_by("id")
        ids = list(behind.values_list("id", flat=True)[:_BATCH])
        if not ids:
            return n_deleted
        last = ids[-1]
        n_deleted += LogEntry.objects.filter(id__in=[i for i in ids if i not in aside]).delete()[0]
