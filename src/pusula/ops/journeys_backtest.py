"""``pusula journeys backtest``: what would have become of journeys, had they been live."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import yaml
from django.conf import settings
from django.utils.translation import gettext
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from pusula.journeys import backtest, called, queries
from pusula.journeys.backtest import Result
from pusula.journeys.backtest.run import Progress as Told
from pusula.journeys.language import Graph, Names, graph, parse
from pusula.lib import clock
from pusula.measurement.planning import foresight
from pusula.measurement.reports import names
from pusula.ops.figures import number, percent
from pusula.outbox.reasons import Reason
from pusula.outbox.rules import policy as rules
from pusula.outbox.rules.policy import Policy
from pusula.segments import catalog, spoken

_QUIET_S = 2.0  # a replay that takes longer shows how far it is
_MOMENTS = ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S"]
_File = click.Path(path_type=Path, dir_okay=False, exists=True)


class _Moment(click.ParamType[int]):
    """A day or a wall time in the company's zone; of a day its begin, or its end."""

    name = "moment"

    def __init__(self, *, is_end: bool) -> None:
        self._is_end = is_end

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        wall: datetime = click.DateTime(_MOMENTS).convert(value, param, ctx)
        zone = settings.PUSULA.time_zone
        if len(value) > len("2026-05-01") or not self._is_end:
            return clock.from_datetime(wall, zone)
        end = clock.start_of(wall.date() + timedelta(days=1), zone) - 1
        today = clock.day_of(clock.now(), zone)
        return clock.now() if wall.date() == today else end


@click.command("backtest")
@click.argument("journeys", nargs=-1, required=True)
@click.option("--from", "since", type=_Moment(is_end=False), required=True, help="Day or time.")
@click.option("--to", "until", type=_Moment(is_end=True), required=True, help="Day or time.")
@click.option("--limits", type=_File, help="Other limits than those of now: a policy file (YAML).")
@click.option("--window", default=14, show_default=True, help="Days within which the goal counts.")
@click.option("--lift", default=10.0, show_default=True, help="Relative lift to be shown, in %.")
@click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")
def backtest_(
    *,
    journeys: tuple[str, ...],
    since: int,
    until: int,
    limits: Path | None,
    window: int,
    lift: float,
    as_json: bool,
) -> None:
    """Replay JOURNEYS, files or keys, over stored history; send and write nothing.

    Several compete for the same limits, as they would. Each moment is replayed with the facts and
    the consents of that moment.
    """
    documents = [_document(name) for name in journeys]
    with _progress() as progress:
        found = backtest.together(
            documents, since=since, until=until, progress=progress,
            policy=_policy(limits), window_days=window,
        )  # fmt: skip
    if as_json:
        said = [
            one.plain() | {"holdout": foresight.plain(foresight.holdout(one, lift / 100))}
            for one in found
        ]
        click.echo(json.dumps(said[0] if len(said) == 1 else said, ensure_ascii=False, indent=2))
        return
    known = Names(schema=catalog.schema())
    for one, (_name, document) in zip(found, documents, strict=True):
        _say(one, graph(parse(document, known)), lift / 100)


def _document(name: str) -> tuple[str, object]:
    path = Path(name)
    if path.suffix in {".yaml", ".yml", ".json"} or path.exists():
        if not path.is_file():
            raise click.UsageError(gettext("there is no file %(name)s") % {"name": name})
        try:
            return path.name, yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise click.UsageError(f"{name}: {error}") from error
    journey = queries.by_key(name)
    version = queries.newest(journey) if journey else None
    if version is None:
        raise click.UsageError(
            gettext("there is no journey %(name)s: name one, or a YAML file") % {"name": name}
        )
    return name, version.definition


def _policy(limits: Path | None) -> Policy | None:
    return rules.read(limits.read_text(encoding="utf-8"), limits.name) if limits else None


@contextmanager
def _progress() -> Iterator[Told]:
    """Yield what shows how far the replay is, once it takes long."""
    began = time.monotonic()
    console = Console(stderr=True)
    bar = Progress(
        TextColumn(gettext("Replaying")), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
        console=console, transient=True,
    )  # fmt: skip
    task = bar.add_task("", total=None)

    def told(n_done: int, n_all: int) -> None:
        if time.monotonic() - began < _QUIET_S:
            return
        if not bar.live.is_started:
            bar.start()
        bar.update(task, completed=n_done, total=n_all)

    try:
        yield told
    finally:
        bar.stop()


def _say(found: Result, made: Graph, lift: float) -> None:
    console = Console()
    told = called.printer(spoken.language(), made)
    click.echo(f"{found.journey}  {found.since[:16]} – {found.until[:16]}")
    sent = found.messages
    for title, value in (
        (gettext("Came in"), number(found.n_entered)),
        (gettext("Customers"), number(found.n_people)),
        (gettext("In the control group"), number(found.n_holdout)),
        (gettext("Still under way"), number(found.n_waiting)),
        (gettext("Messages asked for"), number(sent.n_asked)),
        (gettext("Messages sent"), number(sent.n_sent)),
        (gettext("Most in a day"), number(sent.most_in_a_day)),
        (gettext("Most for one customer"), number(sent.most_per_person)),
        (gettext("Mean for a customer"), number(sent.mean_per_person, 2)),
    ):
        click.echo(f"  {title}: {value}")
    for reason, n in sent.skipped.items():
        click.echo(f"  − {Reason(reason).label}: {number(n)}")
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(gettext("Step"))
    for title in (gettext("Came to it"), gettext("Waiting")):
        table.add_column(title, justify="right")
    table.add_column(gettext("What came of it"))
    for step in found.steps:
        kind = made.nodes[step.step].kind
        results = ", ".join(
            f"{called.result(kind, code, told)} {number(n)}" for code, n in step.results.items()
        )
        title = f"{called.title(kind, told)} ({step.step})"
        table.add_row(escape(title), number(step.n_in), number(step.n_waiting), escape(results))
    console.print(table)
    origins = names.origins([overlap.origin for overlap in found.overlaps])
    for overlap in found.overlaps:
        said = gettext("%(origin)s: %(n)s messages to %(people)s customers within a day of ours")
        click.echo(
            "  "
            + said
            % {
                "origin": origins.get(overlap.origin, overlap.origin),
                "n": number(overlap.n_messages),
                "people": number(overlap.n_people),
            }
        )
    _say_goal(found, lift)


def _say_goal(found: Result, lift: float) -> None:
    if found.goal is None:
        return
    said = gettext("Reached the goal within %(days)s days, nothing sent: %(share)s of %(n)s")
    click.echo(
        "  "
        + said
        % {
            "days": found.goal.window_days,
            "share": percent(found.goal.share),
            "n": number(found.goal.n_watched),
        }
    )
    needed = foresight.holdout(found, lift)
    if needed is None or needed.share is None:
        click.echo(
            "  " + gettext("Too few come in to show a lift of %(lift)s.") % {"lift": percent(lift)}
        )
    else:
        said = gettext("To show a lift of %(lift)s: a control group of %(share)s, %(n)s customers.")
        n = number(needed.n_control)
        values = {"lift": percent(lift), "share": percent(needed.share), "n": n}
        click.echo("  " + said % values)
