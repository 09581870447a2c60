"""The rules of RFM: the form with what it would do, the versions, limits that wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.pipeline import project
from pusula.privacy import audit
from pusula.rfm import cuts as limits
from pusula.rfm import preview as previews
from pusula.rfm import told, versions, words
from pusula.rfm.models import RfmRun, RfmVersion
from pusula.rfm.preview import Group, Preview, Rhythm
from pusula.rfm.told import Difference
from pusula.web import formats, rfm_form, rfm_moves
from pusula.web.request import draw, signed_in, whole
from pusula.web.rfm_form import RfmForm

_QUIET_AFTER = 20 * clock.SECOND  # by then somebody should be at work on it
_MOST_VERSIONS = 60


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """Show the rules as a form; a POST shows what they would do, or asks for them to hold."""
    base = versions.project()
    form = rfm_form.of(base)
    is_posted = request.method == "POST"
    if is_posted:
        form = rfm_form.read(request.POST, base)
        if request.POST.get("op") == "save" and form.project is not None:
            return _saved(request, form)
    shown = (
        previews.preview(form.project.rules, clock.now()) if is_posted and form.project else None
    )
    held = versions.current()
    context = {
        "form": form,
        "choices": rfm_form.CHOICES,
        "levels": rfm_form.LEVELS,
        "statuses": rfm_form.statuses(),
        "held": held,
        "waiting": versions.waiting(),
        "rhythm": None if _is_part(request) else _rhythm(previews.rhythm(clock.now())),
        "drift": None if _is_part(request) else _drift(held),
        "next_rerun_on": versions.next_rerun_on(held) if held else None,
        **_shown(form, shown),
    }
    status = 422 if form.errors and not _is_part(request) else 200
    return draw(request, "web/rfm/settings.html", "web/rfm/_preview.html", context, status)


def _is_part(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers


def _saved(request: HttpRequest, form: RfmForm) -> HttpResponse:
    login = signed_in(request).get_username()
    held = versions.current()
    if form.project is None:
        raise TypeError("a form with errors is not saved")
    if held is not None and versions.of(held) == form.project:
        messages.info(request, gettext("Nothing was changed."))
        return redirect("rfm-settings")
    with transaction.atomic():
        asked = versions.ask(form.project, by=login, at=clock.now())
        audit.record(login, "rfm.asked", f"rfm:{asked.number}")
    return redirect("rfm-waiting")


@dataclass(frozen=True)
class Row:
    """A group in the preview: its share of the largest as a bar, and how many come or go."""

    title: str
    tone: str
    then: int
    now: int | None
    share: float

    @property
    def change(self) -> int:
        """How many more there would be."""
        return self.then - (self.now or 0)


def _shown(form: RfmForm, shown: Preview | None) -> dict[str, Any]:
    if shown is None or form.project is None:
        return {"preview": None}
    most = max((max(group.then, group.now or 0) for group in shown.groups), default=0)
    names = [group.name for group in shown.groups]
    return {
        "preview": shown,
        "rows": [_row(group, most, names) for group in shown.groups],
        "cautions": [
            words.sentence(each) for each in shown.cautions if each.code != "empty_groups"
        ],
        "limits": told.limits(form.project.rules, shown.cuts),
        "moved_share": shown.n_moved / shown.n_now if shown.n_now else None,
    }


def _row(group: Group, most: int, names: list[str]) -> Row:
    return Row(
        words.title(group.name),
        rfm_moves.tone(group.name, names),
        group.then,
        group.now,
        group.then / most if most else 0.0,
    )


def _rhythm(rhythm: Rhythm | None) -> str:
    """Return which look-back window the company's own orders ask for, and why."""
    if rhythm is None:
        return gettext("Nobody has bought twice yet: nothing speaks for one window or another.")
    shares = {
        "share": formats.percent(rhythm.over_year),
        "half": formats.percent(rhythm.over_half),
    }
    if rhythm.months == 24:  # noqa: PLR2004 - months
        said = gettext(
            "24 months suit you: after %(share)s of purchases the next one came more than 12 "
            "months later. Within 12 months these customers would look lost, though they come "
            "once a season."
        )
    elif rhythm.months == 12:  # noqa: PLR2004 - months
        said = gettext(
            "12 months suit you: after %(half)s of purchases the next one came more than 6 months "
            "later, after %(share)s more than 12 months later."
        )
    else:
        said = gettext(
            "6 months suit you: only after %(half)s of purchases did the next one come more than "
            "6 months later."
        )
    return said % shares


