"""Customer lifetime value: our fits beside ``lifetimes`` and ``pymc-marketing``, in one run.

    python bench/analytics_clv.py [--data DIR] [--customers N] [--peers PYTHON] [--no-slow]

On CDNOW (``cdnow_published_summary.parquet`` in DIR) and on N made-up customers of a known
population. PYTHON is an interpreter that has the peers; each fit runs in a process of its own,
which tells its seconds (without imports and reading), its peak memory and what it found. The ratio
is of CPU seconds, which other work on the machine disturbs least:

    python -m venv peers && peers/bin/pip install lifetimes pymc-marketing pyarrow

``lifetimes`` fits by maximum likelihood; ``pymc-marketing`` by its ``map`` (the most likely
parameters under its priors). All get the same rows; ours groups them within its time. A way that
takes longer than ten minutes is told as that.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pusula.predict.buying import bgnbd, grouping, pareto, simulated

POPULATION = bgnbd.Model(0.243, 4.414, 0.793, 2.426)
DAYS = 365
LIMIT = 600  # seconds

# What each way does with the columns x, t_x, T (weeks); imports and reading are not counted.
OURS = """
from pusula.predict.buying import bgnbd, grouping
def work():
    model, fit = bgnbd.fit(grouping.group(x, t_x, age))
    return [model.r, model.alpha, model.a, model.b]
bgnbd.fit(grouping.group(x[:500], t_x[:500], age[:500]))
"""
OURS_PARETO = """
from pusula.predict.buying import grouping, pareto
def work():
    model, fit = pareto.fit(grouping.group(x, t_x, age))
    return [model.r, model.alpha, model.s, model.beta]
pareto.fit(grouping.group(x[:500], t_x[:500], age[:500]))
"""
LIFETIMES = """
import warnings; warnings.simplefilter("ignore")
from lifetimes import {kind}
def work():
    model = {kind}(penalizer_coef=0.0).fit(x, t_x, age)
    return [float(v) for v in model.params_]
"""
# pymc-marketing takes no column of counts, so each customer is a row.
PYMC = """
import warnings; warnings.simplefilter("ignore")
import pandas as pd
from pymc_marketing.clv import BetaGeoModel
rows = pd.DataFrame(dict(customer_id=range(len(x)), frequency=x, recency=t_x, T=age))
def work():
    model = BetaGeoModel(data=rows); model.build_model(); model.fit(method="map", progressbar=False)
    found = model.idata.posterior if hasattr(model, "idata") else model.fit_result
    return [float(found[name].values.ravel()[0]) for name in ("r", "alpha", "a", "b")]
"""
FRAME = """
import json, resource, sys, time
import numpy as np, pyarrow.parquet as pq
table = pq.read_table(sys.argv[1])
x = table["x"].to_numpy().astype("int64")
t_x, age = table["t_x"].to_numpy().astype(float), table["T"].to_numpy().astype(float)
{way}
def spent():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
start, cpu = time.perf_counter(), spent()
parameters = work()
print(json.dumps(dict(seconds=time.perf_counter() - start, cpu=spent() - cpu,
      peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, parameters=parameters)))
"""


def main() -> None:
    """Fit everywhere and print the ratios."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path)
    asked.add_argument("--customers", type=int, default=1_000_000)
    asked.add_argument("--peers", default="")
    asked.add_argument("--no-slow", action="store_true", help="leave out Pareto/NBD on the million")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.data:
            told = pq.read_table(given.data / "cdnow_published_summary.parquet")
            compare("CDNOW, 2,357 customers", save(told, folder), given.peers, is_slow=True)
        made = simulated.customers(POPULATION, given.customers, DAYS, seed=0)
        table = pa.table({"x": made.x, "t_x": made.t_x, "T": made.age})
        title = f"made up, {given.customers:,} customers"
        compare(title, save(table, folder), given.peers, is_slow=not given.no_slow)


def save(table: pa.Table, folder: str) -> Path:
    """Write the rows where all ways read them."""
    file = Path(folder) / f"{table.num_rows}.parquet"
    pq.write_table(table.select(["x", "t_x", "T"]), file)
    return file


def compare(title: str, file: Path, peers: str, *, is_slow: bool) -> None:
    """Print what each way took and found."""
    print(f"\n{title}")
    table = pq.read_table(file)
    columns = [table[name].to_numpy() for name in ("x", "t_x", "T")]
    grouped = grouping.group(columns[0].astype(np.int64), columns[1], columns[2])
    bg = {"ours": (sys.executable, OURS)}
    par = {"ours": (sys.executable, OURS_PARETO)}
    if peers:
        bg["lifetimes"] = (peers, LIFETIMES.format(kind="BetaGeoFitter"))
        bg["pymc-marketing MAP"] = (peers, PYMC)
        par["lifetimes"] = (peers, LIFETIMES.format(kind="ParetoNBDFitter"))
    ways = {("BG/NBD", name): way for name, way in bg.items()}
    if is_slow:
        ways |= {("Pareto/NBD", name): way for name, way in par.items()}
    ours = 0.0
    for (model, name), (python, way) in ways.items():
        found = run(python, way, file)
        if isinstance(found, str):
            print(f"  {model + ', ' + name:<28} {found}")
            continue
        ours = found["cpu"] if name == "ours" else ours
        kind = bgnbd if model == "BG/NBD" else pareto
        found["LL"] = kind.log_likelihood(kind.Model(*found["parameters"]), grouped)[0]
        tell(f"{model}, {name}", found, found["cpu"] / ours)


def run(python: str, way: str, file: Path) -> dict[str, Any] | str:
    """Return what a way took and found in a process of its own, or why it did not."""
    command = [python, "-c", FRAME.format(way=way), str(file)]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"not done after {LIMIT} s"
    if told.returncode:
        return told.stderr.strip().splitlines()[-1][:160]
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return found


def tell(name: str, found: dict[str, Any], ratio: float) -> None:
    """Print time, CPU (of children too), memory, the ratio of CPU to ours, what was found."""
    parameters = " ".join(f"{value:.4g}" for value in found["parameters"])
    print(
        f"  {name:<28} {found['seconds']:8.3f} s  cpu {found['cpu']:8.3f} s  "
        f"{found['peak_mb']:6.0f} MB  x {ratio:8.1f}  {parameters}  LL {found['LL']:,.2f}"
    )


if __name__ == "__main__":
    main()
