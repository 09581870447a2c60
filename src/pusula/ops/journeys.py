"""``pusula journeys``: journeys as files, who is on them, and why somebody is not."""

from __future__ import annotations

import difflib
import json
import signal
import threading
from pathlib import Path
from typing import TextIO

import click
import yaml
from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, pgettext_lazy
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pusula.campaigns import words
from pusula.journeys import actions, called, calls, machine, queries, versions, why
from pusula.journeys.language import DefinitionError, Graph, Names, parse, sentences
from pusula.journeys.language import Journey as Definition
from pusula.journeys.language.json_schema import json_schema
from pusula.journeys.language.sentences.printer import Printer
from pusula.journeys.models import Journey
from pusula.journeys.queries import Traced
from pusula.lib import clock
from pusula.ops.figures import number
from pusula.ops.journey_result import result
from pusula.ops.journeys_backtest import backtest_
from pusula.ops.packs import packs
from pusula.orders.models import Order
from pusula.outbox import providers
from pusula.outbox.reasons import Reason
from pusula.privacy import audit
from pusula.segments import catalog, spoken

_STATES: dict[str, Promise] = {
    machine.DRAFT: pgettext_lazy("state of a journey", "Draft"),
    machine.LIVE: pgettext_lazy("state of a journey", "Live"),
    machine.PAUSED: pgettext_lazy("state of a journey", "Paused"),
    machine.ARCHIVED: pgettext_lazy("state of a journey", "Archived"),
}
_LOOK_S = 1.0  # how often the poster looks for calls that are due
_Folder = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group()
def journeys() -> None:
    """Journeys as files, who is on them, and why somebody is not."""


journeys.add_command(packs)
journeys.add_command(result)


@journeys.command()
@click.argument("folder", type=_Folder)
def plan(folder: Path) -> None:
    """Say what taking over the journeys (*.yaml) in FOLDER would change; change nothing."""
    for key, definition in versions.read(catalog.read_folder(folder)).items():
        click.echo(f"{key}:")
        for line in _difference(key, definition):
            click.echo(f"  {line}")


@journeys.command()
@click.argument("folder", type=_Folder)
def apply(folder: Path) -> None:
    """Take over the journeys (*.yaml) in FOLDER; those that changed are published at once.

    Who is under way stays on the version they came in on.
    """
    with transaction.atomic():
        applied = versions.apply(catalog.read_folder(folder))
        changed = [one.key for one in applied if one.is_changed]
        audit.record(audit.operator(), "journey.applied", n=len(changed), keys=changed)
    for one in applied:
        published = gettext("version %(n)s published") % {"n": one.number}
        click.echo(f"  {one.key}: {published if one.is_changed else gettext('unchanged')}")


@journeys.command()
@click.argument("key")
def publish(key: str) -> None:
    """Let people come in on the newest version of KEY from now on, as `packs add` keeps it."""
    version = queries.newest(_found(key))
    if version is None or version.published_at is not None:
        click.echo(gettext("unchanged"))
        return
    with transaction.atomic():
        versions.publish(version)
        _record("journey.published", key, n=version.number)
    click.echo(gettext("version %(n)s published") % {"n": version.number})


