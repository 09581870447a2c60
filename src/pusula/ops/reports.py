"""``pusula reports``: figures of a period, credit of messages, rates, funnels, cohorts, mails."""

from __future__ import annotations

import json
import logging
import signal
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections
from django.utils.translation import gettext
from rich import box
from rich.console import Console
from rich.table import Table as Drawn

from pusula.channels.email.smtp import Server
from pusula.lib import clock
from pusula.measurement.attribution.credit import MOST_DAYS, Model, Rules
from pusula.measurement.reports import answers, catalog, files, rules, tables
from pusula.measurement.reports.letters import prepare, send_waiting
from pusula.measurement.reports.period import Period
from pusula.measurement.reports.rates import BY, USUAL_CONVERSION_DAYS
from pusula.measurement.reports.tables import TEXT
from pusula.ops.figures import number
from pusula.privacy import audit

WORK_EVERY_S = 2.0
LETTERS_EVERY_S = 30.0
_DAY = click.DateTime(["%Y-%m-%d"])
_log = logging.getLogger("pusula.reports")
Command = Callable[..., None]


@click.group()
def reports() -> None:
    """Report what happened in a period, and what messages had to do with it."""


def _output(command: Command) -> Command:
    command = click.option("--json", "as_json", is_flag=True, help="Print it for a program.")(
        command
    )
    return click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write it to a file: .csv or .xlsx.",
    )(command)


def _period(command: Command) -> Command:
    command = click.option("--to", "to", type=_DAY, help="Its last day; yesterday if not given.")(
        command
    )
    command = click.option("--from", "since", type=_DAY, help="Its first day.")(command)
    return click.option(
        "--days", type=click.IntRange(1), default=28, help="So many days, without --from."
    )(command)


def _rules(command: Command) -> Command:
    command = click.option(
        "--model", type=click.Choice([one.value for one in Model]), help="Who gets the credit."
    )(command)
    for name in ("clicked", "opened", "sent"):
        command = click.option(
            f"--{name}",
            type=click.IntRange(0, MOST_DAYS),
            help=f"So many days a message that was {name} counts; 0: not at all.",
        )(command)
    return click.option(
        "--half-life", type=click.IntRange(1, MOST_DAYS), help="In days, for --model decay."
    )(command)


@reports.command()
@_period
@_rules
@_output
def kpi(**options: Any) -> None:
    """Show the figures of the period beside those of the time before it."""
    question = _days(options) | {"rules": _given_rules(options).plain()}
    _tell(catalog.made("kpi", question), options)


@reports.command()
@_period
@_rules
@click.option("--segment", default="", help="Messages to who was in it at sending.")
@_output
def attribution(**options: Any) -> None:
    """Show which messages orders are ascribed to, and what was caused where it is measured."""
    question = _days(options) | {
        "rules": _given_rules(options).plain(),
        "segment": options["segment"],
    }
    _tell(catalog.made("attribution", question), options)


@reports.command()
@_period
@click.option("--by", type=click.Choice([*BY, "message"]), default="origin", show_default=True)
@click.option("--origin", default="", help="campaign:12 or journey:3")
@click.option("--step", default="", help="A step of a journey.")
@click.option("--channel", default="")
@click.option("--segment", default="", help="Messages to who was in it at sending.")
@click.option(
    "--conversion-days",
    type=click.IntRange(1, MOST_DAYS),
    default=USUAL_CONVERSION_DAYS,
    show_default=True,
    help="So long behind a message an order counts as brought by it.",
)
@_output
def rates(**options: Any) -> None:
    """Show what became of the messages of the period."""
    named = ("by", "origin", "step", "channel", "segment", "conversion_days")
    question = _days(options) | {name: options[name] for name in named}
    _tell(catalog.made("rates", question), options)


@reports.command()
@click.argument("steps", nargs=-1, required=True)
@_period
@click.option("--window", type=click.IntRange(1, 365), default=14, show_default=True)
@_output
def funnel(**options: Any) -> None:
    """Count who went through STEPS in order: names of events, and "order" for an order placed.

    The first step is in the period, the others within --window days behind it.
    """
    question = _days(options) | {"steps": list(options["steps"]), "window_days": options["window"]}
    _tell(catalog.made("funnel", question), options)


