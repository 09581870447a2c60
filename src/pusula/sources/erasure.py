"""What files brought in hold of a person: uploads, reject files and what imports noted."""

from __future__ import annotations

import csv
import fcntl
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pusula.profiles.needles import Needles
from pusula.sources import uploads
from pusula.sources.actions import folder
from pusula.sources.models import Import, Job, Source

_TEXT = frozenset((".csv", ".tsv", ".txt", ".json", ".jsonl", ".xml", ".toml", ""))
_WORD = re.compile(r"[\w.@+-]+")
_HIDDEN = "•••"


def erase(needles: Needles) -> int:
    """Take a person out of what imports left behind; return how many files and notes changed.

    An upload that speaks of them, or cannot be read as text, is removed as a whole: it waits to be
    imported and can be brought again. No import runs meanwhile.
    """
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        n = sum(_lines_without(path, needles) for path in sorted(folder().glob("*.csv")))
        for spool in folder().glob("*.spool"):  # nobody imports: its process died
            spool.unlink()
            n += 1
        n += _uploads(needles)
    return n + _notes(needles) + _jobs(needles) + _errors(needles)


def _uploads(needles: Needles) -> int:
    if not uploads.folder().is_dir():
        return 0
    n = 0
    for place in sorted(uploads.folder().iterdir()):
        files = [path for path in place.rglob("*") if path.is_file()] if place.is_dir() else [place]
        if any(_speaks(path, needles) for path in files):
            shutil.rmtree(place) if place.is_dir() else place.unlink()
            n += 1
    return n


def _speaks(path: Path, needles: Needles) -> bool:
    if path.suffix.lower() not in _TEXT:
        return True
    if needles.are_in(path.name):
        return True
    numbers = _numbers(needles)
    with path.open(encoding="utf-8", errors="replace") as file:
        return any(
            needles.are_in(line) or not numbers.isdisjoint(_WORD.findall(line)) for line in file
        )


def _numbers(needles: Needles) -> set[str]:
    """Return the numbers that systems gave the person, without their systems."""
    return {value.partition(":")[2] or value for value in needles.numbered}


def _lines_without(path: Path, needles: Needles) -> bool:
    """Write a reject file anew without the lines that speak of the person."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file, delimiter=";"))
    numbers = _numbers(needles)
    kept = [line for line in lines if not _are_in(line, needles, numbers)]
    if len(kept) == len(lines):
        return False
    passing = path.with_suffix(".new")
    with passing.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";", lineterminator="\r\n").writerows(kept)
    passing.replace(path)
    return True


def _are_in(cells: Iterable[str], needles: Needles, numbers: set[str]) -> bool:
    return any(needles.are_in(cell) or cell.lstrip("'") in numbers for cell in cells)


def _notes(needles: Needles) -> int:
    """Empty what imports noted of the person: values of rejected rows, names of files."""
    n = 0
    numbers = _numbers(needles)
    for one in Import.objects.all().iterator():
        reasons = [
            {**reason, "value": _HIDDEN}
            if _are_in([str(reason.get("value", ""))], needles, numbers)
            else reason
            for reason in one.reasons
        ]
        notes = [_HIDDEN if needles.are_in(str(note)) else note for note in one.notes]
        name = _HIDDEN if needles.are_in(one.file_name) else one.file_name
        error = _HIDDEN if needles.are_in(one.error) else one.error
        new = {"reasons": reasons, "notes": notes, "file_name": name, "error": error}
        if any(getattr(one, key) != value for key, value in new.items()):
            n += Import.objects.filter(pk=one.pk).update(**new)
    return n


def _jobs(needles: Needles) -> int:
    """Empty what jobs on uploads and imports found of the person: samples, values, errors."""
    n = 0
    numbers = _numbers(needles)
    for one in Job.objects.all().iterator():
        new = {
            "result": _hidden(one.result, needles, numbers),
            "error": _hidden(one.error, needles, numbers),
        }
        if any(getattr(one, key) != value for key, value in new.items()):
            n += Job.objects.filter(pk=one.pk).update(**new)
    return n


def _hidden(value: Any, needles: Needles, numbers: set[str]) -> Any:
    """Return a value of JSON without the texts that speak of the person."""
    if isinstance(value, dict):
        return {key: _hidden(inner, needles, numbers) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner, needles, numbers) for inner in value]
    if isinstance(value, str) and _are_in([value], needles, numbers):
        return _HIDDEN
    return value


def _errors(needles: Needles) -> int:
    said = Source.objects.exclude(last_error="")
    ids = [one.pk for one in said if needles.are_in(one.last_error)]
    return Source.objects.filter(pk__in=ids).update(last_error=_HIDDEN)
