"""RFM of millions of customers beside what people use for it.

    python bench/analytics_rfm.py [--most 10000000] [--ways pusula pandas] [--data DIR]

Each way runs in a process of its own, which tells its CPU seconds, wall time and peak memory:

- ``pusula``: ``pusula rfm score`` over files of order versions, as the lake holds them, to a file
- ``pandas``: the recipe of the bootcamps, written for speed: ``groupby().agg`` of built-in names
- ``notebook``: the recipe as it is taught, with a lambda for each column
- ``rfm``, ``clusteraudiencekit``: the packages of that name, where they are installed (a folder
  that holds them may stand in PYTHONPATH)

Ways that score alike must agree on the size of every group.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pusula.lib import clock

AS_OF = date(2026, 11, 22)
ZONE = "Europe/Istanbul"
SPAN = 65_536
DAYS = 730
# What one customer costs each way is much alike at all sizes: sizes grow until a way takes longer.
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
PATIENCE_S = 300.0
_GROUPS = {
    r"[1-2][1-2]": "hibernating", r"[1-2][3-4]": "at_risk", r"[1-2]5": "cant_loose",
    r"3[1-2]": "about_to_sleep", r"33": "need_attention", r"[3-4][4-5]": "loyal_customers",
    r"41": "promising", r"51": "new_customers", r"[4-5][2-3]": "potential_loyalists",
    r"5[4-5]": "champions",
}  # fmt: skip


def make(folder: Path, n: int) -> None:
    """Write two orders a customer: versions as in the lake, and the plain table of a notebook."""
    (folder / "lake").mkdir(parents=True)
    (folder / "plain").mkdir()
    at = clock.start_of(AS_OF, ZONE)
    for bucket in range(-(-n // SPAN)):
        rng = np.random.default_rng([3, bucket])
        ids = np.arange(bucket * SPAN + 1, min((bucket + 1) * SPAN, n) + 1, dtype=np.int64)
        whose = np.sort(rng.choice(ids, len(ids)))  # one each, the other drawn
        whose = np.sort(np.concatenate([ids, whose]))
        k = len(whose)
        ordered = at - (rng.random(k) * DAYS * clock.DAY).astype(np.int64) - 1
        amount = (50_000 + rng.random(k) ** 3 * 6_000_000).astype(np.int64)
        versions = {
            "profile_id": whose, "id": np.arange(k) + bucket * 3 * SPAN, "ordered_at": ordered,
            "changed_at": ordered, "until_at": np.full(k, np.iinfo(np.int64).max),
            "starts_on": pa.nulls(k, pa.date32()),
            "status": pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(k, np.int8)), ["completed"]).cast(pa.string()),
            "net_base_minor": amount, "gross_base_minor": amount,
        }  # fmt: skip
        name = f"{bucket:05}.parquet"
        pq.write_table(pa.table(versions), folder / "lake" / name, compression="zstd")
        plain = {
            "customer_id": whose,
            "order_id": versions["id"],
            "ordered_at": pa.array(ordered).cast(pa.timestamp("us")),
            "total": amount / 100,
        }
        pq.write_table(pa.table(plain), folder / "plain" / name, compression="zstd")


def by_pusula(folder: Path) -> dict[str, int]:
    """Score by the public command, in a home of its own."""
    home = Path(tempfile.mkdtemp(prefix="pusula-bench-"))
    rules = home / "rules.toml"
    rules.write_text('ties = "file_order"\n[monetary]\nabove_zero = false\n')
    os.environ["PUSULA_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "pusula.config.settings"
    main = importlib.import_module("pusula.ops.main")
    importlib.import_module("django").setup()
    importlib.import_module("pusula.ops.rfm")
    main.cli(["init"], standalone_mode=False)
    _begin()
    arguments = ["--as-of", AS_OF.isoformat(), "--config", str(rules), "--files",
                 str(folder / "lake"), "--out", str(home / "scores.parquet")]  # fmt: skip
    main.cli(["rfm", "score", *arguments], standalone_mode=False)
    names = pq.read_table(home / "scores.parquet", columns=["rfm_group"])["rfm_group"]
    counts = names.value_counts()
    return {one["values"]: one["counts"] for one in counts.to_pylist()}


def by_pandas(folder: Path) -> dict[str, int]:
    """Score as the bootcamps do, each step in its quickest form."""
    pd = importlib.import_module("pandas")
    _begin()
    frame = pd.read_parquet(folder / "plain")
    as_of = pd.Timestamp(clock.to_datetime(clock.start_of(AS_OF, ZONE)).replace(tzinfo=None))
    found = frame.groupby("customer_id").agg(
        last=("ordered_at", "max"), frequency=("order_id", "nunique"), monetary=("total", "sum")
    )
    found["recency"] = (as_of - found["last"]).dt.days
    return _scored(pd, found)


def by_notebook(folder: Path) -> dict[str, int]:
    """Score as it is taught: a lambda for each column."""
    pd = importlib.import_module("pandas")
    _begin()
    frame = pd.read_parquet(folder / "plain")
    as_of = pd.Timestamp(clock.to_datetime(clock.start_of(AS_OF, ZONE)).replace(tzinfo=None))
    found = frame.groupby("customer_id").agg(
        {
            "ordered_at": lambda dates: (as_of - dates.max()).days,
            "order_id": lambda orders: orders.nunique(),
            "total": lambda totals: totals.sum(),
        }
    )
    found.columns = ["recency", "frequency", "monetary"]
    return _scored(pd, found)


def _scored(pd: Any, found: Any) -> dict[str, int]:
    found["r"] = pd.qcut(found["recency"], 5, labels=[5, 4, 3, 2, 1])
    found["f"] = pd.qcut(found["frequency"].rank(method="first"), 5, labels=[1, 2, 3, 4, 5])
    found["m"] = pd.qcut(found["monetary"], 5, labels=[1, 2, 3, 4, 5])
    code = found["r"].astype(str) + found["f"].astype(str)
    found["group"] = code.replace(_GROUPS, regex=True)
    sizes: dict[str, int] = found["group"].value_counts().to_dict()
    return sizes


def by_rfm(folder: Path) -> dict[str, int]:
    """Score by the package ``rfm``; its groups have other names."""
    pd = importlib.import_module("pandas")
    package = importlib.import_module("rfm")
    _begin()
    frame = pd.read_parquet(folder / "plain")
    frame = frame.rename(columns={"ordered_at": "order_date"})  # it knows a date by its name
    package.RFM(frame, customer_id="customer_id", transaction_date="order_date", amount="total")
    return {}


def by_clusteraudiencekit(folder: Path) -> dict[str, int]:
    """Score by the package ``clusteraudiencekit``; its groups have other names."""
    pd = importlib.import_module("pandas")
    package = importlib.import_module("clusteraudiencekit")
    _begin()
    frame = pd.read_parquet(folder / "plain")
    package.RFMAnalyzer().analyze(frame)
    return {}


WAYS: dict[str, Callable[[Path], dict[str, int]]] = {
    "pusula": by_pusula,
    "pandas": by_pandas,
    "notebook": by_notebook,
    "rfm": by_rfm,
    "clusteraudiencekit": by_clusteraudiencekit,
}
_began = (0.0, 0.0)


def _begin() -> None:
    """Start the clocks: what is loaded is not counted."""
    global _began  # noqa: PLW0603 - one process, one measurement
    _began = (time.process_time(), time.perf_counter())


def one(way: str, folder: Path) -> None:
    """Run ``way`` here and print what it took as JSON: the last line."""
    sizes = WAYS[way](folder)
    cpu, wall = time.process_time() - _began[0], time.perf_counter() - _began[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu_s": cpu, "wall_s": wall, "peak_mb": peak, "sizes": sizes}))


def measured(way: str, folder: Path) -> dict[str, Any] | None:
    """Return what ``way`` took in a process of its own; ``None`` if it did not end well."""
    try:
        done = subprocess.run(
            [sys.executable, __file__, "one", way, str(folder)],
            capture_output=True, text=True, check=False, timeout=2 * PATIENCE_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        print(f"  {way:20} did not end within {2 * PATIENCE_S:.0f} s")
        return None
    if done.returncode:
        print(f"  {way:20} {done.stderr.strip().splitlines()[-1][:100]}")
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(sizes: tuple[int, ...], ways: list[str], data: Path) -> None:
    """Print what each way takes at each size, as long as it does not take too long."""
    patient = list(ways)
    for n in sizes:
        folder = data / f"rfm-{n}"
        if not folder.exists():
            make(folder, n)
        print(f"{n:,} customers, {2 * n:,} orders")
        results: dict[str, dict[str, Any]] = {}
        for way in list(patient):
            found = measured(way, folder)
            if found is None:
                patient.remove(way)
                continue
            results[way] = found
            ours = results.get("pusula", found)
            print(
                f"  {way:20} {found['cpu_s']:8.2f} s CPU {found['wall_s']:8.2f} s"
                f" {found['peak_mb']:8,.0f} MB   x {found['cpu_s'] / ours['cpu_s']:.1f} CPU,"
                f" x {found['wall_s'] / ours['wall_s']:.1f} time,"
                f" x {found['peak_mb'] / ours['peak_mb']:.1f} memory"
            )
            if found["wall_s"] * 10 > PATIENCE_S:
                patient.remove(way)
        told = {tuple(sorted(one["sizes"].items())) for one in results.values() if one["sizes"]}
        if len(told) > 1:
            raise SystemExit(f"the ways do not agree: {told}")


def main() -> None:
    """Read the command line."""
    if sys.argv[1:2] == ["one"]:
        one(sys.argv[2], Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=1_000_000, help="customers of the largest size")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--data", type=Path, help="where the made-up orders are kept")
    given = parser.parse_args()
    data = given.data or Path(tempfile.mkdtemp(prefix="pusula-bench-"))
    compare(tuple(n for n in SIZES if n <= given.most), given.ways, data)


if __name__ == "__main__":
    main()
