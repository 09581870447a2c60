"""``pusula import``: a file and its mapping into the database, with progress and a report."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from pusula.lib import clock
from pusula.ops.figures import number, percent
from pusula.pipeline import live
from pusula.privacy import audit
from pusula.sources import actions, toml, undo
from pusula.sources.actions import Report, Step
from pusula.sources.look import draft
from pusula.sources.look import file as looks
from pusula.sources.worker import Worker, command, run_job

_BETWEEN_LINES = 2 * clock.SECOND
_REASONS_SHOWN = 3
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def import_() -> None:
    """Bring a file in: orders, profiles, events or consents.

    The mapping file says which column is which field. The same file twice changes nothing; rows
    that cannot be read go to a reject file, the rest is loaded whole or not at all.
    """


def _command(kind: str, what: str) -> click.Command:
    @click.command(kind, help=what)
    @click.argument("file", type=_FILE)
    @click.option("--map", "map_file", type=_FILE, required=True, help="The mapping (TOML).")
    @click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
    @click.option("--defer", is_flag=True, help="Leave segments to the next `pusula run`.")
    @click.option("--json", "as_json", is_flag=True, help="Print the report for a program.")
    def bring(file: Path, map_file: Path, dry_run: bool, defer: bool, as_json: bool) -> None:
        with _progress() as told:
            report = actions.run_import(kind, file, map_file, dry_run=dry_run, progress=told)
        if report.import_id is not None:
            _record(report)
        if not (dry_run or defer):
            live.refresh(report.touched, cause="import", pays=report.debt)
        if as_json:
            click.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
        else:
            click.echo("\n".join(sentences(report)))

    return bring


def _record(report: Report) -> None:
    audit.record(
        audit.operator(),
        "import.done",
        f"import:{report.import_id}",
        rows=report.n_rows,
        new=report.n_new,
        changed=report.n_changed,
        rejected=report.n_rejected,
    )


import_.add_command(_command("orders", "Orders or bookings; one row an order, or a line of one."))
import_.add_command(_command("profiles", "Customers: names, addresses, traits."))
import_.add_command(_command("events", "What happened: searches, calls, visits."))
import_.add_command(_command("consents", "Decisions: who may be written to, and who may not."))


@import_.command()
@click.argument("file", type=_FILE)
@click.option(
    "--kind", type=click.Choice(sorted(actions.KINDS)), required=True, help="What it holds."
)
@click.option("--source", default="pms", show_default=True, help="The system it comes from.")
def look(file: Path, kind: str, source: str) -> None:
    """Print a first mapping for FILE: what its columns and cells suggest."""
    found = looks.look(file)
    for note in found.notes:
        click.echo(f"# {note}")
    for column in found.columns:
        for warning in column.warnings:
            click.echo(f"# {column.name}: {warning}")
    click.echo(
        toml.dumps(draft.document(found, kind, actions.KINDS[kind].fields, source)), nl=False
    )


@import_.command("undo")
@click.argument("number", type=int)
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option("--defer", is_flag=True, help="Leave segments to the next `pusula run`.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome for a program.")
def undo_(number: int, dry_run: bool, defer: bool, as_json: bool) -> None:
    """Take import NUMBER back: within 30 days, refusals stay."""
    found = undo.undo(number, dry_run=dry_run)
    if not (dry_run or defer):
        live.refresh(found.touched, cause="undo", pays=found.debt)
    told = found.undone.as_json()
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    click.echo(_("Nothing was changed; this is what it would do:") if dry_run else _("Taken back."))
    for name, value in told.items():
        click.echo(f"  {name}: {value}")


@import_.command()
@click.option("--once", is_flag=True, help="End when nothing waits.")
def worker(once: bool) -> None:
    """Do what the pages ask for: look at files, check, import and undo them, one at a time."""
    working = Worker(command)
    for number_ in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number_, lambda _number, _frame: working.stop())
    working.run(once=once)


@import_.command(hidden=True)
@click.argument("number", type=int)
def job(number: int) -> None:
    """Run one job that the worker took."""
    run_job(number)


def sentences(report: Report) -> list[str]:
    """Return the report in plain words, a line each."""
    is_dry = report.import_id is None
    said = [
        _("%(file)s: a dry run, nothing was written.") if is_dry else _("%(file)s is imported."),
        _("%(rows)s rows read: %(new)s new, %(changed)s changed, %(same)s as known."),
    ]
    words = {
        "file": report.file_name,
        "rows": number(report.n_rows),
        "new": number(report.n_new),
        "changed": number(report.n_changed),
        "same": number(report.n_same),
    }
    lines = [sentence % words for sentence in said]
    if n := report.n_filtered:
        form = ngettext(
            "%(n)s row left out by the filter of the mapping.",
            "%(n)s rows left out by the filter of the mapping.",
            n,
        )
        lines.append(form % {"n": number(n)})
    if n := report.n_merges:
        form = ngettext(
            "%(n)s customer is proved to be another one, and merged with the next live step.",
            "%(n)s customers are proved to be others, and merged with the next live step.",
            n,
        )
        lines.append(form % {"n": number(n)})
    return [*lines, *report.notes, *_rejected(report)]


def _rejected(report: Report) -> Iterator[str]:
    if n := report.n_rejected:
        form = ngettext("%(n)s row rejected.", "%(n)s rows rejected.", n)
        yield form % {"n": number(n)}
    if n := report.n_left_out:
        form = ngettext(
            "%(n)s value left out of a row that was loaded.",
            "%(n)s values left out of rows that were loaded.",
            n,
        )
        yield form % {"n": number(n)}
    for one in report.reasons[:_REASONS_SHOWN]:
        words = {
            "n": number(one.n),
            "column": one.column or _("whole row"),
            "reason": one.reason,
            "line": one.line,
            "value": one.value,
        }
        yield (
            "  " + _("%(n)s × %(column)s: %(reason)s (first in line %(line)d: “%(value)s”)") % words
        )
    if report.reject_file is not None:
        yield _("All of them: %(file)s") % {"file": report.reject_file}


@contextmanager
def _progress() -> Iterator[actions.Progress]:
    """Yield what hears of progress: a bar on a terminal, else a line every two seconds."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines().tell
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Bars(bar).tell


