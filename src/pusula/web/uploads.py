"""Files brought in through the pages: kept in the home folder, imported by the command line.

An upload is a folder: the file, its mapping, who brought it, and a folder for each job run on it
(``check`` is the dry run). A job is ``pusula import`` in a process of its own, so that it outlives
the request, stops no page, and does exactly what it does by hand.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from pusula.lib import clock, ids

CHECK, IMPORT = "check", "import"
KEPT_FOR = 7 * clock.DAY
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_NOT_IN_A_NAME = re.compile(r"[^\w.() -]")
_LONGEST_NAME = 60  # characters; of four bytes each they still fit a file system


@dataclass(frozen=True)
class Job:
    """A run of ``pusula import`` on an upload, as far as it came."""

    is_running: bool
    report: dict[str, Any] | None  # of a run that ended well
    said: str  # the last line it said: its progress, or why it failed

    @property
    def has_failed(self) -> bool:
        """Whether it ended without a report."""
        return not self.is_running and self.report is None


@dataclass(frozen=True)
class Upload:
    """A file somebody brought, with its mapping."""

    token: str
    kind: str
    file_name: str
    n_bytes: int
    at: int

    @property
    def folder(self) -> Path:
        """Return where everything of the upload stands."""
        return folder() / self.token

    @property
    def file(self) -> Path:
        """Return the file under the name it came with."""
        return self.folder / "file" / self.file_name

    @property
    def mapping(self) -> str:
        """Return the mapping as text."""
        return (self.folder / "map.toml").read_text(encoding="utf-8")

    def job(self, name: str) -> Job | None:
        """Return the job ``name``, ``None`` if it was never started."""
        place = self.folder / name
        return _job(place) if place.is_dir() else None


def folder() -> Path:
    """Return where uploads stand."""
    home: Path = settings.PUSULA_HOME
    return home / "uploads"


def keep(kind: str, file: UploadedFile, mapping: str) -> Upload:
    """Keep ``file`` and its mapping as a new upload; those nobody came back to are removed."""
    _remove_old()
    name = _NOT_IN_A_NAME.sub("_", Path(file.name or "file").name)[-_LONGEST_NAME:].lstrip(". ")
    upload = Upload(ids.random_id(), kind, name or "file", file.size or 0, clock.now())
    upload.file.parent.mkdir(parents=True)
    _move(file, upload.file)
    told = {"kind": upload.kind, "file_name": upload.file_name, "n_bytes": upload.n_bytes}
    (upload.folder / "upload.json").write_text(json.dumps(told | {"at": upload.at}))
    change_mapping(upload, mapping)
    return upload


def change_mapping(upload: Upload, mapping: str) -> None:
    """Let ``upload`` be read with another mapping; what was checked before no longer counts."""
    (upload.folder / "map.toml").write_text(mapping.replace("\r\n", "\n"), encoding="utf-8")
    shutil.rmtree(upload.folder / CHECK, ignore_errors=True)


def find(token: str) -> Upload | None:
    """Return the upload called ``token``, ``None`` if there is none."""
    if not _TOKEN.fullmatch(token):
        return None
    try:
        told = json.loads((folder() / token / "upload.json").read_text())
    except FileNotFoundError:
        return None
    return Upload(token, **told)


def remove(upload: Upload) -> None:
    """Forget ``upload`` and its file."""
    shutil.rmtree(upload.folder, ignore_errors=True)


def start(upload: Upload, name: str) -> None:
    """Start the job ``name`` unless it runs already or has ended well."""
    known = upload.job(name)
    if known and not known.has_failed:
        return
    place = upload.folder / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    with (place / "out").open("wb") as out, (place / "err").open("wb") as err:
        child = subprocess.Popen(  # noqa: S603 - our own program
            command(upload, name),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, "PUSULA_HOME": str(settings.PUSULA_HOME)},
            start_new_session=True,
        )
    (place / "pid").write_text(str(child.pid))
    in_background(_await_end, child, upload, name)


def command(upload: Upload, name: str) -> list[str]:
    """Return the command line of a job."""
    line = [sys.executable, "-m", "pusula.ops.main", "import", upload.kind, str(upload.file)]
    line += ["--map", str(upload.folder / "map.toml"), "--json"]
    return [*line, "--dry-run"] if name == CHECK else line


def in_background(function: Callable[..., None], *arguments: object) -> None:
    """Call ``function`` in a thread that dies with us."""
    threading.Thread(target=function, args=arguments, daemon=True).start()


def _await_end(child: subprocess.Popen[bytes], upload: Upload, name: str) -> None:
    """Write down how a job ended; the file of an import that ended well is no longer needed."""
    status = child.wait()
    place = upload.folder / name
    with suppress(FileNotFoundError):  # the upload was removed meanwhile
        (place / "status.part").write_text(str(status))
        (place / "status.part").rename(place / "status")
        if name == IMPORT and status == 0:
            shutil.rmtree(upload.file.parent, ignore_errors=True)


def _job(place: Path) -> Job:
    try:
        status = int((place / "status").read_text())
    except FileNotFoundError:
        return Job(is_running=_lives(place), report=None, said=_last_line(place / "err"))
    report = json.loads((place / "out").read_text()) if status == 0 else None
    return Job(is_running=False, report=report, said=_last_line(place / "err"))


def _lives(place: Path) -> bool:
    """Return whether the job's process is there; without a status it may have died with us."""
    try:
        os.kill(int((place / "pid").read_text()), 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _last_line(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except FileNotFoundError:
        return ""
    return lines[-1].removeprefix("pusula: ") if lines else ""


def _move(file: UploadedFile, target: Path) -> None:
    """Put what was uploaded at ``target``; a large file stands in the same folder already."""
    temporary = getattr(file, "temporary_file_path", None)
    if temporary is not None:
        shutil.move(temporary(), target)
        return
    with target.open("wb") as out:
        for chunk in file.chunks():
            out.write(chunk)


def _remove_old() -> None:
    folder().mkdir(exist_ok=True)
    for place in folder().iterdir():
        upload = find(place.name)
        if upload is not None and upload.at < clock.now() - KEPT_FOR:
            remove(upload)
