"""What deleting leaves behind in the files of the databases: taken away, and looked for."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext as _

from pusula.lib.errors import PusulaError
from pusula.pipeline.router import LOG
from pusula.profiles.needles import in_bytes

_ALIASES = ("default", LOG)
_PATIENCE_S = 20.0
_PAUSE_S = 0.1
_CHUNK = 8 * 2**20
_AROUND = 16  # the codes before a phone number, and what borders on it


class BusyDatabaseError(PusulaError):
    """Somebody reads an old state of a database: what is deleted stands in it so long."""

    code = "busy_database"
    status = 503


def clean(words: Collection[str] | None) -> int:
    """Take what was deleted out of the databases' files; return how many files had to be rewritten.

    On SQLite deleted rows are overwritten at once; what is left is the write-ahead log, which is
    emptied. Then the files are searched for ``words``; one that holds any (or all of them, where
    nobody knows the words any more) is written anew. PostgreSQL frees dead rows and forgets what
    it noted of their values. Raises ``BusyDatabaseError`` if a reader stands in the way.
    """
    if connections["default"].vendor == "postgresql":
        with connections["default"].cursor() as cursor:
            cursor.execute("vacuum (analyze)")
        return 0
    n = 0
    for alias in _ALIASES:
        _empty_log(alias)
        if _files(alias) and (words is None or held(alias, words)):
            with connections[alias].cursor() as cursor:
                cursor.execute("vacuum")
            _empty_log(alias)
            n += 1
    return n


def found(words: Collection[str]) -> list[Path]:
    """Return the files of SQLite's databases that still hold one of ``words``."""
    return sorted({path for alias in _ALIASES for path in held(alias, words)})


def held(alias: str, words: Collection[str]) -> list[Path]:
    """Return the files of one database that hold one of ``words``: freed pages, logs and all."""
    return [path for path in _files(alias) if holds(path, words)]


def holds(path: Path, words: Collection[str]) -> bool:
    """Say whether the bytes of a file hold one of ``words``, also across what is read at once."""
    wanted = in_bytes(words)
    reach = max((len(quick) for quick, _whole in wanted), default=0) + _AROUND
    with path.open("rb") as file:
        tail, chunk, is_start = b"", file.read(_CHUNK), True
        while chunk:
            following = file.read(_CHUNK)
            block = tail + chunk
            # What touches an edge at which the file goes on is seen whole in the block beside.
            first, last = int(not is_start), len(block) - bool(following)
            for quick, whole in wanted:
                if quick in block and any(
                    found.start() >= first and found.end() <= last
                    for found in whole.finditer(block)
                ):
                    return True
            is_start = is_start and len(block) <= reach
            tail, chunk = block[-reach:], following
    return False


def _files(alias: str) -> list[Path]:
    """Return the files of a database that are there; none where it is in memory or elsewhere."""
    if connections[alias].vendor != "sqlite":
        return []
    name = str(settings.DATABASES[alias]["NAME"])
    places = (Path(name + suffix) for suffix in ("", "-wal", "-journal"))
    return [place for place in places if place.is_file()]


def _empty_log(alias: str) -> None:
    until = time.monotonic() + _PATIENCE_S
    while True:
        with connections[alias].cursor() as cursor:
            cursor.execute("pragma wal_checkpoint(truncate)")
            is_busy = cursor.fetchone()[0]
        if not is_busy:
            return
        if time.monotonic() > until:
            raise BusyDatabaseError(
                _("A database is being read for long: end what reads it, then go on.")
            )
        time.sleep(_PAUSE_S)
