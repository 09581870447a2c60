"""``pusula pilot``: a measured pilot from one file, from its plan to the report at its end."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
from django.utils.translation import gettext as _
from django.utils.translation import override
from rich.console import Console

from pusula.campaigns.checklist import Level
from pusula.lib import clock
from pusula.measurement.pilot import actions, checklist, definition, pdf, plan, sentences, sprint
from pusula.measurement.pilot import report as reports
from pusula.measurement.pilot.definition import FLAVOURS, PilotError
from pusula.measurement.pilot.models import Pilot
from pusula.measurement.pilot.words import LEFT_OUT, scenario_title
from pusula.measurement.reports.words import day, number
from pusula.privacy import audit
from pusula.segments import spoken

_File = click.Path(path_type=Path, dir_okay=False)
_MARKS = {Level.OK: "✓", Level.WARNING: "!", Level.ERROR: "✗"}


@click.group()
def pilot() -> None:
    """Three scenarios measured for fourteen days: planned, checked, started, told of."""


@pilot.command()
@click.option("--kit", type=click.Choice(FLAVOURS), default="hotel", show_default=True)
def new(kit: str) -> None:
    """Print a file to begin with: `pusula pilot new > pilot.yaml`."""
    click.echo(definition.kit(kit), nl=False)


@pilot.command("plan")
@click.argument("file", type=_File)
def plan_(file: Path) -> None:
    """Prepare the pilot in FILE and say whom it reaches and what it can show.

    Makes its segments, templates and journeys as drafts; nobody gets anything.
    """
    told = definition.read(file)
    at = clock.now()
    made = actions.prepare(told, by=audit.operator(), at=at)
    audit.record(audit.operator(), "pilot.prepared", made.key)
    _show_plan(made, at)


@pilot.command()
@click.argument("key")
def check(key: str) -> None:
    """Go through the list of what has to be in order; exit with 1 if something forbids it."""
    found = _pilot(key)
    told = definition.restored(found.definition)
    at = clock.now()
    items = checklist.look(told, plan.expected(told, at=at), at=at)
    for item in items:
        click.echo(f"  {_MARKS[item.level]} {item.text}")
    for point in checklist.by_people(found):
        done = f"  ({point.by})" if point.at is not None else ""
        click.echo(f"  {'✓' if point.at is not None else '·'} {point.text}{done}")
    if any(item.level is Level.ERROR for item in items):
        raise PilotError(_("Something has to be put right before it can begin."))


@pilot.command()
@click.argument("file", type=_File)
@click.option("--people", type=int, help="To how many people: the number that `plan` said.")
def start(file: Path, people: int | None) -> None:
    """Register the pilot in FILE and let it begin on its first day.

    From then on nothing of what it is judged by changes.
    """
    told = definition.read(file)
    at = clock.now()
    made = actions.prepare(told, by=audit.operator(), at=at)
    expected = plan.expected(told, at=at)
    items = checklist.look(told, expected, at=at)
    if errors := [item.text for item in items if item.level is Level.ERROR]:
        raise PilotError(" ".join(errors))
    if people is None:
        _show_plan(made, at)
        people = click.prompt(_("To how many people"), type=int)
    actions.start(made, agreed_n=people, by=audit.operator(), at=at)
    audit.record(audit.operator(), "pilot.started", made.key)
    said = _("The pilot %(key)s begins on %(day)s; its report comes after %(n)s days.")
    click.echo(said % {"key": made.key, "day": day(told.starts_on), "n": number(told.days)})


@pilot.command()
@click.argument("key")
def stop(key: str) -> None:
    """Let nobody come in or go on any more; what was sent is still measured."""
    actions.stop(_pilot(key), at=clock.now())
    audit.record(audit.operator(), "pilot.stopped", key)
    click.echo(_("The pilot %(key)s is stopped.") % {"key": key})


@pilot.command()
@click.argument("key")
@click.option(
    "--language", "tag", type=click.Choice(["tr", "en"]), help="Else that of the command line."
)
@click.option("--pdf", "file", type=_File, help="Write it to a file as PDF.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures for a program.")
def report(key: str, tag: str | None, file: Path | None, *, as_json: bool) -> None:
    """Say what the pilot KEY came to: scale, change or stop for each scenario."""
    one = _pilot(key)
    found = reports.report(one, reports.counted(one, at=clock.now()))
    if as_json:
        click.echo(json.dumps(_plain(found), ensure_ascii=False, indent=2))
        return
    with override(tag) if tag else nullcontext():
        if file is None:
            _tell(found)
        else:
            file.write_bytes(pdf.pdf(found))


@pilot.command("sprint")
@click.argument("file", type=_File)
def sprint_(file: Path) -> None:
    """Print what is to be done on which day."""
    for step in sprint.steps(definition.read(file)):
        click.echo(f"  {day(step.on):<14} {step.number:+d}  {step.text}")


def _pilot(key: str) -> Pilot:
    found = Pilot.objects.filter(key=key).first()
    if found is None:
        raise PilotError(_("There is no pilot %(key)s.") % {"key": key})
    return found


def _show_plan(made: Pilot, at: int) -> None:
    told = definition.restored(made.definition)
    expected = plan.expected(told, at=at)
    for one in expected:
        click.echo(scenario_title(told, one.scenario))
        click.echo("  " + _("%(audience)s in the audience, %(treated)s get messages, %(control)s "
                            "are held out, up to %(calls)s calls")
                   % {"audience": number(one.n_audience), "treated": number(one.n_treated),
                      "control": number(one.n_control), "calls": number(one.n_calls)})  # fmt: skip
        for code, n in one.left_out.items():
            why = LEFT_OUT.get(code) or _("are in the segment %(key)s") % {
                "key": code.removeprefix("segment:")
            }
            click.echo(f"    {number(n)} {why}")
    n = sum(one.n_treated for one in expected)
    click.echo(_("Together %(n)s people get messages: `pusula pilot start FILE --people %(n_)s`.")
               % {"n": number(n), "n_": n})  # fmt: skip


def _tell(found: reports.Report) -> None:
    console = Console(soft_wrap=True)
    console.print(f"[bold]{found.definition.title.of(spoken.language())}[/]")
    console.print(sentences.headline(found))
    for one in found.outcomes:
        title = scenario_title(found.definition, one.measured.scenario.scenario)
        console.print(f"\n[bold]{title}: {sentences.ADVICE[one.advice]}[/]")
        for said in (sentences.verdict(one), *sentences.reasons(one), sentences.money(one)):
            if said:
                console.print(f"  {said}")
        for name, figure in sentences.heard(one):
            console.print(f"    {name}: {figure}")
    for said in sentences.unmeasured(found):
        console.print(f"· {said}")


def _plain(found: reports.Report) -> dict[str, Any]:
    return {
        "pilot": found.pilot.key,
        "state": found.pilot.state,
        "day": found.day,
        "days": found.definition.days,
        "is_over": found.is_over,
        "is_as_registered": found.is_as_registered,
        "scenarios": [
            {
                "scenario": one.measured.scenario.scenario,
                "journey": one.measured.journey.key,
                "advice": one.advice.value,
                "reasons": [why.value for why in one.reasons],
                "n_treated": one.measured.result.treated.n,
                "n_control": one.measured.result.holdout.n,
                "n_orders_treated": one.measured.result.treated.n_conversions,
                "n_orders_control": one.measured.result.holdout.n_conversions,
                "p": one.p,
                "split_p": one.measured.split_p,
                "revenue_minor": one.measured.gained.revenue if one.measured.gained else None,
                "cost_minor": one.measured.gained.cost if one.measured.gained else None,
                "profit_minor": one.measured.gained.profit if one.measured.gained else None,
                "n_sent": one.measured.heard.n_sent,
                "n_calls": one.measured.heard.n_calls,
            }
            for one in found.outcomes
        ],
    }
