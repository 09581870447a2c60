"""RFM rules brought into force beside live steps, runs, and the pages that show them.

``python bench/rfm_publishing.py [--profiles 1000000] [--segments 20]`` makes a home folder and
databases of its own (SQLite, or an empty PostgreSQL database where PUSULA_DATABASE_URL points). The
commands run in processes of their own, which tell their time and memory; this process does live
steps meanwhile, an order each, and tells how long the slowest took.
"""

# ruff: noqa: PLC0415 - models can be imported only when Django is set up

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

DAY = 86_400_000_000
REGIONS = ["Bodrum", "Çeşme", "Alaçatı", "Kaş", "Fethiye"]
RULES = """
look_back_months = 24
[recency]
measure = "calendar_days"
cuts = [30, 90, 180, 365]
"""
PART = 20_000
PAUSE_S = 0.05
ROUNDS = 5
ALONE = 50


def fill(n: int) -> None:
    """Write ``n`` profiles with a key and two orders each, one of them drawn."""
    from django.db import connection, transaction

    from pusula.lake import rows
    from pusula.lib import clock

    rng, now = np.random.default_rng(1), clock.now()
    columns = ("id", "profile_id", "source", "source_id", "status", "ordered_at", "status_at",
               "region", "currency", "gross_minor", "net_minor", "gross_base_minor",
               "net_base_minor", "recorded_at", "property", "room_type", "board",
               "channel")  # fmt: skip
    changes = ("order_id", "changed_at", "recorded_at", "profile_id", "status", "ordered_at",
               "gross_base_minor", "net_base_minor", "property", "region", "room_type", "board",
               "channel")  # fmt: skip
    for start in range(1, n + 1, PART):
        ids = np.arange(start, min(start + PART, n + 1))
        whose = np.sort(np.concatenate([ids, rng.choice(ids, len(ids))]))
        k = len(whose)
        at = now - (rng.random(k) * 730 * DAY).astype(np.int64)
        minor = (50_000 + rng.random(k) ** 3 * 6_000_000).astype(np.int64)
        numbers = 2 * (start - 1) + 1 + np.arange(k)
        orders = list(
            zip(
                *(each.tolist() for each in (numbers, whose, at, minor)),
                rng.choice(REGIONS, k).tolist(),
                strict=True,
            )
        )
        with transaction.atomic():
            rows.insert(
                connection, "profiles_profile",
                ("id", "first_name", "last_name", "name_key", "created_at", "recorded_at"),
                ((i, "", "", "", now, now) for i in ids.tolist()),
            )  # fmt: skip
            rows.insert(
                connection, "profiles_identifier",
                ("profile_id", "kind", "value", "source", "recorded_at"),
                ((i, "key", f"pms:{i}", "pms", now) for i in ids.tolist()),
            )  # fmt: skip
            rows.insert(
                connection, "orders_order", columns,
                ((o, p, "pms", str(o), "completed", t, t, region, "TRY", m, m, m, m, t,
                  "", "", "", "") for o, p, t, m, region in orders),
            )  # fmt: skip
            rows.insert(
                connection, "orders_orderchange", changes,
                ((o, t, t, p, "completed", t, m, m, "", region, "", "", "")
                 for o, p, t, m, region in orders),
            )  # fmt: skip
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("select setval('profiles_profile_id_seq', %s)", [n])
            cursor.execute("select setval('orders_order_id_seq', %s)", [3 * n])


