"""From an event's acceptance to its membership: the live step at several rates, and alone.

``python bench/live.py [--profiles 100000] [--segments 50] [--rates 100,1000,5000] [--seconds 8]``
makes a home folder and databases of its own (SQLite, or an empty PostgreSQL database where
PUSULA_DATABASE_URL points), starts ``pusula live`` and appends events from this process. An event
is accepted when its append is on disk; its membership is committed when the offset has passed it.
Beside it stand the limits of this machine: syncs a second, and the evaluation alone.
"""

# ruff: noqa: PLC0415 - models can be imported only when Django is set up

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent
NAMES = ["Hotel Searched", "Booking Abandoned", "Product Viewed", "Mail Opened", "Call Missed"]
REGIONS = ["Bodrum", "Çeşme", "Alaçatı", "Kaş", "Fethiye"]
DAY = 86_400_000_000
TOUCHED = 100
ORDERS = 1_000
DUE = 2_000


def definitions(n: int) -> list[tuple[str, dict[str, Any]]]:
    """Return ``n`` segments of several kinds."""
    rng = random.Random(3)

    def events(number: int) -> dict[str, Any]:
        name, last = rng.choice(NAMES), rng.choice([1, 7, 14, 30, 90])
        return {
            "events": {
                "name": name,
                "count": {"at_least": 1 + number % 4},
                "within": {"last": f"{last} days"},
            }
        }

    def orders(number: int) -> dict[str, Any]:
        where = {"region": {"in": rng.sample(REGIONS, 2)}}
        last = {"last": f"{rng.choice([3, 12, 24])} months"}
        amount = {"at_least": f"{1000 * (number % 9 + 1)} TRY"}
        return {"orders": {"sum": "net_amount", "where": where, "within": last, "is": amount}}

    def idle(number: int) -> dict[str, Any]:
        return {"not": {"orders": {"count": {"at_least": 1}, "within": {"last": f"{number} days"}}}}

    found = []
    for number in range(n):
        kinds = [events(number), orders(number), idle(20 + number)]
        mixed = {"all": [kinds[number % 3], {"any": [events(number), {"not": orders(number)}]}]}
        where = mixed if number % 2 else kinds[number % 3]
        title = {"tr": f"Segment {number}", "en": f"Segment {number}"}
        found.append((f"s{number}", {"segment": f"s-{number}", "title": title, "where": where}))
    return found


def fill(n: int) -> None:
    """Write ``n`` profiles with an address, about ten events and two orders each."""
    from django.db import connection, transaction

    from pusula.lake import rows
    from pusula.lib import clock

    rng, now = random.Random(1), clock.now()
    for start in range(1, n + 1, 20_000):
        ids = range(start, min(start + 20_000, n + 1))
        events, orders = [], []
        for i in ids:
            for k in range(rng.randrange(20)):
                at = now - rng.randrange(120 * DAY)
                events.append((i, rng.choice(NAMES), at, at, f"old:{i}-{k}", "old", "{}"))
            for k in range(rng.randrange(5)):
                at, net = now - rng.randrange(900 * DAY), rng.randrange(100_00, 9000_00)
                region = rng.choice(REGIONS)
                orders.append((i, "old", f"{i}-{k}", "completed", at, at, "", region, "", "", "",
                               "TRY", net, net, net, net, at))  # fmt: skip
        with transaction.atomic():
            rows.insert(
                connection, "profiles_profile",
                ("id", "first_name", "last_name", "name_key", "created_at", "recorded_at"),
                ((i, "", "", "", now, now) for i in ids),
            )  # fmt: skip
            rows.insert(
                connection, "profiles_identifier",
                ("profile_id", "kind", "value", "source", "recorded_at"),
                ((i, "email", f"p{i}@example.com", "old", now) for i in ids),
            )  # fmt: skip
            rows.insert(
                connection, "events_event",
                ("profile_id", "name", "at", "recorded_at", "dedupe_key", "source", "properties"),
                events,
            )  # fmt: skip
            rows.insert(
                connection, "orders_order",
                ("profile_id", "source", "source_id", "status", "ordered_at", "status_at",
                 "property", "region", "room_type", "board", "channel", "currency", "gross_minor",
                 "net_minor", "gross_base_minor", "net_base_minor", "recorded_at"),
                orders,
            )  # fmt: skip
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("select setval('profiles_profile_id_seq', %s)", [n])


