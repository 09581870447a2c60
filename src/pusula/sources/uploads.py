"""Files brought through the pages: kept in the home folder until they are imported or dropped.

An upload is a folder: the file under the name it came with, what a look at it found, the mapping
as far as it is made. What is done with it are ``jobs`` of its token.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from pusula.lib import clock, ids
from pusula.sources.look import file as looks
from pusula.sources.look.file import Look
from pusula.sources.mapping import FileFormat

KEPT_FOR = 7 * clock.DAY
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_NOT_IN_A_NAME = re.compile(r"[^\w.() -]")
_LONGEST_NAME = 60  # characters; of four bytes each they still fit a file system


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
    def map_file(self) -> Path:
        """Return where the mapping stands."""
        return self.folder / "map.toml"

    @property
    def mapping(self) -> str:
        """Return the mapping as text, empty if there is none yet."""
        return self.map_file.read_text(encoding="utf-8") if self.map_file.exists() else ""

    @property
    def bad_rows(self) -> Path:
        """Return where a check writes the rows that would be rejected."""
        return self.folder / "bad-rows.csv"

    @property
    def told(self) -> FileFormat | None:
        """Return how the file is to be looked at, as somebody said; ``None``: as it seems."""
        place = self.folder / "told.json"
        return FileFormat(**json.loads(place.read_text())) if place.exists() else None

    @property
    def look(self) -> Look | None:
        """Return what a look at the file found, ``None`` if nobody looked yet."""
        place = self.folder / "look.json"
        if not place.exists():
            return None
        return looks.from_json(json.loads(place.read_text(encoding="utf-8")))


def folder() -> Path:
    """Return where uploads stand."""
    home: Path = settings.PUSULA_HOME
    return home / "uploads"


def keep(kind: str, file: UploadedFile, mapping: str = "") -> Upload:
    """Keep ``file`` and its mapping as a new upload; those nobody came back to are removed."""
    _remove_old()
    name = _NOT_IN_A_NAME.sub("_", Path(file.name or "file").name)[-_LONGEST_NAME:].lstrip(". ")
    upload = Upload(ids.random_id(), kind, name or "file", file.size or 0, clock.now())
    upload.file.parent.mkdir(parents=True)
    _move(file, upload.file)
    told = {"kind": upload.kind, "file_name": upload.file_name, "n_bytes": upload.n_bytes}
    (upload.folder / "upload.json").write_text(json.dumps(told | {"at": upload.at}))
    if mapping.strip():
        change_mapping(upload, mapping)
    return upload


def change_mapping(upload: Upload, mapping: str) -> None:
    """Let ``upload`` be read with another mapping."""
    text = mapping.replace("\r\n", "\n")
    _write(upload.map_file, text)


def tell(upload: Upload, told: dict[str, Any]) -> None:
    """Say how the file is to be looked at next time: fields of ``FileFormat``."""
    _write(upload.folder / "told.json", json.dumps(told))


def note_look(upload: Upload, look: Look) -> None:
    """Keep what a look at the file found."""
    _write(upload.folder / "look.json", json.dumps(look.as_json(), ensure_ascii=False))


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


def _write(place: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = place.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.rename(place)


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
