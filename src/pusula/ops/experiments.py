"""``pusula experiments``: what campaigns and journeys caused, planning a test, comparing a file."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
from django.utils.translation import gettext
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pusula.lib import clock
from pusula.measurement.experiments import overall, sizes
from pusula.measurement.experiments import queries as measuring
from pusula.measurement.experiments.facts import as_dict
from pusula.measurement.experiments.queries import Experiment, Found
from pusula.measurement.experiments.verdict import experiment_verdict
from pusula.measurement.planning import words as plan_words
from pusula.measurement.planning.planner import Asked, Metric, plan
from pusula.ops import figures
from pusula.ops.experiments_compare import compare
from pusula.ops.figures import number, percent
from pusula.ops.shares import SHARE


@click.group()
def experiments() -> None:
    """Tell what was caused, against people held out."""


experiments.add_command(compare)


@experiments.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list for a program.")
def list_(as_json: bool) -> None:
    """Show the campaigns and journeys that hold people out, with what they say so far."""
    at = clock.now()
    found = [
        (one, experiment_verdict(measuring.brief(one, at)))
        for one in measuring.experiments(at, sizes.sizes())
    ]
    if as_json:
        rows = [
            {"experiment": one.key, "kind": one.kind, "title": one.title, "phase": one.phase.value,
             "day": one.day, "window_days": one.window_days, "n_treated": one.n_treated,
             "n_control": one.n_control, "verdict": said.kind.value, "sentence": said.sentence,
             "warning": said.warning, "alarm": said.alarm}
            for one, said in found
        ]  # fmt: skip
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD)
    for head in (gettext("Experiment"), gettext("Day"), gettext("Control group"), ""):
        table.add_column(head)
    for one, said in found:
        sentence = " ".join(filter(None, [said.warning, said.alarm, said.sentence]))
        table.add_row(escape(one.key), _day(one), number(one.n_control), escape(sentence))
    Console().print(table)


@experiments.command()
@click.argument("key")
@click.option("--journey", "is_journey", is_flag=True, help="KEY names a journey.")
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def show(key: str, is_journey: bool, as_json: bool) -> None:
    """Show what the campaign (or journey) KEY caused."""
    at = clock.now()
    experiment = measuring.by_key("journey" if is_journey else "campaign", key, at)
    if experiment is None:
        no_journey = gettext("there is no journey %(key)s")
        no_campaign = gettext("there is no campaign %(key)s")
        raise click.UsageError((no_journey if is_journey else no_campaign) % {"key": key})
    found = measuring.measured(experiment, at)
    if as_json:
        click.echo(json.dumps(as_dict(found), ensure_ascii=False, indent=2))
        return
    _show(found)


@experiments.command("everything")
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def everything(as_json: bool) -> None:
    """Show what all messages together caused, against the control group of all messages."""
    found = overall.measured(clock.now())
    if found is None:
        raise click.UsageError(
            gettext(
                "there is no control group of all messages: set holdout in the limits of sending"
            )
        )
    if as_json:
        click.echo(json.dumps(overall.as_dict(found), ensure_ascii=False, indent=2))
        return
    words = {"inside": number(found.n_control), "outside": number(found.n_treated)}
    click.echo(gettext("%(inside)s people get nothing, %(outside)s may get messages.") % words)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(gettext("Month"))
    for head in (gettext("caused"), gettext("95%% interval") % {}):
        table.add_column(head, justify="right")
    for month in found.months:
        low, high = month.gained_interval.low, month.gained_interval.high
        table.add_row(
            f"{month.first_on:%Y-%m}",
            figures.amount(month.gained, found.currency),
            f"{figures.amount(low, found.currency)} … {figures.amount(high, found.currency)}",
        )
    Console().print(table)


@experiments.command("plan")
@click.option("--rate", type=SHARE, help="The share that converts without it: 0.57%.")
@click.option("--to", "target", type=SHARE, help="The share that it should become: 0.67%.")
@click.option("--mean", type=float, help="The amount per person without it.")
@click.option("--to-mean", type=float, help="The amount per person that it should become.")
@click.option("--deviation", type=float, default=0.0, help="Of one person's amount.")
@click.option("--control", type=SHARE, default="1/2", show_default=True, help="Held out.")
@click.option("--people", type=click.IntRange(2), help="Those at hand, both groups together.")
@click.option("--per-day", type=float, help="People that come in a day.")
@click.option("--power", type=SHARE, default="80%", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def plan_(
    *,
    rate: float | None,
    target: float | None,
    mean: float | None,
    to_mean: float | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Say how many people and days a test needs, and what the people at hand can show."""
    if rate is not None and target is not None:
        metric, base, aim = Metric.RATE, rate, target
    elif mean is not None and to_mean is not None:
        metric, base, aim = Metric.MEAN, mean, to_mean
    else:
        raise click.UsageError(gettext("say --rate and --to, or --mean, --to-mean and --deviation"))
    found = plan(Asked(metric, base, aim, control_share=given.pop("control"), **given))
    if as_json:
        values = asdict(found) | {"n_needed": found.n_needed, "is_enough": found.is_enough}
        values["asked"]["metric"] = metric.value
        click.echo(json.dumps(values, indent=2))
        return
    for sentence in plan_words.sentences(found):
        click.echo(sentence)


def _day(one: Experiment) -> str:
    if one.started_at is None:
        return figures.NOTHING
    return f"{one.day}/{one.window_days}" if one.ends_at else number(one.day)


def _show(found: Found) -> None:
    console = Console()
    said = experiment_verdict(found)
    console.print(f"[bold]{escape(found.experiment.title)}[/bold]  {found.experiment.key}")
    for line in (said.warning, said.alarm):
        if line:
            console.print(escape(line), style="yellow")
    console.print(escape(said.sentence))
    if (last := found.course.last) is not None:
        low, high = last[0].interval.low, last[0].interval.high
        words = {"low": percent(low, 2), "high": percent(high, 2)}
        console.print(gettext("Whenever one looks: %(low)s to %(high)s.") % words)
