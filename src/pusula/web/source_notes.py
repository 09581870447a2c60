"""Sentences about sources that are late or failing, for the top of pages with their numbers."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from pusula.lib import clock
from pusula.lib.sayings import told
from pusula.sources import health
from pusula.sources.health import Health
from pusula.sources.models import SourceKind

_ASKED = frozenset({SourceKind.MEWS, SourceKind.OPERA, SourceKind.ELEKTRAWEB, SourceKind.IYS})
# Pages without numbers that depend on sources, or that show their state themselves.
_PAGES = frozenset({"imports", "inbox", "password_change", "source", "sources", "privacy"})


@dataclass(frozen=True, slots=True)
class Note:
    """What is said of one source; ``detail`` is its own error, to be shown as it is."""

    slug: str
    title: str
    state: str
    since_at: int | None
    advice: str
    detail: str


def notes(request: HttpRequest) -> list[Note]:
    """Return what the page of ``request`` has to say; nothing for who has not signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    match = request.resolver_match
    if match is not None and (match.url_name or "").split("-")[0] in _PAGES:
        return []
    return [_note(one) for one in health.troubles(clock.now())]


def _note(one: Health) -> Note:
    source = one.source
    failing = one.state == health.FAILING
    detail = told(source.last_error, _) if failing else ""
    title = source.title or source.slug
    return Note(source.slug, title, one.state, one.since_at, _advice(one), detail)


def _advice(one: Health) -> str:
    if one.state == health.FAILING:
        if one.source.kind in _ASKED:
            return _("It is asked again by itself; if the error stays, check its settings.")
        return _("Correct what the error names and have it sent again.")
    if one.source.kind in _ASKED:
        return _("Check that “pusula sources poll” runs and that the system answers.")
    return _("Check that the system still sends, and with which key.")