def define(n: int) -> None:
    """Show ``n`` segments, a third of them of RFM groups."""
    from pusula.lib import clock
    from pusula.segments import actions
    from pusula.segments.everybody import rebuild

    groups = ["champions", "at_risk", "loyal_customers", "hibernating", "promising"]
    kinds: list[dict[str, Any]] = [
        {"trait": {"rfm_group": {"is": "champions"}}},
        {"orders": {"count": {"at_least": 2}, "within": {"last": "12 months"}}},
        {"orders": {"sum": "net_amount", "is": {"at_least": "5000 TRY"}}},
    ]
    documents = []
    for k in range(n):
        where = kinds[k % 3]
        if k % 3 == 0:
            where = {"trait": {"rfm_group": {"is": groups[k // 3 % len(groups)]}}}
        title = {"tr": f"Segment {k}", "en": f"Segment {k}"}
        documents.append((f"s{k}", {"segment": f"s-{k}", "title": title, "where": where}))
    actions.apply(documents)
    rebuild.everybody(at=clock.now())


def steps_beside(process: subprocess.Popen[bytes] | None, n_profiles: int) -> list[float]:
    """Do live steps, an order each, while ``process`` runs, else a few; return what each took."""
    from pusula.lib import clock
    from pusula.pipeline import appender
    from pusula.pipeline.live import Live

    live, found, rng = Live(), [], np.random.default_rng(2)
    while (process.poll() is None) if process else len(found) < ALONE:
        number = os.urandom(6).hex()
        body = {
            "key": str(rng.integers(1, n_profiles + 1)), "source_id": number,
            "status": "completed", "ordered_at": clock.now(), "net_minor": 100_000,
        }  # fmt: skip
        appender.append([appender.Entry("order", "pms", f"bench:{number}", json.dumps(body))])
        began = time.perf_counter()
        live.step(due_limit=0 if process else 2_000)
        found.append(time.perf_counter() - began)
        time.sleep(PAUSE_S)
    return found


def command(said: str, n_profiles: int, *words: object) -> None:
    """Run a command of Pusula beside live steps, and print what it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    telling = [sys.executable, "-c", _TELLING, *map(str, words)]
    process = subprocess.Popen(telling, stdout=subprocess.PIPE)
    found = sorted(steps_beside(process, n_profiles))
    took = time.perf_counter() - began
    told = (process.stdout.read() if process.stdout else b"").decode().strip().splitlines()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"  {said}: {took:.1f} s, {cpu:.1f} CPU s, {told[-1]} MB; of {len(found)} live steps"
        f" beside it p50 {1000 * found[len(found) // 2]:.0f} ms, p99"
        f" {1000 * found[int(0.99 * len(found))]:.0f} ms, slowest {1000 * found[-1]:.0f} ms",
        flush=True,
    )


_TELLING = """
import resource, sys
import django
django.setup()
from pusula.ops.main import cli
try:
    cli(sys.argv[1:])
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def pages() -> None:
    """Print what the pages of RFM cost."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from pusula.rfm import queries

    user = get_user_model().objects.create_user("bench")
    client = Client()
    client.force_login(user)
    run = queries.latest()
    number = run.pk if run else 0
    for path in (
        "/rfm/", "/rfm/+moves/", f"/rfm/{number}/people/", f"/rfm/{number}/people/?group=champions",
        f"/rfm/{number}/people/?r=5&f=3", "/rfm/+settings/", "/rfm/+settings/versions/",
    ):  # fmt: skip
        costs = []
        for _round in range(ROUNDS):
            began = time.process_time()
            answer = client.get(path, headers={"host": "localhost"})
            costs.append(time.process_time() - began)
        print(f"  {path}: {answer.status_code}, {1000 * sorted(costs)[ROUNDS // 2]:.0f} ms CPU")


def main() -> None:
    """Set up, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--segments", type=int, default=20)
    asked = parser.parse_args()
    home = Path(os.environ.setdefault("PUSULA_HOME", tempfile.mkdtemp(prefix="pusula-bench-")))
    os.environ["DJANGO_SETTINGS_MODULE"] = "pusula.config.settings"
    cli = [sys.executable, "-m", "pusula.ops.main"]
    subprocess.run([*cli, "init"], check=True, stdout=subprocess.DEVNULL)
    import django

    django.setup()
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["localhost"]
    began = time.perf_counter()
    fill(asked.profiles)
    define(asked.segments)
    print(f"{asked.profiles:,} profiles made in {time.perf_counter() - began:.0f} s", flush=True)
    alone = sorted(steps_beside(None, asked.profiles))
    middle, slowest = 1000 * alone[ALONE // 2], 1000 * alone[-1]
    print(f"  live steps alone: p50 {middle:.0f} ms, slowest {slowest:.0f} ms")
    rules, other = home / "rules.toml", home / "other.toml"
    rules.write_text(RULES)
    other.write_text(RULES.replace("30, 90, 180, 365", "45, 120, 240, 400"))
    n = asked.profiles
    command("rules in force for the first time", n, "rfm", "apply", rules)
    command("other limits of recency", n, "rfm", "apply", other)
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 40 * 86_400))
    command("a run", n, "rfm", "run", "--as-of", day, "--json")
    pages()


if __name__ == "__main__":
    main()
