"""``pusula rfm apply`` and its kin: the rules in force, their versions, limits measured anew."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from babel.dates import format_date
from django.conf import settings
from django.utils.translation import gettext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops import figures
from pusula.ops.figures import number, percent
from pusula.pipeline import project as pipeline
from pusula.privacy import audit
from pusula.rfm import cautions, told, versions, words
from pusula.rfm import config as rules
from pusula.rfm import cuts as limits
from pusula.rfm.models import RfmRun, RfmVersion
from pusula.rfm.told import Difference

_LOOK_EVERY_S = 2.0
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=_FILE, required=False)
@click.option("--version", "number_", type=int, help="Bring an earlier version back, limits too.")
@click.option("--proposed", is_flag=True, help="Take over the limits that were measured last.")
@click.option("--dry-run", is_flag=True, help="Say what would change and what contradicts itself.")
@click.option("--json", "as_json", is_flag=True, help="Print the version for a program.")
def apply(
    file: Path | None, number_: int | None, *, proposed: bool, dry_run: bool, as_json: bool
) -> None:
    """Bring rules into force: from then on everybody is graded by them, live.

    FILE is TOML or YAML. The limits are measured as of today and published; each customer's group
    and scores are traits that change in the same moment as the facts do.
    """
    if (file is not None) + (number_ is not None) + proposed != 1:
        raise click.UsageError(gettext("give one of FILE, --version and --proposed"))
    if dry_run and file is None:
        raise click.UsageError(gettext("--dry-run goes with FILE"))
    if dry_run and file is not None:
        _show_plan(rules.read_project(file))
        return
    with _progress() as tell:
        made = pipeline.publish(
            lambda: _asked(file, number_), on_wait=_say_waiting, on_progress=tell
        )
    audit.record(audit.operator(), "rfm.published", f"rfm:{made.number}", cause=made.cause)
    if as_json:
        click.echo(json.dumps(_plain(made), ensure_ascii=False))
        return
    _show_published(made)


def _say_waiting() -> None:
    click.echo(gettext("Another version is on its way into force: waiting for it."), err=True)


@contextmanager
def _progress() -> Iterator[Callable[[RfmVersion], None]]:
    """Show how many are graded; yield what is to hear of each step."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    is_hidden = not sys.stderr.isatty()
    with Progress(*columns, console=console, transient=True, disable=is_hidden) as progress:
        task = progress.add_task(gettext("Customers graded"), total=None)

        def tell(version: RfmVersion) -> None:
            total = max(version.n_all, version.n_done)
            progress.update(task, completed=version.n_done, total=total)

        yield tell


def _asked(file: Path | None, number_: int | None) -> RfmVersion:
    if file is not None:
        return versions.ask(rules.read_project(file), at=clock.now())
    if number_ is not None:
        return versions.ask_for_old(number_, at=clock.now())
    run = versions.proposal()
    if run is None:
        raise click.UsageError(gettext("no newer limits wait to be taken over"))
    return versions.ask_for_run(run, at=clock.now())


def _show_plan(project: rules.Project) -> None:
    held = versions.current()
    old = told.aspects(versions.of(held)) if held else {}
    for difference in told.differing(old, told.aspects(project)):
        _show_difference(difference)
    for caution in cautions.contradictions(project.rules):
        click.secho(f"  ! {words.sentence(caution)}", fg="yellow")


def _show_published(made: RfmVersion) -> None:
    said = gettext("Version %(number)s is in force: %(n)s customers in a group, %(moved)s moved.")
    figures_ = {"n": number(made.n_graded), "moved": number(made.n_moved)}
    click.echo(said % {"number": made.number, **figures_})
    for caution in cautions.contradictions(versions.of(made).rules):
        click.secho(f"  ! {words.sentence(caution)}", fg="yellow")


