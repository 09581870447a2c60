"""``pusula segments``: definitions as files, and how many customers meet them."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from django.db import transaction
from django.utils.translation import get_language, gettext
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from pusula.campaigns import queries as campaigns
from pusula.journeys import uses
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, told
from pusula.ops import segment_plan, segments_history
from pusula.ops.figures import number
from pusula.ops.run import run
from pusula.pipeline.publish import Worker
from pusula.privacy import audit
from pusula.segments import actions, catalog, queries
from pusula.segments.language.json_schema import json_schema
from pusula.segments.publishing import changeset, export, publication
from pusula.segments.publishing.changeset import Changeset
from pusula.segments.publishing.preview import OnProgress

_Folder = click.Path(path_type=Path, file_okay=False)
_File = click.Path(path_type=Path, dir_okay=False)
_CHANGES = 2  # exit status


class InUseError(PusulaError):
    """A segment would be archived though a campaign or a journey uses it."""

    code = "segment_in_use"
    status = 409


@click.group()
def segments() -> None:
    """Named conditions over the customers."""


segments.add_command(segments_history.at_)
segments.add_command(segments_history.why)
segments.add_command(run)


@segments.command()
@click.argument("folder", type=_Folder, required=False)
@click.option("--shipped", is_flag=True, help="Take the definitions that come with the program.")
@click.option("--prune", is_flag=True, help="Archive the segments that are not in FOLDER.")
@click.option("--out", type=_File, help="Save the plan for `apply --plan`.")
@click.option("--exit-code", is_flag=True, help="Exit with 2 if something would change.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan for a program.")
def plan(
    *,
    folder: Path | None,
    shipped: bool,
    prune: bool,
    out: Path | None,
    exit_code: bool,
    as_json: bool,
) -> None:
    """Say what taking over the definitions (*.yaml) in FOLDER would change; change nothing.

    Who would enter and leave each segment is counted over all customers, by the facts of now.
    """
    changes = _compared(folder, shipped=shipped, prune=prune)
    _show(changes, as_json=as_json)
    if out is not None:
        out.write_text(changes.saved(), encoding="utf-8")
    if exit_code and not changes.is_empty:
        sys.exit(_CHANGES)


@segments.command()
@click.argument("folder", type=_Folder, required=False)
@click.option("--shipped", is_flag=True, help="Take the definitions that come with the program.")
@click.option("--plan", "saved", type=_File, help="Take over a saved plan, if it still holds.")
@click.option("--prune", is_flag=True, help="Archive the segments that are not in FOLDER.")
@click.option("--later", is_flag=True, help="Let members change with the next `pusula run`.")
@click.option(
    "--no-history", is_flag=True, help="Leave out how large new segments would have been before."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def apply(
    *,
    folder: Path | None,
    shipped: bool,
    saved: Path | None,
    prune: bool,
    later: bool,
    no_history: bool,
    yes: bool,
) -> None:
    """Take over the definitions (*.yaml) in FOLDER and show their members; all of them or none.

    Says first what would change, and asks.
    """
    if saved is not None:
        if folder is not None or shipped or prune:
            raise click.UsageError(gettext("a saved plan says itself which definitions it takes"))
        changes = changeset.restored(saved.read_text(encoding="utf-8"))
    else:
        changes = _compared(folder, shipped=shipped, prune=prune)
    if later:
        _refuse_used(changes)
        keys = publication.take_over(changes)
        _record("segment.applied", n=len(keys), keys=list(keys), archived=list(changes.archived))
        for key in keys:
            click.echo(f"  {key}")
        click.echo(gettext("Members follow with the next `pusula run`."))
        return
    if changes.is_empty:
        click.echo(gettext("Nothing would change."))
        return
    if not yes:
        _show(changes, as_json=False)
        click.confirm(gettext("Take this over?"), abort=True)
    _refuse_used(changes)
    with _progress(gettext("customers")) as on_progress:
        moves = publication.apply(changes, charts=not no_history, on_progress=on_progress)
    _record("segment.applied", n=len(moves), keys=list(moves), archived=list(changes.archived))
    for key, moved in moves.items():
        click.echo(
            gettext("  %(key)s: %(entered)s entered, %(left)s left")
            % {"key": key, "entered": number(moved.n_entered), "left": number(moved.n_left)}
        )
    for key in changes.archived:
        click.echo(gettext("  %(key)s: archived") % {"key": key})


@segments.command("export")
@click.argument("folder", type=_Folder)
def export_(folder: Path) -> None:
    """Write every definition in use to FOLDER, one YAML file each."""
    for path, is_changed in export.write(folder):
        state = gettext("written") if is_changed else gettext("unchanged")
        click.echo(f"  {path}: {state}")


@segments.command()
def schema() -> None:
    """Print the JSON Schema of definitions, with what this installation knows."""
    click.echo(json.dumps(json_schema(catalog.schema()), ensure_ascii=False, indent=2))


@segments.command()
@click.option("--once", is_flag=True, help="End when nothing is left to do.")
def publish(once: bool) -> None:
    """Preview and publish what is changed on the pages, until interrupted."""
    worker = Worker()
    for number_ in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number_, lambda _number, _frame: worker.stop())
    worker.run(once=once)


@segments.command()
@click.argument("key")
def archive(key: str) -> None:
    """Put a segment away; `unarchive` takes it back into use."""
    if queries.by_key(key) is None:
        raise click.UsageError(gettext("there is no segment %(key)s in use") % {"key": key})
    _refuse_users([key])
    with transaction.atomic():
        actions.archive([key], clock.now())
        _record("segment.archived", f"segment:{key}")
    click.echo(gettext("  %(key)s: archived") % {"key": key})


@segments.command()
@click.argument("key")
def unarchive(key: str) -> None:
    """Take an archived segment back into use; its members follow with the next `pusula run`."""
    with transaction.atomic():
        actions.unarchive(key)
        _record("segment.unarchived", f"segment:{key}")
    click.echo(gettext("Members follow with the next `pusula run`."))


@segments.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list for a program.")
def list_(as_json: bool) -> None:
    """Show every segment with its size."""
    found = list(queries.active())
    if as_json:
        rows = [
            {"segment": s.key, "n_members": s.n_members, "evaluated_at": s.evaluated_at,
             "error": told(s.error)}
            for s in found
        ]  # fmt: skip
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(gettext("Segment"), no_wrap=True)
    table.add_column(gettext("Title"))
    table.add_column(gettext("Customers"), justify="right")
    table.add_column("")
    for segment in found:
        title = queries.words(segment)["title"][get_language() or "en"]
        size = number(segment.n_members if segment.evaluated_at else None)
        table.add_row(segment.key, title, size, told(segment.error, gettext))
    Console().print(table)


def _compared(folder: Path | None, *, shipped: bool, prune: bool) -> Changeset:
    if (folder is None) != shipped:
        raise click.UsageError(gettext("name a folder of definitions, or say --shipped"))
    documents = catalog.read_folder(folder) if folder else catalog.shipped()
    return changeset.compare(documents, prune=prune)


def _show(changes: Changeset, *, as_json: bool) -> None:
    with _progress(gettext("customers")) as on_progress:
        preview = changes.preview(at=clock.now(), on_progress=on_progress)
    users = campaigns.users_of([entry.key for entry in changes.entries])
    if as_json:
        click.echo(segment_plan.as_json(changes, preview, users, uses.of_segments()))
    else:
        segment_plan.show(changes, preview, users, uses.of_segments())


def _refuse_used(changes: Changeset) -> None:
    _refuse_users(changes.archived)


def _record(verb: str, about: str = "", **detail: object) -> None:
    audit.record(audit.operator(), verb, about, **detail)


def _refuse_users(keys: Sequence[str]) -> None:
    for key, users in campaigns.users_of(keys).items():
        if users:
            names = ", ".join(campaign.key for campaign in users)
            values = {"key": key, "names": names}
            raise InUseError(
                Saying("%(key)s cannot be archived: the campaigns %(names)s use it", values)
            )
    journeys = uses.of_segments()
    for key in keys:
        if found := journeys.get(key):
            names = ", ".join(journey.key for journey in found)
            values = {"key": key, "names": names}
            raise InUseError(
                Saying("%(key)s cannot be archived: the journeys %(names)s use it", values)
            )


@contextmanager
def _progress(what: str) -> Iterator[OnProgress]:
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, transient=True, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
