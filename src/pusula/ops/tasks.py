"""``pusula tasks``: calls handed to another system as a file, and what they came to."""

from __future__ import annotations

from pathlib import Path

import click
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from pusula.journeys import queries as journeys
from pusula.journeys.models import CallList
from pusula.journeys.tasks import lists, queries
from pusula.journeys.tasks.lists import ListError, Taken
from pusula.journeys.tasks.results import STATES
from pusula.lib import clock
from pusula.ops.figures import number
from pusula.privacy import audit

_File = click.Path(path_type=Path, dir_okay=False)


@click.group()
def tasks() -> None:
    """Show the calls of journeys, hand them over as a list, take over their outcomes."""


@tasks.command()
@click.option("--journey", default="", help="Only the calls of this journey.")
def show(journey: str) -> None:
    """Show how many calls are due, in hand, on lists, done."""
    for state, n in queries.counts(journey, at=clock.now()).items():
        click.echo(f"{STATES[state]!s:<32}{number(n):>12}")


@tasks.command("export")
@click.argument("file", type=_File)
@click.option("--journey", default="", help="Only the calls of this journey.")
@click.option("--most", type=click.IntRange(1, lists.MOST), default=lists.MOST, show_default=True)
@click.option("--hours", type=click.IntRange(1, 24), default=24, show_default=True,
              help="How long the list holds; then its calls are in line again.")  # fmt: skip
def export_(file: Path, journey: str, most: int, hours: int) -> None:
    """Hand calls that are due over to another system, and write them to FILE.

    Consent, blocked numbers and limits are asked now; who is on the list is called by nobody else
    while it holds.
    """
    if journey and journeys.by_key(journey) is None:
        raise ListError(_("there is no journey %(key)s") % {"key": journey})
    try:
        out = file.open("x", encoding="utf-8", newline="")
    except OSError as error:
        words = {"file": str(file), "error": str(error.strerror)}
        raise ListError(_("%(file)s: cannot be written: %(error)s") % words) from error
    with out:
        made, text = lists.export(
            settings.PUSULA_HOME, by=audit.operator(), journey=journey, most=most, hours=hours,
            at=clock.now(),
        )  # fmt: skip
        audit.record(audit.operator(), "calls.exported", f"list:{made.pk}", n=made.n_calls)
        out.write(text)
    file.chmod(0o600)
    click.echo(_("List %(list)s: %(n)s calls.") % {"list": made.pk, "n": number(made.n_calls)})


@tasks.command("import")
@click.argument("file", type=_File)
@click.option("--dry-run", is_flag=True, help="Say what would be taken over, and change nothing.")
def import_(file: Path, *, dry_run: bool) -> None:
    """Take over the outcomes that stand in FILE; the same file may be brought again.

    Ends with status 1 if rows could not be taken over; the others are.
    """
    try:
        given = file.read_bytes()
    except OSError as error:
        words = {"file": str(file), "error": str(error.strerror)}
        raise ListError(_("%(file)s: cannot be read: %(error)s") % words) from error
    at = clock.now()
    taken = lists.take_over(lists.read(given), settings.PUSULA_HOME, at=at, is_trial=dry_run)
    if not dry_run:
        audit.record(audit.operator(), "calls.taken_over", **lists.counted(taken))
    _tell(taken, file)


@tasks.command()
@click.argument("list_", metavar="LIST", type=int)
def end(list_: int) -> None:
    """End a LIST before its time: what has no outcome is in line again."""
    found = CallList.objects.filter(pk=list_).first()
    if found is None:
        raise ListError(_("there is no list %(list)s") % {"list": list_})
    with transaction.atomic():
        n = lists.end(found, at=clock.now())
        audit.record(audit.operator(), "calls.ended", f"list:{list_}", n=n)
    click.echo(_("%(n)s calls are in line again.") % {"n": number(n)})


def _tell(taken: Taken, file: Path) -> None:
    rows = (
        (_("new outcomes"), taken.n_new),
        (_("known before"), taken.n_known),
        (_("not called yet"), taken.n_blank),
        (_("rows that cannot be taken over"), len(taken.wrong)),
    )
    for words, n in rows:
        click.echo(f"{words:<32}{number(n):>12}")
    for one in taken.wrong:
        click.echo(f"{file.name}:{one.row}: {one.column}: {one.problem}", err=True)
    if taken.wrong:
        raise SystemExit(1)
