"""``pusula rfm backfill``: runs as of past days, so that moves have something to begin with."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from pathlib import Path

import click
import numpy as np
from django.utils.translation import gettext as _

from pusula.lib import clock
from pusula.ops.figures import number
from pusula.pipeline import live
from pusula.rfm import actions, moves, queries, versions
from pusula.rfm import config as rules
from pusula.rfm import live as grading
from pusula.rfm.models import RfmRun
from pusula.rfm.moves import Every
from pusula.rfm.purchases import Purchases
from pusula.rfm.rules import Config
from pusula.segments.actions import owe

DAY = click.DateTime(["%Y-%m-%d"])
EVERY = click.Choice(["week", "month", "quarter", "year"])


def score(day: date, config: Config, bought: Purchases | None = None) -> RfmRun:
    """Make the run of a day; where the traits tell the newest run and it is it, segments follow.

    ``bought``: what was counted elsewhere than in the database.
    """
    if grading.version() is not None:
        return actions.run(day, config, bought)
    before = queries.told_profiles()
    actions.check_day(day)
    # Owed before anything is told: stopped in between, the next evaluation is of everybody.
    debt = owe(f"rfm {day}", clock.now())
    made = actions.run(day, config, bought)
    told = np.empty(0, np.int64)
    if queries.latest() == made:
        told = np.concatenate([before, queries.told_profiles()])
    live.refresh(told, cause="run", pays=debt)
    return made


@click.command()
@click.option("--from", "first", type=DAY, required=True, help="The first day.")
@click.option("--to", "last", type=DAY, required=True, help="The last day, if it is one of them.")
@click.option("--every", type=EVERY, default="month", show_default=True)
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Rules in TOML or YAML; without them: those in force, else those of the newest run.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")
def backfill(
    *, first: datetime, last: datetime, every: Every, file: Path | None, as_json: bool
) -> None:
    """Make the missing runs from one day to another, from the orders as they stood on each.

    A day that has a run by these rules keeps it, so stopped or repeated it goes on where it was.
    """
    config = rules.read(file) if file else versions.project().rules
    days = moves.days(first.date(), last.date(), every)
    done = set(
        queries.runs()
        .filter(config_key=rules.key(config), as_of_on__in=days)
        .values_list("as_of_on", flat=True)
    )
    missing = [day for day in days if day not in done]
    is_shown = sys.stderr.isatty() and not as_json
    with click.progressbar(missing, label=_("runs"), file=sys.stderr, hidden=not is_shown) as shown:
        made = [score(day, config) for day in shown]
    if as_json:
        told = {
            "made": [{"as_of_on": run.as_of_on.isoformat(), "n": run.n_profiles} for run in made],
            "kept": [day.isoformat() for day in sorted(done)],
        }
        click.echo(json.dumps(told, indent=2))
        return
    for run in made:
        said = _("%(day)s: %(n)s customers scored")
        click.echo(said % {"day": run.as_of_on.isoformat(), "n": number(run.n_profiles)})
    said = _("Runs made: %(made)s, there before: %(kept)s.")
    click.echo(said % {"made": number(len(made)), "kept": number(len(done))})
