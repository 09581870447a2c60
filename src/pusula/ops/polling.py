"""``pusula sources poll|status|settings``: systems that are asked, and how all of them are."""

from __future__ import annotations

import json
import logging
import signal
import threading
import tomllib
from pathlib import Path
from typing import Any

import click
from django.conf import settings as django_settings
from django.db import InterfaceError, OperationalError, connections
from django.utils.translation import gettext

from pusula.lib import clock
from pusula.lib.sayings import said, told
from pusula.ops.figures import number
from pusula.pipeline import envelope
from pusula.privacy import audit
from pusula.sources import health, known, polling
from pusula.sources.models import Source

LOOK_S = 2.0
_log = logging.getLogger("pusula.sources")


@click.command()
@click.argument("slugs", nargs=-1)
@click.option("--once", is_flag=True, help="Ask what is due (or SLUGS now) and end.")
def poll(slugs: tuple[str, ...], *, once: bool) -> None:
    """Ask the systems that have to be asked, each when it is due, until interrupted.

    Several may run: each source is asked by one of them at a time.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if once:
        chosen = [known.find(slug) for slug in slugs] or polling.due(clock.now())
        _ask(chosen)
        return
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda _number, _frame: stop.set())
    seen = 0
    while not stop.is_set():
        try:
            seen = health.look(seen)
            health.look_at_imports()
            _ask(polling.due(clock.now()))
        except (OperationalError, InterfaceError) as error:
            _log.warning("the database does not answer: %s", error)
            connections.close_all()
        stop.wait(LOOK_S)


def _ask(chosen: list[Source]) -> None:
    for source in chosen:
        done = polling.poll(source, clock.now())
        if done is None:
            click.echo(gettext("%(slug)s: somebody else is asking it") % {"slug": source.slug})
            continue
        trouble = done.error or done.problem
        if done.n_new or trouble:
            why = f"  {said(trouble, gettext)}" if trouble else ""
            words = {"new": number(done.n_new), "same": number(done.n_same)}
            counted = gettext("%(new)s new, %(same)s known already") % words
            click.echo(f"{source.slug}: {counted}{why}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def status(*, as_json: bool) -> None:
    """Show when data came last from each source, and which are late or failing."""
    found = health.everywhere(clock.now())
    if as_json:
        click.echo(json.dumps([_told(one) for one in found], ensure_ascii=False, indent=2))
        return
    for one in found:
        state = str(health.TITLES[one.state])
        lag = "–" if one.lag_s is None else gettext("%(n)s s ago") % {"n": number(one.lag_s)}
        why = f"  {told(one.source.last_error, gettext)}" if one.state == health.FAILING else ""
        click.echo(f"{one.source.slug:<24}{one.source.kind:<12}{state:<20}{lag:>20}{why}")


@click.command()
@click.argument("slug")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--expect-every", type=click.IntRange(min=1), help="Seconds; later is late.")
def settings(slug: str, file: Path, expect_every: int | None) -> None:
    """Give the source SLUG the settings of a TOML FILE; secrets do not belong there."""
    source = known.find(slug)
    try:
        told: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        words = {"file": file, "error": error}
        raise click.ClickException(
            gettext("%(file)s: not valid TOML: %(error)s") % words
        ) from error
    source.settings = told
    polling.check(source)
    envelope.check_rules(told.get("tracking", {}))
    change: dict[str, Any] = {"settings": told}
    if expect_every is not None:
        change["expected_every_s"] = expect_every
    Source.objects.filter(pk=source.pk).update(**change)
    audit.record(audit.operator(), "source.changed", slug, settings=sorted(told))
    click.echo(gettext("%(slug)s: settings kept: %(n)s") % {"slug": slug, "n": number(len(told))})


def _told(one: health.Health) -> dict[str, Any]:
    zone = django_settings.PUSULA.time_zone
    last = one.source.last_data_at
    return {
        "source": one.source.slug,
        "kind": one.source.kind,
        "state": one.state,
        "lag_s": one.lag_s,
        "last_data_at": None if last is None else clock.to_datetime(last, zone).isoformat(),
        "error": told(one.source.last_error),
    }
