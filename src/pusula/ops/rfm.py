"""``pusula rfm``: score the customers and show the groups."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from babel.dates import format_date
from django.utils.translation import gettext
from rich import box
from rich.console import Console
from rich.table import Table

from pusula.lib import money
from pusula.ops import figures, rfm_alerts, rfm_backfill, rfm_lake, rfm_moves, rfm_project
from pusula.ops.figures import number, percent
from pusula.rfm import config as rules
from pusula.rfm import queries, versions, words
from pusula.rfm.models import RfmRun
from pusula.rfm.rules import Config


@click.group()
def rfm() -> None:
    """Recency, frequency and monetary value of the customers."""


for _command in (
    rfm_project.apply,
    rfm_project.versions_,
    rfm_project.diff,
    rfm_project.due,
    rfm_project.drift,
    rfm_alerts.alerts,
    rfm_backfill.backfill,
    rfm_moves.history,
    rfm_moves.movers,
    rfm_moves.paths,
    rfm_moves.transitions,
    rfm_lake.score,
):
    rfm.add_command(_command)


@rfm.command()
@click.option(
    "--as-of",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="Orders before 00:00 of this day count, as they stood then.",
)
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Rules in TOML or YAML; without them: those in force, else five quantiles each.",
)
@click.option("--from-lake", is_flag=True, help="Bring the lake up to date and count there.")
@click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")
def run(*, day: datetime, file: Path | None, from_lake: bool, as_json: bool) -> None:
    """Score everybody in the pool; the same day and rules again replace the run.

    Where no rules are in force (`pusula rfm apply`) and it is the newest run, the traits rfm_group,
    rfm_r, rfm_f and rfm_m say what it found, and the segments follow.
    """
    held = versions.current()
    config = rules.read(file) if file else versions.of(held).rules if held else Config()
    bought = rfm_lake.bought(day.date(), config) if from_lake else None
    made = rfm_backfill.score(day.date(), config, bought)
    if as_json:
        click.echo(json.dumps(_plain(made), ensure_ascii=False, indent=2))
    else:
        _show(made)


def _plain(made: RfmRun) -> dict[str, Any]:
    return {
        "as_of_on": made.as_of_on.isoformat(),
        "n_profiles": made.n_profiles,
        "currency": made.currency,
        "edges": made.edges,
        "groups": [asdict(group) for group in queries.groups(made)],
        "grid": [asdict(cell) for cell in queries.grid(made)],
        "cube": queries.cube(made),
        "warnings": msgspec.to_builtins(queries.warnings(made)),
        "config": made.config,
    }


def _show(made: RfmRun) -> None:
    day = format_date(made.as_of_on, locale=figures.locale())
    table = Table(
        title=gettext("RFM as of %(day)s: %(n)s customers")
        % {"day": day, "n": number(made.n_profiles)},
        caption=gettext(
            "Means: R days since the last order, F orders, M revenue per customer (%(currency)s)."
        )
        % {"currency": made.currency},
        box=box.SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
    )
    table.add_column(gettext("Group"), no_wrap=True)
    revenue = f"{gettext('Revenue')} ({made.currency})"
    for heading in (gettext("Customers"), "%", revenue, "%", "R", "F", "M"):
        table.add_column(heading, justify="right", no_wrap=True)
    for group in queries.groups(made):
        table.add_row(
            words.title(group.name),
            number(group.n),
            percent(group.share),
            number(_major(group.revenue_minor, made.currency)),
            percent(group.revenue_share),
            number(group.recency_mean, 1),
            number(group.frequency_mean, 1),
            number(_major(group.monetary_mean_minor, made.currency)),
        )
    console = Console()
    console.print(table)
    for caution in queries.warnings(made):
        console.print(f"! {words.sentence(caution)}", style="yellow")


def _major(minor: float | None, currency: str) -> float | None:
    return None if minor is None else minor * float(money.from_minor(1, currency))