@dataclass(frozen=True)
class Drift:
    """Limits that were measured and wait: from which day, whom they would move."""

    run: RfmRun
    sentence: str
    differences: list[Difference]
    flows: list[tuple[str, str, int]]


def _drift(held: RfmVersion | None) -> Drift | None:
    run = versions.proposal()
    if held is None or run is None:
        return None
    n = run.drift.get("n_moved", 0)
    said = ngettext(
        "%(n)s customer (%(share)s) would change the group.",
        "%(n)s customers (%(share)s) would change the group.",
        n,
    )
    share = formats.percent(n / run.n_profiles if run.n_profiles else 0)
    project = versions.of(held)
    old = told.limits(project.rules, limits.read(held.cuts))
    new = told.limits(project.rules, limits.read(run.cuts))
    flows = sorted(run.drift.get("flows", []), key=lambda flow: -flow[2])[:5]
    return Drift(
        run,
        said % {"n": formats.number(n), "share": share},
        told.differing(old, new),
        [(words.title(before), words.title(after), count) for before, after, count in flows],
    )


@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """Show what was asked for on its way into force; when it is there, lead to the versions."""
    asked = versions.waiting()
    if asked is None:
        address = reverse("rfm-versions")
        if _is_part(request):
            return HttpResponse(status=204, headers={"HX-Redirect": address})
        return redirect(address)
    held = versions.current()
    context = {
        "asked": asked,
        "differences": told.between(held, asked),
        "is_quiet": clock.now() - asked.asked_at > _QUIET_AFTER and not project.is_at_work(),
        "n_all": max(asked.n_all, asked.n_done),
    }
    return draw(request, "web/rfm/waiting.html", "web/rfm/_waiting.html", context)


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """List the versions that were in force, from when to when, with what each changed."""
    found = list(versions.history()[: _MOST_VERSIONS + 1])
    rows = [
        (one, until, told.between(before, one) if before else [])
        for one, before, until in zip(
            found[:_MOST_VERSIONS],
            [*found[1:], None],
            [None, *(one.published_at for one in found)],
            strict=False,
        )
    ]
    return_to = {"rows": rows, "waiting": versions.waiting(), "newest": found[0] if found else None}
    return draw(request, "web/rfm/versions.html", "web/rfm/versions.html", return_to)


@require_POST
def apply(request: HttpRequest) -> HttpResponse:
    """Ask for an earlier version (``number``), for measured limits (``run``), or take that back."""
    login = signed_in(request).get_username()
    given = request.POST
    try:
        with transaction.atomic():
            if given.get("op") == "discard":
                asked = versions.waiting()
                if asked is not None:
                    versions.discard(asked)
                    audit.record(login, "rfm.discarded", f"rfm:{asked.number}")
                messages.success(request, gettext("The change was discarded."))
                return redirect("rfm-settings")
            asked = _asked(given.get("number", ""), given.get("run", ""), login)
            audit.record(login, "rfm.asked", f"rfm:{asked.number}")
    except PusulaError as error:
        messages.error(request, error.said(gettext))
        return redirect("rfm-versions")
    return redirect("rfm-waiting")


def _asked(number: str, run: str, login: str) -> RfmVersion:
    if run:
        proposed = versions.proposal()
        if proposed is None or proposed.pk != whole(run):
            raise versions.VersionError(gettext("Other limits were measured since: look again."))
        return versions.ask_for_run(proposed, by=login, at=clock.now())
    return versions.ask_for_old(whole(number) or 0, by=login, at=clock.now())
