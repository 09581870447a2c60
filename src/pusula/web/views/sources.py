"""Sources: where data comes from, how each of them is, the keys that speak for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.lib import clock
from pusula.pipeline import queries, recent
from pusula.privacy import audit
from pusula.sources import health, keys, known
from pusula.sources.health import Health
from pusula.sources.keys import KeyRefusedError
from pusula.sources.known import SourceRefusedError
from pusula.sources.models import KeyKind, Source, SourceKind, WriteKey
from pusula.web import connect, entries, formats
from pusula.web.request import signed_in

NEWEST = 10
KINDS: dict[str, tuple[str, str | Promise]] = {
    SourceKind.WEBSITE: ("globe", _("Website or app")),
    SourceKind.SERVER: ("server", _("Own program")),
    SourceKind.FILE: ("file-spreadsheet", _("Files")),
    SourceKind.OTA: ("plug", _("Channel manager or CRS (OTA XML)")),
    SourceKind.MEWS: ("hotel", "Mews"),
    SourceKind.OPERA: ("hotel", "OPERA Cloud"),
    SourceKind.ELEKTRAWEB: ("hotel", "Elektraweb"),
    SourceKind.CALLS: ("phone", _("Call centre")),
    SourceKind.IYS: ("shield-check", "İYS"),
}
TONES = {health.OK: "good", health.LATE: "warn", health.FAILING: "bad"}
# Those that programs speak for with a key of the tracking API.
TRACKED = (SourceKind.WEBSITE, SourceKind.SERVER)
# Those that speak with a key: the tracked ones, and systems that knock at an address of their own.
KEYED = (*TRACKED, *connect.DOORS)
EXPECTED = {
    "": _("Nobody expects anything"),
    "900": _("15 minutes"),
    "3600": _("an hour"),
    "21600": _("6 hours"),
    "86400": _("a day"),
    "604800": _("a week"),
}


class NewSource(forms.Form):
    """What a source is called and what it is."""

    title = forms.CharField(
        max_length=120, widget=forms.TextInput({"class": "input", "autocomplete": "off"})
    )
    slug = forms.CharField(
        max_length=40,
        widget=forms.TextInput({"class": "input", "autocomplete": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(
        choices=[(kind, KINDS[kind][1]) for kind in SourceKind if kind != SourceKind.FILE],
        initial=SourceKind.WEBSITE,
        widget=forms.Select({"class": "select"}),
    )


class Changes(forms.Form):
    """What may be changed of a source later."""

    title = forms.CharField(max_length=120, widget=forms.TextInput({"class": "input"}))
    expected_every_s = forms.ChoiceField(
        choices=list(EXPECTED.items()), required=False, widget=forms.Select({"class": "select"})
    )

    def __init__(self, *given: Any, expected_every_s: int | None, **named: Any) -> None:
        """Offer ``expected_every_s`` too: a command may have set what the list does not hold."""
        super().__init__(*given, **named)
        own = str(expected_every_s or "")
        if own not in EXPECTED:
            field = cast("forms.ChoiceField", self.fields["expected_every_s"])
            field.choices = [*EXPECTED.items(), (own, formats.lasting(int(own)))]


class Limits(forms.Form):
    """From where a key is taken, and how much it may bring."""

    origins = forms.CharField(required=False, max_length=4_000)
    quota_per_minute = forms.IntegerField(required=False, min_value=1, max_value=10**8)


@dataclass(frozen=True)
class Row:
    """A source in the list."""

    source: Source
    icon: str
    kind: str
    tone: str
    state: str
    health: Health
    n_aside: int


@dataclass(frozen=True)
class Key:
    """A key on its source's page; ``secret`` is the key itself, where it may be shown."""

    row: WriteKey
    state: str
    tone: str
    is_good: bool
    secret: str = ""


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the sources and how they are."""
    at = clock.now()
    aside = queries.quarantined_by_source()
    found = [_row(one, aside) for one in health.everywhere(at)]
    context = {
        "rows": found,
        "lag": queries.lag(),
        "n_strangers": sum(aside.values()) - sum(row.n_aside for row in found),
    }
    return render(request, "web/sources/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Add a source; one that programs speak for gets its first key at once."""
    form = NewSource(request.POST) if request.method == "POST" else NewSource()
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        actor = signed_in(request).get_username()
        kind = SourceKind(given["kind"])
        try:
            with transaction.atomic():
                source = known.add(given["slug"], kind, given["title"])
                audit.record(actor, "source.created", source.slug, kind=kind)
        except SourceRefusedError as error:
            form.add_error("slug", error.said(gettext))
        else:
            if kind not in KEYED:
                return redirect("source", source.slug)
            return _show(request, source, fresh=_issue(actor, source, keys.usual(source)))
    return render(
        request, "web/sources/new.html", {"form": form}, status=422 if form.errors else 200
    )


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a source: how it is, its keys, how it is connected, what came last."""
    return _show(request, _source(slug))


@require_POST
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """Change what a source is called and how often its data is expected."""
    source = _source(slug)
    form = Changes(request.POST, expected_every_s=source.expected_every_s)
    if not form.is_valid():
        return _show(request, source, form=form, status=422)
    every = form.cleaned_data["expected_every_s"]
    actor = signed_in(request).get_username()
    with transaction.atomic():
        known.change(
            source,
            title=form.cleaned_data["title"],
            expected_every_s=int(every) if every else None,
        )
        audit.record(actor, "source.changed", slug)
    messages.success(request, gettext("Saved."))
    return redirect("source", slug)


@require_POST
def switch(request: HttpRequest, slug: str) -> HttpResponse:
    """Switch a source on or off."""
    source = _source(slug)
    is_on = request.POST.get("to") == "on"
    with transaction.atomic():
        known.switch(source, on=is_on)
        actor = signed_in(request).get_username()
        audit.record(actor, "source.changed", slug, state="on" if is_on else "off")
    words = (
        gettext("The source is switched on.")
        if is_on
        else gettext("The source is switched off; its keys are refused.")
    )
    messages.success(request, words)
    return redirect("source", slug)


@require_POST
@never_cache
def add_key(request: HttpRequest, slug: str) -> HttpResponse:
    """Issue a key. The page is drawn at once: a server key is shown in this answer only."""
    source = _source(slug)
    wants_secret = request.POST.get("kind") == KeyKind.SERVER
    kind = KeyKind.SERVER if wants_secret else keys.usual(source)
    actor = signed_in(request).get_username()
    return _show(request, source, fresh=_issue(actor, source, kind))


@require_POST
@never_cache
def rotate_key(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Issue a key in place of another, which stays good for some days."""
    row = _key(slug, pk)
    actor = signed_in(request).get_username()
    with transaction.atomic():
        made, secret = keys.rotate(row)
        audit.record(actor, "key.issued", slug, key=made.pk, replaces=row.pk)
    return _show(request, _source(slug), fresh=(made.pk, secret))


