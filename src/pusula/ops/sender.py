"""``pusula sender``: send what is due, hold it back, let it go on, see where it stands."""

from __future__ import annotations

import logging
import signal
import threading
import time

import click
from django.conf import settings
from django.db import OperationalError
from django.utils.translation import gettext

from pusula.campaigns import actions as campaigns
from pusula.campaigns import trials
from pusula.channels.email.smtp import Server
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import told
from pusula.ops.figures import number
from pusula.outbox import actions, confirmations, fence, queries
from pusula.outbox.books import Tally
from pusula.outbox.brakes import STOP_FILE, is_stopped
from pusula.outbox.models import FENCE
from pusula.outbox.registry import RUN_FOLDER, DeposedError
from pusula.outbox.sender import SendLoop
from pusula.privacy import audit

PROGRESS_S = 5.0
SETTLE_S = 1.0

_log = logging.getLogger(__name__)


class SenderError(PusulaError):
    """The sender cannot start, or had to stop."""

    code = "sender"


@click.group()
def sender() -> None:
    """Send the messages that are due, through PUSULA_SMTP_URL."""


@sender.command()
@click.option("--once", is_flag=True, help="End when nothing more is due.")
def run(once: bool) -> None:
    """Send until interrupted. Any number may run; each message has one sender.

    A sender that is killed sends nobody twice: what it was about to send goes back in line, and
    the few messages of which nobody can tell are listed as uncertain.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if not settings.PUSULA_SMTP_URL:
        raise SenderError(
            "PUSULA_SMTP_URL is not set: name the mail server, smtp://user:password@host:587"
            "?starttls=1, or catch mails locally with `pusula mailbox`"
        )
    campaigns.settle_all(clock.now())  # what a sender that was killed had left
    progress = _Progress()
    server = Server.of(settings.PUSULA_SMTP_URL)
    loop = SendLoop(server, settings.PUSULA_HOME, progress=progress)
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, lambda _number, _frame: loop.stop())
    confirming = threading.Event()
    if once:
        confirmations.send_waiting(server)
        trials.send_waiting(server, settings.PUSULA_HOME)
    else:
        threading.Thread(
            target=confirmations.run, args=(server, confirming), name="confirmations", daemon=True
        ).start()
        threading.Thread(
            target=trials.run,
            args=(server, settings.PUSULA_HOME, confirming),
            name="trials",
            daemon=True,
        ).start()
    try:
        tally = loop.run(once=once)
    except DeposedError as error:
        said = gettext("another sender took over while this one was silent; start it again")
        raise SenderError(said) from error
    finally:
        confirming.set()
    campaigns.settle_all(clock.now())
    progress.say(tally)
    if once and (held := [hold for hold in queries.holds() if hold.origin in {"", FENCE}]):
        words = {
            "why": told(held[0].detail, gettext) or held[0].reason,
            "command": f"pusula sender {'confirm' if held[0].origin == FENCE else 'resume'}",
        }
        raise SenderError(gettext("sending is held (%(why)s); go on with `%(command)s`") % words)


@sender.command()
@click.argument("origin", default="")
def pause(origin: str) -> None:
    """Hold back ORIGIN (campaign:12), or everything; what is in line stays there."""
    if not origin:
        # The file first: it stops the senders of this home even if the database does not answer.
        folder = settings.PUSULA_HOME / RUN_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        (folder / STOP_FILE).touch()
    actions.hold(origin, at=clock.now())
    audit.record(audit.operator(), "sender.paused", origin)
    click.echo(gettext("Held: %(what)s") % {"what": origin or gettext("all sending")})


@sender.command()
@click.argument("origin", default="")
def resume(origin: str) -> None:
    """Let ORIGIN, or everything, go on."""
    actions.lift(origin)
    audit.record(audit.operator(), "sender.resumed", origin)
    if not origin:
        (settings.PUSULA_HOME / RUN_FOLDER / STOP_FILE).unlink(missing_ok=True)
    click.echo(gettext("Goes on: %(what)s") % {"what": origin or gettext("all sending")})


@sender.command()
@click.confirmation_option(
    prompt="Does no other installation send these messages, and is the clock right?"
)
def confirm() -> None:
    """Let this home send from this database: after a restore, a move, or a jump of the clock.

    What an older database has forgotten would be sent again: pause those campaigns first.
    """
    was_held = fence.confirm(settings.PUSULA_HOME / RUN_FOLDER, at=clock.now())
    audit.record(audit.operator(), "sender.confirmed")
    goes_on, may = gettext("Confirmed. Sending goes on."), gettext("Confirmed: this home may send.")
    click.echo(goes_on if was_held else may)


@sender.command()
def status() -> None:
    """Show what waits and what is held."""
    click.echo(gettext("Due now: %(n)s") % {"n": number(queries.n_waiting(clock.now()))})
    if is_stopped(settings.PUSULA_HOME):
        file = f"{RUN_FOLDER}/{STOP_FILE}"
        click.echo(
            gettext("Held: everything of this home (there is a file %(file)s)") % {"file": file}
        )
    if trouble := fence.trouble(settings.PUSULA_HOME / RUN_FOLDER, at=clock.now()):
        click.echo(gettext("Not confirmed: this home may not send (%(why)s)") % {"why": trouble})
    for hold in queries.holds():
        since = clock.to_datetime(hold.since_at, settings.PUSULA.time_zone)
        words = {
            "what": gettext("all sending") if hold.origin in {"", FENCE} else hold.origin,
            "since": f"{since:%d.%m.%Y %H:%M}",
            "why": f"{hold.reason} {told(hold.detail, gettext)}".rstrip(),
        }
        click.echo(gettext("Held: %(what)s, since %(since)s: %(why)s") % words)


def tallied(tally: Tally) -> str:
    """Return what became of the messages that were taken up."""
    words = {
        "sent": number(tally.n_sent),
        "skipped": number(tally.n_skipped),
        "refused": number(tally.n_failed),
        "later": number(tally.n_later),
        "uncertain": number(tally.n_unknown),
    }
    said = gettext(
        "sent %(sent)s  skipped %(skipped)s  refused %(refused)s  later %(later)s  "
        "uncertain %(uncertain)s"
    )
    return said % words


class _Progress:
    """Moves on the campaigns that are sent, and says every few seconds how far the sender is."""

    def __init__(self) -> None:
        self._began = self._said = time.monotonic()
        self._looked = 0.0
        self._n_said = 0

    def __call__(self, tally: Tally) -> None:
        """Settle what is settled, and say the tally if it is time again and there is news."""
        if time.monotonic() - self._looked < SETTLE_S:
            return
        self._looked = time.monotonic()
        try:
            campaigns.settle_all(clock.now())
        except OperationalError as error:
            # Mails are on their way, and the next turn settles what this one could not.
            _log.warning("campaigns are not settled yet: %s", error)
        n_done = sum(vars(tally).values())
        if n_done != self._n_said and time.monotonic() - self._said >= PROGRESS_S:
            self._n_said = n_done
            self.say(tally)

    def say(self, tally: Tally) -> None:
        """Say the tally and the rate since the start."""
        self._said = time.monotonic()
        rate = tally.n_sent / max(self._said - self._began, 1e-3)
        click.echo(f"{tallied(tally)}  ({number(round(rate))}/s)")