@journeys.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def export_(folder: Path) -> None:
    """Write the journeys people come in on to FOLDER, one YAML file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for journey in queries.all_journeys():
        if journey.version is not None and journey.state != "archived":
            path = folder / f"{journey.key}.yaml"
            text = yaml.safe_dump(journey.version.definition, allow_unicode=True, sort_keys=False)
            path.write_text(text, encoding="utf-8")
            click.echo(f"  {path}")


@journeys.command()
def schema() -> None:
    """Print the JSON Schema of journeys, with what this installation knows."""
    click.echo(json.dumps(json_schema(versions.names()), ensure_ascii=False, indent=2))


@journeys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list for a program.")
def list_(as_json: bool) -> None:
    """Show every journey with how many came in, wait and left."""
    found = [(journey, queries.counts(journey)) for journey in queries.all_journeys()]
    if as_json:
        rows = [
            {
                "journey": journey.key, "state": journey.state,
                "version": journey.version.number if journey.version else None,
                "n_entered": counts.n_entered, "n_waiting": counts.n_waiting,
                "n_put_off": counts.n_put_off, "outcomes": counts.outcomes,
            }
            for journey, counts in found
        ]  # fmt: skip
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(gettext("Journey"), no_wrap=True)
    for title in (gettext("Title"), gettext("State")):
        table.add_column(title)
    for title in (gettext("Came in"), gettext("Waiting"), gettext("Put off")):
        table.add_column(title, justify="right")
    for journey, counts in found:
        title = queries.title(journey, get_language() or "en")
        figures = (counts.n_entered, counts.n_waiting, counts.n_put_off)
        state = str(_STATES[journey.state])
        table.add_row(journey.key, escape(title), state, *map(number, figures))
    Console().print(table)


@journeys.command()
@click.argument("key")
def pause(key: str) -> None:
    """Let nobody come in or go on, and hold back the messages in line."""
    with transaction.atomic():
        actions.pause(key)
        _record("journey.paused", key)


@journeys.command()
@click.argument("key")
def resume(key: str) -> None:
    """Let people come in and go on; what happened while it was paused brings nobody in."""
    with transaction.atomic():
        actions.resume(key)
        _record("journey.resumed", key)


@journeys.command()
@click.argument("key")
def archive(key: str) -> None:
    """End a journey: who is on it leaves, messages in line are not sent."""
    with transaction.atomic():
        n = actions.archive(key)
        _record("journey.archived", key, n=n)
    click.echo(gettext("%(n)s people left the journey.") % {"n": number(n)})


@journeys.command()
@click.argument("key")
@click.argument("profile", type=int)
@click.option("--order", type=int, help="The order, for a journey that is keyed by order.")
@click.option("--occurrence", default="", help="Brings somebody in once; default: this moment.")
def enroll(key: str, profile: int, order: int | None, occurrence: str) -> None:
    """Put PROFILE into the journey KEY, which has the entry `api: true`."""
    if order is not None and not Order.objects.filter(pk=order, profile_id=profile).exists():
        words = {"customer": profile, "order": order}
        raise click.UsageError(gettext("customer %(customer)s has no order %(order)s") % words)
    with transaction.atomic():
        came_in = actions.enroll(
            key, profile, order_id=order, occurrence=occurrence or str(clock.now())
        )
        _record("journey.enrolled", key, profile=profile)
    if came_in:
        click.echo(gettext("Came in."))
    else:
        _why_not(_found(key), profile)


@journeys.command()
@click.argument("key")
@click.option("--to", type=int, required=True, help="The number of the version.")
@click.option("--step", "steps", multiple=True, metavar="OLD=NEW", help="For a step that is gone.")
def migrate(key: str, to: int, steps: tuple[str, ...]) -> None:
    """Put those who wait on older versions of KEY on another one; each stays at their step."""
    if wrong := [one for one in steps if "=" not in one]:
        raise click.UsageError(gettext("--step %(step)s: write OLD=NEW") % {"step": wrong[0]})
    with transaction.atomic():
        n = versions.migrate(key, to=to, steps=dict(one.split("=", 1) for one in steps))
        _record("journey.migrated", key, n=n, to=to)
    click.echo(gettext("%(n)s people are on version %(to)s now.") % {"n": number(n), "to": to})


@journeys.command()
@click.argument("pool")
@click.argument("file", type=click.File(encoding="utf-8"))
def codes(pool: str, file: TextIO) -> None:
    """Put the codes in FILE, one a line, into the coupon pool POOL."""
    n = actions.add_codes(pool, list(file))
    click.echo(gettext("%(n)s new codes in the pool %(pool)s.") % {"n": number(n), "pool": pool})


@journeys.command()
@click.argument("profile", type=int)
def trace(profile: int) -> None:
    """Show all that befell PROFILE on journeys, step by step."""
    for ride in queries.of_profile(profile):
        waits = gettext("waits until %(at)s") % {"at": _moment(ride.due_at)}
        state = called.OUTCOMES[ride.outcome] if ride.outcome else waits
        click.echo(f"{ride.journey.key} v{ride.version.number}: {state}")
        try:
            graph = queries.graph_of(ride.version)
        except DefinitionError:  # it speaks of what is gone
            graph = None
        told = called.printer(spoken.language(), graph)
        for one in queries.trace(ride):
            click.echo(f"  {_moment(one.at)}  {_befell(one, graph, told)}")


@journeys.command("why-not")
@click.argument("key")
@click.argument("profile", type=int)
def why_not(key: str, profile: int) -> None:
    """Say what keeps PROFILE from the journey KEY, or from what it sends."""
    _why_not(_found(key), profile)


@journeys.command()
@click.option("--once", is_flag=True, help="End when nothing more is due.")
@click.option("--key", "shows_key", is_flag=True, help="Only print the key that signs the calls.")
def post(once: bool, shows_key: bool) -> None:
    """Tell other programs what the step `webhook` asks for; any number of posters may run."""
    if shows_key:
        click.echo(calls.key())
        return
    stop = threading.Event()
    for number_ in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number_, lambda _number, _frame: stop.set())
    poster = calls.Poster(providers.outbound(), settings.PUSULA_HOME)
    try:
        while not stop.is_set():
            posted = poster.post()
            if posted:
                words = {
                    "told": number(posted.n_told),
                    "later": number(posted.n_later),
                    "given_up": number(posted.n_given_up),
                }
                said = gettext("Programs told: %(told)s, later: %(later)s, given up: %(given_up)s")
                click.echo(said % words)
            elif once:
                break
            else:
                stop.wait(_LOOK_S)
    finally:
        poster.out.close()


journeys.add_command(backtest_)


def _why_not(journey: Journey, profile: int) -> None:
    reasons = why.why_not(journey, profile)
    for one in reasons:
        click.echo(f"  {one.sentence}")
    if not reasons:
        click.echo(gettext("Nothing speaks against it."))


def _befell(one: Traced, graph: Graph | None, told: Printer) -> str:
    """Return what befell somebody at a step, in words as far as their version is understood."""
    kind = graph.nodes[one.step].kind if graph and one.step in graph.nodes else None
    step, usual = one.step or "·", called.OUTCOMES if one.is_exit else called.RESULTS
    said = str(usual.get(one.result, one.result))
    if kind is not None:
        step = f"{called.title(kind, told)} ({one.step})"
        said = said if one.is_exit else called.result(kind, one.result, told)
    if one.reason:
        said += f" ({called.place(graph, one.reason, told) if graph else one.reason})"
    if one.message:
        why_ = one.message.reason
        label = str(Reason(why_).label) if why_ in Reason.values else why_
        said += f" → {words.MESSAGE_STATES[one.message.state]}" + (f": {label}" if label else "")
    return f"{step}: {said}"


def _found(key: str) -> Journey:
    journey = queries.by_key(key)
    if journey is None:
        raise click.UsageError(gettext("there is no journey %(key)s") % {"key": key})
    return journey


def _difference(key: str, definition: Definition) -> list[str]:
    """Return what would change, as lines of plain words with + and - in front."""
    journey = queries.by_key(key)
    version = journey.version if journey else None
    language = get_language() or "en"
    after = _lines(definition, language)
    if version is None:
        return [f"+ {line}" for line in after]
    before = _lines(parse(version.definition, Names(schema=catalog.schema())), language)
    changed = [one for one in difflib.ndiff(before, after) if one[:2] in ("+ ", "- ")]
    return changed or [gettext("unchanged")]


def _lines(definition: Definition, language: str) -> list[str]:
    language = language if language in ("tr", "en") else "en"
    return ["  " * one.depth + one.text for one in sentences(definition, language)]


def _moment(at: int | None) -> str:
    return (
        "–" if at is None else clock.to_datetime(at, catalog.schema().tz).strftime("%d.%m.%Y %H:%M")
    )


def _record(verb: str, key: str, **detail: object) -> None:
    audit.record(audit.operator(), verb, f"journey:{key}", **detail)
