"""``pusula campaigns``: plan, check, send, and measure."""

from __future__ import annotations

import datetime as dt
import json
import logging
import signal
import threading
import time
from pathlib import Path

import click
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from pusula.campaigns import (
    actions,
    assignments,
    checklist,
    definitions,
    machine,
    queries,
    schedule,
    words,
)
from pusula.campaigns.checklist import Level
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import Campaign
from pusula.channels.email.smtp import Server
from pusula.lib import clock
from pusula.measurement.experiments.verdict import verdict
from pusula.measurement.results import campaign as measurement
from pusula.ops import campaign_result
from pusula.ops.figures import number
from pusula.outbox import machine as messages
from pusula.outbox.books import Tally
from pusula.outbox.registry import DeposedError
from pusula.outbox.sender import SendLoop
from pusula.privacy import audit
from pusula.profiles import queries as profiles
from pusula.profiles.models import IdentifierKind

_MARKS = {
    Level.OK: "[green]✓[/green]",
    Level.WARNING: "[yellow]![/yellow]",
    Level.ERROR: "[red]✗[/red]",
}
_TELL_EVERY_S = 0.5
_LOOK_EVERY_S = 5.0  # for scheduled campaigns whose moment has come
_log = logging.getLogger(__name__)
_EXISTING = click.Path(path_type=Path, dir_okay=False)


@click.group()
def campaigns() -> None:
    """Campaigns: goal, audience, control group, message, result."""


@campaigns.command()
@click.argument("file", type=_EXISTING)
def create(file: Path) -> None:
    """Make the draft that FILE (YAML) describes, or change it if there is one."""
    definition = definitions.read(file)
    campaign = queries.by_key(definition.campaign)
    now = clock.now()
    if campaign is None:
        with transaction.atomic():
            campaign = actions.create(definition, now)
            _record("campaign.created", campaign)
        click.echo(gettext("Draft made: %(key)s") % {"key": campaign.key})
    else:
        with transaction.atomic():
            campaign = actions.update_draft(campaign, definition, now)
            _record("campaign.changed", campaign)
        click.echo(gettext("Draft changed: %(key)s") % {"key": campaign.key})


@campaigns.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list for a program.")
def list_(as_json: bool) -> None:
    """Show all campaigns, the newest first."""
    found = list(queries.campaigns())
    sizes, now = queries.all_arm_sizes(), clock.now()
    if as_json:
        rows = [
            {"campaign": c.key, "title": c.title, "state": c.state,
             "standing": queries.standing(c, now), "arms": sizes.get(c.pk, {}),
             "started_at": c.started_at, "window_ends_at": c.window_ends_at}
            for c in found
        ]  # fmt: skip
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(gettext("Campaign"), no_wrap=True)
    table.add_column(gettext("Title"))
    table.add_column(gettext("State"))
    table.add_column(gettext("Sent to"), justify="right")
    table.add_column(gettext("Control group"), justify="right")
    for campaign in found:
        arms = sizes.get(campaign.pk, {})
        table.add_row(
            campaign.key,
            escape(campaign.title),
            str(words.STATES[queries.standing(campaign, now)]),
            number(arms.get("treated")),
            number(arms.get("holdout")),
        )
    Console().print(table)


@campaigns.command()
@click.argument("key")
def check(key: str) -> None:
    """Say what is and is not in order before KEY is sent; exit 1 if it may not start."""
    found = checklist.preflight(_campaign(key), clock.now())
    console = Console()
    for item in found.items:
        console.print(f"{_MARKS[item.level]} {escape(item.text)}")
    if not found.may_start:
        raise click.exceptions.Exit(1)


@campaigns.command()
@click.argument("key")
@click.option("--profile", "profile_key", help="Key of a profile, with its system: pms:10027.")
@click.option("--variables", "shows_variables", is_flag=True, help="List what a template may use.")
def preview(key: str, profile_key: str | None, shows_variables: bool) -> None:
    """Show what one customer gets; without --profile the first of the audience."""
    campaign = _campaign(key)
    profile_id = _someone(campaign, profile_key)
    rendered = queries.preview(campaign, profile_id)
    click.secho(rendered.subject, bold=True)
    click.echo()
    click.echo(rendered.text)
    if shows_variables:
        table = Table(box=box.SIMPLE_HEAD)
        table.add_column(gettext("Variable"), no_wrap=True)
        table.add_column(gettext("Value"))
        for name, value in queries.sample_values(profile_id, clock.now()):
            table.add_row(name, escape(str(value)))
        Console().print(table)


