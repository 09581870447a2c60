"""The table of attacks in the documentation names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ATTACKS = [line for line in TABLE.splitlines() if line.startswith("| ") and "tried" not in line]


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_each_attack_has_its_test(attack):
    (named,) = NAMED.findall(attack)
    source = (ROOT / named[0]).read_text(encoding="utf-8")
    assert re.search(rf"^def {named[1]}\(", source, re.MULTILINE), attack
