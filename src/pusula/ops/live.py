"""``pusula live``: keep memberships true, see how far behind they are, look at the quarantine."""

from __future__ import annotations

import json
import logging
import signal
import time

import click
from django.utils.translation import gettext

from pusula.lib import clock
from pusula.lib.sayings import said
from pusula.ops.figures import number
from pusula.pipeline import queries, retention
from pusula.pipeline.live import Live, Stepped
from pusula.pipeline.loop import Loop, Tally
from pusula.privacy import audit

PROGRESS_S = 60.0
_SHOWN = 50


@click.group(invoke_without_command=True)
@click.option("--once", is_flag=True, help="End when nothing is waiting.")
@click.pass_context
def live(context: click.Context, once: bool) -> None:
    """Take over what the log brings and what time brings, until interrupted.

    Every step is one transaction: killed at any moment, the next one goes on where the last had
    ended. Several may run; they take turns.
    """
    if context.invoked_subcommand is not None:
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    queries.lag()  # fails at once where the tables are missing; the loop would wait for them
    progress = _Progress()
    loop = Loop(on_step=progress)
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda _number, _frame: loop.stop())
    loop.run(once=once)
    progress.say()


@live.command()
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def status(as_json: bool) -> None:
    """Show how much of the log waits, since when, and how much is in quarantine."""
    lag = queries.lag()
    seconds = lag.seconds(clock.now())
    if as_json:
        told = {
            "n_waiting": lag.n_entries, "seconds": seconds, "n_quarantined": lag.n_quarantined,
        }  # fmt: skip
        click.echo(json.dumps(told))
        return
    words = {"n": number(lag.n_entries), "seconds": number(seconds, 1)}
    click.echo(gettext("Entries waiting: %(n)s, the oldest for %(seconds)s s") % words)
    click.echo(gettext("In quarantine: %(n)s") % {"n": number(lag.n_quarantined)})


@live.command()
@click.option("--all", "shows_all", is_flag=True, help=f"Not only the first {_SHOWN}.")
def quarantine(shows_all: bool) -> None:
    """List the entries that could not be taken over, with the reason."""
    found = queries.quarantined()
    for one in found if shows_all else found[:_SHOWN]:
        reason = said(one.why, gettext)
        click.echo(f"{one.entry_id}  {one.kind} ({one.source})  ({one.n_tries}×)  {reason}")
    said_ = gettext("In quarantine: %(n)s; try again with `pusula live retry`")
    click.echo(said_ % {"n": number(found.count())})


@live.command()
@click.argument("entries", type=int, nargs=-1)
def retry(entries: tuple[int, ...]) -> None:
    """Try again to take over ENTRIES in quarantine, else all of them."""
    done = Live().retry(list(entries) or None)
    audit.record(audit.operator(), "quarantine.retried", n=done.n_entries)
    n_good = done.n_entries - done.n_quarantined
    words = {"n": number(n_good), "left": number(done.n_quarantined)}
    click.echo(gettext("Taken over: %(n)s, still in quarantine: %(left)s") % words)


@live.command()
@click.option("--days", type=click.IntRange(min=1), required=True, help="What is older goes.")
def forget(days: int) -> None:
    """Delete old entries of the log that everybody has read.

    What they said stays with its owners. A message told again after that is a new one, except for
    events: these are known for ever.
    """
    n_deleted = retention.forget(clock.now() - days * clock.DAY)
    audit.record(audit.operator(), "log.forgotten", n=n_deleted, days=days)
    click.echo(gettext("Entries forgotten: %(n)s") % {"n": number(n_deleted)})


class _Progress:
    """Hears of every step and says a line a minute."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._said = time.monotonic()

    def __call__(self, stepped: Stepped) -> None:
        """Count the step; say the tally if it is time again."""
        self._tally.add(stepped)
        if time.monotonic() - self._said >= PROGRESS_S:
            self.say()

    def say(self) -> None:
        """Say what was done since the last line."""
        tally, self._tally = self._tally, Tally()
        self._said = time.monotonic()
        words = {
            "entries": number(tally.n_entries),
            "due": number(tally.n_due),
            "entered": number(tally.moves.n_entered),
            "left": number(tally.moves.n_left),
            "quarantined": number(tally.n_quarantined),
            "put_off": number(tally.n_put_off),
            "steps": number(tally.n_steps),
            "seconds": number(tally.longest_wait / 1e6, 2),
        }
        said = gettext(
            "entries %(entries)s  due %(due)s  in %(entered)s  out %(left)s  "
            "quarantined %(quarantined)s  put off %(put_off)s  steps %(steps)s  "
            "longest wait %(seconds)s s"
        )
        click.echo(said % words)
