"""``pusula rfm transitions`` and its kin: who moved between the groups, and alerts on it."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
from babel.dates import format_date
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich import box
from rich.console import Console
from rich.table import Table

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops import figures
from pusula.ops.figures import number, percent
from pusula.pipeline import live
from pusula.privacy import audit
from pusula.rfm import config as rules
from pusula.rfm import moves, sentences, words
from pusula.rfm.matrix import Matrix, matrix, table
from pusula.rfm.models import RfmRun
from pusula.rfm.moves import Every
from pusula.segments import identified, sets

_DAY = click.DateTime(["%Y-%m-%d"])
_NONE = "none"  # on the command line: was not in that run
_EVERY = click.Choice(["week", "month", "quarter", "year"])


class MovesError(PusulaError):
    """Moves cannot be told as asked."""

    code = "rfm_moves"


def _from(given: click.decorators.FC) -> click.decorators.FC:
    return click.option("--from", "first", type=_DAY, required=True, help="The earlier day.")(given)


def _to(given: click.decorators.FC) -> click.decorators.FC:
    return click.option("--to", "last", type=_DAY, required=True, help="The later day.")(given)


def _config(given: click.decorators.FC) -> click.decorators.FC:
    path = click.Path(path_type=Path, dir_okay=False)
    said = "Look at runs by these rules; without them: by those of the newest run up to --to."
    return click.option("--config", "file", type=path, help=said)(given)


def _json(given: click.decorators.FC) -> click.decorators.FC:
    return click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")(
        given
    )


@click.command()
@_from
@_to
@click.option("--every", type=_EVERY, help="Take steps of this length instead of one.")
@_config
@click.option("--csv", "as_csv", is_flag=True, help="Print the matrix as CSV.")
@_json
def transitions(
    *,
    first: datetime,
    last: datetime,
    every: Every | None,
    file: Path | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show how many moved between the groups from one day to another.

    On each day the run that held then is taken: the newest as of it.
    """
    found = _runs(first.date(), last.date(), every, file)
    steps = [matrix(*pair) for pair in pairwise(found)]
    if as_json:
        told = {"steps": [_plain(step) for step in steps]}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    elif as_csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(table(steps))
    else:
        for step in steps:
            _show(step)