@campaigns.command()
@click.argument("key")
def send(key: str) -> None:
    """Start KEY and send its messages; started already: go on with what is left.

    Interrupted or killed, run it again: nobody gets two.
    """
    campaign = _campaign(key)
    now = clock.now()
    if campaign.state == machine.DRAFT:
        found = checklist.preflight(campaign, now)
        if not found.may_start:
            raise CampaignError(" ".join(found.errors))
        with transaction.atomic():
            actions.start(campaign, now)
            _record("campaign.started", campaign, n=queries.arm_sizes(campaign)["treated"])
    if not settings.PUSULA_SMTP_URL:
        raise CampaignError(gettext("No mail server is set: PUSULA_SMTP_URL is empty."))
    _deliver(campaign)
    actions.settle_all(clock.now())  # the sender sends for all campaigns
    _show_sending(campaign)


@campaigns.command("schedule")
@click.argument("key")
@click.argument("moment", type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]))
@click.option("--people", type=int, required=True, help="How many get it now, from `check`.")
def schedule_(key: str, moment: dt.datetime, people: int) -> None:
    """Let KEY begin by itself at MOMENT ("2026-12-01 10:00", on the company's clock).

    Who gets it is decided then. It does not begin if many more than --people would get it.
    """
    campaign = _campaign(key)
    starts_at = clock.from_datetime(moment, settings.PUSULA.time_zone)
    with transaction.atomic():
        schedule.schedule(campaign, starts_at, agreed_n=people, at=clock.now())
        _record("campaign.scheduled", campaign, starts_at=starts_at, n=people)
    said = {"key": key, "moment": f"{moment:%d.%m.%Y %H:%M}"}
    click.echo(gettext("%(key)s begins on %(moment)s.") % said)


@campaigns.command("call-back")
@click.argument("key")
def call_back(key: str) -> None:
    """Make the scheduled campaign KEY a draft again."""
    campaign = _campaign(key)
    with transaction.atomic():
        schedule.call_back(campaign)
        _record("campaign.called_back", campaign)
    click.echo(gettext("%(key)s is a draft again.") % {"key": key})


@campaigns.command()
@click.option("--once", is_flag=True, help="End when nothing is due.")
def begin(once: bool) -> None:
    """Start scheduled campaigns when their moment comes, until interrupted."""
    stopping = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda _number, _frame: stopping.set())
    while not stopping.is_set():
        for campaign in schedule.due(clock.now()):
            try:
                _begin(campaign)
            except Exception:  # one campaign's bad luck holds up no other
                _log.exception("the campaign %s could not begin", campaign.key)
                if once:
                    raise
        if once:
            return
        stopping.wait(_LOOK_EVERY_S)


def _begin(campaign: Campaign) -> None:
    with transaction.atomic():
        is_begun = schedule.begin(campaign, clock.now())
        if is_begun:
            n = queries.arm_sizes(campaign)["treated"]
            audit.record(audit.SYSTEM, "campaign.started", f"campaign:{campaign.key}", n=n)
    if is_begun:
        click.echo(gettext("%(key)s has begun.") % {"key": campaign.key})
    else:
        click.secho(f"{campaign.key}: {campaign.trouble}", fg="yellow", err=True)


@campaigns.command()
@click.argument("file", type=_EXISTING)
@click.option(
    "--assignments",
    "assigned",
    type=_EXISTING,
    required=True,
    help="CSV: profile_key, arm (treated, holdout, excluded), variant, assigned_at.",
)
def adopt(file: Path, assigned: Path) -> None:
    """Take over a campaign that ran elsewhere, to measure it here. FILE is YAML."""
    adoption = definitions.read_adoption(file)
    if queries.by_key(adoption.campaign) is not None:
        click.echo(gettext("There already: %(key)s") % {"key": adoption.campaign})
        return
    with transaction.atomic():
        campaign = actions.adopt(adoption, assignments.read(assigned, adoption), clock.now())
        _record("campaign.adopted", campaign)
    sizes = queries.arm_sizes(campaign)
    click.echo(
        gettext("Taken over: %(key)s (%(treated)s sent to, %(holdout)s control group)")
        % {
            "key": campaign.key,
            "treated": number(sizes["treated"]),
            "holdout": number(sizes["holdout"]),
        }
    )


