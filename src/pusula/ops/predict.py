"""``pusula predict``: train the models, publish their scores, show their cards."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import click
import numpy as np
from django.utils.translation import gettext
from rich import box
from rich.console import Console
from rich.table import Table

from pusula.lib.errors import PusulaError
from pusula.ops import predict_taste
from pusula.ops.figures import number
from pusula.ops.predict_clv import clv
from pusula.pipeline import live, predicting
from pusula.predict import cards, queries, words
from pusula.predict.cards import Card
from pusula.predict.models import ModelVersion

_SHOWN = 20
_WITHOUT_DECIMALS = 1_000


class NoVersionError(PusulaError):
    """A model was never trained."""

    code = "no_model_version"


_as_of = click.option(
    "--as-of",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Orders before 00:00 of this day count, as they stood then; without it: today.",
)
_model = click.option("--model", metavar="MODEL", help="Only this model and those made with it.")
_json = click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")


@click.group()
def predict() -> None:
    """Predictions: what customers will be worth, whether they come back, what they like."""


predict.add_command(predict_taste.taste)
predict.add_command(predict_taste.together)


@predict.command()
@_as_of
@_model
@_json
def run(day: datetime | None, model: str | None, *, as_json: bool) -> None:
    """Train the models and publish their scores; segments, journeys and templates follow.

    A model that does not hold gives no scores, and its card says why.
    """
    made = predicting.run(_day(day), model)
    live.refresh(np.empty(0, np.int64), cause="run")  # for everybody: an evaluation is owed
    _tell([(version, queries.card(version)) for version in made], as_json=as_json)


@predict.command()
@_as_of
@_model
def train(day: datetime | None, model: str | None) -> None:
    """Train the models and print their cards as JSON; nothing is kept."""
    told = [
        {"card": cards.as_json(trained.card), "parameters": trained.parameters}
        for together in predicting.train(_day(day), model)
        for trained in together
    ]
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


@predict.command()
@_json
def models(*, as_json: bool) -> None:
    """List the models: of which day they are, on how many customers, what they are good for."""
    found = [(version, queries.card(version)) for version in queries.currents()]
    _tell(found, as_json=as_json)


@predict.command()
@click.argument("model")
@_json
def card(model: str, *, as_json: bool) -> None:
    """Show the card of MODEL: quality beside a naive baseline, calibration, limits."""
    version = _version(model)
    shown = queries.card(version)
    if as_json:
        click.echo(json.dumps(_plain(version, shown), ensure_ascii=False, indent=2))
        return
    _show(version, shown)


@predict.command()
@click.argument("model")
@click.option("--limit", default=_SHOWN, show_default=True, type=click.IntRange(min=1))
@_json
def scores(model: str, limit: int, *, as_json: bool) -> None:
    """Show how the scores of MODEL are spread, and who has the highest."""
    version = _version(model)
    tenths = queries.tenths(version)
    best = list(queries.scored(version)[:limit])
    if as_json:
        document = {
            "model": model,
            "n": version.n_scored,
            "deciles": [vars(tenth) for tenth in tenths],
            "highest": [{"customer": s.profile_id, "value": s.value} for s in best],
        }
        click.echo(json.dumps(document))
        return
    table = _table(words.title(model), gettext("Decile"), gettext("Customers"), gettext("Mean"))
    for tenth in tenths:
        table.add_row(number(tenth.decile), number(tenth.n), number(tenth.mean, 2))
    Console().print(table)
    table = _table("", gettext("Customer"), gettext("Value"))
    for score in best:
        table.add_row(str(score.profile_id), number(score.value, 2))
    Console().print(table)


predict.add_command(clv)


def _day(given: datetime | None) -> date:
    return given.date() if given else predicting.today()


def _version(model: str) -> ModelVersion:
    version = queries.current(model)
    if version is None:
        said = gettext("There is no version of %(model)s yet: pusula predict run.")
        raise NoVersionError(said % {"model": model})
    return version


def _tell(found: list[tuple[ModelVersion, Card]], *, as_json: bool) -> None:
    if as_json:
        told = [_plain(version, shown) for version, shown in found]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    table = _table("", gettext("Model"), gettext("As of"), gettext("Scored"), gettext("Remark"))
    for version, shown in found:
        remark = words.note(shown.withheld) if shown.withheld else words.title(version.model)
        table.add_row(version.model, str(version.as_of_on), number(version.n_scored), remark)
    Console().print(table)


def _plain(version: ModelVersion, shown: Card) -> dict[str, Any]:
    return {
        "model": version.model,
        "number": version.number,
        "as_of_on": version.as_of_on.isoformat(),
        "withheld": version.withheld,
        "n_scored": version.n_scored,
        "parameters": version.parameters,
        "card": cards.as_json(shown),
    }


def _show(version: ModelVersion, shown: Card) -> None:
    console = Console()
    console.print(f"{words.title(version.model)} ({version.model} {version.number})", style="bold")
    console.print(words.sentence(version.model))
    console.print(words.said(words.METHODS, shown.method))
    told = gettext("As of %(day)s, learned from %(n)s customers.")
    console.print(told % {"day": shown.as_of_on, "n": number(shown.n_trained)})
    if shown.withheld:
        console.print(f"! {words.note(shown.withheld)}", style="red")
    for note in shown.notes:
        console.print(f"! {words.note(note)}", style="yellow")
    if shown.window:
        told = gettext("Checked on the days from %(from)s to %(until)s, which it had not seen:")
        console.print(told % {"from": shown.window.from_on, "until": shown.window.until_on})
    _show_quality(console, shown)
    for code in shown.avoid:
        console.print(f"- {words.said(words.AVOID, code)}")


def _show_quality(console: Console, shown: Card) -> None:
    if shown.metrics:
        baseline = words.said(words.METHODS, shown.baseline)
        table = _table("", gettext("Figure"), gettext("Model"), gettext("Naive"), gettext("Real"))
        table.caption = gettext("Naive: %(baseline)s") % {"baseline": baseline}
        for metric in shown.metrics:
            figures = (metric.model, metric.baseline, metric.target)
            name = words.said(words.METRICS, metric.name)
            table.add_row(name, *map(_figure, figures))
        console.print(table)
    if shown.backtest:
        by = words.said(words.ROWS, shown.rows_by)
        headings = (gettext("Customers"), gettext("Came"), gettext("Model"), gettext("Naive"))
        table = _table("", by, *headings)
        for row in shown.backtest:
            figures = (row.observed, row.model, row.baseline)
            table.add_row(row.name, number(row.n), *map(_figure, figures))
        console.print(table)
    if shown.calibration:
        table = _table("", gettext("Predicted"), gettext("Came"), gettext("Customers"))
        for one in shown.calibration:
            table.add_row(_figure(one.predicted), _figure(one.observed), number(one.n))
        console.print(table)


def _figure(value: float | None) -> str:
    """Return a probability or count with three decimals, an amount of money without."""
    return number(value, 0 if value is not None and abs(value) >= _WITHOUT_DECIMALS else 3)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title or None, box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for at, heading in enumerate(headings):
        table.add_column(heading, justify="left" if at == 0 else "right")
    return table