class _Rate:
    """How many rows a stage does in a second."""

    def __init__(self, began_at: int) -> None:
        self.began_at = began_at

    def of(self, step: Step) -> str:
        """Return rows and rate in words."""
        seconds = max((clock.now() - self.began_at) / clock.SECOND, 0.001)
        words = {"n": number(step.n_rows), "rate": number(step.n_rows / seconds)}
        return _("%(n)s rows, %(rate)s a second") % words

    def left(self, step: Step) -> str:
        """Return how many seconds are left, in words."""
        passed = (clock.now() - self.began_at) / clock.SECOND
        left = passed / step.fraction - passed if step.fraction else 0.0
        return _("%(n)s s left") % {"n": number(left)}


class _Bars:
    """A bar for each stage."""

    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self.stages: dict[str, tuple[TaskID, _Rate]] = {}
        self.told_at = clock.now()

    def tell(self, step: Step) -> None:
        """Move the stage's bar."""
        if step.stage not in self.stages:
            task = self.bar.add_task(_stage(step.stage), total=1.0, rows="")
            self.stages[step.stage] = (task, _Rate(self.told_at))
        self.told_at = clock.now()
        task, rate = self.stages[step.stage]
        self.bar.update(task, completed=step.fraction, rows=rate.of(step))


class _Lines:
    """A line on standard error now and then, for logs."""

    def __init__(self) -> None:
        self.rates: dict[str, _Rate] = {}
        self.told_at = self.printed_at = clock.now()

    def tell(self, step: Step) -> None:
        """Print the step if the last line is some seconds old."""
        rate = self.rates.setdefault(step.stage, _Rate(self.told_at))
        self.told_at = clock.now()
        if self.told_at - self.printed_at < _BETWEEN_LINES:
            return
        self.printed_at = self.told_at
        told = (_stage(step.stage), percent(step.fraction, 0), rate.of(step), rate.left(step))
        click.echo(" · ".join(told), err=True)


def _stage(stage: str) -> str:
    return {
        "reading": _("Reading"),
        "people": _("Finding the customers"),
        "writing": _("Writing"),
    }[stage]