@require_POST
def revoke_key(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """End a key now."""
    row = _key(slug, pk)
    with transaction.atomic():
        if keys.revoke(row):
            audit.record(signed_in(request).get_username(), "key.revoked", slug, key=pk)
    messages.success(request, gettext("The key is revoked; servers hear of it within seconds."))
    return redirect("source", slug)


@require_POST
def limit_key(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Set from which sites a key is taken and how many events a minute it may bring."""
    row = _key(slug, pk)
    form = Limits(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("A quota is a whole number of events a minute."))
        return redirect("source", slug)
    given = form.cleaned_data
    try:
        with transaction.atomic():
            keys.allow(
                row,
                origins=given["origins"].split(),
                quota_per_minute=given["quota_per_minute"],
            )
            audit.record(signed_in(request).get_username(), "source.changed", slug, key=pk)
    except KeyRefusedError as error:
        messages.error(request, error.said(gettext))
    else:
        messages.success(request, gettext("Saved."))
    return redirect("source", slug)


def _show(
    request: HttpRequest,
    source: Source,
    *,
    fresh: tuple[int, str] | None = None,
    form: Changes | None = None,
    status: int = 200,
) -> HttpResponse:
    """Draw the page of a source; ``fresh`` is a key issued just now: its number and itself."""
    at = clock.now()
    held = [_held(row, at, fresh) for row in source.keys.order_by("-pk")]
    aside = queries.quarantined_by_source()
    page = recent.page(recent.Asked(source=source.slug), size=NEWEST)
    context = {
        "source": source,
        "row": _row(health.of(source, at), aside),
        "form": form or Changes(initial=_said(source), expected_every_s=source.expected_every_s),
        "keys": [key for key in held if key.is_good],
        "old_keys": [key for key in held if not key.is_good],
        "fresh": next((key for key in held if fresh and key.row.pk == fresh[0]), None),
        "clients": _clients(source, held) if source.kind in TRACKED else [],
        "is_keyed": source.kind in KEYED,
        "is_tracked": source.kind in TRACKED,
        "has_write_keys": source.kind == SourceKind.WEBSITE,
        "door": _door(source, held),
        "has_web": source.kind == SourceKind.WEBSITE,
        "worker": connect.push_worker(),
        "entries": entries.rows(page.entries),
        "has_more": page.before is not None,
    }
    return render(request, "web/sources/source.html", context, status=status)


def _row(one: Health, aside: dict[str, int]) -> Row:
    icon, kind = KINDS.get(one.source.kind, ("plug", one.source.kind))
    tone, state = TONES.get(one.state, ""), health.TITLES[one.state]
    n_aside = aside.get(one.source.slug, 0)
    return Row(one.source, icon, str(kind), tone, str(state), one, n_aside)


def _held(row: WriteKey, at: int, fresh: tuple[int, str] | None) -> Key:
    secret = row.shown if row.kind == KeyKind.WRITE else ""
    if fresh is not None and fresh[0] == row.pk:
        secret = fresh[1]
    if row.revoked_at is not None:
        return Key(row, gettext("Revoked"), "bad", is_good=False)
    if row.expires_at is not None and row.expires_at <= at:
        return Key(row, gettext("Expired"), "", is_good=False)
    if row.expires_at is not None:
        return Key(row, gettext("Being replaced"), "warn", is_good=True, secret=secret)
    return Key(row, gettext("Good"), "good", is_good=True, secret=secret)


def _clients(source: Source, held: list[Key]) -> list[tuple[connect.Client, str]]:
    """Return how each client is connected, with a key that is good where one may be shown."""
    kind = keys.usual(source)
    shown = "sk_…" if kind == KeyKind.SERVER else "wk_…"
    for key in reversed(held):
        if key.is_good and key.secret and key.row.kind == kind:
            shown = key.secret
    return [(one, one.written(shown)) for one in connect.CLIENTS if one.key == kind]


def _door(source: Source, held: list[Key]) -> connect.Door | None:
    """Return at which address a system that pushes knocks, with its key where it may be shown."""
    secrets = [key.secret for key in held if key.is_good and key.secret]
    return connect.door(SourceKind(source.kind), source.slug, secrets[0] if secrets else "sk_…")


def _said(source: Source) -> dict[str, object]:
    return {"title": source.title or source.slug, "expected_every_s": source.expected_every_s or ""}


def _issue(actor: str, source: Source, kind: KeyKind) -> tuple[int, str]:
    with transaction.atomic():
        row, secret = keys.issue(source, kind)
        audit.record(actor, "key.issued", source.slug, key=row.pk, kind=kind)
    return row.pk, secret


def _source(slug: str) -> Source:
    found = Source.objects.filter(slug=slug).first()
    if found is None:
        raise Http404(slug)
    return found


def _key(slug: str, pk: int) -> WriteKey:
    found = WriteKey.objects.filter(pk=pk, source__slug=slug).select_related("source").first()
    if found is None:
        raise Http404(str(pk))
    return found
