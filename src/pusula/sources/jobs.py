"""Jobs: what a page asks to be done with an upload or an import, as rows that a worker takes.

waiting → running → done | failed. Who runs a job holds a lock for as long as it lives; a worker
that gets the lock finds whatever is still running without anybody who runs it, and lets it wait
again. Every task may be begun anew at any point: its effects are one transaction.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from pusula.lib import clock
from pusula.sources.models import Job, JobState

_OPEN = (JobState.WAITING, JobState.RUNNING)
MOST_TRIES = 3
# A worker shows itself at least this often; twice as long without a sign and nobody works.
SIGN_EVERY = 5 * clock.SECOND


class Task(StrEnum):
    """What is to be done."""

    LOOK = "look"  # at an upload: its columns and a first mapping
    CHECK = "check"  # an upload with its mapping: a dry run
    IMPORT = "import"
    UNDO_CHECK = "undo-check"  # an import: what taking it back would do
    UNDO = "undo"


@dataclass(frozen=True)
class Progress:
    """How far a running job is: stage, 0..1 of it, rows of it, rows a second, seconds left."""

    stage: str
    fraction: float
    n_rows: int
    rate: float
    seconds_left: float | None


def put(task: Task, place: str, *, language: str, actor: str = "") -> Job:
    """Ask for ``task``, unless it waits or runs already; return the job."""
    try:
        with transaction.atomic():
            return Job.objects.create(
                task=task,
                place=place,
                state=JobState.WAITING,
                language=language,
                actor=actor[:150],
                created_at=clock.now(),
            )
    except IntegrityError:
        return Job.objects.get(task=task, place=place, state__in=_OPEN)


def newest(place: str, *tasks: Task) -> Job | None:
    """Return the newest job on ``place``, of ``tasks`` if any are named."""
    found = Job.objects.filter(place=place)
    if tasks:
        found = found.filter(task__in=tasks)
    return found.order_by("-id").first()


def is_open(job: Job) -> bool:
    """Return whether a job waits or runs."""
    return job.state in _OPEN


def forget(place: str, *tasks: Task) -> None:
    """Remove the jobs on ``place`` that wait or are over."""
    found = Job.objects.filter(place=place).exclude(state=JobState.RUNNING)
    if tasks:
        found = found.filter(task__in=tasks)
    found.delete()


def take() -> Job | None:
    """Take the oldest job that waits; only for whoever holds the workers' lock."""
    job = Job.objects.filter(state=JobState.WAITING).order_by("id").first()
    if job is None:
        return None
    taken = Job.objects.filter(pk=job.pk, state=JobState.WAITING).update(
        state=JobState.RUNNING, n_tries=job.n_tries + 1, started_at=clock.now()
    )
    return job if taken else None


def recover() -> int:
    """Let wait again what dead workers left running; one that never ends well fails at last."""
    left = Job.objects.filter(state=JobState.RUNNING)
    n = left.filter(n_tries__lt=MOST_TRIES).update(state=JobState.WAITING)
    left.update(
        state=JobState.FAILED,
        error="stopped",  # the page has the words
        finished_at=clock.now(),
    )
    return n


def give_back(job_id: int) -> None:
    """Let a job wait again that was interrupted on purpose: it does not count as a try."""
    Job.objects.filter(pk=job_id, state=JobState.RUNNING).update(
        state=JobState.WAITING, n_tries=F("n_tries") - 1
    )


def finish(job_id: int, result: dict[str, Any]) -> None:
    """Note that a job ended well."""
    Job.objects.filter(pk=job_id, state=JobState.RUNNING).update(
        state=JobState.DONE, result=result, finished_at=clock.now()
    )
    place(job_id).unlink(missing_ok=True)


def fail(job_id: int, error: str) -> None:
    """Note why a job could not be done."""
    Job.objects.filter(pk=job_id, state=JobState.RUNNING).update(
        state=JobState.FAILED, error=error, finished_at=clock.now()
    )
    place(job_id).unlink(missing_ok=True)


# Progress and signs of life stand in files: while an import writes, SQLite takes no other row.


def place(job_id: int) -> Path:
    """Return the file that says how far a job is."""
    return _folder() / f"job-{job_id}.json"


def tell(job_id: int, progress: Progress) -> None:
    """Say how far a job is."""
    target = place(job_id)
    part = target.with_suffix(".part")
    part.write_text(json.dumps(asdict(progress)))
    part.rename(target)


def progress(job: Job) -> Progress | None:
    """Return how far a running job is, ``None`` before it said so."""
    try:
        return Progress(**json.loads(place(job.pk).read_text()))
    except FileNotFoundError:
        return None


def show_life() -> None:
    """Say that a worker is there."""
    (_folder() / "worker").write_text(str(clock.now()))


def has_worker() -> bool:
    """Return whether a worker showed itself lately."""
    try:
        shown_at = int((_folder() / "worker").read_text() or "0")
    except (FileNotFoundError, ValueError):
        return False
    return clock.now() - shown_at < 3 * SIGN_EVERY


def _folder() -> Path:
    home: Path = settings.PUSULA_HOME
    found = home / "imports"
    found.mkdir(parents=True, exist_ok=True)
    return found
