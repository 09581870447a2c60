"""``pusula send`` for the channels spoken over HTTP, and ``pusula webpush keys``."""

from __future__ import annotations

import logging
import signal
import sys
import threading

import click
from django.conf import settings
from django.utils.translation import gettext

from pusula.campaigns import actions as campaigns
from pusula.campaigns import posted_trials
from pusula.channels.email import bounces
from pusula.channels.outbound import CallError
from pusula.channels.port import ChannelError
from pusula.channels.setup import VAPID_FILE
from pusula.channels.webpush import vapid
from pusula.lib import clock
from pusula.ops.figures import number
from pusula.ops.sender import tallied
from pusula.outbox import asking, providers, reports, returns
from pusula.outbox.books import Tally
from pusula.outbox.posting import PostLoop
from pusula.outbox.registry import DeposedError
from pusula.outbox.reports import Applied


@click.command()
@click.option("--channel", type=click.Choice(providers.POSTED), required=True)
@click.option("--once", is_flag=True, help="End when nothing more is due.")
def send(channel: str, once: bool) -> None:
    """Send what is due on a channel through its provider. Any number may run.

    Mails have a sender of their own: `pusula sender run`.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for noisy in ("httpcore", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # they tell headers, with secrets
    provider = providers.needed(channel)

    def progress(tally: Tally) -> None:
        campaigns.settle_all(clock.now())
        _say(channel, tally)

    loop = PostLoop(provider, settings.PUSULA_HOME, progress=progress)
    testing = threading.Event()
    tests = (providers.needed(channel), settings.PUSULA_HOME)  # connections of their own
    if once:
        posted_trials.send_waiting(*tests)
    else:
        threading.Thread(
            target=posted_trials.run, args=(*tests, testing), name="trials", daemon=True
        ).start()
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, lambda _number, _frame: loop.stop())
    try:
        tally = loop.run(once=once)
    except DeposedError as error:
        said = gettext("another sender took over while this one was silent; start it again")
        raise ChannelError(said) from error
    finally:
        testing.set()
    campaigns.settle_all(clock.now())
    _say(channel, tally)


@click.command()
@click.argument("channel", type=click.Choice(providers.POSTED))
def ask(channel: str) -> None:
    """Ask the provider of CHANNEL what became of the messages it took in the last days."""
    provider = providers.needed(channel)
    try:
        done = asking.ask(provider, at=clock.now())
    except CallError as error:
        raise ChannelError(error.said(gettext)) from error
    finally:
        provider.close()
    _say_applied(done)


@click.command()
@click.option("--recipient", default="", help="Whom the mail was delivered to.")
def bounce(recipient: str) -> None:
    """Take over a mail that came to the bounce address, from standard input.

    For the pipe of a mail server; always ends well, so that no bounce is bounced.
    """
    raw = sys.stdin.buffer.read(bounces.LARGEST + 1)
    found = bounces.reports(raw, returns.tokens(), recipient=recipient)
    done = reports.apply(found, channel="email", at=clock.now())
    _say_applied(done)


def _say_applied(done: Applied) -> None:
    words = {"new": number(done.n_new), "same": number(done.n_same)}
    words["strange"] = number(done.n_unknown)
    click.echo(gettext("%(new)s new, %(same)s known already, %(strange)s of nobody") % words)


@click.group()
def webpush() -> None:
    """Web push: the key pair of the company."""


@webpush.command()
def keys() -> None:
    """Make the key pair, once, and show the public key that the snippet of a site is given."""
    file = settings.PUSULA_HOME / VAPID_FILE
    if not file.exists():
        vapid.make_key(file)
        said = gettext(
            "Made: %(file)s. Keep it with the backups: another key voids every subscription."
        )
        click.echo(said % {"file": file})
    click.echo(vapid.public_key(vapid.read_key(file)))


def _say(channel: str, tally: Tally) -> None:
    click.echo(f"{channel}: {tallied(tally)}")
