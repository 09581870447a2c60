"""The page of promises names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
NAMED = re.compile(r"^`(tests/[\w/]+\.py)::(test_\w+)`$", re.MULTILINE)


def test_each_test_beside_a_promise_exists() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    gone = [
        f"{file}::{name}"
        for file, name in named
        if not re.search(rf"^(async )?def {name}\(", _text(file), re.MULTILINE)
    ]
    assert named
    assert not gone


def test_each_promise_has_a_test_beside_it() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## The simulation")[0]
    promises = re.split(r"^\*\*", page, flags=re.MULTILINE)[1:]
    assert len(promises) > 20
    assert [promise for promise in promises if not NAMED.search(promise)] == []


def _text(file: str) -> str:
    path = ROOT / file
    return path.read_text(encoding="utf-8") if path.exists() else ""
