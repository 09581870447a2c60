"""``pusula run``: one batch pass over all customers, or a check of a share of them."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from functools import partial

import click
from django.utils.translation import gettext as _
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pusula.lib import clock, sayings
from pusula.lib.errors import PusulaError
from pusula.measurement.reports import answers
from pusula.ops import bi
from pusula.ops.figures import number
from pusula.pipeline import batch, predicting, proposals
from pusula.segments.everybody.settlement import Outcome

DRIFT_STATUS = 3  # apart from "something went wrong": it went right, and found what was not


@click.command()
@click.option(
    "--every",
    "minutes",
    type=click.IntRange(min=1),
    help="Go on for ever, with this many minutes between passes.",
)
@click.option(
    "--check",
    "is_check",
    is_flag=True,
    help="Only compare a share of all customers, each hour the next one, with what is written.",
)
@click.option("--no-repair", is_flag=True, help="With --check: report drift, change nothing.")
@click.option("--from-lake", is_flag=True, help="Bring the lake up to date and read from it.")
@click.option(
    "--engine",
    type=click.Choice(["here", "spark"]),
    default="here",
    show_default=True,
    help="Who computes: this machine's cores, or Spark over the lake.",
)
@click.option(
    "--master",
    default="local[*]",
    show_default=True,
    metavar="URL",
    help="With --engine spark: where it is (spark://host:7077, yarn, k8s://...).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome for a program.")
def run(
    *,
    minutes: int | None,
    is_check: bool,
    no_repair: bool,
    from_lake: bool,
    engine: str,
    master: str,
    as_json: bool,
) -> None:
    """Publish cut-points and evaluate every segment for everybody.

    Exit status 3 says that members were wrong though nothing explains it (drift). They are put
    right, and the segment shows it.
    """
    if no_repair and not is_check:
        raise click.UsageError(_("--no-repair goes with --check"))
    if is_check and (from_lake or engine != "here"):
        raise click.UsageError(_("--check asks the database, here"))

    def once() -> Outcome:
        if is_check:
            return batch.check(repair=not no_repair)
        outcome = evaluated()
        _for_analysts()
        return outcome

    def evaluated() -> Outcome:
        _predict()  # before everybody is evaluated: segments see today's scores
        if engine == "spark":
            # Loaded when asked for: Spark is an extra, and slow to load.
            spark = importlib.import_module("pusula.pipeline.spark")
            return _with_progress(partial(spark.run, master=master))
        outcome = _with_progress(partial(batch.run, from_lake=from_lake))
        answers.forget(at=clock.now())
        answers.renew(at=clock.now())  # of reports that people look at; computed beside
        if proposals.is_due():
            # Who may be one person, once a day. Loaded then: Splink is slow to load.
            importlib.import_module("pusula.pipeline.linkage").propose()
        return outcome

    outcome = once()
    _tell(outcome, as_json=as_json)
    while minutes:
        time.sleep(minutes * 60)
        outcome = once()
        _tell(outcome, as_json=as_json)
    if outcome.drift:
        sys.exit(DRIFT_STATUS)


def _predict() -> None:
    """Make the day's predictions; that they cannot be made stops nothing else."""
    try:
        if predicting.is_due():
            predicting.run(predicting.today())
    except PusulaError as error:
        click.secho(f"  {error.said(_)}", fg="yellow", err=True)


def _for_analysts() -> None:
    """Write the tables for analysts; that they cannot be written stops nothing else."""
    try:
        bi.refresh()
    except PusulaError as error:
        click.secho(f"  {error.said(_)}", fg="yellow", err=True)


def _with_progress(work: Callable[[Callable[[int, int], None]], Outcome]) -> Outcome:
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(_("customers"), total=None)
        return work(lambda done, total: progress.update(task, completed=done, total=total))


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_document(outcome), ensure_ascii=False))
        return
    entered = sum(moves.n_entered for moves in outcome.moves.values())
    left = sum(moves.n_left for moves in outcome.moves.values())
    click.echo(
        _("  %(customers)s customers, %(segments)s segments: %(entered)s entries, %(left)s exits")
        % {
            "customers": number(outcome.n_profiles),
            "segments": number(len(outcome.moves)),
            "entered": number(entered),
            "left": number(left),
        }
    )
    for key, error in outcome.errors.items():
        told = _("  %(segment)s keeps its last members: %(error)s")
        click.secho(told % {"segment": key, "error": sayings.told(error, _)}, fg="yellow", err=True)
    for key, wrong in outcome.drift.items():
        told = _("  %(segment)s had drifted: %(missing)s were missing, %(surplus)s were too many")
        figures = {"missing": number(wrong.n_missing), "surplus": number(wrong.n_surplus)}
        click.secho(told % {"segment": key, **figures}, fg="red", err=True)


def _document(outcome: Outcome) -> dict[str, object]:
    return {
        "n_profiles": outcome.n_profiles,
        "n_again": outcome.n_again,
        "moves": {
            key: {"n_entered": moves.n_entered, "n_left": moves.n_left}
            for key, moves in outcome.moves.items()
        },
        "errors": {key: sayings.told(error) for key, error in outcome.errors.items()},
        "drift": {
            key: {"n_missing": wrong.n_missing, "n_surplus": wrong.n_surplus}
            for key, wrong in outcome.drift.items()
        },
    }
