"""Every segment over all customers: the kernel beside a raw scan of its columns and beside SQL.

    python bench/segments.py [--scale 200k|1m|10m] [--segments 50 200] [--data DIR]
                             [--spark] [--no-sql]

Customers are made up once (ten events, two orders, three traits and two consents each), as the
files of a lake in DIR, bucket by bucket, so memory stays bounded; a later call finds them there.
Each way runs in a process of its own, which tells its CPU seconds, wall time and peak memory. The
ways must agree on the size of every segment.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pusula.lib import clock
from pusula.segments.everybody import files
from pusula.segments.everybody.bucket import ANSWERS, Found, InArrow, Task, found_in
from pusula.segments.everybody.files import Files
from pusula.segments.language import Kind, Schema, parse

AT = 1_795_305_600_000_000  # 2026-11-22 00:00 UTC
DAYS = 730
SPAN = 65_536
SCALES = {"20k": 20_000, "200k": 200_000, "1m": 1_000_000, "10m": 10_000_000}
THREADS = 2

NAMES = (
    "Page Viewed", "Hotel Searched", "Hotel Viewed", "Room Viewed", "Price Checked",
    "Wishlist Added", "Booking Started", "Booking Abandoned", "Booking Completed", "Signed In",
    "Signed Up", "App Opened", "Email Opened", "Email Clicked", "Email Unsubscribed",
    "Push Clicked", "Sms Clicked", "Call Received", "Review Left", "Message Received",
)  # fmt: skip
STATES = ("completed", "cancelled", "no_show", "confirmed")
CHANNELS = ("web", "call_centre", "ota", "mobile", "walk_in")
ROOMS = ("standard", "superior", "family", "suite")
DEVICES = ("mobile", "desktop", "tablet")
SOURCES = ("direct", "google", "meta", "email", "push", "ota", "affiliate", "call")
TIERS = ("none", "silver", "gold", "platinum")
GROUPS = (
    "champions", "loyal_customers", "new_customers", "potential_loyalists", "at_risk",
    "cant_lose_them", "hibernating", "about_to_sleep",
)  # fmt: skip
WINDOWS = (1, 3, 7, 14, 30, 60, 90, 180, 365, 730)


# Customers


def words(codes: np.ndarray, of: list[str]) -> pa.Array:
    """Return words by their codes."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int16)), pa.array(of))


def skewed(random: np.random.Generator, n: int, n_words: int, power: float) -> np.ndarray:
    """Return ``n`` codes, the low ones more often."""
    return (n_words * random.random(n) ** power).astype(np.int64)


def owners(random: np.random.Generator, ids: np.ndarray, mean: int, tail: float) -> np.ndarray:
    """Return whose each row is, ascending: a few have many."""
    weights = random.pareto(tail, len(ids)) + 0.05
    counts = random.poisson(weights * (mean * len(ids) / weights.sum()))
    return np.repeat(ids, counts)


def sorted_times(random: np.random.Generator, whose: np.ndarray) -> np.ndarray:
    """Return moments of the last two years, ascending for each owner."""
    at = AT - (random.random(len(whose)) * DAYS * clock.DAY).astype(np.int64)
    return at[np.lexsort((at, whose))]


