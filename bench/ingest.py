"""How many events a second the tracking API makes durable, server and client on the same cores.

``python bench/ingest.py [--seconds 6] [--connections 128]`` makes a home folder and databases of
its own (SQLite with synchronous=FULL, or an empty PostgreSQL database where PUSULA_DATABASE_URL
points), starts the server as ``pusula serve`` does and sends single events and batches of 100, each
event with an id of its own. Beside it, in the same run: an async view of Django and an endpoint of
FastAPI that insert one row for each request. FastAPI is no part of this project: name a Python that
has fastapi, granian and psycopg in PUSULA_BENCH_FASTAPI, or it is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PREPARE = """
import django
from django.core.management import call_command
django.setup()
from django.conf import settings
for name in settings.DATABASES:
    call_command("migrate", database=name, verbosity=0)
from pusula.sources import keys, known
from pusula.sources.models import KeyKind, SourceKind
print(keys.issue(known.add("bench", SourceKind.WEBSITE), KeyKind.WRITE)[1])
"""
COUNT = """
import django
django.setup()
from pusula.pipeline.models import LogEntry
print(LogEntry.objects.count())
"""


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(python: str, target: str, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Run a server with one worker; yield its address, when it listens, and its process."""
    port = free_port()
    command = [
        *(python, "-m", "granian", "--interface", "asginl", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", "1", "--no-ws", "--log-level", "warning", target),
    ]
    process = subprocess.Popen(command, env=environment, cwd=ROOT / "bench")
    url = f"http://127.0.0.1:{port}"
    try:
        for _look in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                break
            time.sleep(0.1)
        yield url, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process and its children took until now, as Linux tells."""
    told = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    n = 0
    for one in [str(pid), *(child for children in told for child in children)]:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        n += int(fields[11]) + int(fields[12])  # ticks in the program, and in the kernel for it
    return n / os.sysconf("SC_CLK_TCK")


def load(url: str, pid: int, key: str, given: argparse.Namespace, batch: int = 1) -> dict[str, Any]:
    """Send for a while; return the figures."""
    n = given.connections if batch == 1 else max(4, given.connections // 8)
    command = [
        *(sys.executable, str(ROOT / "bench" / "ingest_load.py"), url, key),
        *("--seconds", str(given.seconds), "--connections", str(n), "--batch", str(batch)),
    ]
    before = cpu_s(pid)
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(told.stdout)
    n = max(1, found["statuses"].get("200", 0) * batch)
    return found | {"server_us": (cpu_s(pid) - before) / n * 1e6}


def say(name: str, found: dict[str, Any]) -> None:
    """Print a line."""
    other = {status: n for status, n in found["statuses"].items() if status != "200"}
    print(
        f"  {name:<28}{found['requests_per_s']:>9,} requests/s {found['events_per_s']:>9,} events/s"
        f"   p50 {found['p50_ms']:>6.1f} ms  p99 {found['p99_ms']:>6.1f} ms"
        f"   server {found['server_us']:>5.1f} µs CPU an event"
        f"   client {100 * found['client_cpu']:.0f} % of a core{f'  {other}' if other else ''}",
        flush=True,
    )


def ours(given: argparse.Namespace, folder: Path, environment: dict[str, str]) -> int:
    """Measure the tracking API; return its single events a second."""
    prepared = [sys.executable, "-c", PREPARE]
    key = subprocess.run(
        prepared, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()
    with server(sys.executable, "pusula.config.asgi:application", environment) as (url, pid):
        load(f"{url}/v1/track", pid, key, argparse.Namespace(**{**vars(given), "seconds": 1}))
        single = load(f"{url}/v1/track", pid, key, given)
        say("single events", single)
        say("batches of 100", load(f"{url}/v1/batch", pid, key, given, 100))
    counted = subprocess.run(
        [sys.executable, "-c", COUNT], env=environment, check=True, capture_output=True, text=True
    )
    print(f"  {int(counted.stdout):,} entries in the log of {folder}")
    return int(single["requests_per_s"])


def beside(given: argparse.Namespace, which: str, python: str, environment: dict[str, str]) -> int:
    """Measure what others would do; return its single events a second."""
    told = environment | {"BESIDE": which}
    with server(python, "ingest_beside:application", told) as (url, pid):
        load(f"{url}/v1/track", pid, "x", argparse.Namespace(**{**vars(given), "seconds": 1}))
        found = load(f"{url}/v1/track", pid, "x", given)
    say(f"{which}, an insert each", found)
    return int(found["requests_per_s"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--connections", type=int, default=128)
    given = parser.parse_args()
    url = os.environ.get("PUSULA_DATABASE_URL", "")
    folder = Path(tempfile.mkdtemp(prefix="pusula-bench-"))
    environment = os.environ | {
        "PUSULA_HOME": str(folder),
        "DJANGO_SETTINGS_MODULE": "pusula.config.settings",
        "BESIDE_DATABASE": url or str(folder / "beside.db"),
    }
    print(f"{'PostgreSQL' if url else 'SQLite, synchronous=FULL'}, load {os.getloadavg()[0]:.1f}")
    try:
        single = ours(given, folder, environment)
        django = beside(given, "django", sys.executable, environment)
        print(f"  ours to an async view of Django: {single / django:.1f} ×")
        python = os.environ.get("PUSULA_BENCH_FASTAPI", "")
        if not python:
            print("  fastapi: left out, PUSULA_BENCH_FASTAPI names no Python that has it")
            return
        fastapi = beside(given, "fastapi", python, environment)
        print(f"  ours to FastAPI: {single / fastapi:.1f} ×")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
