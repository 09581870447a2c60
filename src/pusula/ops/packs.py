"""``pusula journeys packs``: ready scenarios, looked at and taken over as drafts."""

from __future__ import annotations

import json

import click
import yaml
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext
from rich import box
from rich.console import Console
from rich.table import Table

from pusula.journeys import packs as library
from pusula.journeys.language import sentences
from pusula.journeys.packs import Missing, Scenario
from pusula.privacy import audit
from pusula.segments import spoken

_flavour = click.option("--flavour", type=click.Choice(library.FLAVOURS), default="hotel")
_language = click.option(
    "--language",
    type=click.Choice(library.LANGUAGES),
    default=lambda: settings.PUSULA.language,
    help="What the templates are called in and speak to everybody; default: the company's.",
)
_site = click.option("--site", default="", help="Where the buttons lead: https://www.example.com")


@click.group()
def packs() -> None:
    """Ready scenarios for hotels and shops."""


@packs.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list for a program.")
def list_(as_json: bool) -> None:
    """Show the scenarios there are, and the flavours each comes in."""
    language = spoken.language()
    if as_json:
        rows = [
            {"pack": one.name, "title": one.titled(language), "flavours": one.flavours}
            for one in library.all_packs()
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD)
    for title in (gettext("Scenario"), gettext("Title"), gettext("Flavours")):
        table.add_column(title)
    for one in library.all_packs():
        table.add_row(one.name, one.titled(language), ", ".join(one.flavours))
    Console().print(table)


@packs.command()
@click.argument("name")
@_flavour
@_language
@_site
@click.option("--yaml", "as_yaml", is_flag=True, help="Print the journey as a definition.")
def show(name: str, flavour: str, language: str, site: str, as_yaml: bool) -> None:
    """Show what the scenario NAME does, its messages, what is measured and what it needs."""
    scenario = library.load(name, flavour, language, site=site)
    if as_yaml:
        click.echo(yaml.safe_dump(scenario.document, allow_unicode=True, sort_keys=False), nl=False)
        return
    words = spoken.language()
    about = scenario.pack.about
    click.echo(about.tr if words == "tr" else about.en)
    click.echo("")
    for line in sentences(library.parsed(scenario), words):
        click.echo("  " * line.depth + line.text)
    click.echo("\n" + gettext("Messages:"))
    for letter in scenario.letters:
        said = letter.said[language]
        click.echo(f"  {letter.name} ({letter.channel}): {said.subject or said.text}")
    click.echo("\n" + gettext("What is measured:"))
    for kpi in scenario.pack.kpis:
        click.echo(f"  {kpi.tr if words == 'tr' else kpi.en}")
    _say_missing(library.missing(scenario))


@packs.command()
@click.argument("name")
@_flavour
@_language
@_site
def add(name: str, flavour: str, language: str, site: str) -> None:
    """Take the scenario NAME over as a draft with its messages; nobody gets anything yet.

    What is there already stays as it is.
    """
    scenario: Scenario = library.load(name, flavour, language, site=site)
    with transaction.atomic():
        added = library.add(scenario)
        if added.is_new:
            audit.record(
                audit.operator(), "journey.pack_added", f"journey:{added.key}", pack=name,
                n=added.n_templates,
            )  # fmt: skip
    words = {"key": added.key, "n": added.n_templates}
    if added.is_new:
        click.echo(gettext("The draft %(key)s is there, with %(n)s templates.") % words)
    else:
        click.echo(gettext("There is a journey %(key)s already; nothing was changed.") % words)
    _say_missing(added.missing)


def _say_missing(found: tuple[Missing, ...]) -> None:
    if not found:
        return
    click.echo("\n" + gettext("Before it is published:"))
    for one in found:
        click.echo(f"  {one.sentence}")
