"""The import: a file read and checked into a spool, then written in one transaction.

Nothing of a file is visible before its last row is written: the effects and ``Import.state = done``
commit together. A process that dies leaves a ``reading`` import, which the next one marks failed.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from pusula.lake import statistics
from pusula.lib import clock, ids
from pusula.lib.errors import PusulaError
from pusula.pipeline import identity
from pusula.segments import actions as segments
from pusula.sources import files, joins, journal, mapping, references, undo
from pusula.sources.coerce import Reading
from pusula.sources.errors import FileError, MappingError, near
from pusula.sources.journal import Holds
from pusula.sources.kinds.consents import Consents
from pusula.sources.kinds.events import Events
from pusula.sources.kinds.kind import Kind, Outcome
from pusula.sources.kinds.orders import Orders
from pusula.sources.kinds.profiles import Profiles
from pusula.sources.models import Import, ImportState
from pusula.sources.rejects import Reason, Rejects
from pusula.sources.rows import Rows
from pusula.sources.spool import Spool

KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (Orders, Profiles, Events, Consents)}
_REASONS_KEPT = 20
_SAMPLED = 20
_SPOOL = ".spool"


class ImportFailedError(PusulaError):
    """The database refused the rows; nothing of the file was kept."""

    code = "import_failed"
    status = 409


@dataclass(frozen=True)
class Step:
    """How far an import is: its stage (reading, people, writing), 0..1 of it, rows so far."""

    stage: str
    fraction: float
    n_rows: int


Progress = Callable[[Step], None]


@dataclass(frozen=True)
class Report:
    """What an import did.

    ``n_rows`` counts rows of the file. New, changed and same count orders, profiles, events or
    decisions: one a row, except for orders that come line by line.
    """

    kind: str
    file_name: str
    import_id: int | None  # None: a dry run
    n_rows: int
    n_new: int
    n_changed: int
    n_same: int
    n_rejected: int
    n_filtered: int
    n_left_out: int  # values that rows were loaded without
    n_merges: int  # people whom the rows prove to be somebody who is known already
    reject_file: Path | None
    reasons: list[Reason]
    notes: list[str]
    touched: npt.NDArray[np.int64]  # profiles, ascending
    sample: list[dict[str, Any]] = field(default_factory=list)  # the first rows as they were read
    debt: int | None = None  # what the evaluation of the touched pays; None: nothing to do

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON holds it; of the touched profiles only their number."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        told["reject_file"] = None if self.reject_file is None else str(self.reject_file)
        told["reasons"] = [asdict(reason) for reason in self.reasons]
        told["n_touched"] = len(told.pop("touched"))
        told["sample"] = [_plain(row) for row in self.sample]
        del told["debt"]
        return told


def folder() -> Path:
    """Return where reject files and spools stand."""
    return Path(settings.PUSULA_HOME) / "imports"


def bad_rows_file(import_id: int) -> Path:
    """Return where the rejected rows of an import stand as they came."""
    return folder() / f"{import_id}-bad-rows.csv"


def check_mapping(kind: str, path: Path) -> None:
    """Raise ``MappingError`` if the mapping at ``path`` cannot be used for ``kind``."""
    told = mapping.load(path, kind, KINDS[kind].fields)
    folder().mkdir(parents=True, exist_ok=True)
    with Rejects(folder() / f"mapping-{ids.random_id()}") as rejects:
        KINDS[kind](told, _reading(told, clock.now()), rejects)


def run_import(
    kind: str,
    path: Path,
    map_path: Path,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    at: int | None = None,
) -> Report:
    """Bring the file at ``path`` in as ``kind`` with the mapping at ``map_path``.

    1. Check the mapping.
    2. Read the file batch by batch; check rows into a spool, bad ones into the reject file.
    3. In one transaction: find or make the profiles, write the rows, mark the import done.
    4. Tell the log whom the rows prove to be one person; the live step merges them.

    Imports of one home folder wait for each other. ``dry_run`` does all of it and then rolls back.
    ``at`` is the recorded time. Raises ``MappingError``, ``FileError`` or ``ImportFailedError``;
    then nothing of the file is visible.
    """
    if kind not in KINDS:
        raise MappingError(f"{kind}: {near(kind, KINDS)}")
    at = clock.now() if at is None else at
    told = mapping.load(map_path, kind, KINDS[kind].fields)
    folder().mkdir(parents=True, exist_ok=True)
    with _alone():
        _clean_up(at)
        row = None if dry_run else _begin(kind, path, told, at)
        at = at if row is None else row.started_at
        name = "dry-run" if row is None else str(row.pk)
        try:
            with Rejects(folder() / f"{name}-rejected.csv") as rejects:
                importer = KINDS[kind](told, _reading(told, at), rejects)
                report = _Run(importer, path, row, progress or (lambda _step: None)).run()
        except Exception as error:
            if row is not None:
                _fail(row.pk, str(error))
            if isinstance(error, DatabaseError):
                words = {"file": path.name, "error": error}
                message = _("%(file)s: the database refused the rows, none was kept: %(error)s")
                raise ImportFailedError(message % words) from error
            raise
        joins.tell()
        return report


class _Run:
    """One import under way."""

    def __init__(self, importer: Kind, path: Path, row: Import | None, progress: Progress) -> None:
        self.importer = importer
        self.path = path
        self.row = row
        self.progress = progress
        self.rejects = importer.rejects
        self.n_rows = 0
        self.n_filtered = 0
        self.notes: list[str] = []
        self.sample: list[dict[str, Any]] = []

    def run(self) -> Report:
        """Read, write, report."""
        name = f"{self.rejects.path.stem}{_SPOOL}"
        with Spool(folder() / name, self.importer.schema) as spool:
            self._read(spool)
            with transaction.atomic():
                people, outcome = self._write(spool)
                self._catch_up(people, outcome)
                report = self._report(outcome, len(people.joins))
                if self.row is None:
                    transaction.set_rollback(True)
                else:
                    _finish(self.row.pk, report)
                    _keep_journal(self.row.pk, people, outcome, report.touched)
                    if len(report.touched):
                        debt = segments.owe(f"import {self.row.pk}", self.importer.reading.at)
                        report = replace(report, debt=debt)
                    # Whoever reads next plans for the tables as they are now, not as they were.
                    statistics.refresh(connection)
        return report

    def _read(self, spool: Spool) -> None:
        told = self.importer.mapping
        source = files.read(self.path, told.file, told.used_columns)
        for batch in source.batches:
            self.n_rows += len(batch.lines) + len(batch.faults)
            for fault in batch.faults:
                self.rejects.row(*fault)
            rows = Rows(batch, told, self.importer.readers, self.rejects)
            self.n_filtered += rows.n_filtered
            if len(rows):
                table = self.importer.read(rows)
                spool.write(table)
                if len(self.sample) < _SAMPLED:
                    self.sample += table.slice(0, _SAMPLED - len(self.sample)).to_pylist()
            self.rejects.settle()
            self.progress(Step("reading", batch.fraction, self.n_rows))
        self.notes = [*source.notes]
        if not self.n_rows:
            self.notes.append(_("The file holds no rows under its header."))

    def _write(self, spool: Spool) -> tuple[references.Resolved, Outcome]:
        n = spool.table.num_rows
        importer = self.importer
        people = references.resolve_spool(
            spool,
            source=importer.mapping.source,
            at=importer.reading.at,
            told=lambda done: self.progress(Step("people", done / n, done)),
        )
        outcome = importer.write(
            spool, people, lambda done: self.progress(Step("writing", done / n, done))
        )
        return people, outcome

    @staticmethod
    def _catch_up(people: references.Resolved, outcome: Outcome) -> None:
        """Have what was written follow those who were merged while we wrote."""
        if connection.vendor == "sqlite":
            return  # nobody else writes meanwhile
        leads = np.unique(np.stack([people.profile_ids, people.origins]), axis=1)
        known = leads[0] > 0
        now = identity.catch_up(zip(*leads[:, known].tolist(), strict=True))
        moved = {led: to for led, to in now.items() if led != to}
        if moved:
            outcome.touched.append(np.array(sorted({*moved.values()}), np.int64))
            outcome.met.append(outcome.touched[-1])

    def _report(self, outcome: Outcome, n_merges: int) -> Report:
        self.rejects.settle()
        n_rejects = self.rejects.n + self.rejects.n_left_out
        return Report(
            kind=self.importer.name,
            file_name=self.path.name,
            import_id=None if self.row is None else self.row.pk,
            n_rows=self.n_rows,
            n_new=outcome.n_new,
            n_changed=outcome.n_changed,
            n_same=outcome.n_same,
            n_rejected=self.rejects.n,
            n_filtered=self.n_filtered,
            n_left_out=self.rejects.n_left_out,
            n_merges=n_merges,
            reject_file=self.rejects.path if n_rejects else None,
            reasons=self.rejects.reasons(),
            notes=[*self.notes, *self.importer.notes],
            touched=_union(outcome.touched),
            sample=self.sample,
        )


def _reading(told: mapping.Mapping, at: int) -> Reading:
    company = settings.PUSULA
    return Reading(
        tz=told.file.time_zone or company.time_zone,
        currency=company.currency,
        region=company.phone_region,
        at=at,
        decimal=told.file.decimal,
        dates=told.file.dates,
        returns=told.returns,
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other import of this home folder runs, and keep others waiting.

    The lock dies with its process: what is ``reading`` while we hold it has nobody who reads.
    """
    with (folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _clean_up(at: int) -> None:
    """Mark what dead runs left behind and remove their spools."""
    Import.objects.filter(state=ImportState.READING).update(
        state=ImportState.FAILED,
        error=_("The program was stopped while it read the file; nothing was kept."),
        finished_at=at,
    )
    for spool in folder().glob(f"*{_SPOOL}"):
        spool.unlink()
    joins.tell()
    joins.part_late(since=at - undo.KEPT_FOR)
    undo.forget_old(at)


def _begin(kind: str, path: Path, told: mapping.Mapping, at: int) -> Import:
    """Note that an import begins, at a moment that no other import of its source has.

    The moment is the recorded time of what it writes: so an undo knows its rows.
    """
    newest = Import.objects.filter(source=told.source, started_at__gte=at).aggregate(
        at=Max("started_at")
    )["at"]
    return Import.objects.create(
        kind=kind,
        file_name=path.name[-260:],
        digest=_digest(path, told.path),
        source=told.source,
        state=ImportState.READING,
        started_at=at if newest is None else newest + 1,
        mapping=told.path.read_text(encoding="utf-8-sig"),
    )


def _keep_journal(
    import_id: int, people: references.Resolved, outcome: Outcome, touched: npt.NDArray[np.int64]
) -> None:
    """Keep what it takes to undo the import, in its transaction."""
    journal.keep_ids(import_id, Holds.CREATED, people.created)
    journal.keep_ids(import_id, Holds.TOUCHED, _union([touched, *outcome.met]))
    journal.keep_ids(import_id, Holds.MADE, _union(outcome.made))
    journal.keep_orders(import_id, outcome.before)
    journal.keep_names(import_id, outcome.renamed)
    journal.keep_joins(import_id, people.joins)


def _union(parts: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()}


def _digest(*paths: Path) -> str:
    """Return SHA-256 over the digests of the files."""
    whole = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            words = {"file": str(path), "error": str(error.strerror)}
            raise FileError(_("%(file)s: cannot be read: %(error)s") % words) from error
    return whole.hexdigest()


def _finish(import_id: int, report: Report) -> None:
    counts = {
        name: getattr(report, name)
        for name in ("n_rows", "n_new", "n_changed", "n_same", "n_rejected", "n_filtered")
    }
    Import.objects.filter(pk=import_id, state=ImportState.READING).update(
        state=ImportState.DONE,
        reject_file="" if report.reject_file is None else report.reject_file.name,
        reasons=[asdict(reason) for reason in report.reasons[:_REASONS_KEPT]],
        notes=report.notes,
        finished_at=clock.now(),
        **counts,
    )


def _fail(import_id: int, error: str) -> None:
    Import.objects.filter(pk=import_id).update(
        state=ImportState.FAILED, error=error, finished_at=clock.now()
    )