@click.command()
@_from
@_to
@click.option("--every", type=_EVERY, default="month", show_default=True)
@click.option("--first", "begins", help="Only paths that begin in this group.")
@click.option("--last", "ends", help="Only paths that end in this group.")
@click.option("--most", default=20, show_default=True, type=click.IntRange(min=1))
@_config
@_json
def paths(
    *,
    first: datetime,
    last: datetime,
    every: Every,
    begins: str | None,
    ends: str | None,
    most: int,
    file: Path | None,
    as_json: bool,
) -> None:
    """Show through which groups people went, step by step, most first.

    A group "none" stands for those who were not scored then.
    """
    found = _runs(first.date(), last.date(), every, file)
    if len(found) > moves.MOST_STEPS:
        said = _("%(n)s runs are too many: a path goes over at most %(most)s.")
        raise MovesError(said % {"n": len(found), "most": moves.MOST_STEPS})
    gone = [
        path
        for path in moves.paths(found)
        if begins in (None, path.groups[0] or _NONE) and ends in (None, path.groups[-1] or _NONE)
    ]
    n = sum(path.n for path in gone)
    if as_json:
        told = {
            "runs": [run.as_of_on.isoformat() for run in found],
            "n": n,
            "n_paths": len(gone),
            "paths": [{"groups": path.groups, "n": path.n} for path in gone[:most]],
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    click.echo(" → ".join(_day(run.as_of_on) for run in found))
    for path in gone[:most]:
        way = " → ".join(_title(group) for group in path.groups)
        click.echo(f"{number(path.n):>10}  {percent(path.n / n):>7}  {way}")
    if len(gone) > most:
        n_more = len(gone) - most
        form = ngettext("and %(n)s rarer path", "and %(n)s rarer paths", n_more)
        click.echo(form % {"n": number(n_more)})


@click.command()
@click.argument("stops", nargs=-1, required=True, metavar="DAY=GROUP...")
@click.option("--list", "key", help="Make this list hold exactly them, for segments to ask for.")
@click.option("--title", help="What people call the list.")
@click.option("--most", default=20, show_default=True, type=click.IntRange(min=0))
@_config
@_json
def movers(
    *,
    stops: tuple[str, ...],
    key: str | None,
    title: str | None,
    most: int,
    file: Path | None,
    as_json: bool,
) -> None:
    """Name who was in a GROUP on each DAY, the highest revenue first.

    2026-08-01=champions 2026-11-01=at_risk; "none" for not scored then, "*" for anywhere.
    """
    asked = [_stop(word) for word in stops]
    like = _like(asked[-1][0], file)
    runs = [_held(day, like) for day, _group in asked]
    groups = [None if group == _NONE else group for _day_, group in asked]
    known = {moves.ANY, None, *(group for run in runs for group in run.groups)}
    if strange := [group for group in groups if group not in known]:
        raise MovesError(_("There is no group “%(group)s” in these runs.") % {"group": strange[0]})
    found = moves.travellers(runs, groups)
    ids = list(found.values_list("profile_id", flat=True))
    if key is not None:
        _keep(key, title or key, ids)
    if as_json:
        told = {"n": len(ids), "customers": ids[:most], "list": key}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    form = ngettext("%(n)s customer", "%(n)s customers", len(ids))
    click.echo(form % {"n": number(len(ids))})
    for score in found[:most]:
        amount = figures.amount(score.monetary_minor, score.run.currency)
        name = score.profile.name or _("no name")
        click.echo(f"{score.profile_id:>10}  {score.r}-{score.f}-{score.m}  {amount:>16}  {name}")


def _keep(key: str, title: str, ids: Sequence[int]) -> None:
    with transaction.atomic():
        done = sets.put_list(key, title, ids, at=clock.now())
        audit.record(audit.operator(), "list.put", f"list:{key}", n=len(ids))
    live.refresh(np.concatenate([done.added, done.removed]), cause="list")


@click.command()
@click.argument("key")
@click.option("--on", "day", type=_DAY, help="Only what held on this day.")
@_json
def history(*, key: str, day: datetime | None, as_json: bool) -> None:
    """Show the groups of one person, run by run.

    KEY is an e-mail address, a phone number, or a number with its system (pms:10027).
    """
    found = identified.find([key], region=settings.PUSULA.phone_region)
    if not found.ids:
        said = (
            _("%(key)s belongs to several customers.")
            if found.shared
            else _("%(key)s leads to nobody.")
        )
        raise MovesError(said % {"key": key})
    stops = moves.history(found.ids[0], None if as_json else 24)
    if day is not None:
        stops = [stop for stop in stops if stop.run.as_of_on <= day.date()][-1:]
    if as_json:
        told = [
            {"as_of_on": stop.run.as_of_on.isoformat(), "group": stop.group, "scores": stop.code}
            for stop in stops
        ]
        click.echo(json.dumps({"customer": found.ids[0], "runs": told}, ensure_ascii=False))
        return
    for stop in stops:
        click.echo(f"{_day(stop.run.as_of_on):<14}{stop.code:<8}{_title(stop.group)}")


def _runs(first: date, last: date, every: Every | None, file: Path | None) -> list[RfmRun]:
    """Return the runs that held on the days asked for, each once, the oldest first."""
    if first >= last:
        raise MovesError(_("--from must be before --to."))
    like = _like(last, file)
    days = [first, last] if every is None else moves.days(first, last, every)
    found = list(dict.fromkeys(_held(day, like) for day in days))
    if len(found) < len([first, last]):
        said = _("The run of %(day)s held on all these days: make more with %(command)s.")
        words_ = {"day": found[0].as_of_on.isoformat(), "command": "pusula rfm backfill"}
        raise MovesError(said % words_)
    return found


def _like(last: date, file: Path | None) -> str:
    """Return the key of the rules to look at."""
    if file is not None:
        return rules.key(rules.read(file))
    return _held(last, None).config_key


def _held(day: date, config_key: str | None) -> RfmRun:
    run = moves.in_force(day, config_key)
    if run is None:
        said = _("There is no run as of %(day)s or before: make it with %(command)s.")
        command = f"pusula rfm backfill --from {day.isoformat()} --to {day.isoformat()}"
        raise MovesError(said % {"day": day.isoformat(), "command": command})
    return run


def _stop(word: str) -> tuple[date, str]:
    text, sign, group = word.partition("=")
    try:
        return date.fromisoformat(text), group if sign else moves.ANY
    except ValueError as error:
        said = _("%(word)s: say a day and a group, like 2026-11-01=at_risk.")
        raise MovesError(said % {"word": word}) from error


def _plain(step: Matrix) -> dict[str, Any]:
    return {
        "before": step.before.as_of_on.isoformat(),
        "after": step.after.as_of_on.isoformat(),
        "days": step.days,
        "flows": [
            {"before": old, "after": new, "n": n, "share": share}
            for old, new, n, share in step.cells()
            if n
        ],
        "sizes": {"before": step.sizes_before, "after": step.sizes_after},
        "impossible": [
            {"before": old, "after": new, "reason": why.reason, "sentence": said}
            for old, new, why in step.impossible()
            for said in (sentences.hindrance(why, old, new),)
        ],
    }


def _show(step: Matrix) -> None:
    days = {"first": _day(step.before.as_of_on), "last": _day(step.after.as_of_on)}
    grid = Table(
        title=_("Moves from %(first)s to %(last)s") % days,
        caption=_("Rows: before. Columns: after. · is impossible by the limits."),
        box=box.SIMPLE_HEAD, padding=0, pad_edge=False,
    )  # fmt: skip
    grid.add_column("", no_wrap=True)
    for group in step.columns:
        grid.add_column(_title(group), justify="right")
    barred = {(old, new) for old, new, _why in step.impossible()}
    for old in step.rows:
        cells = [
            "·" if (old, new) in barred and not step.n(old, new) else number(step.n(old, new))
            for new in step.columns
        ]
        grid.add_row(_title(old), *cells)
    Console().print(grid)


def _title(group: str | None) -> str:
    return _("not scored") if group is None else words.title(group)


def _day(day: date) -> str:
    return format_date(day, locale=figures.locale())