@click.command("versions")
@click.option("--json", "as_json", is_flag=True, help="Print the versions for a program.")
def versions_(as_json: bool) -> None:
    """List the versions that were in force, the newest first, with what each changed."""
    found = list(versions.history())
    if as_json:
        click.echo(json.dumps([_plain(one) for one in found], ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo(gettext("No rules are in force: `pusula rfm apply FILE` brings them."))
    for one, before in zip(found, [*found[1:], None], strict=True):
        since = _moment(one.published_at)
        said = gettext("%(number)s  since %(since)s  %(n)s customers, %(moved)s moved")
        figures_ = {"n": number(one.n_graded), "moved": number(one.n_moved)}
        click.secho(said % {"number": one.number, "since": since, **figures_}, bold=True)
        for difference in told.between(before, one):
            _show_difference(difference)


@click.command()
@click.argument("before", type=int)
@click.argument("after", type=int, required=False)
def diff(before: int, after: int | None) -> None:
    """Say in sentences what changed from the version BEFORE to AFTER (else: the one in force)."""
    held = {one.number: one for one in versions.history()}
    newest = versions.current()
    wanted = after if after is not None else (newest.number if newest else 0)
    for asked in (before, wanted):
        if asked not in held:
            said = gettext("There is no version %(number)s that was in force.")
            raise click.UsageError(said % {"number": asked})
    differences = told.between(held[before], held[wanted])
    for difference in differences:
        _show_difference(difference)
    if not differences:
        click.echo(gettext("Nothing changed."))


@click.command()
@click.option("--watch", is_flag=True, help="Go on until interrupted; `pusula serve` does.")
def due(watch: bool) -> None:
    """Publish what was asked for on the pages, and measure limits anew when their day has come."""
    stopping = threading.Event()
    if not watch:
        _tend()
        return
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda _number, _frame: stopping.set())
    while not stopping.is_set():
        _tend()
        stopping.wait(_LOOK_EVERY_S)


def _tend() -> None:
    """Do what is due; that rules cannot be brought into force stops nothing else."""
    try:
        with _progress() as tell:
            published = list(pipeline.take_up(tell))
        for made in published:
            actor = made.asked_by or audit.SYSTEM
            audit.record(actor, "rfm.published", f"rfm:{made.number}", cause=made.cause)
            _show_published(made)
    except PusulaError as error:
        click.secho(f"  {error.said(gettext)}", fg="yellow", err=True)
    run = pipeline.rerun()
    if run is not None:
        _show_drift(run)
    pipeline.complete()


@click.command()
def drift() -> None:
    """Show the limits that were measured last beside those in force, and who would change group."""
    run = versions.proposal()
    if run is None:
        click.echo(gettext("The limits in force are the newest: nothing waits to be taken over."))
        return
    _show_drift(run)
    click.echo(gettext("`pusula rfm apply --proposed` takes them over."))


def _show_drift(run: RfmRun) -> None:
    held = versions.current()
    if held is None or not run.drift:
        return
    day = format_date(run.as_of_on, locale=figures.locale())
    n = run.drift["n_moved"]
    said = gettext("Measured as of %(day)s: %(n)s customers (%(share)s) would change their group.")
    share = percent(n / run.n_profiles if run.n_profiles else 0)
    click.echo(said % {"day": day, "n": number(n), "share": share})
    project = versions.of(held)
    old = told.aspects(project, limits.read(held.cuts))
    for difference in told.differing(old, told.aspects(project, limits.read(run.cuts))):
        _show_difference(difference)


def _show_difference(difference: Difference) -> None:
    click.echo(f"  {difference.title}")
    if difference.before:
        click.echo(f"      - {difference.before}")
    if difference.after:
        click.echo(f"      + {difference.after}")


def _moment(at: int | None) -> str:
    day = clock.day_of(at or 0, settings.PUSULA.time_zone)
    return str(format_date(day, locale=figures.locale()))


def _plain(version: RfmVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "cause": version.cause,
        "restored": version.restored,
        "published_at": version.published_at,
        "by": version.asked_by,
        "as_of_on": version.as_of_on.isoformat() if version.as_of_on else None,
        "n_graded": version.n_graded,
        "n_moved": version.n_moved,
        "config": version.config,
        "rerun": version.rerun,
        "cuts": version.cuts,
        "warnings": msgspec.to_builtins(cautions.contradictions(versions.of(version).rules)),
    }
