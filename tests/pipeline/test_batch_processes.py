"""Processes of their own: several find what one finds, and a killed mirroring is finished later."""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sources.test_kill import Place, place  # noqa: F401

pytestmark = pytest.mark.django_db  # runs on PostgreSQL too, in a database of its own

SCRIPT = str(Path(__file__).with_name("beside.py"))
N_KILLS = 6


class Beside:
    """An installation whose work is done by other processes."""

    def __init__(self, place: Place) -> None:  # noqa: F811
        self._place = place

    def __call__(self, *arguments: str) -> Any:
        done = self._place.python(SCRIPT, *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def dies(self, *arguments: str) -> None:
        done = self._place.python(SCRIPT, *arguments)
        assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.fixture
def beside(place: Place) -> Iterator[Beside]:  # noqa: F811
    found = Beside(place)
    found("fill", "0", "80")
    return found


def test_several_processes_find_what_one_finds_from_the_database_and_from_the_lake(beside):
    alone = beside("run", "1", "database")
    assert alone["n"] == 80
    assert all(alone["members"].values())
    assert beside("run", "3", "database") == alone
    assert beside("run", "2", "lake") == alone


def test_a_mirroring_killed_anywhere_is_finished_by_the_next(beside):
    dice = random.Random(20_261_122)  # noqa: S311 - a test's dice
    when = ["before", "in", "after"] * (N_KILLS // 3)
    for kill, moment in enumerate(when):
        beside.dies("mirror", moment, str(dice.randint(1, 5)))
        beside("fill", str(1_000 * (kill + 1)), "5")  # what the next one finds is not what this did
    whole = beside("mirror", "never", "0")
    assert whole["same"]
    assert whole["n_written"] > 0
    again = beside("mirror", "never", "0")
    assert (again["same"], again["n"]) == (True, 0)
