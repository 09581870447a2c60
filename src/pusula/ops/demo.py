"""``pusula demo``: a made-up hotel group, from its files to a measured campaign.

Every step is a command of this program, run on the demo company's files as a user would run it
on their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click
from django.conf import settings
from django.db import connection

import pusula
from pusula.journeys.models import Journey
from pusula.lib import clock
from pusula.ops.serve import (
    free_port,
    live_command,
    run_command,
    sender_command,
    supervise,
    web_command,
)
from pusula.profiles.models import Profile
from pusula.sources.models import Source

EXAMPLE = Path(pusula.__file__).resolve().parents[2] / "examples" / "hotel"
COMPANY = {
    "name": "Lodos Otelleri",
    "from_address": "Lodos Otelleri <merhaba@lodos.example>",
}
# Those with people on them at once: who arrives soon, and who left the website just now.
JOURNEYS = ("pre-arrival-upsell", "abandoned-booking")
# The systems of the company export in the morning of their day: before, that of the day before.
EXPORT_ZONE = "Europe/Istanbul"
EXPORTED_BY = 6 * clock.HOUR
HOST = "127.0.0.1"
PORT = 8000


@click.command()
@click.option("--once", is_flag=True, help="Load and compute, then exit instead of serving.")
@click.option("--guests", default=25_000, show_default=True, help="Size of the demo company.")
def demo(once: bool, guests: int) -> None:
    """Load the demo company, compute everything, and serve it; safe to repeat."""
    if not (EXAMPLE / "generate.py").exists():
        raise click.ClickException(
            "the demo needs the source tree: its data is made in examples/hotel"
        )
    files = settings.PUSULA_HOME / "demo"
    _refuse_a_home_in_use(files)
    began = time.monotonic()
    company = [f"--set={key}={value}" for key, value in COMPANY.items()]
    _step("Home folder and database", "init", "--user", "demo", *company)
    _generate(files, guests)
    for kind, name in (
        ("profiles", "guests.csv"),
        ("orders", "bookings.csv"),
        ("consents", "consents.csv"),
        ("events", "events.jsonl"),
    ):
        mapping = EXAMPLE / f"{Path(name).stem}.toml"
        _step(f"Import {name}", "import", kind, str(files / name), "--map", str(mapping), "--defer")
    _step("Segments and their last 13 weeks", "segments", "apply", "--shipped", "--yes")
    _step("Evaluate every guest", "run")
    today = clock.day_of(clock.now(), settings.PUSULA.time_zone)
    _step("RFM rules, in force from today", "rfm", "apply", str(EXAMPLE / "rfm.toml"))
    before = clock.add_months(today.replace(day=1), -1)
    # A year back: who was a champion then had the time to be at risk by now.
    year = ("--from", str(clock.add_months(before, -12)), "--to", str(before), "--every", "quarter")
    _step("RFM as of the quarters of a year", "rfm", "backfill", *year)
    _step("A campaign that has ended", "campaigns", "adopt", str(EXAMPLE / "ended.yaml"),
          "--assignments", str(files / "campaign.csv"))  # fmt: skip
    _step("A campaign ready to send", "campaigns", "create", str(EXAMPLE / "ready.yaml"))
    _journeys()
    _website()
    _step("Who goes on journeys by now", "live", "--once")
    click.secho(f"The demo company is ready ({time.monotonic() - began:.0f} s).", fg="green")
    if not once:
        _serve()


def _refuse_a_home_in_use(files: Path) -> None:
    """Keep made-up guests out of a home that holds real ones."""
    if files.exists() or not connection.introspection.table_names():
        return
    if Profile.objects.exists():
        raise click.ClickException(
            f"{settings.PUSULA_HOME} holds customers that are not the demo's: "
            "name another folder in PUSULA_HOME"
        )


def _generate(files: Path, guests: int) -> None:
    """Make the company's files, once: a later day keeps the files it began with."""
    if (files / "campaign.csv").exists():
        return
    click.secho("Make the demo company's files", bold=True)
    command = [sys.executable, str(EXAMPLE / "generate.py"), "--out", str(files)]
    command += ["--guests", str(guests), "--today", str(exported_on(clock.now()))]
    subprocess.run(command, check=True)  # noqa: S603 - our own script


def exported_on(at: int) -> date:
    """Return the last day whose export was there at ``at``: nothing in it is still to come."""
    return clock.day_of(at - EXPORTED_BY, EXPORT_ZONE)


def _journeys() -> None:
    """Let two of the ready journeys bring guests in, once."""
    for name in JOURNEYS:
        if not Journey.objects.filter(key=name).exists():
            add = ("journeys", "packs", "add", name, "--flavour", "hotel", "--language", "tr")
            _step(f"A journey: {name}", *add)
            run(("journeys", "publish", name))


def _website() -> None:
    """Connect a website with a key, and let it tell a few things, once."""
    if not Source.objects.filter(slug="web").exists():
        _step("A website", "sources", "add", "web", "--title", "lodos.example")
        run(("sources", "settings", "web", str(EXAMPLE / "web.toml")))
        run(("sources", "keys", "add", "web"))
    _step("What its visitors do", "events", "append", str(EXAMPLE / "web.jsonl"), "--source", "web")


def _step(title: str, *arguments: str) -> None:
    click.secho(title, bold=True)
    began = time.monotonic()
    run(arguments)
    click.secho(f"  {time.monotonic() - began:.1f} s", dim=True)


def run(arguments: Sequence[str]) -> None:
    """Run one command of this program in a process of its own, with our home folder."""
    command = [sys.executable, "-m", "pusula.ops.main", *arguments]
    done = subprocess.run(command, check=False, env=_environment())  # noqa: S603 - our own program
    if done.returncode:
        raise click.ClickException(f"`pusula {' '.join(arguments)}` failed; the demo stops here")


def _serve() -> None:
    port = free_port(HOST, PORT)
    mail_port = free_port(HOST)
    environment = _environment()
    environment["PUSULA_PUBLIC_URL"] = f"http://{HOST}:{port}"
    # Always our own: the demo never writes to a real mail server.
    environment["PUSULA_SMTP_URL"] = f"smtp://{HOST}:{mail_port}"
    link = subprocess.run(
        [sys.executable, "-m", "pusula.ops.main", "login-link", "demo"],
        check=True, capture_output=True, text=True, env=environment,
    ).stdout.strip()  # fmt: skip
    click.echo()
    click.secho(f"Open     {link}", fg="green", bold=True)
    click.echo(f"Address  http://{HOST}:{port}  (the link above signs you in, once)")
    click.echo("Look at  RFM: who came back, who slipped away; compared with a year ago, which")
    click.echo("         Champions are At Risk now")
    click.echo("         Campaigns: what the ended one earned against its control group;")
    click.echo("         send the ready one, then read its mails under Sent mail")
    click.echo("         Journeys: who is on them before they arrive, where, and what they got")
    click.echo("         Sources: a website with its key and snippet, and what came from it")
    click.echo("Stop     Ctrl+C\n")
    mailbox = [sys.executable, "-m", "pusula.ops.main", "mailbox", "--port", str(mail_port)]
    ours = [web_command(HOST, port), sender_command(), live_command(), run_command()]
    supervise([mailbox, *ours], environment)


def _environment() -> dict[str, str]:
    return {**os.environ, "PUSULA_HOME": str(settings.PUSULA_HOME)}