def made_up(bucket: int, n: int) -> dict[str, pa.Table]:
    """Return the relations of the customers of ``bucket``, of ``n`` in all."""
    random = np.random.default_rng([7, bucket])
    ids = np.arange(bucket * SPAN, min((bucket + 1) * SPAN, n), dtype=np.int64)
    whose = owners(random, ids, 10, 1.2)
    m = len(whose)
    events = {
        "profile_id": whose,
        "name": words(skewed(random, m, len(NAMES), 2.2), list(NAMES)),
        "at": sorted_times(random, whose),
        "p.hotel": words(skewed(random, m, 500, 2), [f"hotel {i}" for i in range(500)]),
        "p.region": words(skewed(random, m, 40, 1.5), [f"region {i}" for i in range(40)]),
        "p.device": words(skewed(random, m, 3, 2), list(DEVICES)),
        "p.source": words(skewed(random, m, 8, 1.5), list(SOURCES)),
        "n.value": np.rint(random.random(m) ** 3 * 5_000),
    }
    buyers = owners(random, ids, 2, 2.0)
    k = len(buyers)
    ordered = sorted_times(random, buyers)
    starts = ordered // clock.DAY + (120 * random.random(k) ** 2).astype(np.int64)
    orders = {
        "profile_id": buyers,
        "ordered_at": ordered,
        "status": words(np.searchsorted([0.80, 0.93, 0.95], random.random(k)), list(STATES)),
        "starts_on": pa.array(starts.astype(np.int32)).cast(pa.date32()),
        "net_amount": (50_000 + random.random(k) ** 3 * 6_000_000).astype(np.int64),
        "channel": words(skewed(random, k, len(CHANNELS), 1.5), list(CHANNELS)),
        "property": words(skewed(random, k, 500, 2), [f"hotel {i}" for i in range(500)]),
        "room_type": words(skewed(random, k, len(ROOMS), 2), list(ROOMS)),
    }
    traits = {"tier": (TIERS, 4), "rfm_group": (GROUPS, 1),
              "city": ([f"city {i}" for i in range(81)], 2)}  # fmt: skip
    vocabulary = [word for each, _ in traits.values() for word in each]
    codes, offset = np.empty((len(ids), len(traits)), np.int64), 0
    for place, (each, power) in enumerate(traits.values()):
        codes[:, place] = offset + skewed(random, len(ids), len(each), power)
        offset += len(each)
    consents = random.random((len(ids), 2)) < (0.62, 0.41)
    n_traits = len(ids) * len(traits)
    return {
        "events": pa.table(events),
        "orders": pa.table(orders),
        "traits": pa.table(
            {
                "profile_id": np.repeat(ids, len(traits)),
                "name": words(np.tile(np.arange(len(traits)), len(ids)), list(traits)),
                "text": words(codes.ravel(), vocabulary),
                "number": pa.nulls(n_traits, pa.float64()),
                "day": pa.nulls(n_traits, pa.date32()),
            }
        ),
        "consents": pa.table(
            {
                "profile_id": np.repeat(ids, 2),
                "channel": words(np.tile([0, 1], len(ids)), ["email", "sms"]),
                "purpose": words(np.zeros(2 * len(ids), np.int64), ["marketing"]),
                "status": words(consents.ravel().astype(np.int64), ["refused", "granted"]),
            }
        ),
        "created": pa.table({"profile_id": ids, "at": np.full(len(ids), AT - DAYS * clock.DAY)}),
    }


def make(folder: Path, n: int) -> None:
    """Write the customers that are not there yet."""
    begun = time.perf_counter()
    n_made = 0
    for bucket in buckets(n):
        done = folder / f"{bucket:05}" / "done"
        if done.exists():
            continue
        done.parent.mkdir(parents=True, exist_ok=True)
        for relation, table in made_up(bucket, n).items():
            place = done.parent / f"{relation}.parquet"
            pq.write_table(table, place, compression="zstd", row_group_size=1_000_000)
        done.touch()
        n_made += 1
    if n_made:
        print(f"made {n:,} customers in {time.perf_counter() - begun:.0f} s: {folder}", flush=True)


