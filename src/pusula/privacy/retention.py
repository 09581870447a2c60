"""How long each kind of data is kept, and the run that deletes what is older."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pusula.events.models import Event
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.outbox.machine import FINAL
from pusula.outbox.models import Message
from pusula.pipeline import retention as log
from pusula.privacy import audit, export
from pusula.privacy.models import AuditEntry, Retention, RetentionRun
from pusula.segments import actions as segments

# The record of erasures and of this log has to be kept for three years at least.
_LEAST_AUDIT_DAYS = 3 * 366


class RetentionError(PusulaError):
    """A kind of data cannot be kept for so long or so short."""

    code = "retention"


@dataclass(frozen=True)
class Rule:
    """A kind of data: its title, for how many days it is kept unless set, and how it is told of.

    ``count`` and ``forget`` take the moment before which it goes, and return how much that is.
    ``least`` is the fewest days that may be set.
    """

    title: str | Promise
    days: int | None
    least: int
    count: Callable[[int], int]
    forget: Callable[[int], int]


def days_of() -> dict[str, int | None]:
    """Return for how many days each kind is kept; ``None``: as long as the installation."""
    changed = dict(Retention.objects.values_list("kind", "days"))
    return {kind: changed.get(kind, rule.days) for kind, rule in RULES.items()}


def set_days(kind: str, days: int | None, *, actor: str) -> None:
    """Change for how long a kind is kept; raise ``RetentionError`` if that may not be."""
    rule = RULES.get(kind)
    if rule is None:
        raise RetentionError(
            Saying("%(kind)s: there are %(known)s", {"kind": kind, "known": ", ".join(RULES)})
        )
    if days is not None and days < rule.least:
        words = {"title": rule.title, "n": rule.least}
        raise RetentionError(gettext("%(title)s: kept for %(n)s days at least.") % words)
    with transaction.atomic():
        Retention.objects.update_or_create(
            kind=kind, defaults={"days": days, "changed_at": clock.now(), "changed_by": actor}
        )
        audit.record(actor, "retention.changed", f"retention:{kind}", days=days or 0)


def due(at: int) -> dict[str, int]:
    """Return how much of each kind would go at the moment ``at``."""
    return {kind: RULES[kind].count(before) for kind, before in _bounds(at).items()}


def run(*, actor: str) -> dict[str, int]:
    """Delete what is older than it is kept; return how much of each kind went, and keep that."""
    at = clock.now()
    counts = {kind: RULES[kind].forget(before) for kind, before in _bounds(at).items()}
    counts["exports"] = export.remove_expired(at)
    with transaction.atomic():
        RetentionRun.objects.create(at=at, actor=actor, counts=counts)
        if any(counts.values()):
            audit.record(actor, "retention.run", n=sum(counts.values()), counts=counts)
    return counts


def _bounds(at: int) -> dict[str, int]:
    return {kind: at - days * clock.DAY for kind, days in days_of().items() if days is not None}


def _events(before_at: int) -> QuerySet[Event]:
    return Event.objects.filter(at__lt=before_at)


def _forget_events(before_at: int) -> int:
    """Delete events; segments that asked for them follow with the next full evaluation."""
    with transaction.atomic():
        n = _events(before_at).delete()[0]
        if n:
            segments.owe("retention", clock.now())
    return n


def _messages(before_at: int) -> QuerySet[Message]:
    """Return settled messages; what a campaign decided about people stays with the campaign."""
    return Message.objects.filter(state__in=FINAL, settled_at__lt=before_at)


def _log(before_at: int) -> int:
    return log.forgettable(before_at)


def _files(*folders: str) -> tuple[Callable[[int], int], Callable[[int], int]]:
    """Return how files in folders of the home are counted, and how they go, by their age."""

    def old(before_at: int) -> list[Path]:
        places = [Path(settings.PUSULA_HOME) / folder for folder in folders]
        files = [path for place in places for path in place.glob("*.*") if path.is_file()]
        return [path for path in files if path.stat().st_mtime * clock.SECOND < before_at]

    def forget(before_at: int) -> int:
        gone = old(before_at)
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    return lambda before_at: len(old(before_at)), forget


# What nobody set is kept as long as here. Addresses of the web's visitors are never stored.
RULES: dict[str, Rule] = {
    "log": Rule(_("What came in, as it came"), 365, 7, _log, log.forget),
    "events": Rule(_("Events"), None, 30, lambda before: _events(before).count(), _forget_events),
    "messages": Rule(
        _("Messages and what became of them"),
        None,
        90,
        lambda before: _messages(before).count(),
        lambda before: _messages(before).delete()[0],
    ),
    "imports": Rule(_("Rejected rows of imports"), 30, 1, *_files("imports")),
    "mailbox": Rule(_("Mails caught here instead of being sent"), 30, 1, *_files("mailbox")),
    "audit": Rule(
        _("Audit log"),
        None,
        _LEAST_AUDIT_DAYS,
        lambda before: AuditEntry.objects.filter(at__lt=before).count(),
        audit.forget,
    ),
}


def last_runs(n: int = 10) -> list[tuple[RetentionRun, int]]:
    """Return the last runs, the newest first, each with how much it deleted."""
    found = RetentionRun.objects.order_by("-at")[:n]
    return [(one, sum(one.counts.values())) for one in found]
