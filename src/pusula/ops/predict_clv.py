"""``pusula predict clv``: the value models fitted beside each other, on a past or on a summary."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from django.utils.translation import gettext
from rich import box
from rich.console import Console
from rich.table import Table

from pusula.lib.errors import PusulaError
from pusula.ops.figures import number
from pusula.predict import words
from pusula.predict.buying import bgnbd, gammagamma, grouping, pareto, soundness
from pusula.predict.buying.fitting import Fit
from pusula.predict.buying.learned import Learned, learn_from
from pusula.predict.buying.summary import WEEK, Purchases, Summary, counted, purchases, summarise
from pusula.predict.buying.validation import MOST_REPEATS
from pusula.predict.history import Past
from pusula.predict.training import Floats
from pusula.profiles.models import Identifier, IdentifierKind

_COLUMNS = ("x", "t_x", "T", "zbar")
_WEEKS = 39.0


class SummaryError(PusulaError):
    """What the models are to be fitted to cannot be read."""

    code = "bad_summary"


@dataclass(frozen=True)
class _Case:
    """Customers to fit to, how far to look ahead, and what came, where it is known."""

    summary: Summary
    names: tuple[str, ...]  # of the customers, as they can be asked for
    weeks: float
    came: Floats | None


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--calibration-end",
    "calibration",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day that is learned from; orders count as they stood at its end.",
)
@click.option(
    "--holdout-end",
    "holdout",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last of the days after it that the prediction is compared with.",
)
@click.option("--weeks", default=_WEEKS, show_default=True, help="How far to look ahead otherwise.")
@click.option("--customer", "customers", multiple=True, help="Tell of this customer key (or row).")
@click.option("--json", "as_json", is_flag=True, help="Print the figures for a program.")
def clv(
    file: Path | None,
    calibration: datetime | None,
    holdout: datetime | None,
    weeks: float,
    customers: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Fit BG/NBD, Pareto/NBD and Gamma-Gamma, and compare them with what came; nothing is kept.

    To the orders up to a day, or to FILE: Parquet or CSV with the columns x (purchases after the
    first), t_x and T (weeks from the first purchase to the last, and to the end), zbar (mean value
    of the purchases after the first).
    """
    if (file is None) == (calibration is None):
        raise click.UsageError(gettext("give a FILE or --calibration-end, one of the two"))
    if file is not None:
        case = _Case(*_read(file), weeks, None)
    elif calibration is not None:
        case = _past(calibration.date(), holdout.date() if holdout else None, weeks)
    told = _told(case, customers)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _show(told)


def _read(file: Path) -> tuple[Summary, tuple[str, ...]]:
    try:
        read = pa.csv.read_csv if file.suffix == ".csv" else pa.parquet.read_table
        table = read(file)
    except (OSError, pa.ArrowInvalid) as error:
        said = gettext("%(file)s: cannot be read as Parquet or CSV: %(why)s")
        raise SummaryError(said % {"file": file, "why": error}) from error
    if missing := [name for name in _COLUMNS if name not in table.column_names]:
        said = gettext("%(file)s: there is no column %(name)s")
        raise SummaryError(said % {"file": file, "name": ", ".join(missing)})
    x, t_x, age, value = (
        pc.fill_null(table[name].cast(pa.float64()), 0.0).to_numpy() for name in _COLUMNS
    )
    if len(x) and (x.min() < 0 or t_x.min() < 0 or (age - t_x).min() < 0):
        said = gettext("%(file)s: x and t_x are 0 or more, and t_x is at most T")
        raise SummaryError(said % {"file": file})
    names = table["ID"] if "ID" in table.column_names else pa.array(range(1, len(x) + 1))
    summary = Summary(np.arange(len(x)), x.astype(np.int64), t_x, age, value)
    return summary, tuple(str(name) for name in names.to_pylist())


def _past(last_on: date, holdout_on: date | None, weeks: float) -> _Case:
    as_of_on = last_on + timedelta(days=1)
    bought = purchases(Past(as_of_on).orders())
    summary = summarise(bought, as_of_on)
    names = _keys(summary)
    if holdout_on is None:
        return _Case(summary, names, weeks, None)
    until_on = holdout_on + timedelta(days=1)
    later: Purchases = purchases(Past(until_on).orders())
    came = counted(later, summary.profile_ids, as_of_on, until_on)
    return _Case(summary, names, (until_on - as_of_on).days / WEEK, came.n.astype(float))


def _keys(summary: Summary) -> tuple[str, ...]:
    """Return the key of each customer in the source, else the profile's number."""
    held = Identifier.objects.filter(kind=IdentifierKind.KEY).order_by("-value")
    keys = dict(held.values_list("profile_id", "value").iterator(10_000))
    return tuple(keys.get(pk, str(pk)) for pk in summary.profile_ids.tolist())


