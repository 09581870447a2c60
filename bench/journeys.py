"""How fast people on journeys move: many wait, some are due, and the step moves those.

``python bench/journeys.py [--waiting 200000] [--due 10000]`` makes a home folder and databases of
its own (SQLite, or an empty PostgreSQL database where PUSULA_DATABASE_URL points). Three journeys
of the same people: one that only waits, one that also asks conditions, one that also sends. Beside
the seconds stands the time of the processor: the other work of the machine is not in it.
"""

# ruff: noqa: PLC0415 - models can be imported only when Django is set up

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WAIT = {"id": "pause", "wait": {"for": "1 hour"}}
REST = {"id": "rest", "wait": {"for": "1 day"}}
MAIL = {"id": "mail", "message": {"ways": [{"channel": "email", "template": "hello"}]}}
ORDERED = {"orders": {"count": {"at_least": 1}}}
BRANCH = {"id": "kind", "branch": {"ways": [{"when": ORDERED}]}}
JOURNEYS: dict[str, list[dict[str, Any]]] = {
    "waits": [WAIT, REST],
    "asks": [WAIT, BRANCH, REST],
    "sends": [WAIT, MAIL, REST],
}
HTML = '<p>Merhaba <a href="{{ unsubscribe_url }}">Çıkın</a></p>'


def main() -> None:
    """Run the three journeys and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, default=200_000)
    parser.add_argument("--due", type=int, default=10_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pusula-bench-") as home:
        os.environ["PUSULA_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "pusula.config.settings"
        sys.path.insert(0, str(ROOT))
        _prepare(asked.waiting, asked.due)
        for key in JOURNEYS:
            _measure(key)


def _prepare(n_waiting: int, n_due: int) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from tests.outbox.people import profiles

    from pusula.campaigns.models import Template
    from pusula.journeys import actions
    from pusula.journeys.models import Enrollment, Journey
    from pusula.lib import clock

    for database in settings.DATABASES:
        call_command("migrate", database=database, verbosity=0)
    people = [person.pk for person in profiles(n_due)]
    now = clock.now()
    Template.objects.create(
        name="hello", subject="Merhaba", text="{{ unsubscribe_url }}", html=HTML, updated_at=now
    )
    title = {"tr": "Ölçüm", "en": "Bench"}
    head = {"title": title, "class": "service", "entry": [{"api": True}]}
    actions.apply([(k, {"journey": k, **head, "steps": steps}) for k, steps in JOURNEYS.items()])
    for journey in Journey.objects.all():
        Enrollment.objects.bulk_create(
            (
                Enrollment(
                    journey=journey,
                    version_id=journey.version_id,
                    profile_id=people[n % n_due],
                    entry_key=str(n),
                    entry="entry:0",
                    state="waiting",
                    node="pause",
                    due_at=now if n < n_due else now + 1_000 * clock.DAY,
                    entered_at=now,
                    moved_at=now,
                )
                for n in range(n_waiting)
            ),
            batch_size=5_000,
        )


def _measure(key: str) -> None:
    from pusula.journeys.engine import Engine
    from pusula.journeys.models import Journey
    from pusula.lib import clock
    from pusula.segments import evaluate

    Journey.objects.exclude(key=key).update(state="paused")
    Journey.objects.filter(key=key).update(state="live")
    engine = Engine()
    began, busy = time.perf_counter(), time.process_time()
    with evaluate.alone():
        done = engine.step([], at=clock.now(), seconds=600)
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    rate = done.n_due / seconds
    print(f"{key:6} {done.n_due:>8,} due: {seconds:6.2f} s, {rate:>7,.0f}/s; "
          f"processor {busy:5.2f} s, {done.n_due / busy:>7,.0f}/s")  # fmt: skip


if __name__ == "__main__":
    main()
