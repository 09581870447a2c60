"""A person taken out of every file that an export left anywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path

from django.utils.translation import gettext as _

from pusula.destinations.bi import files
from pusula.destinations.bi.actions import BiError
from pusula.destinations.bi.exporting import MANIFEST, PART, alone, clear, ours
from pusula.destinations.models import BiFolder, BiFormat


def erase(profile_ids: Collection[int]) -> int:
    """Write every file anew that holds rows of these people, without them; return how many rows.

    An export under way is waited for. Raises ``BiError`` for a folder that is out of reach: nobody
    could say then that the person is in no file.
    """
    owners = frozenset(profile_ids)
    n = 0
    with alone():
        for held in BiFolder.objects.order_by("folder"):
            folder = Path(held.folder)
            if not folder.is_dir():
                said = _(
                    "%(folder)s is out of reach, and files for analysts were written there. "
                    "Connect it, or run: pusula bi forget %(folder)s"
                )
                raise BiError(said % {"folder": folder})
            clear(folder)
            n += sum(_erase_from(folder / name, owners) for name in sorted(ours(folder)))
    return n


def _erase_from(path: Path, owners: frozenset[int]) -> int:
    if path.suffix not in {f".{kind}" for kind in BiFormat.values}:
        return 0
    part = path.with_name(path.name + PART)
    without = files.without_csv if path.suffix == f".{BiFormat.CSV}" else files.without_parquet
    n = without(path, owners, part)
    if n:
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
        _tell_manifest(path.parent / MANIFEST, path.name)
    return n


def _tell_manifest(manifest: Path, name: str) -> None:
    """Take the digest of a file that was written anew out of the manifest: it is another now."""
    if manifest.is_file():
        document = json.loads(manifest.read_text(encoding="utf-8"))
        for table in document["tables"]:
            if table["file"] == name:
                table["sha256"] = ""
        part = manifest.with_name(manifest.name + PART)
        part.write_text(json.dumps(document, indent=1), encoding="utf-8")
        part.replace(manifest)
