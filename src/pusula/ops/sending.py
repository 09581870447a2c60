"""``pusula sending``: the limits of all messages as a file, and what messages cost."""

from __future__ import annotations

from pathlib import Path

import click
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from pusula.consent.models import Channel
from pusula.lib import clock
from pusula.lib.sayings import Saying
from pusula.outbox import policies
from pusula.outbox import prices as costs
from pusula.outbox.rules import policy as rules
from pusula.outbox.rules.policy import PolicyError
from pusula.privacy import audit


@click.group()
def sending() -> None:
    """Keep what holds for every message: caps, quiet hours, budgets, prices."""


@sending.group()
def policy() -> None:
    """Show and change the limits."""


@policy.command()
@click.option("--version", "number", type=click.IntRange(min=0), help="An earlier one.")
def show(number: int | None) -> None:
    """Print the limits that hold as YAML, as `apply` reads it."""
    if number is not None and number not in {0, *(one.number for one in policies.history())}:
        raise PolicyError(
            Saying("there is no version %(n)s: see `pusula sending policy history`", {"n": number})
        )
    version = policies.current() if number is None else policies.of_number(number)
    click.echo(f"# version {version.number}")
    click.echo(rules.written(version.policy), nl=False)


@policy.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--note", default="", help="Why, for those who look at the history.")
def apply(file: Path, note: str) -> None:
    """Let the limits in FILE hold from now on; the same as now changes nothing."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = Saying("%(file)s: cannot be read: %(why)s", {"file": file, "why": error})
        raise PolicyError(why) from error
    wanted = rules.read(text, str(file))
    with transaction.atomic():
        before = policies.current().number
        version = policies.apply(wanted, by=audit.operator(), at=clock.now(), note=note)
        if version.number != before:
            audit.record(audit.operator(), "sending.limits", str(version.number))
    now, already = (
        gettext("Version %(n)s holds now"),
        gettext("Version %(n)s held already: nothing changed"),
    )
    click.echo((now if version.number != before else already) % {"n": version.number})


@policy.command()
def history() -> None:
    """List the versions, the newest first."""
    for one in policies.history():
        at = clock.to_datetime(one.applied_at, settings.PUSULA.time_zone)
        click.echo(
            f"{one.number:>4}  {at:%d.%m.%Y %H:%M}  {one.applied_by:<20}  {one.note}".rstrip()
        )


@sending.command()
def prices() -> None:
    """Print what a message of each channel costs; of SMS each part."""
    held = costs.current()
    for channel in Channel.values:
        price = (
            f"{held[channel]:f} {settings.PUSULA.currency}"
            if channel in held
            else gettext("not set")
        )
        click.echo(f"{channel:<10}{price}")


@sending.command()
@click.argument("channel", type=click.Choice(Channel.values))
@click.argument("amount")
def price(channel: str, amount: str) -> None:
    """Let a message of CHANNEL cost AMOUNT from now on, in the company's currency."""
    with transaction.atomic():
        wanted = {channel: costs.read(amount)}
        changed = costs.change(wanted, by=audit.operator(), at=clock.now())
        if changed:
            audit.record(audit.operator(), "sending.prices", channel)
    words = {"channel": channel, "price": f"{wanted[channel]:f} {settings.PUSULA.currency}"}
    now = gettext("%(channel)s costs %(price)s from now on")
    already = gettext("%(channel)s costs %(price)s already: nothing changed")
    click.echo((now if changed else already) % words)
