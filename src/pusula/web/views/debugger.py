"""The live debugger: what came in last, what became of it, and whom it reached."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from pusula.lib import clock
from pusula.pipeline import queries, recent, retention
from pusula.pipeline.live import Live
from pusula.pipeline.recent import Asked, State
from pusula.privacy import audit
from pusula.sources.models import Source
from pusula.web import entries
from pusula.web.request import asked, draw, signed_in, whole

PAGE = 40


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show what came in last, of all or of one source; htmx asks for it again and again."""
    wanted = _asked(request)
    before = whole(asked(request, "before"))
    page = recent.page(wanted, before, PAGE)
    lag = queries.lag()
    context = {
        "asked": wanted,
        "rows": entries.rows(page.entries),
        "next_before": page.before,
        "is_first": before is None,
        # A page further back stands still, and so does one that somebody reads.
        "is_running": before is None and not asked(request, "pause"),
        "lag": lag,
        "waits_s": lag.seconds(clock.now()),
        "titles": dict(Source.objects.values_list("slug", "title")),
        "now": clock.now(),
    }
    part = "web/sources/_entries.html"
    if "HX-Request" not in request.headers:
        context |= _choices(wanted)
    return draw(request, "web/sources/live.html", part, context)


@require_safe
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an entry: what became of it, and its body with personal values hidden."""
    return _show(request, pk, is_disclosed=False)


@require_POST
@never_cache
def disclose(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an entry's body in full, and write down who asked for it."""
    response = _show(request, pk, is_disclosed=True)
    audit.record(signed_in(request).get_username(), "entry.disclosed", str(pk))
    return response


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try again to take over an entry that was put aside."""
    done = Live().retry([pk])
    if done.n_entries:
        audit.record(signed_in(request).get_username(), "quarantine.retried", n=done.n_entries)
    if not done.n_entries:
        messages.info(request, gettext("The entry was no longer put aside."))
    elif done.n_quarantined:
        messages.error(request, gettext("It could not be taken over this time either."))
    else:
        messages.success(request, gettext("It is taken over."))
    return redirect("entry", pk)


@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete an entry that was put aside and cannot be used."""
    n = retention.give_up([pk])
    if not n:
        messages.error(request, gettext("It is the newest entry that was read: try again later."))
        return redirect("entry", pk)
    audit.record(signed_in(request).get_username(), "quarantine.given_up", n=n)
    messages.success(request, gettext("The entry is deleted."))
    return redirect("live-events")


def _show(request: HttpRequest, pk: int, *, is_disclosed: bool) -> HttpResponse:
    found = recent.one(pk)
    if found is None:
        raise Http404(str(pk))
    seen, body = found
    context: dict[str, Any] = {
        "row": entries.rows([seen])[0],
        "body": None if body is None else entries.pretty(body, is_disclosed=is_disclosed),
        "is_disclosed": is_disclosed,
        "source": Source.objects.filter(slug=seen.source).first(),
        "is_aside": seen.state in recent.ASIDE,
    }
    return render(request, "web/sources/entry.html", context)


def _asked(request: HttpRequest) -> Asked:
    kind, state = asked(request, "type"), asked(request, "state")
    return Asked(
        source=asked(request, "source")[:60],
        type=kind if kind in (*recent.TYPES, *recent.KINDS) else "",
        state=state if state in set(State) else "",
    )


def _choices(wanted: Asked) -> dict[str, Any]:
    """Return what can be chosen above the list."""
    known = set(Source.objects.values_list("slug", flat=True)) | set(recent.sources())
    return {
        "sources": sorted(known | ({wanted.source} if wanted.source else set())),
        "types": entries.kinds(),
        "states": [(state, words) for state, (_tone, words) in entries.STATES.items()],
    }
