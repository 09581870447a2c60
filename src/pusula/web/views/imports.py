"""Import: bring a file, see what it would do, let it in, and read what became of its rows."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.privacy import audit
from pusula.sources import actions, queries
from pusula.sources.models import Import, ImportState
from pusula.web import codes, uploads
from pusula.web.request import draw, signed_in
from pusula.web.uploads import Upload

NEWEST = 50
_LONGEST_MAPPING = 100_000
EXAMPLE = """\
source = "pms"

[file]
dates = "%d.%m.%Y"
decimal = ","

[columns]
source_id = "Rezervasyon No"
profile_key = "Misafir No"
ordered_at = "Kayıt Tarihi"
starts_on = "Giriş"
ends_on = "Çıkış"
status = "Durum"
net_amount = "Tutar"

[constants]
currency = "TRY"

[values.status]
"Ayrıldı" = "completed"
"İptal" = "cancelled"
"*" = "confirmed"
"""
STATES = {
    ImportState.READING: ("info", codes.READING),
    ImportState.DONE: ("good", codes.DONE),
    ImportState.FAILED: ("bad", codes.FAILED),
}


class UploadForm(forms.Form):
    """A file, what it holds, and the mapping of its columns, as a file or as text."""

    kind = forms.ChoiceField(choices=list(codes.IMPORT_KINDS.items()), initial="profiles")
    file = forms.FileField(max_length=200, allow_empty_file=True)
    map_file = forms.FileField(max_length=200, required=False)
    mapping = forms.CharField(max_length=_LONGEST_MAPPING, required=False, strip=False)

    def clean(self) -> dict[str, Any]:
        """Take the mapping from wherever it was given."""
        given: dict[str, Any] = super().clean() or {}
        file = given.get("map_file")
        if file is not None:
            try:
                given["mapping"] = file.read(_LONGEST_MAPPING).decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("map_file", gettext("The mapping file is not UTF-8 text."))
        elif not given.get("mapping", "").strip():
            self.add_error("mapping", gettext("Choose a mapping file, or write the mapping here."))
        return given


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Show the form and the history; on POST keep the file and check it."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        upload = uploads.keep(given["kind"], given["file"], given["mapping"])
        uploads.start(upload, uploads.CHECK)
        audit.record(signed_in(request).get_username(), "import.checked", kind=upload.kind)
        return redirect("upload", upload.token)
    context = {
        "form": form,
        "example": EXAMPLE,
        "fields": [
            (codes.called(codes.IMPORT_KINDS, name), kind.needed, kind.fields)
            for name, kind in actions.KINDS.items()
        ],
        "rows": [(one, *_words(one)) for one in queries.newest()[:NEWEST]],
    }
    return render(request, "web/imports/index.html", context, status=422 if form.errors else 200)


@require_safe
def upload(request: HttpRequest, token: str) -> HttpResponse:
    """Show an upload as far as it came: being checked, checked, being imported, imported."""
    found = _upload(token)
    job = found.job(uploads.IMPORT) or found.job(uploads.CHECK)
    done = job.report if job and found.job(uploads.IMPORT) else None
    if done is not None:
        return _to_report(request, int(done["import_id"]))
    context = {
        "upload": found,
        "kind": codes.called(codes.IMPORT_KINDS, found.kind),
        "is_import": found.job(uploads.IMPORT) is not None,
        "job": job,
    }
    return draw(request, "web/imports/upload.html", "web/imports/_job.html", context)


@require_POST
def check(request: HttpRequest, token: str) -> HttpResponse:
    """Check an upload again, with the mapping that the form holds."""
    found = _upload(token)
    uploads.change_mapping(found, request.POST.get("mapping", "")[:_LONGEST_MAPPING])
    uploads.start(found, uploads.CHECK)
    return redirect("upload", token)


@require_POST
def bring_in(request: HttpRequest, token: str) -> HttpResponse:
    """Import an upload that was checked."""
    found = _upload(token)
    checked = found.job(uploads.CHECK)
    if checked is None or checked.report is None:
        messages.error(request, gettext("The file has not been checked yet."))
    else:
        uploads.start(found, uploads.IMPORT)
        audit.record(signed_in(request).get_username(), "import.started", kind=found.kind)
    return redirect("upload", token)


@require_POST
def drop(request: HttpRequest, token: str) -> HttpResponse:
    """Forget an upload that is not being imported."""
    found = _upload(token)
    importing = found.job(uploads.IMPORT)
    if importing is not None and importing.is_running:
        messages.error(request, gettext("The file is being imported and cannot be dropped now."))
        return redirect("upload", token)
    uploads.remove(found)
    words = {"file": found.file_name}
    messages.success(request, gettext("%(file)s was dropped; nothing was imported.") % words)
    return redirect("imports")


@require_safe
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what an import did, the rejected rows first."""
    found = get_object_or_404(Import, pk=pk)
    kind, state = _words(found)
    context = {"import": found, "kind": kind, "state": state}
    return render(request, "web/imports/report.html", context)


@require_safe
def rejects(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Answer the reject file of an import."""
    found = get_object_or_404(Import, pk=pk)
    file = actions.folder() / found.reject_file
    if not found.reject_file or not file.is_file():
        raise Http404(str(pk))
    audit.record(signed_in(request).get_username(), "import.rejects_disclosed", f"import:{pk}")
    return FileResponse(
        file.open("rb"), as_attachment=True, filename=found.reject_file, content_type="text/csv"
    )


def _upload(token: str) -> Upload:
    found = uploads.find(token)
    if found is None:
        raise Http404(token)
    return found


def _words(found: Import) -> tuple[str, tuple[str, str]]:
    """Return what an import's kind is called, and tone and words of its state."""
    tone, state = STATES[ImportState(found.state)]
    return codes.called(codes.IMPORT_KINDS, found.kind), (tone, str(state))


def _to_report(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead to the report; htmx is told to load the page instead of putting it into a region."""
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": reverse("import", args=[pk])})
    return redirect("import", pk)
