"""How fast people on journeys move, and how late: many wait, some are due, the step moves those.

``python bench/journeys.py [--waiting 200000] [--due 10000] [--rate 10000 --seconds 20] [--only
KEY ...]`` makes a home folder and databases of its own (SQLite, or an empty PostgreSQL database
where PUSULA_DATABASE_URL points). Three journeys of the same people: one that only waits, one that
also asks conditions, one that also sends. First ``--due`` people are due at once: beside the
seconds stands the time of the processor, in which the other work of the machine is not. Then
``--rate`` more become due every second for ``--seconds``: how late is each moved, until the commit?
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
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(JOURNEYS), default=list(JOURNEYS))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pusula-bench-") as home:
        os.environ["PUSULA_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "pusula.config.settings"
        sys.path.insert(0, str(ROOT))
        _prepare(asked.waiting, asked.due, asked.only)
        for key in asked.only:
            _measure(key)
            if asked.seconds:
                _pace(key, asked.rate, asked.seconds)


def _prepare(n_waiting: int, n_due: int, keys: list[str]) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection, transaction
    from tests.outbox.people import profiles

    from pusula.campaigns.models import Template
    from pusula.journeys import versions
    from pusula.journeys.models import Journey
    from pusula.lake import rows
    from pusula.lib import clock

    for database in settings.DATABASES:
        call_command("migrate", database=database, verbosity=0)
    people = [person.pk for person in profiles(n_due)]
    now = clock.now()
    Template.objects.create(
        name="hello", subject="Merhaba", text="{{ unsubscribe_url }}", html=HTML, updated_at=now
    )
    title = {"tr": "Ölçüm", "en": "Bench"}
    head = {"title": title, "class": "service", "holdout": 0, "entry": [{"api": True}]}
    versions.apply([(k, {"journey": k, **head, "steps": JOURNEYS[k]}) for k in keys])
    columns = (
        "journey_id", "version_id", "profile_id", "entry_key", "entry", "state", "node", "due_at",
        "waits_for", "is_holdout", "entered_at", "moved_at", "outcome", "data", "error",
    )  # fmt: skip
    for journey in Journey.objects.all():
        everybody = (
            (journey.pk, journey.version_id, people[n % n_due], str(n), "entry:0", "waiting",
             "pause", now if n < n_due else now + 1_000 * clock.DAY, "", False, now, now, "", "{}",
             "")
            for n in range(n_waiting)
        )  # fmt: skip
        with transaction.atomic():
            rows.insert(connection, "journeys_enrollment", columns, everybody)


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


def _pace(key: str, rate: int, seconds: int) -> None:
    """Let ``rate`` of those who wait be due in each of the next ``seconds``, and move them."""
    import numpy as np
    from django.db import connection, transaction

    from pusula.journeys.engine import Engine
    from pusula.journeys.models import Enrollment, Journey
    from pusula.lib import clock
    from pusula.segments import evaluate

    n = rate * seconds
    later = clock.now() + clock.DAY
    waiting = Enrollment.objects.filter(journey__key=key, state="waiting", node="pause")
    ids = list(waiting.filter(due_at__gt=later).values_list("pk", flat=True)[:n])
    begin_at = clock.now() + 3 * clock.SECOND + len(ids) * 15
    dues = begin_at + np.arange(len(ids), dtype=np.int64) * (clock.SECOND // rate)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            "update journeys_enrollment set due_at = %s where id = %s",
            list(zip(dues.tolist(), ids, strict=True)),
        )
    Journey.objects.exclude(key=key).update(state="paused")
    engine, late, done, busy = Engine(), [], 0, time.process_time()
    while done < len(ids):
        with evaluate.alone():
            moved = engine.step([], at=clock.now(), seconds=0.1).n_due
        now = clock.now()
        late.append(now - dues[done : done + moved])
        done += moved
        if not moved:
            time.sleep(0.01)
    busy = time.process_time() - busy
    found = np.concatenate(late) / clock.SECOND
    p50, p99 = np.quantile(found, [0.5, 0.99])
    print(f"{key:6} {rate:>8,} due a second for {seconds} s: late p50 {p50:.2f} s, p99 {p99:.2f} s")
    print(f"       most {found.max():.2f} s; processor {busy:.1f} s; {waiting.count():,} wait; "
          f"load of the machine {os.getloadavg()[0]:.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
