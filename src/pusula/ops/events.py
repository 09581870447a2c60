"""``pusula events``: what happened, put into the log from a file of JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TextIO

import click
from django.conf import settings
from django.utils.translation import gettext

from pusula.lake import rows
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.ops.figures import number
from pusula.pipeline import appender
from pusula.pipeline.appender import BadEntryError, Entry
from pusula.sources.models import Source

_FAULTS_SHOWN = 20


@click.group()
def events() -> None:
    """Events, orders, traits and decisions through the log."""


@events.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--source", required=True, help="The system they come from; stands before each id.")
def append(file: TextIO, source: str) -> None:
    """Append FILE (JSON lines, - for standard input) to the log; the live step takes it over.

    A line is {"id": "17", "kind": "event", "at": "2026-05-31T10:00:00Z", "email": "...", "name":
    "Hotel Searched", "properties": {...}}. The same id twice counts once. Messages of websites
    and programs (kind message) are understood as the settings of the source say.
    """
    faults: list[str] = []
    rules = _rules(source)
    n_new = n_same = 0
    for part in rows.parts(_entries(file, source, rules, faults), appender.GROUP):
        done = appender.append(part)
        n_new, n_same = n_new + done.n_new, n_same + done.n_same
    words = {"new": number(n_new), "same": number(n_same)}
    click.echo(gettext("%(new)s new in the log, %(same)s known already") % words)
    for fault in faults[:_FAULTS_SHOWN]:
        click.secho(f"  {fault}", fg="yellow", err=True)
    if faults:
        left_out = gettext("Lines left out: %(n)s") % {"n": number(len(faults))}
        click.secho(left_out, fg="yellow", err=True)
        sys.exit(1)


def _rules(source: str) -> dict[str, Any]:
    """Return how messages of a source are understood; nothing if it is not registered."""
    known = Source.objects.filter(slug=source).first()
    return known.settings.get("tracking", {}) if known else {}


def _entries(
    lines: TextIO, source: str, rules: dict[str, Any], faults: list[str]
) -> Iterator[Entry]:
    for number_, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _entry(json.loads(line), source, rules)
        except (ValueError, OverflowError, RecursionError, PusulaError) as error:
            why = error.said(gettext) if isinstance(error, PusulaError) else error
            faults.append(gettext("line %(line)s: %(problem)s") % {"line": number_, "problem": why})


def _entry(told: Any, source: str, rules: dict[str, Any]) -> Entry:
    if not isinstance(told, dict):
        raise BadEntryError(Saying("not a JSON object"))
    kind, own_id, at = (told.pop(name, None) for name in ("kind", "id", "at"))
    if not isinstance(own_id, str | int) or isinstance(own_id, bool) or own_id == "":
        raise BadEntryError(Saying("id: a text or number that the source gave it is needed"))
    if kind == "message" and rules:
        told.setdefault("rules", rules)
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return Entry(kind or "event", source, f"{source}:{own_id}", body, _moment(at))


def _moment(at: Any) -> int | None:
    """Return a moment that is told as microseconds or as an ISO 8601 text."""
    if at is None or (isinstance(at, int) and not isinstance(at, bool)):
        return at
    if not isinstance(at, str):
        raise BadEntryError(Saying("at: microseconds since 1970, or 2026-05-31T10:00:00Z"))
    return clock.from_datetime(datetime.fromisoformat(at), settings.PUSULA.time_zone)
