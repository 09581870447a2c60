"""``pusula segments``: definitions as files, and how many customers meet them."""

from __future__ import annotations

import json
from pathlib import Path

import click
from django.utils.translation import get_language, gettext
from rich import box
from rich.console import Console
from rich.table import Table

from pusula.ops.figures import number
from pusula.segments import actions, catalog, queries


@click.group()
def segments() -> None:
    """Named conditions over the customers."""


@segments.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--shipped", is_flag=True, help="Take the definitions that come with the program.")
def apply(folder: Path | None, shipped: bool) -> None:
    """Take over the definitions (*.yaml) in FOLDER; all of them or none.

    Members follow with the next `pusula run`.
    """
    if (folder is None) != shipped:
        raise click.UsageError("name a folder of definitions, or say --shipped")
    documents = catalog.read_folder(folder) if folder else catalog.shipped()
    for applied in actions.apply(documents):
        state = f"version {applied.number}" if applied.is_changed else "unchanged"
        click.echo(f"  {applied.key}: {state}")


@segments.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list for a program.")
def list_(as_json: bool) -> None:
    """Show every segment with its size."""
    found = list(queries.active())
    if as_json:
        rows = [
            {"segment": s.key, "n_members": s.n_members, "evaluated_at": s.evaluated_at,
             "error": s.error}
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
        table.add_row(segment.key, title, size, segment.error)
    Console().print(table)
