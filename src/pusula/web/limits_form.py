"""The limits of all messages as a form: rows for what holds, a spare one of each kind, errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pusula.lib import clock
from pusula.outbox.rules import policy as rules
from pusula.outbox.rules.policy import CHANNELS, Policy
from pusula.web import formats, titles
from pusula.web.request import plain, whole

MOST_ROWS = 30
UNITS = (("d", _("days")), ("h", _("hours")), ("m", _("minutes")))
PER = (("hour", _("an hour")), ("day", _("a day")))
_LENGTHS = {"d": clock.DAY, "h": clock.HOUR, "m": clock.MINUTE}
_WALL = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:00)?")
_SHARE = re.compile(r"\d{1,2}([.,]\d{1,3})?")


@dataclass
class Row:
    """One limit as typed, by the names of its fields, and what is wrong with it."""

    number: int
    typed: dict[str, Any]
    error: str = ""


@dataclass
class LimitsForm:
    """All rows of the form; ``data`` is what ``rules.parse`` reads once nothing is wrong."""

    caps: list[Row] = field(default_factory=list)
    quiet: list[Row] = field(default_factory=list)
    budgets: list[Row] = field(default_factory=list)
    holdout: Row = field(default_factory=lambda: Row(0, {"share": "", "name": ""}))
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def has_errors(self) -> bool:
        """Whether any row is wrong."""
        return any(row.error for row in [*self.caps, *self.quiet, *self.budgets, self.holdout])


def of(policy: Policy) -> LimitsForm:
    """Return the form that says what ``policy`` says."""
    form = LimitsForm()
    for cap in rules.plain(policy).get("caps", ()):
        typed = {"most": str(cap["most"]), "number": cap["in"][:-1], "unit": cap["in"][-1]}
        form.caps.append(Row(len(form.caps), typed | {"channel": cap.get("channel", "")}))
    for part in policy.quiet:
        typed = {"from": str(part.starts), "to": str(part.ends), "channels": list(part.channels)}
        form.quiet.append(Row(len(form.quiet), typed))
    for budget in policy.budgets:
        typed = {"most": str(budget.most), "channel": budget.channel, "per": budget.per}
        form.budgets.append(Row(len(form.budgets), typed))
    if policy.holdout:
        share = formats.number(policy.holdout.share * 100, 3).rstrip("0").rstrip(".,")
        form.holdout = Row(0, {"share": share, "name": policy.holdout.name})
    return _with_spares(form)


def read(given: QueryDict) -> LimitsForm:
    """Return the form as it was typed, each row checked; rows without a figure are left out."""
    form = LimitsForm()
    form.caps = _rows(given, "cap", ("most", "number", "unit", "channel"), "most")
    form.quiet = _rows(given, "quiet", ("from", "to"), "from", "to")
    form.budgets = _rows(given, "budget", ("most", "channel", "per"), "most")
    form.holdout = Row(0, {name: _typed(given, f"holdout.{name}") for name in ("share", "name")})
    data: dict[str, Any] = {
        "caps": _checked(form.caps, _cap),
        "quiet": _checked(form.quiet, _quiet),
        "budgets": _checked(form.budgets, _budget),
    }
    _check_once(form.quiet, lambda typed: typed["channels"])
    _check_once(form.budgets, lambda typed: [f"{typed['channel']} {typed['per']}"])
    if form.holdout.typed["share"]:
        data |= {"holdout": found} if (found := _holdout(form.holdout)) else {}
    form.data = {name: part for name, part in data.items() if part}
    return _with_spares(form)


def channels() -> list[tuple[str, str]]:
    """Return the channels with their words."""
    return [(name, titles.channel(name)[1]) for name in CHANNELS]


def _with_spares(form: LimitsForm) -> LimitsForm:
    """Add an empty row of each kind, to be filled in where another limit is wanted."""
    spare = {"most": "", "number": "7", "unit": "d", "channel": ""}
    form.caps.append(Row(len(form.caps), spare))
    form.quiet.append(Row(len(form.quiet), {"from": "", "to": "", "channels": []}))
    spare = {"most": "", "channel": "email", "per": "hour"}
    form.budgets.append(Row(len(form.budgets), spare))
    return form


def _typed(given: QueryDict, name: str) -> str:
    return plain(given.get(name, "")).strip()[:200]


def _rows(given: QueryDict, kind: str, names: Iterable[str], *needed: str) -> list[Row]:
    """Return the rows of a kind that have any of the ``needed`` fields filled in."""
    found: list[Row] = []
    for number in range(MOST_ROWS):
        typed: dict[str, Any] = {name: _typed(given, f"{kind}.{number}.{name}") for name in names}
        if kind == "quiet":
            typed["channels"] = [
                name for name in given.getlist(f"quiet.{number}.channels") if name in CHANNELS
            ]
        if any(typed[name] for name in needed):
            found.append(Row(len(found), typed))
    return found


def _checked(rows: Iterable[Row], check: Callable[[Row], Mapping[str, Any]]) -> list[Any]:
    return [data for row in rows if (data := check(row))]


def _cap(row: Row) -> Mapping[str, Any]:
    most, number = whole(row.typed["most"]), whole(row.typed["number"])
    unit, channel = row.typed["unit"], row.typed["channel"]
    if not most or not number or unit not in _LENGTHS:
        row.error = gettext("Write whole numbers, 1 or more.")
    elif number * _LENGTHS[unit] > rules.LONGEST_WINDOW or number > 9_999:  # noqa: PLR2004 - digits
        row.error = gettext("At most 366 days.")
    elif channel and channel not in CHANNELS:
        row.error = gettext("There is no such channel.")
    else:
        found = {"most": most, "in": f"{number}{unit}"}
        return {**found, "channel": channel} if channel else found
    return {}


def _quiet(row: Row) -> Mapping[str, Any]:
    starts, ends = row.typed["from"], row.typed["to"]
    if not (_WALL.fullmatch(starts) and _WALL.fullmatch(ends)):
        row.error = gettext("Write both times, such as 21:00 and 09:00.")
    elif starts[:5] == ends[:5]:
        row.error = gettext("The two times are the same.")
    elif not row.typed["channels"]:
        row.error = gettext("Choose at least one channel, or clear the times.")
    else:
        return {"from": starts[:5], "to": ends[:5], "channels": row.typed["channels"]}
    return {}


def _budget(row: Row) -> Mapping[str, Any]:
    most, channel, per = whole(row.typed["most"]), row.typed["channel"], row.typed["per"]
    if not most:
        row.error = gettext("Write whole numbers, 1 or more.")
    elif channel not in CHANNELS or per not in dict(PER):
        row.error = gettext("There is no such channel.")
    else:
        return {"channel": channel, "most": most, "per": per}
    return {}


def _holdout(row: Row) -> Mapping[str, Any]:
    typed = row.typed["share"]
    share = float(Decimal(typed.replace(",", ".")) / 100) if _SHARE.fullmatch(typed) else 0.0
    if not 0 < share <= rules.MOST_HELD_OUT:
        row.error = gettext("Write a share of more than 0 % and at most 50 %, such as 5 or 2,5.")
        return {}
    return {"share": share, "name": row.typed["name"] or "global"}


def _check_once(rows: Iterable[Row], keys: Callable[[dict[str, Any]], Iterable[str]]) -> None:
    """Mark rows that answer what an earlier one has answered."""
    known: set[str] = set()
    for row in rows:
        if row.error:
            continue
        mine = set(keys(row.typed))
        if mine & known:
            row.error = gettext("Another row says this for the same channel: keep one.")
        known |= mine
