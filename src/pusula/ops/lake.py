"""``pusula lake``: the copy of all facts as files, brought up to date."""

from __future__ import annotations

import click
from django.utils.translation import gettext as _

from pusula.ops.figures import number
from pusula.pipeline import mirror


@click.command()
@click.option("--forget", is_flag=True, help="Delete replaced files at once, not after a day.")
def lake(forget: bool) -> None:
    """Bring the lake up to date with the database, where they differ.

    `pusula run --from-lake` and `--engine spark` do so by themselves.
    """
    done = mirror.run(forget_at_once=forget)
    for name in done.lost:
        told = _("  %(table)s could not be trusted and was written anew")
        click.secho(told % {"table": name}, fg="yellow", err=True)
    told = _("  %(buckets)s buckets of customers looked at, %(written)s tables of them written")
    figures = {"buckets": number(done.n_buckets), "written": number(done.n_written)}
    click.echo(told % figures)
