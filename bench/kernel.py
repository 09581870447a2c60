"""Time of the segment kernel over one block, beside a raw numpy scan of the columns it needs.

And of 50 and 200 random segments over that block and over 100 profiles alone. Times are of the
processor, so that what else the machine does matters less.

Usage: python bench/kernel.py [profiles] (default 100000; ten events and three orders each).
"""

from __future__ import annotations

import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from importlib import resources

import numpy as np
import pyarrow as pa

from pusula.lib import clock
from pusula.segments import kernel
from pusula.segments.language import Kind, Schema, parse, read_yaml

AT = 1_795_331_700_000_000
SCHEMA = Schema(currency="TRY", tz="Europe/Istanbul", traits={"rfm_group": Kind.TEXT})
SHIPPED = (
    "first-time-guests-upcoming", "has-upcoming-booking", "high-value-guests",
    "lapsing-loyal-guests", "no-consent-call", "no-consent-email", "no-consent-sms",
    "no-consent-whatsapp", "repeat-guests", "seasonal-returners",
)  # fmt: skip
OWN = """
- segment: searchers
  where:
    all:
      - events: {name: Hotel Searched, count: {at_least: 3}, within: {last: 30 days}}
      - events: {name: Booking Completed, count: {is: 0}, within: {last: 30 days}}
- segment: bodrum
  where:
    any:
      - events: {name: Hotel Viewed, count: {at_least: 2}, within: {last: 90 days},
                 where: {region: {in: [Bodrum, Çeşme]}}}
      - orders: {count: {at_least: 1}, where: {region: {is: Bodrum}}, within: {last: 24 months}}
"""


def text(chance: np.random.Generator, words: list[str], n: int) -> pa.Array:
    """Return n words as the relations hand them over: plain strings."""
    return pa.array(words, pa.string()).take(pa.array(chance.integers(0, len(words), n)))


def block(n: int) -> kernel.Block:
    """Return n profiles with rows of the last four years, sorted by profile."""
    chance = np.random.default_rng(7)
    n_events, n_orders = 10 * n, 3 * n
    today = AT // clock.DAY
    starts = chance.integers(today - 1_400, today + 90, n_orders)
    day = pa.date32()
    names = ["Page Viewed", "Hotel Searched", "Hotel Viewed", "Booking Abandoned"]
    return kernel.Block(
        profile_ids=np.arange(1, n + 1),
        events=pa.table(
            {
                "profile_id": np.sort(chance.integers(1, n + 1, n_events)),
                "name": text(chance, [*names, "Booking Completed"], n_events),
                "at": AT - chance.integers(0, 1_400 * clock.DAY, n_events),
                "p.region": text(chance, [f"region {i}" for i in range(40)] + ["bodrum"], n_events),
            }
        ),
        orders=pa.table(
            {
                "profile_id": np.sort(chance.integers(1, n + 1, n_orders)),
                "status": text(
                    chance, ["completed", "completed", "confirmed", "cancelled"], n_orders
                ),
                "region": text(chance, [f"region {i}" for i in range(40)] + ["bodrum"], n_orders),
                "ordered_at": np.minimum((starts - 30) * clock.DAY, AT - 1),
                "starts_on": pa.array(starts.astype(np.int32)).cast(day),
                "ends_on": pa.array((starts + 4).astype(np.int32)).cast(day),
                "net_amount": chance.integers(50_000, 9_000_000, n_orders),
            }
        ),
        consents=pa.table(
            {
                "profile_id": np.repeat(np.arange(1, n + 1), 2),
                "channel": text(chance, ["email", "sms"], 2 * n),
                "purpose": text(chance, ["marketing"], 2 * n),
                "status": text(chance, ["granted", "refused"], 2 * n),
            }
        ),
    )


def definitions() -> dict:
    """Return ten of the shipped definitions and two over events."""
    folder = resources.files("pusula.segments") / "definitions"
    documents = [read_yaml((folder / f"{key}.yaml").read_text(encoding="utf-8")) for key in SHIPPED]
    documents += [{"title": {"tr": "-", "en": "-"}, **each} for each in read_yaml(OWN)]
    return {each["segment"]: parse(each, SCHEMA) for each in documents}


def random_definitions(n: int) -> dict:
    """Return n definitions of three conditions each, as companies have them."""
    chance = random.Random(3)
    documents = [
        {
            "segment": f"s{i}",
            "title": {"tr": "-", "en": "-"},
            "where": {"all": chance.sample(_conditions(chance), 3)},
        }
        for i in range(n)
    ]
    return {each["segment"]: parse(each, SCHEMA) for each in documents}


