"""Moves between RFM groups: the matrix, the paths, and the people behind each."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from pusula.lib import clock, text
from pusula.privacy import audit
from pusula.rfm import moves, queries, sentences, words
from pusula.rfm.matrix import Group, ends, matrix, table
from pusula.rfm.models import RfmRun
from pusula.rfm.moves import Every, Path
from pusula.segments import sets
from pusula.segments.models import ProfileSet
from pusula.web import formats, rfm_moves, rfm_paths, titles
from pusula.web.request import asked, asked_all, plain, signed_in, whole

PAGE = 50
_MOST_RUNS = 120
_SERIES: dict[Every, int] = {"month": 7, "quarter": 5, "year": 4}
_USUAL: Every = "month"
_LONGEST_TITLE = 200
_LONGEST_KEY = 70


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show how people moved from one run (``before``) to another (``run``), and on which ways."""
    runs = list(queries.runs()[:_MOST_RUNS])
    run = _named(runs, asked(request, "run")) or (runs[0] if runs else None)
    if run is None:
        return render(request, "web/rfm/none.html")
    like = [one for one in runs if one.config_key == run.config_key]
    earlier = [one for one in like if one.as_of_on < run.as_of_on]
    if not earlier:
        return render(request, "web/rfm/moves_none.html", {"run": run})
    before = _named(earlier, asked(request, "before")) or earlier[: moves.SHOWN - 1][-1]
    stops = rfm_paths.between(like, before, run)
    gone = moves.paths(stops)
    found = ends(stops, gone)
    names = rfm_moves.ordered(dict.fromkeys([*run.groups, *before.groups]))
    begins, last = asked(request, "first"), asked(request, "last")
    ways = [path for path in gone if _is_between(path, begins, last)]
    shown = rfm_moves.chosen([*asked_all(request, "show"), begins, last], names)
    every = next((one for one in _SERIES if one == asked(request, "every")), _USUAL)
    context = {
        "run": run,
        "before": before,
        "runs": like,
        "earlier": earlier,
        "stops": stops,
        "matrix": found,
        "rows": rfm_paths.rows(found),
        "columns": [rfm_paths.title(group) for group in rfm_paths.ordered(found.columns)],
        "barred": rfm_paths.barred(found),
        "headline": rfm_moves.headline(rfm_moves.Moves(found.flows), before, names),
        "ways": rfm_paths.ways(stops, ways),
        "n_ways": len(ways),
        "n_gone": sum(path.n for path in ways),
        "chart": rfm_paths.chart(stops, ways, shown),
        "choices": [(name, words.title(name)) for name in names],
        "why_nobody": next(
            (
                sentences.hindrance(why, begins, last)
                for old, new, why in found.impossible()
                if (old, new) == (begins, last)
            ),
            "",
        ),
        "first": begins,
        "last": last,
        "query": urlencode({"run": run.pk, "before": before.pk}),
        **_sizes(run, every),
    }
    return render(request, "web/rfm/moves.html", context)


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """Answer the matrix between two runs as CSV."""
    runs = [_run(asked(request, name)) for name in ("before", "run")]
    days = "-".join(run.as_of_on.isoformat() for run in runs)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rfm-{days}.csv"'
    csv.writer(response).writerows(table([matrix(*runs)]))
    return response


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """List who was in each ``group`` in each ``run``, the highest revenue first."""
    runs, groups = _stops(asked_all(request, "run"), request.GET.getlist("group"))
    found = moves.travellers(runs, groups)
    after = asked(request, "after")
    n = moves.n_travellers(runs, groups)
    rows = list(queries.behind(found, whole(after))[: PAGE + 1]) if n else []
    shown = rows[:PAGE]
    query = rfm_paths.people_address(runs, groups).partition("?")[2]
    names = [rfm_paths.title(group) for group in groups]
    context = {
        "runs": runs,
        "stops": list(zip(runs, names, strict=True)),
        "pairs": [("run", run.pk) for run in runs]
        + [("group", rfm_paths.NONE if group is None else group) for group in groups],
        "title": " → ".join(names),
        "list_title": f"{' → '.join(names)}, {formats.day(runs[-1].as_of_on)}",
        "n": n,
        "currency": runs[-1].currency,
        "rows": [(score, titles.customer(score.profile.name)) for score in shown],
        "query": query,
        "is_first": not after,
        "more": f"{query}&after={shown[-1].pk}" if len(rows) > PAGE else "",
    }
    return render(request, "web/rfm/movers.html", context)


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep the people of a path as a list, for segments to ask for."""
    numbers = [plain(number) for number in request.POST.getlist("run")]
    runs, groups = _stops(numbers, [plain(group) for group in request.POST.getlist("group")])
    title = plain(request.POST.get("title", "")).strip()[:_LONGEST_TITLE]
    here = rfm_paths.people_address(runs, groups)
    if not title:
        messages.error(request, gettext("Say what the list is called."))
        return redirect(here)
    ids = list(moves.travellers(runs, groups).values_list("profile_id", flat=True))
    key = _free_key(title)
    with transaction.atomic():
        sets.put_list(key, title, ids, at=clock.now())
        audit.record(signed_in(request).get_username(), "list.put", f"list:{key}", n=len(ids))
    form = ngettext(
        "“%(title)s” is kept as a list of %(n)s customer; segments can ask for it.",
        "“%(title)s” is kept as a list of %(n)s customers; segments can ask for it.",
        len(ids),
    )
    messages.success(request, form % {"title": title, "n": formats.number(len(ids))})
    return redirect(here)


def _free_key(title: str) -> str:
    """Return a key made of the title that no list has."""
    base = re.sub(r"[^a-z0-9]+", "-", text.name_key(title)).strip("-")[:_LONGEST_KEY].strip("-")
    base = base if base[:1].isalpha() else f"rfm-{base}".strip("-")
    taken = set(ProfileSet.objects.filter(key__startswith=base).values_list("key", flat=True))
    names = (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _named(runs: Sequence[RfmRun], wanted: str) -> RfmRun | None:
    return next((run for run in runs if str(run.pk) == wanted), None)


def _run(wanted: str) -> RfmRun:
    number = whole(wanted)
    run = queries.runs().filter(pk=number).first() if number is not None else None
    if run is None:
        raise Http404(wanted)
    return run


def _stops(numbers: Sequence[str], groups: Sequence[str]) -> tuple[list[RfmRun], list[Group]]:
    """Return the runs and groups that an address names, one group for each run."""
    if not 1 <= len(numbers) == len(groups) <= moves.MOST_STEPS:
        raise Http404("runs and groups")
    asked_for = [None if group == rfm_paths.NONE else plain(group) for group in groups]
    return [_run(number) for number in numbers], asked_for


def _is_between(path: Path, first: str, last: str) -> bool:
    return first in ("", path.groups[0]) and last in ("", path.groups[-1])


def _sizes(run: RfmRun, every: Every) -> dict[str, object]:
    """Return the table of sizes: a column for each month, quarter or year up to ``run``."""
    runs = moves.series(run, every, _SERIES[every])
    return {
        "every": every,
        "periods": [
            ("month", gettext("Monthly")),
            ("quarter", gettext("Quarterly")),
            ("year", gettext("Yearly")),
        ],
        "size_runs": runs,
        "sizes": rfm_paths.sizes(runs),
    }
