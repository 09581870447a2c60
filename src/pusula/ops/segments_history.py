"""``pusula segments at`` and ``why``: who was in a segment at a past moment, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import click
from django.conf import settings
from django.utils.translation import gettext

from pusula.lake.as_of import AsOf
from pusula.lib import clock
from pusula.ops import figures
from pusula.segments import history, spoken
from pusula.segments.kernel import Explanation
from pusula.segments.language import Definition, dump_condition, sentence
from pusula.segments.language.nodes import AllOf, AnyOf, Money, Not

_SAMPLE = 10
_DAY = "%Y-%m-%d"
_MOMENTS = [_DAY, "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]


class _Moment(click.ParamType[int]):
    """A day, meaning its end, or a wall time in the company's zone; never later than now."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        wall: datetime = click.DateTime(_MOMENTS).convert(value, param, ctx)
        begin, now = clock.from_datetime(wall, settings.PUSULA.time_zone), clock.now()
        if begin > now:
            self.fail(gettext("This has not come yet."), param, ctx)
        if len(value) > len("2026-05-01"):
            return begin
        end = clock.start_of(wall.date() + timedelta(days=1), settings.PUSULA.time_zone)
        return min(end, now)


_on = click.option(
    "--on",
    "at",
    type=_Moment(),
    required=True,
    help="A day (its end) or a wall time: 2026-05-01 or '2026-05-01 14:30'.",
)
_known = click.option(
    "--known",
    type=click.Choice(["then", "now"]),
    default="now",
    show_default=True,
    help="With what was known then and the definition of then, or with what is known now.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print the answer for a program.")


@click.command("at")
@click.argument("key")
@_on
@_known
@_json
def at_(*, key: str, at: int, known: str, as_json: bool) -> None:
    """Say how many were in the segment KEY at a past moment, and name a few of them."""
    definitions, as_of = _asked(key, at, known)
    members = history.members_at(definitions, as_of)[key]
    some = history.sample(members, _SAMPLE).tolist()
    if as_json:
        _print_json({**_head(key, as_of), "n_members": len(members), "sample": some})
        return
    click.echo(
        gettext("%(key)s at %(moment)s: %(n)s customers")
        % {"key": key, "moment": _wall(at), "n": figures.number(len(members))}
    )
    if some:
        numbers = ", ".join(map(str, some))
        click.echo(gettext("Some of them: %(numbers)s") % {"numbers": numbers})


@click.command("why")
@click.argument("key")
@click.argument("profile", type=int)
@_on
@_known
@_json
def why(*, key: str, profile: int, at: int, known: str, as_json: bool) -> None:
    """Say why the customer number PROFILE was, or was not, in the segment KEY at a past moment."""
    definitions, as_of = _asked(key, at, known)
    explanation = history.explain(definitions, key, profile, as_of)
    if as_json:
        _print_json({**_head(key, as_of), "profile": profile, "why": _as_json(explanation)})
        return
    said = gettext("%(profile)s was in %(key)s at %(moment)s:")
    if not explanation.holds:
        said = gettext("%(profile)s was not in %(key)s at %(moment)s:")
    click.echo(said % {"profile": profile, "key": key, "moment": _wall(at)})
    for line in _lines(explanation):
        click.echo(line)


def _asked(key: str, at: int, known: str) -> tuple[dict[str, Definition], AsOf]:
    now = clock.now()
    is_then = known == "then"
    definitions = history.stored([key], shown_at=at if is_then else None)
    if key not in definitions:
        said = gettext("there is no segment %(key)s: see `pusula segments list`")
        raise click.UsageError(said % {"key": key})
    return definitions, AsOf(at, at if is_then else now)


def _head(key: str, as_of: AsOf) -> dict[str, object]:
    return {"segment": key, "at": _iso(as_of.at), "known_at": _iso(as_of.known_at)}


def _iso(moment: int) -> str:
    return clock.to_datetime(moment, settings.PUSULA.time_zone).isoformat()


def _wall(moment: int) -> str:
    return clock.to_datetime(moment, settings.PUSULA.time_zone).strftime("%Y-%m-%d %H:%M")


def _as_json(explanation: Explanation) -> dict[str, object]:
    told: dict[str, object] = {
        "condition": dump_condition(explanation.condition),
        "holds": explanation.holds,
    }
    if explanation.parts:
        return told | {"parts": [_as_json(part) for part in explanation.parts]}
    match explanation.value:
        case Money(minor, currency):
            return told | {"value": {"minor": minor, "currency": currency}}
        case date() as day:
            return told | {"value": day.isoformat()}
        case value:
            return told | {"value": value}


def _lines(explanation: Explanation, depth: int = 1) -> Iterator[str]:
    """Yield each condition with its truth, its parts below it."""
    mark = "✓" if explanation.holds else "✗"
    yield f"{'  ' * depth}{mark} {_words(explanation)}"
    for part in explanation.parts:
        yield from _lines(part, depth + 1)


def _words(explanation: Explanation) -> str:
    match explanation.condition:
        case AllOf():
            return gettext("All of these")
        case AnyOf():
            return gettext("At least one of these")
        case Not():
            return gettext("Not this")
        case condition:
            return sentence(condition, spoken.language())


def _print_json(answer: dict[str, object]) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
