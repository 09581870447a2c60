"""The files for analysts: written beside the old ones, then put in their place one by one.

A reader sees a file of before or after, never half of one; every file says in which export it was
written, and the manifest, which is replaced last, says which one is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from pusula.destinations.bi import catalog, dictionary, files, reading
from pusula.destinations.bi.actions import BiError
from pusula.destinations.bi.tables import Company, Table
from pusula.destinations.models import BiFolder, BiFormat
from pusula.lake.turns import turn
from pusula.lib import clock
from pusula.lib.errors import PusulaError

MANIFEST = "manifest.json"
_NEW = ".new"  # what is not whole yet
PART = ".part"
_DICTIONARIES = (
    "dictionary.json", "dictionary.tr.md", "dictionary.en.md",
    "dictionary.tr.html", "dictionary.en.html",
)  # fmt: skip
# Hears: the table, how many blocks of customers are done of how many.
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Written:
    """A table as it stands in a folder."""

    name: str
    file: str
    n_rows: int
    n_bytes: int


def run(
    folder: Path,
    *,
    kind: str = BiFormat.PARQUET,
    has_bom: bool = False,
    with_identifiers: bool = False,
    on_progress: OnProgress = lambda _table, _done, _all: None,
) -> list[Written]:
    """Write every table to ``folder``, in place of what an earlier export left there.

    Customers are read in blocks, so memory does not grow with their number; each block is as the
    database has it when its turn comes. Raises ``BiError`` where the folder cannot be written;
    what was there before then still is.
    """
    with alone():
        began_at = clock.now()
        BiFolder.objects.update_or_create(
            folder=str(folder),
            defaults={"format": kind, "with_identifiers": with_identifiers, "began_at": began_at},
        )
        try:
            made = _Export(folder, kind, catalog.company(), began_at, has_bom=has_bom).write(
                catalog.tables(with_identifiers=with_identifiers), on_progress
            )
        except (OSError, DatabaseError, PusulaError) as error:
            BiFolder.objects.filter(folder=str(folder)).update(error=str(error)[:400])
            if isinstance(error, OSError):
                words = {"folder": folder, "error": error.strerror or error}
                said = _("%(folder)s: cannot be written: %(error)s")
                raise BiError(said % words) from error
            raise
        BiFolder.objects.filter(folder=str(folder)).update(
            tables=[asdict(one) for one in made], finished_at=clock.now(), error=""
        )
    return made


@contextmanager
def alone() -> Iterator[None]:
    """Wait until nobody else writes files for analysts, and keep it so."""
    with turn(connection, "destinations.bi", Path(settings.PUSULA_HOME) / "run"):
        yield


@dataclass(frozen=True)
class _Export:
    """One export under way."""

    folder: Path
    kind: str
    company: Company
    began_at: int
    has_bom: bool

    def write(self, tables: tuple[Table, ...], on_progress: OnProgress) -> list[Written]:
        new = self.folder / _NEW
        clear(self.folder)
        new.mkdir(parents=True)
        new.chmod(0o700)
        made = [self._table(new, table, on_progress) for table in tables]
        self._dictionary(new, tables)
        self._manifest(new, made)
        self._put_in_place(new, {*_DICTIONARIES, *(one.file for one in made)})
        return made

    def _table(self, new: Path, table: Table, on_progress: OnProgress) -> Written:
        path = new / f"{table.name}.{self.kind}"
        done, n_parts = 0, len(reading.parts())

        def read() -> None:
            nonlocal done
            done += 1
            on_progress(table.name, done, n_parts)

        blocks = reading.blocks(table, self.company, read)
        schema = table.schema(self.company)
        if self.kind == BiFormat.CSV:
            n = files.write_csv(path, schema, blocks, has_bom=self.has_bom)
        else:
            told = {"pusula.exported_at": str(self.began_at), "pusula.table": table.name}
            n = files.write_parquet(path, schema, blocks, told)
        on_progress(table.name, n_parts, n_parts)
        return Written(table.name, path.name, n, path.stat().st_size)

    def _dictionary(self, new: Path, tables: tuple[Table, ...]) -> None:
        told = dictionary.described(tables, self.company)
        texts = {
            "dictionary.json": dictionary.as_json(told, self.company),
            **{
                f"dictionary.{language}.{ending}": write(told, language)
                for language in dictionary.LANGUAGES
                for ending, write in (("md", dictionary.as_markdown), ("html", dictionary.as_html))
            },
        }
        for name, text in texts.items():
            (new / name).write_text(text, encoding="utf-8")

    def _manifest(self, new: Path, made: list[Written]) -> None:
        document = {
            **asdict(self.company),
            "exported_at": clock.to_datetime(self.began_at).isoformat(),
            "tables": [{**asdict(one), "sha256": _digest(new / one.file)} for one in made],
        }
        (new / MANIFEST).write_text(json.dumps(document, indent=1), encoding="utf-8")

    def _put_in_place(self, new: Path, names: set[str]) -> None:
        for name in sorted(names):
            _to_disk(new / name)
        for name in (*sorted(names), MANIFEST):
            (new / name).replace(self.folder / name)
        new.rmdir()
        for other in ours(self.folder) - {*names, MANIFEST}:  # of another format
            (self.folder / other).unlink()


def ours(folder: Path) -> set[str]:
    """Return the names of the files in ``folder`` that an export left there."""
    return {path.name for path in folder.iterdir()} & known_names()


def known_names() -> set[str]:
    """Return what an export calls its files, of whatever format."""
    tables = {f"{name}.{ending}" for name in catalog.NAMES for ending in BiFormat.values}
    return {*tables, *_DICTIONARIES, MANIFEST}


def clear(folder: Path) -> None:
    """Remove what a stopped export or erasure left behind, half of it written."""
    shutil.rmtree(folder / _NEW, ignore_errors=True)
    for name in known_names() if folder.is_dir() else ():
        (folder / f"{name}{PART}").unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
