"""The whole product from one seed, with everything going wrong: no promise is broken.

Each runs in a process of its own: the stage replaces clocks and locks, and a seed is a world only
where sets keep their order.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
N_WORLDS = 16


def simulated(*arguments: str) -> str:
    """Run the simulation; return what it says, and fail with it if it says that something broke."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PUSULA_")},
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(ran.stdout, ran.stderr)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout


@pytest.mark.slow
def test_no_promise_is_broken_in_worlds_where_everything_goes_wrong() -> None:
    said = simulated("--worlds", str(N_WORLDS))
    assert said.startswith(f"{N_WORLDS} worlds, ")
    for what in (
        "killed live", "killed sender", "killed at a statement", "asked twice", "outage",
        "clock set", "message sent", "message unknown connection_lost", "message skipped expired",
        "message skipped refused", "erased", "journey exited",
    ):  # fmt: skip
        assert f" {what}\n" in said, f"{what} never happened"


@pytest.mark.slow
def test_each_of_the_bugs_of_others_is_caught() -> None:
    said = simulated("--mutants")
    assert "MISSED" not in said
    assert said.count("caught in ") == 22


def test_a_seed_is_the_same_world_each_time_alone_or_among_others() -> None:
    (among,) = re.findall(r" 2:(\w+)", simulated("--worlds", "2"))
    (alone,) = re.findall(r" 2:(\w+)", simulated("--seed", "2"))
    assert among == alone