def evaluation_alone(n_profiles: int) -> None:
    """Print what evaluating some touched profiles costs, without writing."""
    import numpy as np

    from pusula.lib import clock
    from pusula.segments import evaluate
    from pusula.segments.facts import block

    compiled = evaluate.compile_(evaluate.shown_versions())
    rng = np.random.default_rng(2)
    fetch, kernel, flips = [], [], []
    for _round in range(30):
        ids = np.sort(rng.choice(n_profiles, TOUCHED, replace=False)).astype(np.int64) + 1
        times = [time.perf_counter()]
        facts = block(ids, compiled.plan.requirements)
        times.append(time.perf_counter())
        found = compiled.plan.evaluate(facts, clock.now())
        dict(found.members)
        times.append(time.perf_counter())
        found.next_flip  # noqa: B018 - worked out when asked
        times.append(time.perf_counter())
        for place, (begin, end) in zip((fetch, kernel, flips), pairwise(times), strict=True):
            place.append(1000 * (end - begin))
    said = "  ".join(
        f"{name} {sorted(times)[len(times) // 2]:.1f} ms"
        for name, times in (("rows", fetch), ("kernel", kernel), ("next flips", flips))
    )
    print(f"  evaluation alone, {TOUCHED} touched × {len(compiled.versions)} segments: {said}")


def due_alone(n_profiles: int) -> None:
    """Print how fast profiles are evaluated that are due, each at a moment of its own."""
    import numpy as np

    from pusula.lib import clock
    from pusula.pipeline.live import Live
    from pusula.segments import actions, queries

    rng, live, now = np.random.default_rng(4), Live(), clock.now()
    while (queries.next_due_at() or now) < now:  # what fell due while everybody was evaluated
        live.step()
    ids = np.sort(rng.choice(n_profiles, min(DUE, n_profiles), replace=False)).astype(np.int64) + 1
    actions.record_due(ids, now - rng.integers(0, 10 * 60 * clock.SECOND, len(ids)), at=now)
    n, wall, cpu = 0, time.perf_counter(), time.process_time()
    while (queries.next_due_at() or now) < now:
        n += live.step().n_due
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"  due alone, each at its own moment: {n / cpu:,.0f} a CPU second,"
        f" {n / wall:,.0f} a second"
    )


def orders_alone(n_profiles: int, said: str) -> None:
    """Print what a step costs for each order it takes over; ``said`` is what is in force."""
    from pusula.pipeline.live import Live

    live = Live()
    for n in (ORDERS, ORDERS):  # the first round only warms up, and moves whom orders move
        tell_orders(n, n_profiles)
        wall, cpu = time.perf_counter(), time.process_time()
        while live.step(TOUCHED).is_full:
            pass
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"  orders alone, {TOUCHED} a step, {said}:"
        f" {1e6 * cpu / ORDERS:,.0f} µs CPU, {1e6 * wall / ORDERS:,.0f} µs an order"
    )


def tell_orders(n: int, n_profiles: int) -> None:
    """Append ``n`` orders of people picked at random."""
    from pusula.lib import clock
    from pusula.pipeline import appender

    rng, run = random.Random(5), os.urandom(4).hex()
    entries = []
    for k in range(n):
        body = {
            "email": f"p{rng.randint(1, n_profiles)}@example.com", "source_id": f"{run}-{k}",
            "status": "completed", "ordered_at": clock.now(),
            "net_minor": rng.randrange(100_00, 9000_00),
        }  # fmt: skip
        entries.append(appender.Entry("order", "bench", f"bench:{run}-{k}", json.dumps(body)))
    appender.append(entries)


def bring_into_force() -> None:
    """Grade everybody by RFM from now on, and print how long that took."""
    from pusula.lib import clock
    from pusula.pipeline import project
    from pusula.rfm import config, preview, versions

    rules = config.parse_project(
        {"look_back_months": 24, "recency": {"measure": "calendar_days", "cuts": [30, 90, 180]}}
    )
    asked = versions.ask(rules, at=clock.now())
    asked.cuts = msgspec.to_builtins(preview.preview(rules.rules, clock.now()).cuts)
    asked.save(update_fields=["cuts"])
    began = time.perf_counter()
    made = project.publish(asked)
    took = time.perf_counter() - began
    print(f"  RFM rules in force after {took:.1f} s, {made.n_graded:,} in a group")


