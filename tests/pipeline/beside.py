"""Work over everybody in a process of its own, on an installation of its own.

Arguments: ``fill``, or ``mirror`` with the n-th write before, in or after which the process kills
itself with -9 (0: it lives, and prints how many writes there were), or ``run`` with the number of
processes and whether it reads from the lake; this prints the members.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any

import django

django.setup()

import pyarrow.parquet as pq  # noqa: E402

from pusula.lake import delta  # noqa: E402
from pusula.orders.models import Order  # noqa: E402
from pusula.pipeline import mirror as mirroring  # noqa: E402
from pusula.profiles.models import Profile  # noqa: E402
from pusula.segments import actions, queries  # noqa: E402
from pusula.segments.everybody import files, mirrored, rebuild  # noqa: E402
from pusula.segments.everybody.compare import ids_between  # noqa: E402
from pusula.segments.everybody.means import Means  # noqa: E402
from pusula.segments.models import Due, Membership, Segment  # noqa: E402

SPAN = 16
NOW = 1_780_315_200_000_000
DAY = 86_400_000_000


def fill(first: int, n: int) -> None:
    for number in range(first, first + n):
        profile = Profile.objects.create(created_at=0, recorded_at=0)
        for days in range(number % 4):
            at = NOW - (days * 40 + number) * DAY
            Order.objects.create(
                profile=profile, source="pms", source_id=f"{number}-{days}", status="completed",
                ordered_at=at, status_at=at, currency="TRY", gross_minor=1, net_minor=1,
                gross_base_minor=1, net_base_minor=number, recorded_at=at,
            )  # fmt: skip
    title = {"tr": "Deneme", "en": "Trial"}
    conditions = {
        "recent": {"orders": {"count": {"at_least": 1}, "within": {"last": "60 days"}}},
        "top": {"orders": {"sum": "net_amount", "is": {"top": "30 %"}}},
    }
    actions.apply(
        [
            (key, {"segment": key, "title": title, "where": where})
            for key, where in conditions.items()
        ]
    )


def mirror(when: str, last: int) -> None:

    n, write = 0, delta.write_deltalake

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def counted(*args: Any, **named: Any) -> None:
        nonlocal n
        n += 1
        if n == last and when == "before":
            die()
        if n == last and when == "in":
            threading.Timer(0.002, die).start()
        write(*args, **named)
        if n == last:
            die()

    delta.write_deltalake = counted
    done = mirroring.run()
    same = all(
        _rows(done, relation)
        == sorted(
            map(
                repr, mirrored.rows(relation, ids_between(0, 10**9), done.snapshot.spec).to_pylist()
            )
        )
        for relation in files.RELATIONS
    )
    print(json.dumps({"n": n, "n_written": done.n_written, "same": same}))


def _rows(done: Any, relation: str) -> list[str]:
    places = [p for each in done.snapshot.files[relation].values() for p in each.places]
    tables = [pq.read_table(place, partitioning=None) for place in places]
    columns = done.snapshot.files[relation] and next(iter(done.snapshot.files[relation].values()))
    names = [name for name in columns.schema.names if name != "bucket"]
    return sorted(repr(row) for table in tables for row in table.select(names).to_pylist())


def run(n_processes: int, from_lake: bool) -> None:

    Membership.objects.all().delete()
    Due.objects.all().delete()
    lake = mirroring.run().snapshot if from_lake else None
    outcome = rebuild.everybody(at=NOW, means=Means(n_processes, lake))
    members = {s.key: queries.member_ids(s).tolist() for s in Segment.objects.all()}
    dues = list(Due.objects.order_by("pk").values_list("pk", "due_at"))
    print(json.dumps({"members": members, "dues": dues, "n": outcome.n_profiles}))


if __name__ == "__main__":
    mirrored.SPAN = SPAN
    match sys.argv[1:]:
        case ["fill", first, n]:
            fill(int(first), int(n))
        case ["mirror", when, last]:
            mirror(when, int(last))
        case ["run", n_processes, lake]:
            run(int(n_processes), lake == "lake")