def _conditions(chance: random.Random) -> list[dict]:
    """Return one condition of each sort, with windows and limits by chance."""
    name = chance.choice(["Hotel Searched", "Hotel Viewed", "Booking Abandoned"])
    days = f"{chance.choice([7, 14, 30, 60, 90, 180, 365])} days"
    regions = [f"region {chance.randrange(40)}", "Bodrum"]
    stayed = {"status": {"is": "completed"}}
    spent = {"at_least": f"{chance.choice([10_000, 20_000, 40_000])} TRY"}
    return [
        {"events": {"name": name, "count": {"at_least": chance.randint(1, 4)},
                    "within": {"last": days}}},
        {"not": {"events": {"name": "Booking Completed", "count": {"at_least": 1},
                            "within": {"last": days}}}},
        {"orders": {"count": {"at_least": chance.randint(1, 3)}, "where": stayed, "by": "ends_on",
                    "within": {"last": f"{chance.choice([6, 12, 24])} months"}}},
        {"orders": {"latest": "ends_on", "where": stayed,
                    "is": {"between": ["540 days ago", f"{days} ago"]}}},
        {"any": [{"orders": {"count": {"at_least": 1}, "where": {"region": {"in": regions}}}},
                 {"orders": {"sum": "net_amount", "is": spent, "within": {"last": "12 months"}}}]},
        {"orders": {"overdue": {"at_least": chance.choice([1, 1.5, 2])}}},
        {"orders": {"last": "region", "is": {"in": regions}}},
        {"orders": {"months": {"at_least": chance.randint(1, 5)},
                    "within": {"calendar": "12 months"}}},
    ]  # fmt: skip


def scan(rows: kernel.Block) -> None:
    """Do the least a pass over the same columns can do: decode numbers, count per profile."""
    for table in (rows.events, rows.orders, rows.consents):
        np.bincount(table["profile_id"].to_numpy(), minlength=len(rows) + 1)
        for name, column in zip(table.column_names, table.columns, strict=True):
            if name != "profile_id" and pa.types.is_integer(column.type):
                column.to_numpy().sum()
            elif pa.types.is_string(column.type):
                column.combine_chunks().dictionary_encode()


def timed(work: Callable[[], object]) -> float:
    """Return the median seconds of seven runs."""
    took = []
    for _ in range(7):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return statistics.median(took)


def main() -> None:
    """Print what an evaluation costs."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rows, found = block(n), definitions()
    plan = kernel.compile(found, SCHEMA, {})
    values = plan.population_values(rows, AT)
    limits = {key: p.cut_point(values[key]) for key, p in plan.populations.items()}
    compiling = timed(lambda: kernel.compile(found, SCHEMA, limits))
    plan = kernel.compile(found, SCHEMA, limits)
    evaluating = timed(lambda: plan.evaluate(rows, AT))
    flipping = timed(lambda: plan.evaluate(rows, AT).next_flip) - evaluating
    scanning = timed(lambda: scan(rows))
    members = plan.evaluate(rows, AT).members
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{n:,} profiles, {len(rows.events):,} events, {len(rows.orders):,} orders")
    print(f"{len(members)} segments, {len(plan.program.steps)} steps, peak {peak:.0f} MB")
    print(f"compile  {compiling * 1e3:8.1f} ms")
    print(f"evaluate {evaluating * 1e3:8.1f} ms")
    print(f"next flip{flipping * 1e3:8.1f} ms more")
    print(f"raw scan {scanning * 1e3:8.1f} ms: the kernel takes {evaluating / scanning:.1f} x")
    for key, mask in sorted(members.items()):
        print(f"  {key:30} {int(mask.sum()):>9,}")
    for touched in (block(100), rows):
        for n_segments in (50, 200):
            many(touched, n_segments)


def many(rows: kernel.Block, n: int) -> None:
    """Print what n random segments cost."""
    plan = kernel.compile(random_definitions(n), SCHEMA, {})
    evaluating = timed(lambda: plan.evaluate(rows, AT))
    both = timed(lambda: plan.evaluate(rows, AT).next_flip)
    print(
        f"{len(rows):>9,} profiles, {n:>3} segments, {len(plan.program.steps):>3} steps: "
        f"{evaluating * 1e3:7.1f} ms, with next flip {both * 1e3:7.1f} ms"
    )


if __name__ == "__main__":
    main()
