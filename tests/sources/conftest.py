"""An importer on an empty database, with a home folder of its own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils import translation

from pusula.sources.actions import Report, run_import

MAPS = Path(__file__).resolve().parents[1] / "maps"

Bring = Callable[..., Report]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Reasons are compared word by word, so all tests here speak the source language."""
    with translation.override("en"):
        yield


@pytest.fixture
def maps() -> Path:
    """Return the folder with the mapping files of the real data sets."""
    return MAPS


@pytest.fixture
def bring(db, settings, tmp_path) -> Bring:
    """Return a function that writes a file and its mapping and imports them."""
    settings.PUSULA_HOME = tmp_path / "home"
    n = iter(range(1000))

    def bring(kind, content, mapping, *, name="file.csv", **options) -> Report:
        file, map_file = content, mapping
        if not isinstance(content, Path):
            file = tmp_path / f"{next(n)}-{name}"
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        if not isinstance(mapping, Path):
            map_file = tmp_path / "MAP.toml"
            map_file.write_text(mapping, encoding="utf-8")
        return run_import(kind, file, map_file, **options)

    return bring


@pytest.fixture
def rejected(tmp_path) -> Callable[[Report], list[list[str]]]:
    """Return a function that reads a report's reject file, without its header."""

    def rejected(report: Report) -> list[list[str]]:
        assert report.reject_file is not None
        text = report.reject_file.read_bytes()
        assert text.startswith(b"\xef\xbb\xbf")
        header, *rows = csv.reader(text.decode("utf-8-sig").splitlines(), delimiter=";")
        assert header == ["line", "column", "value", "reason"]
        return rows

    return rejected
