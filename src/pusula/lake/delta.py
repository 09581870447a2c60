"""Delta tables that mirror what the databases hold: bucket by bucket of profiles, never the truth.

A bucket is replaced as a whole, and the commit that replaces it carries the mark of the state it
was read from: a repeat changes nothing, a stopped writer leaves the bucket before or after. Delta
does not wait for the disk; what was not on it when the machine went down is thrown away.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError

BUCKET = "bucket"
_SEAL = "seal.json"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
# Smallest and largest values stand in the log of a table, where no erasure reaches them.
_CONFIGURATION = {
    "delta.dataSkippingStatsColumns": "profile_id",
    "delta.deletedFileRetentionDuration": "interval 1 day",
}
_WRITER = WriterProperties(compression="ZSTD")


class Table:
    """One mirrored relation: rows with ``profile_id``, partitioned by bucket."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._delta = DeltaTable(uri) if DeltaTable.is_deltatable(uri) else None

    @property
    def version(self) -> int:
        """The number of the last commit; -1 before the first."""
        return -1 if self._delta is None else self._delta.version()

    @property
    def schema(self) -> pa.Schema:
        """The columns of all files together."""
        return pa.schema([] if self._delta is None else self._delta.schema().to_arrow())

    def mark(self, bucket: int) -> int | None:
        """Return the mark with which ``bucket`` was written, if it was."""
        return None if self._delta is None else self._delta.transaction_version(_app(bucket))

    def replace(self, bucket: int, rows: pa.Table, mark: int) -> None:
        """Make ``rows`` the only ones of ``bucket``; one commit, which also holds ``mark``."""
        numbers = pa.array([bucket], pa.int32()).take(pa.array([0] * len(rows), pa.int32()))
        write_deltalake(
            self.uri if self._delta is None else self._delta,
            rows.append_column(BUCKET, numbers),
            mode="overwrite",
            predicate=f"{BUCKET} = {bucket}",
            partition_by=[BUCKET],
            schema_mode="merge",
            configuration=_CONFIGURATION,
            writer_properties=_WRITER,
            commit_properties=CommitProperties(app_transactions=[Transaction(_app(bucket), mark)]),
        )
        self._delta = self._delta or DeltaTable(self.uri)

    def files(self) -> dict[int, list[str]]:
        """Return the places of the files of each bucket."""
        if self._delta is None:
            return {}
        found: dict[int, list[str]] = {}
        for path, bucket, _ in self._added():
            found.setdefault(bucket, []).append(f"{self.uri}/{path}")
        return found

    def is_whole(self) -> bool:
        """Return whether every file that the table names is there, in its size (local only)."""
        return all(
            file.is_file() and file.stat().st_size == size
            for path, _, size in self._added()
            for file in [Path(self.uri) / path]
        )

    def forget(self, *, at_once: bool = False) -> None:
        """Delete files that no longer count: those of yesterday and before, or all ``at_once``."""
        if self._delta is None:
            return
        hours = 0 if at_once else None
        self._delta.vacuum(hours, dry_run=False, enforce_retention_duration=not at_once)
        self._delta = DeltaTable(self.uri)

    def _added(self) -> Iterable[tuple[str, int, int]]:
        if self._delta is None:
            return []
        added = pa.table(self._delta.get_add_actions(flatten=True))
        columns = (
            added[name].to_pylist() for name in ("path", f"partition.{BUCKET}", "size_bytes")
        )
        return zip(*columns, strict=True)


def _app(bucket: int) -> str:
    return f"{BUCKET}-{bucket}"


class Lake:
    """The tables under one address: a folder, or a place in object storage."""

    def __init__(self, uri: str) -> None:
        self.uri = uri.rstrip("/")
        self.folder = None if urlsplit(uri).scheme else Path(uri)

    def table(self, name: str) -> Table:
        """Return the table ``name``; it comes to be with its first rows."""
        return Table(f"{self.uri}/{name}")

    def repair(self, names: Iterable[str]) -> list[str]:
        """Throw away the tables that cannot be trusted and return their names.

        That is: one that cannot be opened or lacks files; after a restart of the machine, one that
        was written after the last ``seal``. Object storage keeps what it accepted.
        """
        if self.folder is None:
            return []
        self.folder.mkdir(parents=True, exist_ok=True)
        seal = self._read_seal()
        same_boot = seal.get("boot") == _boot()
        sealed = seal.get("versions", {})
        bad = [
            name
            for name in names
            if (self.folder / name).exists()
            and not self._is_sound(name, None if same_boot else sealed.get(name, -1))
        ]
        for name in bad:
            shutil.rmtree(self.folder / name)
        kept = {name: version for name, version in sealed.items() if name not in bad}
        if not same_boot:
            self._write_seal(kept)
        return bad

    def seal(self, names: Iterable[str]) -> None:
        """Wait until everything written is on the disk, and note that it is."""
        if self.folder is not None:
            os.sync()
            self._write_seal({name: self.table(name).version for name in names})

    def _is_sound(self, name: str, version: int | None) -> bool:
        try:
            table = self.table(name)
            return table.is_whole() and version in {None, table.version}
        except (DeltaError, OSError):
            return False

    def _read_seal(self) -> dict[str, Any]:
        try:
            seal: dict[str, Any] = json.loads((self._own / _SEAL).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return {}
        return seal

    def _write_seal(self, versions: Mapping[str, int]) -> None:
        passing = self._own / f"{_SEAL}.new"
        with passing.open("w", encoding="ascii") as file:
            json.dump({"boot": _boot(), "versions": dict(versions)}, file)
            file.flush()
            os.fsync(file.fileno())
        passing.replace(self._own / _SEAL)

    @property
    def _own(self) -> Path:
        assert self.folder is not None  # noqa: S101 - for the type checker: callers asked
        return self.folder


def _boot() -> str:
    """Return what changes when the machine starts."""
    return _BOOT.read_text(encoding="ascii").strip() if _BOOT.exists() else ""
