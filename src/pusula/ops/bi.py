"""``pusula bi``: tables for analysts as files and as views, and what their columns mean."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pusula.destinations.bi import actions, catalog, dictionary, exporting, queries, views
from pusula.destinations.bi.exporting import Written
from pusula.destinations.models import BiFormat
from pusula.lib import clock
from pusula.ops.figures import number
from pusula.privacy import analysts, audit

_SHOWN = ("is_on", "folder", "format", "has_bom", "with_identifiers", "every_hours")


@click.group()
def bi() -> None:
    """Give analysts their tables: one row a customer, and what happened, as files or views."""


@bi.command()
@click.option("--format", "kind", type=click.Choice(BiFormat.values), help="Else as set.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Else the folder that is set, or bi in the home folder.",
)
@click.option("--bom/--no-bom", "has_bom", default=None, help="CSV: mark UTF-8 for Excel.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written for a program.")
def export(*, kind: str | None, folder: Path | None, has_bom: bool | None, as_json: bool) -> None:
    """Write every table and the dictionary, in place of the last ones.

    Pusula remembers the folder and takes erased people out of the files in it; what you copy
    elsewhere is yours to look after.
    """
    chosen = queries.chosen()
    to = (folder or queries.folder()).absolute()
    analysts.note_exported(str(to), actor=audit.operator())
    made = with_progress(
        to,
        kind=kind or chosen.format,
        has_bom=chosen.has_bom if has_bom is None else has_bom,
        with_identifiers=chosen.with_identifiers,
    )
    if as_json:
        document = {"folder": str(to), "tables": [asdict(one) for one in made]}
        click.echo(json.dumps(document, ensure_ascii=False))
        return
    for one in made:
        words = {"file": one.file, "rows": number(one.n_rows), "size": number(one.n_bytes / 1e6, 1)}
        click.echo(_("  %(file)s: %(rows)s rows, %(size)s MB") % words)


def refresh() -> list[Written]:
    """Write the files that the batch run is to write, and bring the views up to date."""
    chosen = queries.chosen()
    made = []
    if queries.is_due():
        made = with_progress(
            queries.folder(), kind=chosen.format, has_bom=chosen.has_bom,
            with_identifiers=chosen.with_identifiers,
        )  # fmt: skip
    if chosen.views_at is not None:
        views.install(at=clock.now())
    return made


def with_progress(
    folder: Path, *, kind: str, has_bom: bool, with_identifiers: bool
) -> list[Written]:
    """Write the files, with a bar where somebody looks."""
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("", total=None)
        return exporting.run(
            folder,
            kind=kind,
            has_bom=has_bom,
            with_identifiers=with_identifiers,
            on_progress=lambda table, done, total: progress.update(
                task, description=table, completed=done, total=total
            ),
        )


@bi.command("dictionary")
@click.option(
    "--language", type=click.Choice(dictionary.LANGUAGES), help="Else that of the company."
)
@click.option("--json", "as_json", is_flag=True, help="Both languages, for a program.")
def dictionary_(language: str | None, as_json: bool) -> None:
    """Print what every table and column means, as Markdown."""
    tables = catalog.tables(with_identifiers=queries.chosen().with_identifiers)
    told = dictionary.described(tables, catalog.company())
    if as_json:
        click.echo(dictionary.as_json(told, catalog.company()))
        return
    own = (get_language() or "")[:2]
    shown = language or (own if own in dictionary.LANGUAGES else dictionary.LANGUAGES[0])
    click.echo(dictionary.as_markdown(told, shown))


@bi.group("views")
def views_() -> None:
    """Give the same tables as views of the database, named bi_..."""


@views_.command()
def install() -> None:
    """Make the views, or make them anew; each batch run does so too from then on."""
    analysts.note_exported("bi_*", actor=audit.operator())
    for name in views.install(at=clock.now()):
        click.echo(f"  {name}")


@views_.command()
def drop() -> None:
    """Take the views out of the database."""
    n = views.drop()
    click.echo(_("  %(n)s views dropped") % {"n": number(n)})


@bi.command("set")
@click.option("--on/--off", "is_on", default=None, help="Whether the batch run writes the files.")
@click.option("--folder", help="Where to, from / on; empty: bi in the home folder.")
@click.option("--format", type=click.Choice(BiFormat.values))
@click.option("--bom/--no-bom", "has_bom", default=None, help="CSV: mark UTF-8 for Excel.")
@click.option(
    "--identifiers/--no-identifiers",
    "with_identifiers",
    default=None,
    help="Names, addresses and numbers of other systems too; it stands in the audit log.",
)
@click.option("--every-hours", type=click.IntRange(0, 744), help="Not more often than that.")
def set_(**given: bool | str | int | None) -> None:
    """Change how the batch run writes the files; without options: show it."""
    changes = {name: value for name, value in given.items() if value is not None}
    if changes:
        analysts.choose(changes, actor=audit.operator())
    chosen = queries.chosen()
    for name in _SHOWN:
        click.echo(f"  {name} = {getattr(chosen, name)}")


@bi.command()
@click.argument("folder", type=click.Path(path_type=Path))
def forget(folder: Path) -> None:
    """Look after FOLDER no more: it is gone, or what is in it is yours to look after."""
    if not analysts.forget(folder.absolute(), actor=audit.operator()):
        words = {"folder": folder, "known": ", ".join(one.folder for one in queries.written())}
        raise actions.BiError(_("%(folder)s is not known; there are: %(known)s") % words)
