"""The live step alone: messages of the tracking API beside plain entries that say the same.

``python bench/messages.py [--entries 20000] [--profiles 5000]`` makes a home folder of its own
(SQLite, or an empty PostgreSQL database where PUSULA_DATABASE_URL points), appends both kinds in
turns and prints how many of each a step takes over in a second.
"""

# ruff: noqa: PLC0415 - models can be imported only when Django is set up

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from statistics import median
from typing import Any

NAMES = ["Hotel Searched", "Booking Started", "Product Viewed", "Stay Viewed", "Cart Viewed"]
ROUND = 2_000


def plain(rng: random.Random, n_profiles: int) -> tuple[str, dict[str, Any]]:
    """Return kind and body of an entry that says it in our own words."""
    properties = {"region": "Bodrum", "price": 1299.9, "nights": rng.randint(1, 9)}
    key = f"u{rng.randint(1, n_profiles)}"
    return "event", {"key": key, "name": rng.choice(NAMES), "properties": properties}


def sent(rng: random.Random, n_profiles: int) -> tuple[str, dict[str, Any]]:
    """Return kind and body of a message as a browser sends it."""
    _kind, body = plain(rng, n_profiles)
    message = {
        "messageId": f"ajs-next-{rng.random()}", "type": "track", "userId": body["key"],
        "anonymousId": f"device-{body['key']}", "event": body["name"], "integrations": {},
        "properties": body["properties"], "timestamp": "2026-05-31T10:00:00.000Z",
        "context": {
            "page": {"path": "/oda", "url": "https://otel.example/oda?x=1", "title": "Oda",
                     "search": "?x=1", "referrer": "https://arama.example/"},
            "library": {"name": "analytics.js", "version": "next-1.84.3"}, "locale": "tr-TR",
            "timezone": "Europe/Istanbul", "userAgent": "Mozilla/5.0 (X11; Linux x86_64)",
        },
    }  # fmt: skip
    sent_at = "2026-05-31T10:00:01.000Z"
    return "message", {"type": "track", "trusted": False, "sent_at": sent_at, "message": message}


def measure(make: Callable[..., tuple[str, dict[str, Any]]], n: int, n_profiles: int) -> float:
    """Return how many entries of ``make`` the step takes over in a second."""
    from pusula.lib import clock
    from pusula.pipeline import appender
    from pusula.pipeline.live import Live

    rng, run = random.Random(n), os.urandom(4).hex()
    entries = []
    for number in range(n):
        kind, body = make(rng, n_profiles)
        entries.append(appender.Entry(kind, "web", f"web:{run}-{number}", json.dumps(body)))
    appender.append(entries)
    live, left, took = Live(), n, []
    while left:
        began = time.perf_counter()
        done = live.step(500, at=clock.now()).n_entries
        took.append((time.perf_counter() - began) / done)
        left -= done
    return 1 / median(took)


def main() -> None:
    """Set up, measure in turns, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--profiles", type=int, default=5_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pusula-bench-") as folder:
        os.environ["PUSULA_HOME"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "pusula.config.settings"
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection

        for database in settings.DATABASES:
            call_command("migrate", database=database, verbosity=0, interactive=False)
        measure(sent, ROUND, args.profiles)  # everybody is known, everything is warm
        rates: dict[str, list[float]] = {"plain": [], "messages": []}
        for _turn in range(max(1, args.entries // (2 * ROUND))):
            rates["plain"].append(measure(plain, ROUND, args.profiles))
            rates["messages"].append(measure(sent, ROUND, args.profiles))
        first, second = median(rates["plain"]), median(rates["messages"])
        print(f"{connection.vendor}, {args.profiles:,} profiles, no segments, one process")
        print(f"  plain events  {first:>8,.0f}/s")
        print(f"  messages      {second:>8,.0f}/s   {first / second:.2f} × the time of a plain one")


if __name__ == "__main__":
    main()
