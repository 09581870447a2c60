"""``pusula run``: one batch pass over all customers."""

from __future__ import annotations

import time

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pusula.ops.figures import number
from pusula.pipeline import batch


@click.command()
@click.option(
    "--every",
    "minutes",
    type=click.IntRange(min=1),
    help="Go on for ever, with this many minutes between passes.",
)
def run(minutes: int | None) -> None:
    """Publish cut-points and evaluate every segment for everybody."""
    _pass()
    while minutes:
        time.sleep(minutes * 60)
        _pass()


def _pass() -> None:
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("customers", total=None)
        outcome = batch.run(lambda done, total: progress.update(task, completed=done, total=total))
    entered = sum(moves.n_entered for moves in outcome.moves.values())
    left = sum(moves.n_left for moves in outcome.moves.values())
    click.echo(
        f"  {number(outcome.n_profiles)} customers, {len(outcome.moves)} segments: "
        f"{number(entered)} entries, {number(left)} exits"
    )
    for key, error in outcome.errors.items():
        click.secho(f"  {key} keeps its last members: {error}", fg="yellow", err=True)