def cpu_seconds(pid: int) -> float:
    """Return how long the processor has worked for a process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def syncs_a_second(folder: Path) -> float:
    """Return how often this disk takes 4 kB for good."""
    with (folder / "sync").open("wb", buffering=0) as file:
        began, n = time.perf_counter(), 0
        while time.perf_counter() - began < 1:
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            n += 1
    return n / (time.perf_counter() - began)


class Watch:
    """Follows the offset and tells how long each entry took from acceptance to membership."""

    def __init__(self) -> None:
        self.accepted: deque[tuple[int, float]] = deque()
        self.waits: list[float] = []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        """Look every few milliseconds until all that was accepted is there."""
        from django.db import connections

        from pusula.pipeline import queries

        while not (self.is_over.is_set() and not self.accepted):
            read, now = queries.offset().entry_id, time.perf_counter()
            while self.accepted and self.accepted[0][0] <= read:
                self.waits.append(now - self.accepted.popleft()[1])
            time.sleep(0.002)
        connections.close_all()


def wait_until_it_steps() -> None:
    """Tell the log something, and wait until the live process has taken it over."""
    from pusula.pipeline import appender, queries

    entry = appender.Entry("event", "bench", f"bench:{os.urandom(4).hex()}", "{}")
    told = appender.append([entry]).last
    while queries.offset().entry_id < (told or 0):
        time.sleep(0.05)


def at_rate(rate: int, seconds: int, n_profiles: int, pid: int) -> None:
    """Append ``rate`` events a second and print how long they took."""
    from pusula.pipeline.appender import Appender, BusyError, Entry

    rng, run = random.Random(rate), os.urandom(4).hex()
    log, watch, futures, n_busy = Appender(), Watch(), deque(), 0
    acks = []
    spent = cpu_seconds(pid)
    began = time.perf_counter()
    size = max(1, rate // 100)
    n = 0
    while (elapsed := time.perf_counter() - began) < seconds or futures:
        while futures and futures[0][0].done():
            future, told = futures.popleft()
            done, now = future.result(), time.perf_counter()
            acks.append(now - told)
            watch.accepted.extend((number, now) for number in range(done.first, done.last + 1))
        if elapsed >= seconds or n >= elapsed * rate:
            time.sleep(0.0005)
            continue
        entries = []
        for k in range(n, n + size):
            body = {
                "email": f"p{rng.randint(1, n_profiles)}@example.com",
                "name": rng.choice(NAMES),
            }
            entries.append(Entry("event", "bench", f"bench:{run}-{k}", json.dumps(body)))
        n += size
        try:
            futures.append((log.submit(entries), time.perf_counter()))
        except BusyError:
            n_busy += size
    log.close()
    sent_s = time.perf_counter() - began
    watch.is_over.set()
    watch.thread.join(120)
    total_s = time.perf_counter() - began
    centiles = quantiles(watch.waits, n=100)
    acked = quantiles(acks, n=100)
    print(
        f"  {rate:>6,}/s asked, {len(watch.waits) / sent_s:>6,.0f}/s accepted,"
        f" {len(watch.waits) / total_s:>6,.0f}/s done:"
        f"  ack p50 {1000 * acked[49]:.0f} p99 {1000 * acked[98]:.0f} ms,"
        f"  accepted → membership p50 {1000 * centiles[49]:.0f} p99 {1000 * centiles[98]:.0f} ms"
        f"  {1e6 * (cpu_seconds(pid) - spent) / len(watch.waits):,.0f} µs CPU an event"
        + (f"  ({n_busy:,} turned away)" if n_busy else ""),
        flush=True,
    )


def main() -> None:
    """Set up, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=100_000)
    parser.add_argument("--segments", default="50")
    parser.add_argument("--rates", default="100,1000,5000")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rfm", action="store_true", help="then with RFM rules in force")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pusula-bench-") as folder:
        os.environ["PUSULA_HOME"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "pusula.config.settings"
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection

        from pusula.lib import clock
        from pusula.segments import actions
        from pusula.segments.everybody import rebuild

        for database in settings.DATABASES:
            call_command("migrate", database=database, verbosity=0, interactive=False)
        fill(args.profiles)
        print(f"{connection.vendor}, {args.profiles:,} profiles, {os.cpu_count()} cores")
        print(f"  syncs a second: {syncs_a_second(Path(folder)):,.0f}")
        for n_segments in map(int, args.segments.split(",")):
            actions.apply(definitions(n_segments))
            began = time.perf_counter()
            rebuild.everybody(at=clock.now())
            print(f"  {n_segments} segments shown after {time.perf_counter() - began:.0f} s")
            with connection.cursor() as cursor:
                cursor.execute("analyze")
            evaluation_alone(args.profiles)
            due_alone(args.profiles)
            orders_alone(args.profiles, "no RFM rules in force")
            if args.rfm:
                bring_into_force()
                orders_alone(args.profiles, "RFM rules in force")
            command = [sys.executable, "-m", "pusula.ops.main", "live"]
            live = subprocess.Popen(command, env=os.environ.copy(), cwd=ROOT)
            try:
                wait_until_it_steps()
                for rate in map(int, args.rates.split(",")):
                    at_rate(rate, args.seconds, args.profiles, live.pid)
            finally:
                live.send_signal(signal.SIGTERM)
                live.wait(60)


if __name__ == "__main__":
    main()
