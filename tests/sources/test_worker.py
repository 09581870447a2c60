"""Jobs run in processes of their own: killed, they begin anew; a bomb fails alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.sources.test_kill import MAP, N_ORDERS, place, sales

pytestmark = pytest.mark.django_db  # runs on PostgreSQL too, in a database of its own

__all__ = ["place", "sales"]  # fixtures
PATIENCE_S = 60
TOKEN = "t" * 22
UPLOAD = {"kind": "orders", "file_name": "sales.csv", "n_bytes": 1, "at": 1}
PUT = """
import django; django.setup()
from pusula.sources import jobs
print(jobs.put(jobs.Task({task!r}), {token!r}, language="en").pk)
"""
BOMB = """
import sys, django; django.setup()
from pusula.sources import limits, worker
limits.apply(700 * 2**20)
limits.apply = lambda: None
worker._TASKS[worker.Task.LOOK] = lambda job, teller: {"n": len(bytearray(2 * 2**30))}
worker.run_job(int(sys.argv[1]))
"""


def brought(place, sales) -> Path:
    folder = place.home / "uploads" / TOKEN
    (folder / "file").mkdir(parents=True)
    (folder / "file" / "sales.csv").write_bytes(Path(sales[1]).read_bytes())
    (folder / "upload.json").write_text(json.dumps(UPLOAD))
    (folder / "map.toml").write_text(MAP)
    return folder


def put(place, task: str) -> int:
    done = place.python("-c", PUT.format(task=task, token=TOKEN))
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def state(place) -> tuple[str, int]:
    return place.ask("select state, n_tries from sources_job order by id desc limit 1")[0]


def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_next_one_finishes(place, sales):
    brought(place, sales)
    put(place, "import")
    worker = subprocess.Popen(
        [sys.executable, "-m", "pusula.ops.main", "import", "worker"],
        env=place.environment, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + PATIENCE_S
    while state(place)[0] != "running":
        assert time.monotonic() < until
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert state(place) == ("running", 1)

    place.pusula("import", "worker", "--once")

    assert state(place) == ("done", 2)
    assert place.counts()["orders_order"] == N_ORDERS
    done = place.ask("select count(*) from sources_import where state = 'done'")
    assert done == [(1,)]


def test_a_file_that_takes_too_much_memory_fails_with_a_sentence(place, sales):
    brought(place, sales)
    job_id = put(place, "look")
    place.ask("select 1")
    taken = "import django; django.setup()\nfrom pusula.sources import jobs; jobs.take()"
    assert place.python("-c", taken).returncode == 0
    done = place.python("-c", BOMB, str(job_id))
    assert done.returncode == 0, done.stderr
    ((found, error),) = place.ask("select state, error from sources_job")
    assert found == "failed"
    assert "GB of memory" in error


def test_an_import_is_taken_back_from_the_command_line(place, sales):
    report = json.loads(place.pusula("import", *sales[:2], "--map", sales[2], "--json"))
    number = str(report["import_id"])
    preview = json.loads(place.pusula("import", "undo", number, "--dry-run", "--json"))
    assert preview["n_orders_removed"] == N_ORDERS
    assert place.counts()["orders_order"] == N_ORDERS
    assert json.loads(place.pusula("import", "undo", number, "--json")) == preview
    assert not any(place.counts().values())
