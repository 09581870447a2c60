"""All we hold of a person in one file: JSON and CSV of every owner, and a page to read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from pusula.lib import clock, ids
from pusula.lib.errors import PusulaError
from pusula.lib.spreadsheets import guarded
from pusula.pipeline import erasure as log
from pusula.pipeline import queries
from pusula.privacy import audit, requests, stores
from pusula.privacy.models import Export, Proof, Request, RequestKind
from pusula.privacy.words import record_title
from pusula.profiles.merging import everyone_in
from pusula.profiles.models import Profile
from pusula.profiles.told import Record

VALID = 24 * clock.HOUR
_LONGEST_REASON = 200


class ExportError(PusulaError):
    """An export cannot be made, or is no longer there."""

    code = "export"
    status = 409


def make(
    profile_id: int, *, actor: str, reason: str, request: Request | None = None, language: str = ""
) -> Export:
    """Pack all we hold of a person; the file goes after a day, that it was made stays known.

    ``request`` is what it answers; else the one of the person that waits. ``language`` is that of
    the page inside (``tr`` or ``en``; the company's if empty). Raises ``ExportError`` without a
    reason or for a customer there is not, ``RequestError`` for a request that is not one of theirs
    to see their data.
    """
    if not reason.strip():
        raise ExportError(_("An export needs a reason."))
    if not Profile.objects.filter(pk=profile_id).exists():
        raise ExportError(_("There is no customer number %(n)s.") % {"n": profile_id})
    records = _by_name(_told_of(profile_id))
    with translation.override(language or settings.PUSULA.language):
        content = _packed(profile_id, records)
    at = clock.now()
    name = f"{ids.random_id()}.zip"
    _write(stores.export_folder() / name, content)
    n = sum(map(len, records.values()))
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        made = Export.objects.create(
            profile_id=profile_id,
            request=requests.taken_up(
                RequestKind.ACCESS, everyone_in(profile_id), request, actor=actor
            ),
            reason=reason[:_LONGEST_REASON],
            asked_by=actor,
            file_name=name,
            digest=digest,
            n_rows=n,
            created_at=at,
            expires_at=at + VALID,
        )
        about = f"customer:{profile_id}"
        audit.record(
            actor, "customer.exported", about, export=made.pk, n=n, digest=digest,
            reason=reason[:_LONGEST_REASON],
        )  # fmt: skip
    return made


def fetch(export: Export, *, actor: str) -> Path:
    """Return the file and write down who takes it; raise ``ExportError`` if it is gone.

    Whoever takes it hands it over: what the person asked is answered by it, if it is known that it
    is the person who asked.
    """
    path = stores.export_folder() / export.file_name
    if export.removed_at is not None or clock.now() >= export.expires_at or not path.is_file():
        raise ExportError(_("This export is no longer there: make a new one."))
    with transaction.atomic():
        audit.record(actor, "export.fetched", f"export:{export.pk}", profile=export.profile_id)
        asked = Request.objects.filter(exports=export).exclude(proof=Proof.NONE)
        requests.carried_out(asked, actor=actor, at=clock.now(), export=export.pk)
    return path


def remove_expired(at: int) -> int:
    """Remove the files whose day is over, and those nobody knows; return how many went."""
    n = 0
    for one in Export.objects.filter(removed_at=None, expires_at__lte=at):
        (stores.export_folder() / one.file_name).unlink(missing_ok=True)
        n += Export.objects.filter(pk=one.pk, removed_at=None).update(removed_at=at)
    folder = stores.export_folder()
    known = set(Export.objects.filter(removed_at=None).values_list("file_name", flat=True))
    for path in folder.glob("*.zip") if folder.is_dir() else ():
        if path.name not in known and path.stat().st_mtime * clock.SECOND < at - VALID:
            path.unlink(missing_ok=True)
            n += 1
    return n


def _told_of(profile_id: int) -> Iterator[Record]:
    """Yield what every owner tells, then what the log holds."""
    for owner in reversed(stores.OWNERS):
        yield from owner.told_of(profile_id)
    yield from log.told_of(
        stores.needles_of([profile_id]),
        stores.message_ids_of([profile_id]),
        until=queries.head(),
    )


def _by_name(told: Iterator[Record]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name, fields in told:
        found.setdefault(name, []).append({key: _plain(key, v) for key, v in fields.items()})
    return found


def _plain(name: str, value: Any) -> Any:
    """Return a value as the person reads it: moments as times of the business zone."""
    if name.endswith("_at") and isinstance(value, int) and value:
        return clock.to_datetime(value, settings.PUSULA.time_zone).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date | datetime) else value


def _packed(profile_id: int, records: dict[str, list[dict[str, Any]]]) -> bytes:
    at = clock.to_datetime(clock.now(), settings.PUSULA.time_zone)
    page = {"records": _tables(records), "company": settings.PUSULA.name, "at": at}
    files: dict[str, str] = {"index.html": render_to_string("privacy/export.html", page)}
    for name, rows in records.items():
        stem = name.replace(" ", "-").replace("İ", "I").lower()
        files[f"json/{stem}.json"] = json.dumps(rows, ensure_ascii=False, indent=1)
        files[f"csv/{stem}.csv"] = _csv(rows)
    manifest = {
        "customer": profile_id,
        "made_at": at.isoformat(timespec="seconds"),
        "rows": {name: len(rows) for name, rows in records.items()},
        "sha256": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()},
    }
    files["manifest.json"] = json.dumps(manifest, ensure_ascii=False, indent=1)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def _tables(
    records: dict[str, list[dict[str, Any]]],
) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return title, columns and cells of each kind of record; what is empty everywhere is left."""
    tables = []
    for name, rows in records.items():
        columns = [c for c in rows[0] if any(row.get(c) not in ("", None, {}, []) for row in rows)]
        tables.append(
            (record_title(name), columns, [[_cell(row[c]) for c in columns] for row in rows])
        )
    return tables


def _csv(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(_guarded(_cell(value)) for value in row.values())
    return "\ufeff" + out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _guarded(text: str) -> str:
    """Return ``text`` guarded; a number stays a number."""
    is_number = text.lstrip("-").replace(".", "", 1).isdecimal()
    return text if is_number else guarded(text)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
