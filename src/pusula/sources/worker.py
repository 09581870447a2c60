"""The worker: takes jobs one after the other and runs each in a process of its own.

Its process is the one that holds the lock; the job's process may run out of memory, be killed, or
crash, and the job fails with a word about it. If the worker itself dies, the job's process ends
with it at the next row it reports, and the next worker begins the job anew.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import translation
from django.utils.translation import gettext as _

from pusula.lake.turns import turn
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.pipeline import live
from pusula.sources import actions, badrows, jobs, limits, mapping, toml, undo, uploads
from pusula.sources.actions import Report, Step
from pusula.sources.errors import FileError, MappingError
from pusula.sources.jobs import Progress, Task
from pusula.sources.look import draft
from pusula.sources.look.file import Look, look, signature
from pusula.sources.models import Import, ImportState, Job
from pusula.sources.uploads import Upload

# In the environment of a job: the worker it ends with, which may be gone before the job begins.
_WORKER = "PUSULA_WORKER_PID"
_LOOK_EVERY_S = 0.5
_TELL_EVERY = clock.SECOND // 4


class AbandonedError(PusulaError):
    """The worker that started this job is gone."""

    code = "abandoned"
    status = 409


class Worker:
    """Takes jobs until it is stopped."""

    def __init__(self, command: Callable[[int], list[str]]) -> None:
        self.command = command
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """End as soon as the job under way has been told to."""
        self._stopping.set()
        if self._child is not None:
            self._child.terminate()

    def run(self, *, once: bool = False) -> None:
        """Work until stopped; with ``once``, until nothing waits."""
        with turn(connection, "imports.jobs", Path(settings.PUSULA_HOME) / "run"):
            jobs.recover()
            while not self._stopping.is_set():
                jobs.show_life()
                job = jobs.take()
                if job is not None:
                    self._do(job)
                elif once:
                    return
                else:
                    self._stopping.wait(_LOOK_EVERY_S)
                    close_old_connections()

    def _do(self, job: Job) -> None:
        self._child = subprocess.Popen(  # noqa: S603 - our own program
            self.command(job.pk),
            stdin=subprocess.DEVNULL,
            env={
                **os.environ,
                "PUSULA_HOME": str(settings.PUSULA_HOME),
                _WORKER: str(os.getpid()),
            },
            start_new_session=True,
        )
        while True:
            jobs.show_life()
            try:
                status = self._child.wait(timeout=jobs.SIGN_EVERY / clock.SECOND)
                break
            except subprocess.TimeoutExpired:
                continue
        if self._stopping.is_set():
            jobs.give_back(job.pk)  # whoever works next begins it anew
            return
        with translation.override(job.language):
            jobs.fail(job.pk, _why_ended(status))  # unless it said itself how it ended


def command(job_id: int) -> list[str]:
    """Return the command line that runs one job."""
    return [sys.executable, "-m", "pusula.ops.main", "import", "job", str(job_id)]


def run_job(job_id: int) -> None:
    """Run a job in this process, with a limit to its memory, and note how it ended."""
    job = Job.objects.get(pk=job_id)
    limits.apply()
    worker = int(os.environ.get(_WORKER, os.getppid()))

    def stay() -> None:
        if os.getppid() != worker:
            raise AbandonedError("the worker is gone")

    def tell(progress: Progress) -> None:
        stay()
        jobs.tell(job_id, progress)

    stay()

    with translation.override(job.language):
        try:
            jobs.finish(job_id, _TASKS[Task(job.task)](job, _Teller(tell)))
        except AbandonedError:
            raise
        except MappingError as error:
            jobs.fail(job_id, error.in_words)
        except PusulaError as error:
            jobs.fail(job_id, error.message)
        except MemoryError:
            jobs.fail(job_id, _too_large())


class _Teller:
    """Turns steps into progress with a rate and the time that is left, a few times a second."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self.tell = tell
        self.stage = ""
        self.began_at = self.told_at = 0

    def step(self, step: Step) -> None:
        """Take note of a step of an import."""
        now = clock.now()
        if step.stage != self.stage:
            self.stage, self.began_at, self.told_at = step.stage, now, 0
        if now - self.told_at < _TELL_EVERY:
            return
        self.told_at = now
        seconds = (now - self.began_at) / clock.SECOND
        left = seconds / step.fraction - seconds if step.fraction and seconds else None
        rate = step.n_rows / seconds if seconds else 0.0
        self.tell(Progress(step.stage, step.fraction, step.n_rows, rate, left))

    def stage_only(self, stage: str) -> None:
        """Take note of a stage of which nobody knows how long it takes."""
        self.tell(Progress(stage, 0.0, 0, 0.0, None))


