"""``pusula experiments compare``: a test that ran anywhere, from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext
from pyarrow import csv, parquet
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pusula.lib.errors import PusulaError
from pusula.measurement import stats
from pusula.measurement.compare import looks
from pusula.measurement.compare import rows as comparison
from pusula.measurement.compare.looks import TAU, Checkpoint
from pusula.measurement.compare.rows import People, Questions
from pusula.measurement.results.campaign import SPLIT_ALARM
from pusula.measurement.stats import Amounts
from pusula.ops.figures import number, percent
from pusula.ops.shares import SHARE

_SUMMARY = ("count_c", "count_t", "mean_c", "mean_t", "variance_c", "variance_t")


class FileError(PusulaError):
    """A file that is not the table of a test."""

    code = "experiment_file"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--arm", default="arm", show_default=True, help="The column that names the arm.")
@click.option("--control", default="control", show_default=True, help="The arm to compare with.")
@click.option("--treated", multiple=True, help="An arm to compare; without it, all others.")
@click.option("--rate", "rates", multiple=True, help="A column of 0 and 1: who converted.")
@click.option("--mean", "means", multiple=True, help="A column of amounts per person.")
@click.option("--ratio", "ratios", multiple=True, help="Two columns, as spend/orders.")
@click.option("--before", default="", help="A column of amounts from before the test (CUPED).")
@click.option("--by", multiple=True, help="A column of groups whose effects are told apart.")
@click.option("--cost", type=float, default=0.0, help="What each treated person cost.")
@click.option(
    "--margin", type=SHARE, default="1", help="The share of an amount that is profit: 30%."
)
@click.option("--together", is_flag=True, help="Compare all treated arms as one as well.")
@click.option("--time", default="time_since_start", help="Of a summary: the column of the looks.")
@click.option("--tau", type=float, default=TAU, help="Of a summary: the effects looked for.")
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def compare(file: Path, *, time: str, tau: float, as_json: bool, **given: Any) -> None:
    """Compare the arms of a test: FILE is CSV or Parquet.

    Either one row per person, with the arm and what the person did; or a summary with the columns
    count_c, count_t, mean_c, mean_t, variance_c, variance_t at each look, cumulative: then plain
    tests at the end and at any look stand beside the always-valid one.
    """
    table = read(file)
    if set(_SUMMARY) <= set(table.column_names):
        found = summarise(table, time, tau)
        show = _show_looks
    else:
        found = _people(table, **given)
        show = _show_people
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        show(found)


def read(file: Path) -> pa.Table:
    """Return the table of a CSV or Parquet file."""
    try:
        if file.suffix.lower() == ".parquet":
            return parquet.read_table(file)
        return csv.read_csv(file)
    except pa.ArrowInvalid as error:
        raise FileError(f"{file.name}: {error}") from error


def summarise(table: pa.Table, time: str, tau: float) -> dict[str, Any]:
    """Return what three ways of looking say of each comparison of a summary."""
    if time not in table.column_names:
        said = gettext("there is no column %(name)s: name the one of the looks with --time")
        raise FileError(said % {"name": time})
    keys = [name for name in table.column_names if name not in {*_SUMMARY, time}]
    rows = []
    for key, points in _checkpoints(table.sort_by(time), keys).items():
        watched = looks.watched(points, tau)
        if watched is None:
            continue
        final = watched.final
        rows.append(
            dict(zip(keys, key, strict=True))
            | {
                "looks": watched.n_looks,
                "n_control": final.control.n,
                "n_treated": final.treated.n,
                "mean_control": final.control.mean,
                "mean_treated": final.treated.mean,
                "difference": final.difference,
                "lift": final.lift,
                "t": final.t,
                "p_final": final.p,
                "p_any_look": watched.p_any_look,
                "p_sequential": watched.p_sequential,
                "p_split": stats.sample_ratio([final.treated.n, final.control.n], [1.0, 1.0]),
                "found": watched.found,
            }
        )
    return {"comparisons": len(rows), "found": _counts(rows), "rows": rows}


def _counts(rows: list[dict[str, Any]]) -> dict[str, int]:
    counts = {
        way: sum(row["found"][way] for row in rows) for way in ("final", "any_look", "sequential")
    }
    counts["split_broken"] = sum((row["p_split"] or 1.0) < SPLIT_ALARM for row in rows)
    return counts


def _checkpoints(table: pa.Table, keys: list[str]) -> dict[tuple[Any, ...], list[Checkpoint]]:
    found: dict[tuple[Any, ...], list[Checkpoint]] = {}
    for row in table.to_pylist():
        looked = found.setdefault(tuple(row[key] for key in keys), [])
        if any(row[name] is None or row[name] != row[name] for name in _SUMMARY):
            continue  # nothing was known at this look
        looked.append(
            Checkpoint(
                treated=Amounts.told(int(row["count_t"]), row["mean_t"], row["variance_t"]),
                control=Amounts.told(int(row["count_c"]), row["mean_c"], row["variance_c"]),
            )
        )
    return found


def _people(
    table: pa.Table,
    *,
    arm: str,
    control: str,
    treated: tuple[str, ...],
    ratios: tuple[str, ...],
    together: bool,
    **given: Any,
) -> dict[str, Any]:
    questions = Questions(ratios=[_ratio(text) for text in ratios], **given)
    if not (questions.rates or questions.means or questions.ratios):
        raise click.UsageError(
            gettext("say what to compare: --rate, --mean or --ratio, with a column")
        )
    people = People(
        arms=_labels(table, arm),
        numbers={name: _numbers(table, name) for name in sorted(questions.columns())},
        labels={name: _labels(table, name) for name in questions.by},
    )
    names = people.names()
    for name in (control, *treated):
        if name not in names:
            said = gettext("no row has the arm %(name)s; there are: %(there)s")
            raise FileError(said % {"name": name, "there": ", ".join(names)})
    others = list(treated) or [name for name in names if name != control]
    if not others:
        said = gettext("every row has the arm %(name)s: there is nothing to compare")
        raise FileError(said % {"name": control})
    return comparison.compare(people, questions, control=control, treated=others, together=together)


def _ratio(text: str) -> tuple[str, str]:
    above, _, below = text.partition("/")
    if not below:
        said = gettext("--ratio %(text)s: write two columns, as spend/orders")
        raise click.UsageError(said % {"text": text})
    return above, below


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        said = gettext("there is no column %(name)s; there are: %(there)s")
        raise FileError(said % {"name": name, "there": ", ".join(table.column_names)})
    return table[name]


def _numbers(table: pa.Table, name: str) -> comparison.Floats:
    """Return a column as numbers; what is empty or no number is refused, not guessed."""
    column = _column(table, name)
    try:
        values = pc.cast(column, pa.float64()).to_numpy()
    except pa.ArrowInvalid as error:
        said = gettext("column %(name)s: %(why)s")
        raise FileError(said % {"name": name, "why": error}) from error
    if not np.isfinite(values).all():
        said = gettext("column %(name)s has rows without a number: write 0 for those who did not")
        raise FileError(said % {"name": name})
    return np.asarray(values, np.float64)


def _labels(table: pa.Table, name: str) -> comparison.Labels:
    texts = pc.fill_null(pc.cast(_column(table, name), pa.string()), "")
    return np.array(texts.to_pylist(), dtype=np.str_)


def _show_people(found: dict[str, Any]) -> None:
    console = Console()
    p_split = found["split"]["p"]
    if p_split is not None and p_split < SPLIT_ALARM:
        console.print(
            gettext("The arms do not have equal sizes: was that planned?"), style="yellow"
        )
    table = Table(box=box.SIMPLE_HEAD)
    heads = (gettext("Arm"), gettext("Metric"), gettext("Control"), gettext("Treated"))
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place > 1 else "left")
    for head in (gettext("Difference"), gettext("95%% interval") % {}, "p", "p (Holm)"):
        table.add_column(head, justify="right")
    paid = {(row["treated"], row["metric"]): row["holm"] for row in found["multiplicity"]}
    for one in found["comparisons"]:
        for metric, row in one["rates"].items():
            p_holm = paid[one["treated"], metric]
            table.add_row(*_row(one["treated"], metric, row, p_holm, is_rate=True))
        for metric, row in one["means"].items():
            p_holm = paid[one["treated"], metric]
            table.add_row(*_row(one["treated"], metric, row, p_holm, is_rate=False))
    console.print(table)


def _row(
    arm: str, metric: str, row: dict[str, Any], p_holm: float, *, is_rate: bool
) -> tuple[str, ...]:
    low, high = row["interval"]["low"], row["interval"]["high"]
    ends = ("rate_control", "rate_treated") if is_rate else ("mean_control", "mean_treated")

    def said(value: float) -> str:
        return percent(value, 2) if is_rate else number(value, 4)

    return (
        escape(arm),
        escape(metric),
        said(row[ends[0]]),
        said(row[ends[1]]),
        said(row["difference"]),
        f"{said(low)} … {said(high)}",
        f"{row['p']:.3g}",
        f"{p_holm:.3g}",
    )


def _show_looks(found: dict[str, Any]) -> None:
    counts = found["found"]
    words = {"n": number(found["comparisons"])} | {k: number(v) for k, v in counts.items()}
    click.echo(gettext("%(n)s comparisons. Called a difference (p < 0.05):") % words)
    click.echo(gettext("  %(final)s by one look at the end") % words)
    click.echo(gettext("  %(any_look)s by a plain test at any look (peeking)") % words)
    click.echo(gettext("  %(sequential)s by the always-valid test") % words)
    if counts["split_broken"]:
        click.echo(gettext("%(split_broken)s have arms of sizes no even split gives.") % words)
