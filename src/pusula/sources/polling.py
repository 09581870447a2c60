"""Sources that have to be asked, asked when they are due: one asker each, patient with failures."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from django.db.models import Q
from django.utils import translation

from pusula.lib import clock, ids
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.pipeline import appender
from pusula.sources import health, needs
from pusula.sources.calling import SHAPES, LaterError, Page, reason
from pusula.sources.calls.read import CallsSettings
from pusula.sources.elektraweb import pull as elektraweb
from pusula.sources.elektraweb.read import ElektrawebSettings
from pusula.sources.iys import sync as iys
from pusula.sources.mews import pull as mews
from pusula.sources.mews.read import MewsSettings
from pusula.sources.models import Poll, Source, SourceKind
from pusula.sources.needs import Common
from pusula.sources.opera import pull as opera
from pusula.sources.opera.read import OperaSettings
from pusula.sources.ota.read import OtaSettings

LEASE = 5 * clock.MINUTE  # renewed with every page; whoever dies holds a source no longer
FIRST_PAUSE_S, LONGEST_PAUSE_S = 15, 3_600
USUAL_S = 60
_MOST_PAGES = 500  # of one turn: others are due too
_log = logging.getLogger("pusula.sources")

PULLS: Mapping[str, Callable[[Source, int], Iterator[Page]]] = {
    SourceKind.MEWS: mews.pull,
    SourceKind.OPERA: opera.pull,
    SourceKind.ELEKTRAWEB: elektraweb.pull,
    SourceKind.IYS: iys.pull,
}
_SETTINGS: Mapping[str, type[Common]] = {
    SourceKind.OTA: OtaSettings,
    SourceKind.MEWS: MewsSettings,
    SourceKind.OPERA: OperaSettings,
    SourceKind.ELEKTRAWEB: ElektrawebSettings,
    SourceKind.CALLS: CallsSettings,
}


@dataclass(frozen=True, slots=True)
class Polled:
    """What came of asking one source; ``is_lost``: somebody else took it over meanwhile."""

    source: str
    n_new: int = 0
    n_same: int = 0
    problem: Saying | str = ""  # the first record that could not be taken over
    error: Saying | str = ""
    after_s: int | None = None  # how long the source asks not to be asked
    is_lost: bool = False


def due(at: int) -> list[Source]:
    """Return the sources to be asked at ``at``, those that wait longest first."""
    asked = Source.objects.filter(kind__in=list(PULLS), is_enabled=True)
    for source in asked.filter(poll=None):
        Poll.objects.get_or_create(source=source)
    waiting = asked.filter(Q(poll__lease="") | Q(poll__lease_until__lte=at), poll__next_at__lte=at)
    return list(waiting.order_by("poll__next_at", "slug"))


def hint(source: Source, at: int) -> None:
    """Ask ``source`` at once, where it works: it said that there is news."""
    Poll.objects.get_or_create(source=source)
    Poll.objects.filter(source=source, next_at__gt=at, n_failures=0).update(next_at=at)


def poll(source: Source, at: int) -> Polled | None:
    """Ask ``source`` for what is new; ``None``: somebody else is asking it.

    1. Take the lease. 2. For each page: append its entries, then save the cursor behind them; so a
    crash repeats a page, whose messages are known. 3. Say when to ask again: after the source's own
    interval, or later each time it fails.
    """
    row, _is_new = Poll.objects.get_or_create(source=source)
    lease = ids.random_id()
    free = Poll.objects.filter(Q(lease="") | Q(lease_until__lte=at), source=source)
    if not free.update(lease=lease, lease_until=at + LEASE):
        return None
    source.refresh_from_db()
    row.refresh_from_db()
    with translation.override("en"):  # what is wrong is stored in one language, and read in any
        done = _ask(source, lease, at)
    if done.is_lost:
        return done
    if done.error:
        health.failed(source, done.error, at)
        n_failures = row.n_failures + 1
        pause_s = max(done.after_s or 0, _pause_s(n_failures))
    else:
        health.heard(source, at, n_new=done.n_new, problem=done.problem)
        n_failures, pause_s = 0, _interval_s(source)
    Poll.objects.filter(source=source, lease=lease).update(
        lease="", lease_until=0, next_at=at + pause_s * clock.SECOND, n_failures=n_failures
    )
    return done


def _ask(source: Source, lease: str, at: int) -> Polled:
    done = Polled(source.slug)
    try:
        for n, page in enumerate(PULLS[source.kind](source, at), 1):
            appended = appender.append(list(page.entries))
            if not _keep(source, lease, page):
                return replace(done, is_lost=True)
            done = replace(
                done,
                n_new=done.n_new + appended.n_new,
                n_same=done.n_same + appended.n_same,
                problem=done.problem or next(iter(page.problems), ""),
            )
            if n == _MOST_PAGES:
                break
    except PusulaError as error:
        after_s = error.after_s if isinstance(error, LaterError) else None
        return replace(done, error=error.saying, after_s=after_s)
    except SHAPES as error:
        # What the system said is not what its adapter expects; its own words may be personal.
        _log.exception("source %s", source.slug)
        return replace(done, error=reason(error))
    return done


def _keep(source: Source, lease: str, page: Page) -> bool:
    """Save the cursor and renew the lease; ``False``: the source is no longer ours to read."""
    held = Poll.objects.filter(source=source, lease=lease)
    if not held.update(lease_until=clock.now() + LEASE):
        return False
    Source.objects.filter(pk=source.pk).update(cursor=dict(page.cursor))
    return True


def _pause_s(n_failures: int) -> int:
    """Return how long to wait after so many failures: twice as long each time, never in step."""
    longest = min(FIRST_PAUSE_S * 2 ** min(n_failures - 1, 10), LONGEST_PAUSE_S)
    return round(random.uniform(longest / 2, longest))  # noqa: S311 - keeps askers apart


def _interval_s(source: Source) -> int:
    told = source.settings.get("poll_every_s")
    return told if isinstance(told, int) and told > 0 else USUAL_S


def check(source: Source) -> None:
    """Read the settings of ``source`` as its adapter does; raises ``NeedError``."""
    if source.kind in _SETTINGS:
        needs.told(source, _SETTINGS[source.kind])