@reports.command()
@click.option("--months", type=click.IntRange(2, 24), default=12, show_default=True)
@_output
def cohort(**options: Any) -> None:
    """Show who came again, by the month of their first order."""
    _tell(catalog.made("cohort", {"months": options["months"]}), options)


@reports.command("rules")
@_rules
def rules_(**options: Any) -> None:
    """Show how orders are ascribed where nobody says otherwise; with options, change it."""
    given = _given_rules(options)
    if rules.apply(given, by="", at=clock.now()):
        audit.record(audit.operator(), "reports.rules", **given.plain())
    click.echo(json.dumps(rules.current().plain(), indent=2))


@reports.command()
@click.option("--once", is_flag=True, help="Compute what waits, and end.")
def work(once: bool) -> None:
    """Compute what pages wait for, and send the reports that are due, until interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, lambda _number, _frame: stop.set())
    looked = 0
    while not stop.is_set():
        try:
            while not stop.is_set() and answers.work(at=clock.now()) is not None:
                pass
            if once:
                return
            if clock.running() - looked > LETTERS_EVERY_S * clock.SECOND:
                looked = clock.running()
                _send_due()
        except (OperationalError, InterfaceError) as error:
            _log.warning("the database does not answer: %s", error)
            connections.close_all()
        stop.wait(WORK_EVERY_S)


@reports.command("send-due")
def send_due() -> None:
    """Send the scheduled reports whose moment has come, each once, and end.

    What a large company's reports say is counted first, as by `work`.
    """
    n = _send_due()
    while answers.work(at=clock.now()) is not None:
        pass
    n += _send_due()
    click.echo(gettext("Reports sent: %(n)s") % {"n": number(n)})


def _send_due() -> int:
    if not settings.PUSULA_SMTP_URL:
        return 0
    prepare(at=clock.now())
    return send_waiting(Server.of(settings.PUSULA_SMTP_URL), settings.PUSULA_HOME)


def _days(options: dict[str, Any]) -> dict[str, Any]:
    return catalog.of_period(_asked_period(options["since"], options["to"], options["days"]))


def _asked_period(since: datetime | None, to: datetime | None, days: int) -> Period:
    until: date = to.date() + timedelta(days=1) if to else Period.last(1).until_on
    return Period(since.date() if since else until - timedelta(days=days), until)


def _given_rules(options: dict[str, Any]) -> Rules:
    """Return the rules that hold, changed by what the options say."""
    plain = rules.current().plain()
    for name in ("sent", "opened", "clicked"):
        if options[name] is not None:
            plain["windows"][name] = options[name]
    if options["model"] is not None:
        plain["model"] = options["model"]
    if options["half_life"] is not None:
        plain["half_life_days"] = options["half_life"]
    return rules.parsed(plain)


def _tell(result: dict[str, Any], options: dict[str, Any]) -> None:
    out: Path | None = options["out"]
    if out is not None:
        if out.suffix not in {".csv", ".xlsx"}:
            said = gettext("%(file)s: the name of the file ends in .csv or .xlsx")
            raise click.UsageError(said % {"file": out})
        write = files.as_csv if out.suffix == ".csv" else files.as_xlsx
        out.write_bytes(write(tables.tables(result)))
    elif options["as_json"]:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        _draw(result)


def _draw(result: dict[str, Any]) -> None:
    console = Console()
    found = [table for table in tables.tables(result) if table.rows]
    if not found:
        click.echo(gettext("There is nothing to tell of this time."))
    for table in found:
        drawn = Drawn(title=table.title, caption=table.note, box=box.SIMPLE_HEAD, pad_edge=False)
        for column in table.columns:
            drawn.add_column(column.title, justify="left" if column.kind == TEXT else "right")
        for row in table.shown():
            drawn.add_row(*row)
        console.print(drawn)