def _look(job: Job, teller: _Teller) -> dict[str, Any]:
    """Look at an upload, and write a first mapping unless there is one."""
    upload = _upload(job)
    teller.stage_only("looking")
    told = upload.told
    found = look(upload.file, told)
    uploads.note_look(upload, found)
    reused = None
    if told is not None or not upload.mapping:
        columns = signature([column.name for column in found.columns])
        reused = _mapping_before(upload.kind, columns)
        text = reused.mapping if reused else _first_mapping(upload, found)
        uploads.change_mapping(upload, text)
    return {"reused": None if reused is None else reused.pk}


def _first_mapping(upload: Upload, found: Look) -> str:
    source = "pms" if upload.kind == "orders" else "crm"
    before = Import.objects.filter(state=ImportState.DONE, kind=upload.kind).order_by("-id")
    known = before.values_list("source", flat=True).first()
    fields = actions.KINDS[upload.kind].fields
    return toml.dumps(draft.document(found, upload.kind, fields, known or source))


def _mapping_before(kind: str, columns: str) -> Import | None:
    """Return the newest import of a file with the same columns."""
    known = Import.objects.filter(kind=kind, columns=columns, state=ImportState.DONE)
    return known.exclude(mapping="").order_by("-id").first()


def _check(job: Job, teller: _Teller) -> dict[str, Any]:
    upload = _upload(job)
    report = actions.run_import(
        upload.kind, upload.file, upload.map_file, dry_run=True, progress=teller.step
    )
    _keep_bad_rows(upload, report, upload.bad_rows)
    return report.as_json()


def _keep_bad_rows(upload: Upload, report: Report, target: Path) -> None:
    """Write the rejected rows as they came, so that they can be put right and brought again."""
    found = upload.look
    target.unlink(missing_ok=True)
    if found is None or report.reject_file is None or not report.n_rejected:
        return
    kind = actions.KINDS[upload.kind]
    form = mapping.load(upload.map_file, upload.kind, kind.fields).file
    names = [column.name for column in found.columns]
    badrows.write(upload.file, form, names, report.reject_file, target)


def _import(job: Job, teller: _Teller) -> dict[str, Any]:
    """Import an upload; begun anew, find the import that was done before the end was noted."""
    upload = _upload(job)
    done = Import.objects.filter(
        state=ImportState.DONE, file_name=upload.file_name, started_at__gte=job.created_at
    ).last()
    if done is not None and job.n_tries > 1:
        return {"import_id": done.pk}
    report = actions.run_import(upload.kind, upload.file, upload.map_file, progress=teller.step)
    found = upload.look
    if found is not None:
        columns = signature([column.name for column in found.columns])
        Import.objects.filter(pk=report.import_id or 0).update(columns=columns)
    _keep_bad_rows(upload, report, actions.bad_rows_file(report.import_id or 0))
    teller.stage_only("segments")
    live.refresh(report.touched, cause="import", pays=report.debt)
    shutil.rmtree(upload.file.parent, ignore_errors=True)
    return {"import_id": report.import_id}


def _undo_check(job: Job, teller: _Teller) -> dict[str, Any]:
    found = undo.undo(int(job.place), dry_run=True, told=teller.stage_only)
    return asdict(found.undone)


def _undo(job: Job, teller: _Teller) -> dict[str, Any]:
    row = Import.objects.get(pk=int(job.place))
    if row.state == ImportState.UNDONE and job.n_tries > 1:
        return dict(row.undone)
    found = undo.undo(row.pk, told=teller.stage_only)
    teller.stage_only("segments")
    live.refresh(found.touched, cause="undo", pays=found.debt)
    return asdict(found.undone)


_TASKS: dict[Task, Callable[[Job, _Teller], dict[str, Any]]] = {
    Task.LOOK: _look,
    Task.CHECK: _check,
    Task.IMPORT: _import,
    Task.UNDO_CHECK: _undo_check,
    Task.UNDO: _undo,
}


def _upload(job: Job) -> Upload:
    found = uploads.find(job.place)
    if found is None:
        raise FileError(_("The file is not here any more: bring it again."))
    return found


def _why_ended(status: int) -> str:
    if status in {-signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV}:
        return _too_large()
    return _("The program ended unexpectedly (status %(status)d).") % {"status": status}


def _too_large() -> str:
    words = {"n": limits.MOST_MEMORY // 2**30}
    return (
        _("Reading this file takes more than %(n)d GB of memory: save it as CSV, or in parts.")
        % words
    )