@campaigns.command()
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")
def result(key: str, as_json: bool) -> None:
    """Show what KEY caused: treated against control group, with interval, p-value and cost."""
    campaign = _campaign(key)
    now = clock.now()
    actions.settle(campaign, now)
    found = measurement.result(campaign, now)
    if not as_json:
        campaign_result.show(found)
        return
    said = verdict(found)
    plain = measurement.as_dict(found) | {
        "verdict": {"kind": said.kind.value, "sentence": said.sentence, "warning": said.warning}
    }
    click.echo(json.dumps(plain, ensure_ascii=False, indent=2))


def _record(verb: str, campaign: Campaign, **detail: object) -> None:
    audit.record(audit.operator(), verb, f"campaign:{campaign.key}", **detail)


def _campaign(key: str) -> Campaign:
    campaign = queries.by_key(key)
    if campaign is None:
        raise CampaignError(
            gettext("There is no campaign called %(key)s; `pusula campaigns list` shows all.")
            % {"key": key}
        )
    return campaign


def _someone(campaign: Campaign, profile_key: str | None) -> int:
    if profile_key is None:
        plan = checklist.preflight(campaign, clock.now()).plan
        if plan is None or not plan.candidates:
            raise CampaignError(gettext("Nobody is in the audience: name somebody by --profile."))
        return plan.candidates[0].profile_id
    profile = profiles.by_identifier(IdentifierKind.KEY, profile_key).first()
    if profile is None:
        raise CampaignError(
            gettext("There is no profile with the key %(key)s.") % {"key": profile_key}
        )
    return profile.pk


def _deliver(campaign: Campaign) -> None:
    """Send what is due, showing how far the campaign is; an interrupt ends it in order."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, transient=True) as bar:
        total = queries.progress(campaign).n_messages
        tell = _Teller(bar, bar.add_task(gettext("Messages"), total=total), campaign)
        server = Server.of(settings.PUSULA_SMTP_URL)
        loop = SendLoop(server, settings.PUSULA_HOME, progress=tell)
        former = signal.signal(signal.SIGINT, lambda _number, _frame: loop.stop())
        try:
            loop.run(once=True)
        except DeposedError as error:
            text = gettext("Another sender took over; run this command again.")
            raise CampaignError(text) from error
        finally:
            signal.signal(signal.SIGINT, former)


class _Teller:
    """Moves the bar now and then: each look asks the database."""

    def __init__(self, bar: Bar, task: TaskID, campaign: Campaign) -> None:
        self._bar, self._task, self._campaign = bar, task, campaign
        self._told = 0.0

    def __call__(self, _tally: Tally) -> None:
        """Move the bar if it is time again."""
        if time.monotonic() - self._told >= _TELL_EVERY_S:
            self._told = time.monotonic()
            self._bar.update(self._task, completed=queries.progress(self._campaign).n_settled)


def _show_sending(campaign: Campaign) -> None:
    progress = queries.progress(campaign)
    console = Console()
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(gettext("What became of them"))
    table.add_column(gettext("People"), justify="right")
    table.add_row(str(words.MESSAGE_STATES[messages.SENT]), number(progress.states[messages.SENT]))
    for one in queries.unsent(campaign):
        state = words.MESSAGE_STATES[one.state or messages.SKIPPED]
        table.add_row(escape(f"{state}: {words.reason(one.reason)}"), number(one.n))
    console.print(table)
    if waiting := progress.n_messages - progress.n_settled:
        text = gettext(
            "%(n)s messages wait for a later try: `pusula sender run`, or this command again."
        )
        console.print(text % {"n": number(waiting)}, style="yellow")