def _told(case: _Case, customers: tuple[str, ...]) -> dict[str, Any]:
    seen = case.summary
    learned = learn_from(seen)
    told: dict[str, Any] = {
        "customers": len(seen),
        "repeat_customers": learned.n_again,
        "repeat_transactions": int(seen.x.sum()),
        "weeks": case.weeks,
        "holdout_transactions": None if case.came is None else int(case.came.sum()),
    }
    if learned.model is None or learned.fit is None:
        return told
    expected = learned.expected(case.weeks * WEEK)
    told["bgnbd"] = _model(case, learned.fit, learned.model, expected, learned.p_alive())
    withheld = soundness.degenerate(learned)
    told["bgnbd"]["degenerate"] = withheld is not None
    told["bgnbd"]["withheld"] = words.note(withheld) if withheld else ""
    other, fit = pareto.fit(grouping.group(seen.x, seen.t_x, seen.age))
    expected_of_other = other.expected(seen.x, seen.t_x, seen.age, case.weeks)
    alive = other.p_alive(seen.x, seen.t_x, seen.age)
    told["pareto_nbd"] = _model(case, fit, other, expected_of_other, alive)
    if case.came is not None:
        naive = learned.same_rate(case.weeks * WEEK)
        told["naive_same_rate_holdout"] = _holdout(naive, case.came)
        told["mean_holdout_by_frequency"] = _by_frequency(case, expected, expected_of_other)
    told["gamma_gamma"] = _values(learned, expected)
    told["customers_asked_for"] = _spots(case, customers, learned.p_alive(), expected)
    return told


def _model(
    case: _Case, fit: Fit, model: bgnbd.Model | pareto.Model, expected: Floats, alive: Floats
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "params": _named(model),
        "LL": fit.log_likelihood,
        "expected_transactions_next_t": {"t": case.weeks, "total": float(expected.sum())},
        "p_alive_mean": float(alive.mean()),
    }
    if case.came is not None:
        told["holdout"] = _holdout(expected, case.came)
    return told


def _named(model: bgnbd.Model | pareto.Model | gammagamma.Model) -> dict[str, float]:
    return dict(zip(model.__dataclass_fields__, astuple(model), strict=True))


def _holdout(expected: Floats, came: Floats) -> dict[str, float]:
    return {
        "actual_total": float(came.sum()),
        "predicted_total": float(expected.sum()),
        "MAE": float(np.abs(expected - came).mean()),
        "RMSE": float(np.sqrt(((expected - came) ** 2).mean())),
    }


def _by_frequency(case: _Case, expected: Floats, other: Floats) -> dict[str, dict[str, float]]:
    classes = np.minimum(case.summary.x, MOST_REPEATS)
    told = {}
    for repeats in np.unique(classes):
        those = classes == repeats
        name = f"{repeats}+" if repeats == MOST_REPEATS else str(repeats)
        told[name] = {
            "n": int(those.sum()),
            "actual": float(np.asarray(case.came)[those].mean()),
            "bgnbd": float(expected[those].mean()),
            "pareto": float(other[those].mean()),
        }
    return told


def _values(learned: Learned, expected: Floats) -> dict[str, Any] | None:
    if learned.values is None or learned.values_fit is None:
        return None
    mean = learned.mean_value()
    withheld = soundness.degenerate_values(learned)
    return {
        "customers_used": int(((learned.summary.x > 0) & (learned.summary.value > 0)).sum()),
        "params": _named(learned.values),
        "LL": learned.values_fit.log_likelihood,
        "population_mean": learned.values.mean,
        "corr_frequency_value": learned.correlation,
        "mean_expected_value_all": float(mean.mean()),
        "clv_next_t_undiscounted_total": float((mean * expected).sum()),
        "withheld": words.note(withheld) if withheld else "",
    }


def _spots(
    case: _Case, customers: tuple[str, ...], alive: Floats, expected: Floats
) -> dict[str, dict[str, float]]:
    told: dict[str, dict[str, float]] = {}
    places = {name: at for at, name in enumerate(case.names)}
    places |= {name.rpartition(":")[2]: at for name, at in places.items()}
    for name in customers:
        if name not in places:
            said = gettext("%(name)s: no customer with this key bought anything by then")
            raise SummaryError(said % {"name": name})
        at = places[name]
        told[name] = {
            "x": int(case.summary.x[at]),
            "t_x": float(case.summary.t_x[at]),
            "T": float(case.summary.age[at]),
            "p_alive": float(alive[at]),
            "expected": float(expected[at]),
        }
    return told


def _show(told: dict[str, Any]) -> None:
    console = Console()
    heading = gettext("%(n)s customers, %(again)s of them came again, %(orders)s times in all")
    n_again, n_orders = told["repeat_customers"], told["repeat_transactions"]
    figures = {"n": told["customers"], "again": n_again, "orders": n_orders}
    console.print(heading % {name: number(n) for name, n in figures.items()})
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for at, name in enumerate(
        (gettext("Model"), gettext("Parameters"), "LL", gettext("Expected"), gettext("Came"), "MAE")
    ):
        table.add_column(name, justify="left" if at <= 1 else "right")
    for key in ("bgnbd", "pareto_nbd", "gamma_gamma"):
        model = told.get(key)
        if not model:
            continue
        parameters = "  ".join(f"{name} {number(v, 3)}" for name, v in model["params"].items())
        holdout = model.get("holdout", {})
        total = model.get("expected_transactions_next_t", {}).get("total")
        cells = (number(model["LL"], 2), number(total, 1), number(holdout.get("actual_total")))
        table.add_row(key, parameters, *cells, number(holdout.get("MAE"), 4))
    console.print(table)
    for key in ("bgnbd", "gamma_gamma"):
        if (told.get(key) or {}).get("withheld"):
            console.print(f"! {told[key]['withheld']}", style="red")
    for name, spot in told.get("customers_asked_for", {}).items():
        alive, expected = number(spot["p_alive"], 4), number(spot["expected"], 3)
        said = gettext("%(customer)s: still a customer %(alive)s, expected orders %(expected)s")
        console.print(said % {"customer": name, "alive": alive, "expected": expected})
