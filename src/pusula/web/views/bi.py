"""Tables for analysts: what was written when, how to get at it, and what the columns mean."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.destinations.bi import background, catalog, dictionary, queries, views
from pusula.destinations.bi.dictionary import Described, DescribedTable
from pusula.destinations.models import BiFormat
from pusula.privacy import analysts, audit
from pusula.web import formats
from pusula.web.request import signed_in
from pusula.web.rights import CHANGE_TABLES, FETCH_TABLES, demand, may

_KILO = 1_000


class Chosen(forms.Form):
    """How the batch run writes the files; where to is said on the machine itself."""

    is_on = forms.BooleanField(required=False)
    format = forms.ChoiceField(choices=BiFormat.choices, widget=forms.Select({"class": "select"}))
    has_bom = forms.BooleanField(required=False)
    every_hours = forms.IntegerField(
        min_value=0, max_value=744, widget=forms.NumberInput({"class": "input input--number"})
    )
    with_identifiers = forms.BooleanField(required=False)


@dataclass(frozen=True)
class Row:
    """A file in the list."""

    name: str
    grain: str
    file: str
    n_rows: int
    size: str


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Show the files and views there are; on POST change how they are written."""
    chosen = queries.chosen()
    initial = {name: getattr(chosen, name) for name in Chosen.base_fields}
    form = Chosen(request.POST or None, initial=initial)
    if request.method == "POST":
        demand(request, CHANGE_TABLES)
        if form.is_valid():
            analysts.choose(form.cleaned_data, actor=signed_in(request).get_username())
            messages.success(request, gettext("Changed. It takes effect with the next writing."))
            return redirect("bi")
    newest = queries.newest()
    grains = {table.name: str(table.grain) for table in catalog.tables()}
    written = newest.tables if newest else []
    context = {
        "newest": newest,
        "is_writing": newest and not newest.error and newest.began_at > (newest.finished_at or 0),
        "rows": [
            Row(one["name"], grains.get(one["name"], ""), one["file"], one["n_rows"],
                _size(one["n_bytes"]))
            for one in written
        ],
        "n_rows": sum(one["n_rows"] for one in written),
        "size": _size(sum(one["n_bytes"] for one in written)),
        "others": [one for one in queries.written() if one.folder != str(queries.folder())],
        "folder": queries.folder(),
        "chosen": chosen,
        "views": views.installed(),
        "form": form,
        "may_change": may(request, CHANGE_TABLES),
        "may_fetch": may(request, FETCH_TABLES),
    }  # fmt: skip
    return render(request, "web/bi/index.html", context, status=422 if form.errors else 200)


@require_safe
def meaning(request: HttpRequest) -> HttpResponse:
    """Show what every table and column means."""
    tables = catalog.tables(with_identifiers=queries.chosen().with_identifiers)
    language = (get_language() or "")[:2]
    language = language if language in dictionary.LANGUAGES else dictionary.LANGUAGES[0]
    told = dictionary.described(tables, catalog.company())
    context = {"tables": [_Shown.of(table, language) for table in told]}
    return render(request, "web/bi/dictionary.html", context)


@require_POST
def refresh(request: HttpRequest) -> HttpResponse:
    """Write the files now, in the background."""
    demand(request, CHANGE_TABLES)
    background.start()
    messages.success(request, gettext("The files are being written; load this page again to see."))
    return redirect("bi")


@require_safe
@never_cache
def download(request: HttpRequest, name: str) -> HttpResponseBase:
    """Hand out a file of the newest export."""
    demand(request, FETCH_TABLES)
    newest = queries.newest()
    files = {one["file"] for one in newest.tables} if newest else set()
    path = queries.folder() / name
    if newest is None or name not in {*files, "dictionary.json"} or not path.is_file():
        raise Http404
    audit.record(signed_in(request).get_username(), "bi.fetched", name)
    return FileResponse(path.open("rb"), as_attachment=True, filename=name)


@dataclass(frozen=True)
class _Shown:
    """A table of the dictionary in one language: columns, each with meaning and unit."""

    table: DescribedTable
    grain: str
    columns: list[tuple[Described, str, str]]

    @classmethod
    def of(cls, table: DescribedTable, language: str) -> _Shown:
        columns = [(one, one.meaning[language], one.unit[language]) for one in table.columns]
        return cls(table, table.grain[language], columns)


def _size(n_bytes: int) -> str:
    """Return a size as people say it: 12 kB, 3.4 MB."""
    value, unit = float(n_bytes), "B"
    for larger in ("kB", "MB", "GB"):
        if value < _KILO:
            break
        value, unit = value / _KILO, larger
    return f"{formats.number(value, 1 if unit in {'MB', 'GB'} else 0)} {unit}"
