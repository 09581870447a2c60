"""How fast a journey is replayed over history: a quarter of carts, without and with a condition.

``python bench/backtest.py [--people 100000]`` makes a home folder and a SQLite database of its own:
each person with an e-mail, a consent and five events in 90 days. Beside the seconds stand those of
the processor, and the most memory the process ever held.
"""

# ruff: noqa: PLC0415 - models can be imported only when Django is set up

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DAYS = 90
EVENTS = ("Cart Filled", "Cart Filled", "Product Viewed", "Product Viewed", "Order Completed")
HEAD: dict[str, Any] = {
    "title": {"tr": "Sepet", "en": "Cart"},
    "holdout": 0,
    "reentry": "restart",
    "entry": [{"event": {"name": "Cart Filled"}}],
    "exit_when": [{"event": {"name": "Order Completed"}}],
    "steps": [
        {"id": "hour", "wait": {"for": "1 hour"}},
        {"id": "mail", "message": {"ways": [{"channel": "email", "template": "cart"}]}},
        {"id": "day", "wait": {"for": "1 day"}},
        {"id": "again", "message": {"ways": [{"channel": "email", "template": "cart"}]}},
    ],
}
BOUGHT = {"events": {"name": "Order Completed", "count": {"at_least": 1}}}
JOURNEYS: dict[str, dict[str, Any]] = {
    "plain": {"journey": "plain", **HEAD},
    "asks": {"journey": "asks", **HEAD, "who": {"not": BOUGHT}},
}


def main() -> None:
    """Replay the journeys and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pusula-bench-") as home:
        os.environ["PUSULA_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "pusula.config.settings"
        sys.path.insert(0, str(ROOT))
        _prepare(asked.people)
        for key in JOURNEYS:
            _measure(key, asked.people)


def _prepare(n_people: int) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from tests.outbox.people import consented, profiles

    from pusula.events.models import Event
    from pusula.lib import clock
    from pusula.outbox import policies
    from pusula.outbox.rules import policy as rules

    for database in settings.DATABASES:
        call_command("migrate", database=database, verbosity=0)
    rng = random.Random(1)
    now = clock.now()
    for start in range(0, n_people, 20_000):
        people = profiles(min(20_000, n_people - start))
        consented(people)
        Event.objects.bulk_create(
            (
                Event(
                    profile=person, name=name, at=(at := now - rng.randrange(DAYS * clock.DAY)),
                    recorded_at=at, source="web", dedupe_key=f"{person.pk}:{n}",
                )
                for person in people
                for n, name in enumerate(EVENTS)
            ),
            batch_size=5_000,
        )  # fmt: skip
    text = "caps: [{most: 2, in: 7d}]\nquiet: [{from: '21:00', to: '09:00', channels: [email]}]"
    policies.apply(rules.read(text, "bench"), by="bench", at=now)


def _measure(key: str, n_people: int) -> None:
    from pusula.journeys import backtest
    from pusula.lib import clock

    now = clock.now()
    began, busy = time.perf_counter(), time.process_time()
    found = backtest.run(JOURNEYS[key], since=now - DAYS * clock.DAY, until=now)
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{key:6} {n_people:>9,} people, {found.n_entered:,} came in, {found.messages.n_asked:,} "
          f"messages: {seconds:6.1f} s, processor {busy:5.1f} s, {n_people / busy:,.0f} people/s, "
          f"{memory:,.0f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
