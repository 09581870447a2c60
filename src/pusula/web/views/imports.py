"""Import: bring a file, map its columns, see what it would do, let it in, and take it back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.privacy import audit
from pusula.sources import actions, jobs, queries, undo, uploads
from pusula.sources.errors import MappingError
from pusula.sources.jobs import Task
from pusula.sources.models import Import, ImportState, Job, JobState
from pusula.sources.uploads import Upload
from pusula.web import codes, mapping, mapping_words, samples
from pusula.web.request import asked, draw, signed_in

NEWEST = 50
_LONGEST_MAPPING = 100_000
STATES = {
    ImportState.READING: ("info", codes.READING),
    ImportState.DONE: ("good", codes.DONE),
    ImportState.FAILED: ("bad", codes.FAILED),
    ImportState.UNDONE: ("warn", codes.UNDONE),
}
_TOLD = ("sheet", "encoding", "separator", "header_line")


class UploadForm(forms.Form):
    """A file, what it holds, and perhaps a mapping of its columns, as a file or as text."""

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
        return given


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Show the form and the history; on POST keep the file and have it looked at."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        upload = uploads.keep(given["kind"], given["file"], given["mapping"])
        _put(request, Task.LOOK, upload.token)
        if given["mapping"].strip():
            _put(request, Task.CHECK, upload.token)
        audit.record(signed_in(request).get_username(), "import.checked", kind=upload.kind)
        return redirect("upload", upload.token)
    context = {
        "form": form,
        "rows": [(one, *_words(one)) for one in queries.newest()[:NEWEST]],
    }
    return render(request, "web/imports/index.html", context, status=422 if form.errors else 200)


@require_safe
def upload(request: HttpRequest, token: str) -> HttpResponse:
    """Show an upload as far as it came: looked at, mapped, checked, imported."""
    found = _upload(token)
    job = jobs.newest(token)
    if job is not None and job.task == Task.IMPORT and job.state == JobState.DONE:
        return _to_report(request, int(job.result["import_id"]))
    context = _shown(found, job, is_edited=bool(asked(request, "edit")))
    return draw(request, "web/imports/upload.html", "web/imports/_job.html", context)


@require_POST
def save(request: HttpRequest, token: str) -> HttpResponse:
    """Take what the mapping form says; look again, check, or show the form as it is now."""
    found = _upload(token)
    look = found.look
    if look is None or _is_busy(token):
        return redirect("upload", token)
    if "again" in request.POST:
        told = {name: request.POST[name] for name in _TOLD if request.POST.get(name)}
        uploads.tell(found, _format_of(told))
        jobs.forget(token)
        _put(request, Task.LOOK, token)
        return redirect("upload", token)
    try:
        document = mapping.read(found.mapping)
    except ValueError:
        document = {}
    given = {name: str(value) for name, value in request.POST.items()}
    made = mapping.posted(found.kind, look, document, given)
    uploads.change_mapping(found, mapping.write(made))
    if "check" in request.POST:
        return _check(request, found)
    jobs.forget(token, Task.CHECK, Task.IMPORT)
    context = _shown(found, jobs.newest(token), is_edited=True)
    return draw(request, "web/imports/upload.html", "web/imports/_job.html", context)


@require_POST
def check(request: HttpRequest, token: str) -> HttpResponse:
    """Check an upload with the mapping text that the form holds."""
    found = _upload(token)
    if not _is_busy(token):
        uploads.change_mapping(found, request.POST.get("mapping", "")[:_LONGEST_MAPPING])
        return _check(request, found)
    return redirect("upload", token)


@require_safe
def map_file(_request: HttpRequest, token: str) -> HttpResponse:
    """Answer the mapping as a file, for the command line or another installation."""
    found = _upload(token)
    name = f"{found.file_name.rsplit('.', 1)[0]}.toml"
    response = HttpResponse(found.mapping, content_type="application/toml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
def bring_in(request: HttpRequest, token: str) -> HttpResponse:
    """Import an upload that was checked."""
    found = _upload(token)
    checked = jobs.newest(token)
    if checked is None or checked.task != Task.CHECK or checked.state != JobState.DONE:
        messages.error(request, gettext("The file has not been checked yet."))
    else:
        _put(request, Task.IMPORT, token)
        audit.record(signed_in(request).get_username(), "import.started", kind=found.kind)
    return redirect("upload", token)


@require_POST
def drop(request: HttpRequest, token: str) -> HttpResponse:
    """Forget an upload that is not being imported."""
    found = _upload(token)
    job = jobs.newest(token, Task.IMPORT)
    if job is not None and jobs.is_open(job):
        messages.error(request, gettext("The file is being imported and cannot be dropped now."))
        return redirect("upload", token)
    jobs.forget(token)
    uploads.remove(found)
    words = {"file": found.file_name}
    messages.success(request, gettext("%(file)s was dropped; nothing was imported.") % words)
    return redirect("imports")


@require_safe
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what an import did, the rejected rows first, and whether it can be taken back."""
    found = get_object_or_404(Import, pk=pk)
    kind, state = _words(found)
    context = {
        "import": found,
        "kind": kind,
        "state": state,
        "may_undo": undo.may_undo(found, at=clock.now()),
        "undo_until": found.started_at + undo.KEPT_FOR,
        "has_bad_rows": actions.bad_rows_file(pk).is_file(),
        "done": found.undone,
    }
    return render(request, "web/imports/report.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def undoing(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what taking an import back would do; on POST find that out, or do it."""
    found = get_object_or_404(Import, pk=pk)
    job = jobs.newest(str(pk), Task.UNDO_CHECK, Task.UNDO)
    if request.method == "POST":
        wants = "undo" in request.POST and job is not None and job.state == JobState.DONE
        if not (job is not None and jobs.is_open(job)):
            _put(request, Task.UNDO if wants else Task.UNDO_CHECK, str(pk))
            if wants:
                actor = signed_in(request).get_username()
                audit.record(actor, "import.undone", f"import:{pk}")
        return redirect("import-undo", pk)
    if job is None or (job.task == Task.UNDO and job.state == JobState.DONE):
        return _to_report(request, pk)
    context = {"import": found, "done": job.result, **_progress(job)}
    return draw(request, "web/imports/undo.html", "web/imports/_undo.html", context)


@require_safe
def rejects(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Answer the reject file of an import, or its rejected rows as they came (``?rows=1``)."""
    found = get_object_or_404(Import, pk=pk)
    file = actions.folder() / found.reject_file
    if asked(request, "rows"):
        file = actions.bad_rows_file(pk)
    if not found.reject_file or not file.is_file():
        raise Http404(str(pk))
    audit.record(signed_in(request).get_username(), "import.rejects_disclosed", f"import:{pk}")
    return _attached(file)


@require_safe
def upload_rejects(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer the rows of an upload that would be rejected, with their reasons."""
    found = _upload(token)
    if not found.bad_rows.is_file():
        raise Http404(token)
    audit.record(signed_in(request).get_username(), "import.rejects_disclosed", "upload")
    return _attached(found.bad_rows)


def _attached(file: Any) -> FileResponse:
    return FileResponse(
        file.open("rb"), as_attachment=True, filename=file.name, content_type="text/csv"
    )


def _put(request: HttpRequest, task: Task, place: str) -> None:
    language = translation.get_language() or "en"
    jobs.put(task, place, language=language, actor=signed_in(request).get_username())


def _check(request: HttpRequest, found: Upload) -> HttpResponse:
    """Have an upload checked, unless its mapping cannot be used at all."""
    jobs.forget(found.token, Task.CHECK, Task.IMPORT)
    try:
        actions.check_mapping(found.kind, found.map_file)
    except PusulaError as error:
        context = _shown(found, jobs.newest(found.token), is_edited=True)
        told = error.in_words if isinstance(error, MappingError) else error.said(gettext)
        context["problem"] = told
        return draw(request, "web/imports/upload.html", "web/imports/_job.html", context, 422)
    _put(request, Task.CHECK, found.token)
    return redirect("upload", found.token)


def _shown(found: Upload, job: Job | None, *, is_edited: bool) -> dict[str, Any]:
    """Return what the page of an upload shows."""
    is_checked = job is not None and job.task == Task.CHECK and job.state == JobState.DONE
    context: dict[str, Any] = {
        "upload": found,
        "kind": codes.called(codes.IMPORT_KINDS, found.kind),
        "is_checked": is_checked and not is_edited,
        "problem": "",
        **_progress(job),
    }
    if context["is_checked"] and job is not None:
        context["report"] = job.result
        context["sample"] = samples.table(job.result.get("sample", []))
        context["has_bad_rows"] = found.bad_rows.is_file()
    look = found.look
    if look is None or context["is_running"]:
        return context
    looked = jobs.newest(found.token, Task.LOOK)
    reused = looked.result.get("reused") if looked else None
    context["look"] = look
    context["reused"] = Import.objects.filter(pk=reused).first() if reused else None
    try:
        context["form"] = mapping.form(found.kind, look, mapping.read(found.mapping))
    except ValueError as error:
        context["problem"] = str(error)
    return context


def _progress(job: Job | None) -> dict[str, Any]:
    """Return how a job stands, for the page that asks again until it is over."""
    is_running = job is not None and jobs.is_open(job)
    progress = jobs.progress(job) if job is not None and is_running else None
    error = job.error if job is not None and job.state == JobState.FAILED else ""
    if error == "stopped":
        error = gettext("The program was stopped before it finished.")
    return {
        "job": job,
        "is_running": is_running,
        "is_again": job is not None and job.n_tries > 1,
        "progress": progress,
        "stage": codes.called(mapping_words.STAGES, progress.stage) if progress else "",
        "has_worker": not is_running or jobs.has_worker(),
        "failed": error,
    }


def _is_busy(token: str) -> bool:
    job = jobs.newest(token)
    return job is not None and jobs.is_open(job)


def _format_of(told: dict[str, str]) -> dict[str, Any]:
    """Return what somebody says of a file as fields of ``FileFormat``."""
    found: dict[str, Any] = {k: v for k, v in told.items() if k != "header_line"}
    line = told.get("header_line", "")
    if line.isdecimal() and int(line[:6]):
        found["header_line"] = int(line[:6])
    if found.get("separator") == "\\t":
        found["separator"] = "\t"
    return found


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