def buckets(n: int) -> range:
    """Return the numbers of the buckets of ``n`` customers."""
    return range((n + SPAN - 1) // SPAN)


def files_of(folder: Path, bucket: int) -> dict[str, Files]:
    """Return the lake's files of a bucket."""
    found = {}
    for relation in ("events", "orders", "traits", "consents", "created"):
        place = folder / f"{bucket:05}" / f"{relation}.parquet"
        found[relation] = Files((str(place),), pq.read_schema(place))
    return found


# Segments, each as a definition and as SQL


@dataclass(frozen=True)
class Leaf:
    """A condition: its document, the relation and aggregate it takes in SQL, and the test of it."""

    document: dict[str, Any]
    relation: str
    aggregate: str
    test: str  # with {} for the aggregate


def _quoted(values: list[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _since(days: int | None, time_: str) -> str:
    first = f"{time_} >= {AT - days * clock.DAY} and " if days else ""
    return f"{first}{time_} < {AT}"


def events(names: list[str], days: int, test: dict[str, Any], **where: str) -> Leaf:
    """Return a condition on how many events there were, or on the sum of their values."""
    measure = {"sum": "value", "is": test} if "more_than" in test else {"count": test}
    said: dict[str, Any] = {"name": names, "within": {"last": f"{days} days"}, **measure}
    if where:
        said["where"] = {name: {"is": value} for name, value in where.items()}
    conditions = [f"name in ({_quoted(names)})", _since(days, '"at"')]
    conditions += [f"\"p.{name}\" = '{value}'" for name, value in where.items()]
    of = 'sum("n.value")' if "more_than" in test else "count(*)"
    ((comparison, limit),) = test.items()
    sign = {"at_least": ">=", "is": "=", "more_than": ">"}[comparison]
    aggregate = f"{of} filter (where {' and '.join(conditions)})"
    return Leaf({"events": said}, "events", aggregate, f"coalesce({{}}, 0) {sign} {limit}")


def orders(states: list[str], days: int | None, test: dict[str, Any], **where: str) -> Leaf:
    """Return a condition on the number of orders, their sum or mean (by ``more_than``), or time."""
    kept = {"status": {"in": states}, **{name: {"is": value} for name, value in where.items()}}
    said: dict[str, Any] = {"where": kept}
    if days:
        said["within"] = {"last": f"{days} days"}
    conditions = [f"status in ({_quoted(states)})", _since(days, "ordered_at")]
    conditions += [f"{name} = '{value}'" for name, value in where.items()]
    ((comparison, limit),) = test.items()
    match comparison:
        case "sum" | "avg":
            said |= {comparison: "net_amount", "is": {"at_least": f"{limit} TRY"}}
            of, told = f"{comparison}(net_amount)", f"coalesce({{}}, 0) >= {limit * 100}"
        case "idle":
            said |= {"latest": "ordered_at", "is": {"more_than": f"{limit} days ago"}}
            of, told = "max(ordered_at)", f"{{}} < {AT - limit * clock.DAY}"
        case _:
            said["count"] = test
            sign = {"at_least": ">=", "is": "="}[comparison]
            of, told = "count(*)", f"coalesce({{}}, 0) {sign} {limit}"
    aggregate = f"{of} filter (where {' and '.join(conditions)})"
    return Leaf({"orders": said}, "orders", aggregate, told)


def trait(name: str, values: list[str]) -> Leaf:
    """Return a condition on a trait."""
    aggregate = f"max(text) filter (where name = '{name}')"
    test = f"coalesce({{}} in ({_quoted(values)}), false)"
    return Leaf({"trait": {name: {"in": values}}}, "traits", aggregate, test)


def granted(channel: str) -> Leaf:
    """Return a condition on a consent."""
    said = {"channel": channel, "purpose": "marketing", "is": "granted"}
    aggregate = f"bool_or(channel = '{channel}' and status = 'granted')"
    return Leaf({"consent": said}, "consents", aggregate, "coalesce({}, false)")


Tree = Leaf | tuple[str, list[Any]]
BOUGHT = ["completed", "confirmed"]
UPCOMING = Leaf(
    {"orders": {"count": {"at_least": 1}, "where": {"status": {"is": "confirmed"}},
                "by": "starts_on", "within": {"next": "all"}}},
    "orders",
    f"count(*) filter (where status = 'confirmed' and ordered_at < {AT}"
    f" and starts_on > date '{clock.day_of(AT, 'Europe/Istanbul')}')",
    "coalesce({}, 0) >= 1",
)  # fmt: skip


def trees(k: int) -> Iterator[Tree]:
    """Yield the k-th round of segments as people build them."""
    w = partial(lambda j: WINDOWS[(k * 3 + j) % len(WINDOWS)])
    some, mail = {"at_least": 1}, granted("email")
    hotel, region = f"hotel {k + 1}", f"region {k % 40}"
    yield (
        "all",
        [
            orders(BOUGHT, [365, 730, 180][k % 3], {"at_least": 2 + k % 4}),
            mail,
            ("not", [UPCOMING]),
        ],
    )
    yield (
        "all",
        [
            orders(BOUGHT, [365, 730][k % 2], {"sum": 50_000 * (k + 1)}),
            trait("tier", ["gold", "platinum"]),
        ],
    )
    yield "all", [orders(BOUGHT, None, {"idle": max(30, 365 - 30 * k)}), mail, ("not", [UPCOMING])]
    yield (
        "all",
        [
            events(["Booking Abandoned"], 1 + 2 * k, some),
            ("not", [events(["Booking Completed"], 1 + 2 * k, some)]),
            mail,
        ],
    )
    yield "all", [events(["Booking Abandoned"], 7 + 7 * k, {"more_than": 3_000}), granted("sms")]
    yield (
        "all",
        [
            events(["Hotel Searched", "Hotel Viewed"], 14 + k, {"at_least": 3}, region=region),
            ("not", [events(["Booking Completed"], 14 + k, some)]),
        ],
    )
    yield (
        "all",
        [
            events(["Hotel Searched"], w(0), {"at_least": 3 + k % 3}),
            events(["Hotel Viewed"], w(1), {"at_least": 2}),
            ("not", [UPCOMING]),
        ],
    )
    yield (
        "any",
        [
            events(["Hotel Viewed"], 30 + k, {"at_least": 2}, hotel=hotel),
            orders(BOUGHT, None, some, property=hotel),
        ],
    )
    yield (
        "all",
        [("not", [events(["Page Viewed", "App Opened", "Signed In"], 30 + 30 * k, some)]), mail],
    )
    yield "all", [events(["Signed Up"], 30 + 10 * k, some), orders(BOUGHT, None, {"is": 0}), mail]
    yield "all", [events(["App Opened"], 30 + k, {"at_least": 2}, device="mobile"), granted("sms")]
    yield (
        "all",
        [
            events(["Price Checked"], w(2), {"at_least": 2}),
            events(["Price Checked"], w(2), {"more_than": 1_500}),
            ("not", [events(["Booking Started"], w(2), some)]),
        ],
    )
    yield (
        "all",
        [
            events(["Email Opened", "Email Clicked"], w(3), {"at_least": 2}),
            ("not", [events(["Email Unsubscribed"], w(3), some)]),
        ],
    )
    yield (
        "all",
        [
            orders(BOUGHT, 365 + k, some, channel="call_centre"),
            ("any", [granted("sms"), mail]),
            orders(BOUGHT, 365 + k, {"sum": 10_000}, channel="call_centre"),
        ],
    )
    yield (
        "all",
        [orders(["cancelled"], 90 + 30 * k, some), ("not", [orders(BOUGHT, 90 + 30 * k, some)])],
    )
    yield (
        "all",
        [
            orders(
                BOUGHT, None, {"at_least": 1 + k // 2}, room_type="suite" if k % 2 else "family"
            ),
            trait("city", [f"city {i}" for i in range(k, 81, 3)]),
        ],
    )
    yield (
        "all",
        [
            orders(BOUGHT, [None, 365, 730][k % 3], {"avg": 20_000 + 2_000 * k}),
            orders(BOUGHT, [None, 365, 730][k % 3], {"at_least": 2}),
        ],
    )
    yield (
        "all",
        [
            events(
                ["Page Viewed", "Hotel Searched"], 30 + k, {"at_least": 2}, source=SOURCES[k % 8]
            ),
            trait("tier", ["silver", "gold"]),
        ],
    )
    yield (
        "all",
        [
            trait("city", [f"city {k + 1}", f"city {k + 2}", "city 34"]),
            ("any", [mail, granted("sms")]),
            events(["Page Viewed"], w(4), some),
        ],
    )
    yield (
        "all",
        [
            trait("rfm_group", ["champions", "loyal_customers"] if k % 2 else ["new_customers"]),
            mail,
        ],
    )
    yield (
        "all",
        [
            trait("rfm_group", ["at_risk", "cant_lose_them"] if k % 2 else ["hibernating"]),
            events(["Email Opened", "Email Clicked"], 60 + 10 * k, some),
            ("not", [UPCOMING]),
        ],
    )
    yield (
        "all",
        [
            UPCOMING,
            ("not", [orders(["confirmed"], None, some, room_type="suite")]),
            events(["Room Viewed"], w(5), some),
        ],
    )
    yield (
        "all",
        [
            events(["Wishlist Added"], w(6), some),
            events(["Wishlist Added"], w(6), {"more_than": 2_500}),
            ("not", [events(["Booking Completed"], w(6), some)]),
        ],
    )
    yield "all", [events(["Review Left"], 365 - k, some), orders(["completed"], 365 - k, some)]
    yield (
        "any",
        [
            events([NAMES[(5 * k + 3) % 14]], w(7), {"at_least": 1 + k % 3}),
            events([NAMES[(3 * k + 1) % 14]], w(8), some, source=SOURCES[k % 8]),
        ],
    )


def segments(n: int) -> list[Tree]:
    """Return ``n`` segments."""
    found: list[Tree] = []
    k = 0
    while len(found) < n:
        found += trees(k)
        k += 1
    return found[:n]


def document(tree: Tree) -> dict[str, Any]:
    """Return a segment's condition as the language writes it."""
    if isinstance(tree, Leaf):
        return tree.document
    sort, parts = tree
    return {sort: document(parts[0]) if sort == "not" else [document(part) for part in parts]}


def leaves(tree: Tree) -> Iterator[Leaf]:
    """Yield the leaves of a segment."""
    if isinstance(tree, Leaf):
        yield tree
    else:
        for part in tree[1]:
            yield from leaves(part)


def predicate(tree: Tree, column: Callable[[Leaf], str]) -> str:
    """Return a segment's condition as SQL over the columns of its leaves."""
    if isinstance(tree, Leaf):
        return tree.test.format(column(tree))
    sort, parts = tree
    told = [predicate(part, column) for part in parts]
    if sort == "not":
        return f"not ({told[0]})"
    return "(" + (" and " if sort == "all" else " or ").join(told) + ")"


def task(n_segments: int) -> Task:
    """Return the segments as a task for the kernel."""
    schema = Schema(
        currency="TRY",
        tz="Europe/Istanbul",
        traits=dict.fromkeys(("tier", "city", "rfm_group"), Kind.TEXT),
        relations=dict(Schema(currency="TRY", tz="UTC").relations),
    )
    title = {"tr": "-", "en": "-"}
    given = {
        f"s{i:03}": parse({"segment": f"s{i:03}", "title": title, "where": document(tree)}, schema)
        for i, tree in enumerate(segments(n_segments))
    }
    return Task(given, schema, {}, tuple(given), AT)


# Ways to find the members; each returns how many there are by segment


def raw_scan(folder: Path, n: int, n_segments: int) -> Answer:
    """Read every column that the kernel reads, and do nothing with it."""
    del n
    needed = files.columns_of(task(n_segments).plan.requirements)
    with database() as con:
        for relation, columns in needed.items():
            asked = ", ".join(f'max("{name}")' for name in columns)
            con.execute(f"select {asked} from '{folder}/*/{relation}.parquet'").fetchall()
    return Answer([])


def query_per_segment(folder: Path, n: int, n_segments: int) -> Answer:
    """Ask DuckDB once for each segment."""
    del n
    with database() as con:
        return Answer([count(con, folder, [tree])[0] for tree in segments(n_segments)])


def filter_query(folder: Path, n: int, n_segments: int) -> Answer:
    """Ask DuckDB once, with an aggregate for each different leaf."""
    del n
    with database() as con:
        return Answer(count(con, folder, segments(n_segments)))


def count(con: duckdb.DuckDBPyConnection, folder: Path, of: list[Tree]) -> list[int]:
    """Return the sizes of segments by one query."""
    names: dict[str, tuple[str, str]] = {}
    for leaf in (leaf for tree in of for leaf in leaves(tree)):
        names.setdefault(leaf.relation + leaf.aggregate, (leaf.relation, f"v{len(names)}"))
    parts = []
    for relation in dict.fromkeys(relation for relation, _ in names.values()):
        columns = ", ".join(
            f"{key.removeprefix(relation)} as {name}"
            for key, (where, name) in names.items()
            if where == relation
        )
        parts.append(
            f"left join (select profile_id, {columns} from '{folder}/*/{relation}.parquet'"
            f" group by profile_id) {relation} using (profile_id)"
        )
    sizes = ", ".join(
        f"count(*) filter (where {predicate(tree, lambda f: names[f.relation + f.aggregate][1])})"
        for tree in of
    )
    joined = " ".join(parts)
    row = con.execute(f"select {sizes} from '{folder}/*/created.parquet' {joined}").fetchone()
    assert row is not None
    return list(row)


def database() -> duckdb.DuckDBPyConnection:
    """Return a DuckDB with two threads, 6 GB and a folder to spill into."""
    con = duckdb.connect()
    con.execute(f"set threads={THREADS}; set memory_limit='6GB'; set TimeZone='UTC'")
    con.execute(f"set temp_directory='{tempfile.gettempdir()}/bench-spill-{os.getpid()}'")
    return con


def kernel(n_processes: int, folder: Path, n: int, n_segments: int) -> Answer:
    """Run the kernel over the buckets."""
    work = partial(answer_in, pickle.dumps(task(n_segments)), folder)
    if n_processes == 1:
        found = list(map(work, buckets(n)))
    else:
        with multiprocessing.get_context("spawn").Pool(n_processes) as pool:
            found = list(pool.imap_unordered(work, buckets(n)))
            pool.close()
            pool.join()
    return together(found)


@lru_cache(maxsize=1)
def unpacked(packed: bytes) -> Task:
    """Return a task; a process compiles it once."""
    found: Task = pickle.loads(packed)  # noqa: S301 - our own
    return found


def answer_in(packed: bytes, folder: Path, bucket: int) -> Answer:
    """Return what holds in a bucket; next flips are worked out as well."""
    asked = unpacked(packed)
    block = files.block(files_of(folder, bucket), asked.plan.requirements)
    return answer(asked, asked.found(block))


class Answer(NamedTuple):
    """The sizes of the segments, and a sum over every member and flip where the way has them."""

    sizes: list[int]
    digest: int = 0


def answer(asked: Task, found: Found) -> Answer:
    """Return the answer of one bucket."""
    told = hashlib.sha256(found.next_flips.tobytes())
    for key in asked.keys:
        told.update(key.encode() + found.members[key].tobytes())
    return Answer([len(found.members[key]) for key in asked.keys], int(told.hexdigest()[:15], 16))


def together(answers: Iterable[Answer]) -> Answer:
    """Return the answers of all buckets as one, whatever their order."""
    told = list(answers)
    sizes = np.sum([each.sizes for each in told], axis=0).tolist()
    return Answer(sizes, sum(each.digest for each in told))


def on_spark(folder: Path, n: int, n_segments: int) -> Answer:
    """Run the kernel through ``mapInArrow`` on a Spark of this machine."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - asked for by --spark only

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(f"local[{THREADS}]").appName("bench")
    for name, value in (
        ("spark.ui.enabled", "false"), ("spark.driver.host", "127.0.0.1"),
        ("spark.driver.bindAddress", "127.0.0.1"), ("spark.log.level", "ERROR"),
        ("spark.sql.execution.arrow.maxRecordsPerBatch", "1"),
    ):  # fmt: skip
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    rows = [(b, bytearray(pickle.dumps(files_of(folder, b)))) for b in buckets(n)]
    table = session.createDataFrame(
        session.sparkContext.parallelize(rows, len(rows)), "bucket long, files binary"
    )
    schema = ", ".join(
        f"{f.name} {kind}" for f, kind in zip(ANSWERS, ("long", "binary"), strict=True)
    )
    asked = task(n_segments)
    rows_back = table.mapInArrow(InArrow(pickle.dumps(asked), found_in), schema).toLocalIterator()
    found = together(answer(asked, Found.unpacked(bytes(row["found"]))) for row in rows_back)
    session.stop()
    return found


WAYS: dict[str, Callable[[Path, int, int], Answer]] = {
    "raw scan (DuckDB, 2 threads)": raw_scan,
    "kernel, 1 process": partial(kernel, 1),
    "kernel, 2 processes": partial(kernel, 2),
    "kernel on Spark local[2]": on_spark,
    "SQL, one query per segment": query_per_segment,
    "SQL, one FILTER query": filter_query,
}


# Measuring


def measured(way: str, folder: Path, n: int, n_segments: int) -> dict[str, Any]:
    """Run one way in a process of its own and return what it found and cost."""
    arguments = [
        "--way",
        way,
        "--data",
        str(folder),
        "--customers",
        str(n),
        "--segments",
        str(n_segments),
    ]
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def run_one(way: str, folder: Path, n: int, n_segments: int) -> None:
    """Run one way here and print what it found and cost."""
    peak = Peak()
    begun = time.perf_counter()
    found = WAYS[way](folder, n, n_segments)
    wall = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu, most = peak.stop()
    cpu += used.ru_utime + used.ru_stime
    print(json.dumps(found._asdict() | {"cpu": cpu, "wall": wall, "peak": most}))


class Peak:
    """What this process and its family use, looked at often by a process beside them."""

    def __init__(self) -> None:
        self._ask, theirs = multiprocessing.Pipe()
        beside = multiprocessing.get_context("fork")
        beside.Process(target=_watch, args=(os.getpid(), theirs), daemon=True).start()

    def stop(self) -> tuple[float, float]:
        """Return the CPU seconds of the family, and the most memory it held together in MB."""
        self._ask.send(None)
        found: tuple[float, float] = self._ask.recv()
        return found


def _watch(root: int, answer: Any) -> None:
    most, cpu = 0.0, dict[int, float]()
    while not answer.poll(0.05):
        family = [pid for pid in _family(root) if pid != os.getpid()]
        most = max(most, sum(map(_held, family)))
        cpu |= {pid: _cpu(pid) for pid in family if pid != root}
    answer.send((sum(cpu.values()), most))


def _cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _family(int(child))
    except OSError:
        return


def _held(pid: int) -> float:
    """Return the memory of a process in MB, shared pages counted in parts."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def main() -> None:
    """Print what each way costs."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", choices=SCALES, default="200k")
    options.add_argument("--segments", type=int, nargs="+", default=[50, 200])
    options.add_argument("--data", type=Path, help="folder of the made-up customers (kept)")
    options.add_argument("--spark", action="store_true", help="also on Spark (needs Java)")
    options.add_argument("--no-sql", action="store_true", help="leave out the slow ways")
    options.add_argument("--way", help=argparse.SUPPRESS)
    options.add_argument("--customers", type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.way:
        run_one(given.way, given.data, given.customers, given.segments[0])
        return
    n = SCALES[given.scale]
    with tempfile.TemporaryDirectory(prefix="pusula-bench-") as passing:
        folder = (given.data or Path(passing)) / given.scale
        make(folder, n)
        ways = [way for way in WAYS if (given.spark or "Spark" not in way)
                and not (given.no_sql and way.startswith("SQL"))]  # fmt: skip
        for n_segments in given.segments:
            report(folder, n, n_segments, ways)


def report(folder: Path, n: int, n_segments: int, ways: list[str]) -> None:
    """Run and print the ways; they must agree."""
    plan = task(n_segments).plan
    print(f"\n{n:,} customers, {10 * n:,} events, {2 * n:,} orders (about), {n_segments} segments, "
          f"{len(plan.program.steps)} steps; load {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"{'':32}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}{'x scan CPU':>12}")
    scan, sizes, digest = 0.0, None, 0
    for way in ways:
        found = measured(way, folder, n, n_segments)
        if "error" in found:
            print(f"{way:32}  failed: {found['error'][:90]}", flush=True)
            continue
        scan = scan or found["cpu"]
        print(f"{way:32}{found['cpu']:10.1f}{found['wall']:10.1f}{found['peak']:10.0f}"
              f"{found['cpu'] / scan:12.1f}", flush=True)  # fmt: skip
        if found["sizes"]:
            sizes = sizes or found["sizes"]
            wrong = [
                i
                for i, pair in enumerate(zip(sizes, found["sizes"], strict=True))
                if len(set(pair)) > 1
            ]
            if wrong:
                print(f"  !! other sizes than the first way: segments {wrong[:10]}")
        if found["digest"]:
            digest = digest or found["digest"]
            same = "the same" if found["digest"] == digest else "!! OTHER"
            print(f"  {same} members and next flips, one by one ({found['digest']:x})")
    if sizes:
        print(f"members: {sum(sizes):,} in all, {min(sizes):,} to {max(sizes):,} a segment")


if __name__ == "__main__":
    main()
