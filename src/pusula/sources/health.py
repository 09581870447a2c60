"""How sources are: when data came last, whether they are late or failing, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Max, Q
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from pusula.lib import clock, sayings
from pusula.lib.sayings import Saying
from pusula.pipeline import queries
from pusula.pipeline.models import LogEntry
from pusula.sources.models import Import, ImportState, Source

_LONGEST_ERROR = 2_000
_MOST_ENTRIES = 200_000  # of the log, looked at in one go

OK, LATE, FAILING, SILENT, OFF = "ok", "late", "failing", "silent", "off"
TROUBLES = (FAILING, LATE)
TITLES: dict[str, str | Promise] = {
    OK: pgettext_lazy("state of a source", "Data is coming"),
    LATE: pgettext_lazy("state of a source", "Late"),
    FAILING: pgettext_lazy("state of a source", "Failing"),
    SILENT: pgettext_lazy("state of a source", "Nothing yet"),
    OFF: pgettext_lazy("state of a source", "Switched off"),
}


@dataclass(frozen=True, slots=True)
class Health:
    """How a source is at a moment; ``since_at``: since when it is so, if that is known.

    ``late``: longer without data than expected. ``failing``: it could not be asked, or what it said
    could not be taken, after the last time all was well. ``silent``: nothing has ever come.
    """

    source: Source
    state: str
    since_at: int | None
    lag_s: int | None  # since the last data


def of(source: Source, at: int) -> Health:
    """Return how ``source`` is at ``at``."""
    last = source.last_data_at
    lag_s = None if last is None else max(0, at - last) // clock.SECOND
    if not source.is_enabled:
        return Health(source, OFF, None, lag_s)
    if source.last_error and (source.last_error_at or 0) >= (source.last_ok_at or 0):
        return Health(source, FAILING, source.last_ok_at or source.last_error_at, lag_s)
    if source.expected_every_s is not None:
        since_at = source.created_at if last is None else last
        if at - since_at > source.expected_every_s * clock.SECOND:
            return Health(source, LATE, since_at, lag_s)
    return Health(source, SILENT if last is None else OK, last, lag_s)


def everywhere(at: int) -> list[Health]:
    """Return how all sources are, by name."""
    return [of(source, at) for source in Source.objects.order_by("slug")]


def troubles(at: int) -> list[Health]:
    """Return the sources that are late or failing; one short read of a small table."""
    asked = Source.objects.filter(is_enabled=True)
    suspects = asked.filter(~Q(last_error="") | Q(expected_every_s__isnull=False))
    found = [of(source, at) for source in suspects.order_by("slug")]
    return [one for one in found if one.state in TROUBLES]


def heard(source: Source, at: int, *, n_new: int = 0, problem: Saying | str = "") -> None:
    """Note that ``source`` answered, with ``n_new`` entries, or with a ``problem`` beside them."""
    data = {"last_data_at": at} if n_new else {}
    if problem:
        news = {"last_error": sayings.kept(problem, _LONGEST_ERROR), "last_error_at": at}
    else:
        news = {"last_ok_at": at, "last_error": ""}
    Source.objects.filter(pk=source.pk).update(**data, **news)


def failed(source: Source, error: Saying | str, at: int) -> None:
    """Note that ``source`` could not be asked, and why."""
    Source.objects.filter(pk=source.pk).update(
        last_error=sayings.kept(error, _LONGEST_ERROR), last_error_at=at
    )


def look(seen: int) -> int:
    """Bring ``last_data_at`` up to what the log holds behind entry ``seen``; return its head.

    Whoever pushes events leaves no note with each of them: this counts them in passing.
    """
    head = queries.head()
    first = max(seen, head - _MOST_ENTRIES)
    newest = (
        LogEntry.objects.filter(id__gt=first, id__lte=head)
        .order_by()
        .values_list("source")
        .annotate(at=Max("recorded_at"))
    )
    _bring(newest)
    return head


def look_at_imports() -> None:
    """Bring ``last_data_at`` up to the imports of files."""
    done = Import.objects.filter(state=ImportState.DONE).order_by()
    _bring(done.values_list("source").annotate(at=Max("finished_at")))


def _bring(newest: Iterable[tuple[str, int | None]]) -> None:
    for slug, at in newest:
        if at is not None:
            older = Q(last_data_at=None) | Q(last_data_at__lt=at)
            Source.objects.filter(older, slug=slug).update(last_data_at=at)
