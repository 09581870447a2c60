"""The rules of RFM as a form: what was typed, what is wrong with it, and the rules it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pusula.orders import machine
from pusula.rfm import config as rules
from pusula.rfm import words
from pusula.rfm.config import ConfigError, Project
from pusula.rfm.rules import MOST_SCORES, SHIPPED, Config
from pusula.web import titles
from pusula.web.request import plain, whole

MOST_NAMES = 20
_MOST_DAYS = 36_600
_SEPARATORS = re.compile(r"[\s,;]+")
_CLASSIC = (5, 5)

CHOICES: dict[str, tuple[tuple[str, Any], ...]] = {
    "min_orders_in": (("ever", _("ever")), ("look_back", _("in the look-back window"))),
    "look_back": (
        ("6", _("6 months")),
        ("12", _("12 months")),
        ("24", _("24 months")),
        ("36", _("36 months")),
        ("", _("everything")),
    ),
    "count": (("orders", _("Orders")), ("stays", _("Stays"))),
    "dated_by": (("booking", _("day of booking")), ("stay", _("day of arrival"))),
    "amount": (
        ("net", _("net of cancellations and refunds")),
        ("gross", _("gross")),
    ),
    "returns": (
        ("subtract", _("are taken off")),
        ("count", _("count as orders")),
        ("drop", _("are left out")),
    ),
    "recency_by": (("cuts", _("my own limits")), ("quantiles", _("parts of equal size"))),
    "measure": (("calendar_days", _("dates")), ("floor_days", _("whole days of 24 hours"))),
    "every": (
        ("never", _("only when somebody asks")),
        ("month", _("every month")),
        ("quarter", _("every quarter")),
    ),
    "apply": (("ask", _("a person takes them over")), ("itself", _("by themselves"))),
}
LEVELS = tuple((str(n), str(n)) for n in range(2, MOST_SCORES + 1))
_CHECKED = ("ranked", "above_zero")


@dataclass(frozen=True)
class Cell:
    """The group of one recency and frequency."""

    name: str
    code: str
    group: str


@dataclass
class RfmForm:
    """What was typed, by the names of fields; ``project`` is what it says once nothing is wrong."""

    typed: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)
    project: Project | None = None
    shape: tuple[int, int] = _CLASSIC
    map: dict[str, str] = field(default_factory=dict)  # code -> group

    @property
    def names(self) -> list[tuple[str, str]]:
        """The groups that a cell may be given, with their titles."""
        own = [name.strip() for name in self.typed["names"].splitlines() if name.strip()]
        known = dict.fromkeys([*SHIPPED[_CLASSIC], *own, *self.map.values()])
        return [(name, words.title(name)) for name in known]

    @property
    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """The grid: frequency falling from top to bottom, recency rising to the right."""
        n_r, n_f = self.shape
        for f in range(n_f, 0, -1):
            codes = [f"{r}{f}" for r in range(1, n_r + 1)]
            yield f, [Cell(f"group.{code}", code, self.map[code]) for code in codes]

    @property
    def columns(self) -> range:
        """The scores of recency."""
        return range(1, self.shape[0] + 1)


def of(project: Project) -> RfmForm:
    """Return the form that says what ``project`` says."""
    config, rerun = project.rules, project.rerun
    cuts = config.recency.cuts
    within = config.pool.ordered_within_days
    exclude = config.pool.exclude[0] if config.pool.exclude else None
    typed = {
        "min_orders": str(config.pool.min_orders),
        "min_orders_in": config.pool.min_orders_in,
        "within": "" if within is None else str(within),
        "trait": exclude.trait if exclude else "",
        "is": ", ".join(exclude.is_) if exclude else "",
        "look_back": str(config.look_back_months or ""),
        "count": config.orders.count,
        "dated_by": config.orders.dated_by,
        "amount": config.orders.amount,
        "returns": config.orders.returns,
        "statuses": list(config.orders.statuses),
        "recency_by": "cuts" if cuts else "quantiles",
        "cuts": ", ".join(map(str, cuts)) or "30, 90, 180, 365",
        "recency_quantiles": str(config.recency.quantiles),
        "measure": config.recency.measure,
        "frequency_quantiles": str(config.frequency.quantiles),
        "ranked": config.frequency.ranked,
        "monetary_quantiles": str(config.monetary.quantiles),
        "above_zero": config.monetary.above_zero,
        "names": "\n".join(n for n in config.named_groups if n not in SHIPPED[_CLASSIC]),
        "every": rerun.every,
        "apply": rerun.apply,
        "ties": config.ties.value,
    }
    form = RfmForm(typed, project=project)
    form.shape = (config.recency.levels, config.frequency.quantiles)
    form.map = {code: name for name, codes in config.named_groups.items() for code in codes}
    return form


def read(given: QueryDict, base: Project) -> RfmForm:
    """Return the form as it was typed, checked; what it cannot say stays as in ``base``."""
    form = of(base)
    for name in form.typed:
        if name == "statuses":
            form.typed[name] = [one for one in given.getlist(name) if one in machine.STATES]
        elif name in _CHECKED:
            form.typed[name] = name in given
        elif name != "ties":
            form.typed[name] = plain(given.get(name, "")).strip()[:4_000]
    form.project = None
    data = _data(form, base.rules)
    _draw_map(form, given)
    _name_groups(form, data)
    if not form.errors:
        try:
            form.project = rules.parse_project(data, gettext("Rules"))
        except ConfigError as error:
            form.errors["form"] = error.said(gettext)
    return form


def _data(form: RfmForm, base: Config) -> dict[str, Any]:
    """Return what ``rules.parse_project`` reads, without the groups."""
    typed = form.typed
    least = _number(form, "min_orders", 1, 10_000)
    pool: dict[str, Any] = {"min_orders": least, "min_orders_in": _chosen(form, "min_orders_in")}
    if typed["within"]:
        pool["ordered_within_days"] = _number(form, "within", 0, _MOST_DAYS)
    pool["exclude"] = [*_excluded(form), *rules.as_json(base)["pool"]["exclude"][1:]]
    recency: dict[str, Any] = {"measure": _chosen(form, "measure")}
    if _chosen(form, "recency_by") == "cuts":
        recency["cuts"] = _cuts(form)
    else:
        recency["quantiles"] = _number(form, "recency_quantiles", 2, MOST_SCORES)
    data: dict[str, Any] = {
        "ties": base.ties.value,
        "pool": pool,
        "orders": {
            **{name: _chosen(form, name) for name in ("count", "dated_by", "amount", "returns")},
            "statuses": typed["statuses"],
        },
        "recency": recency,
        "frequency": {
            "quantiles": _number(form, "frequency_quantiles", 2, MOST_SCORES),
            "ranked": typed["ranked"],
        },
        "monetary": {
            "quantiles": _number(form, "monetary_quantiles", 2, MOST_SCORES),
            "above_zero": typed["above_zero"],
        },
        "rerun": {name: _chosen(form, name) for name in ("every", "apply")},
    }
    if typed["look_back"]:
        data["look_back_months"] = _number(form, "look_back", 1, 600)
    levels = len(recency["cuts"]) + 1 if "cuts" in recency else recency["quantiles"]
    form.shape = (levels, data["frequency"]["quantiles"])
    return data


def _chosen(form: RfmForm, name: str) -> str:
    if form.typed[name] not in dict(CHOICES[name]):
        form.errors[name] = gettext("Choose one of these.")
        form.typed[name] = CHOICES[name][0][0]
    found: str = form.typed[name]
    return found


def _number(form: RfmForm, name: str, least: int, most: int) -> int:
    found = whole(form.typed[name])
    if found is None or not least <= found <= most:
        said = gettext("Write a whole number from %(least)s to %(most)s.")
        form.errors[name] = said % {"least": least, "most": most}
        return least
    return found


def _cuts(form: RfmForm) -> list[int]:
    """Return the limits of recency, rising; some that are well formed where those typed are not."""
    parts = [part for part in _SEPARATORS.split(form.typed["cuts"]) if part]
    found = [whole(part) for part in parts]
    days = [day for day in found if day is not None and 0 <= day <= _MOST_DAYS]
    if len(days) != len(found) or not days or sorted(set(days)) != days:
        form.errors["cuts"] = gettext("Write rising numbers of days, such as 30, 90, 180, 365.")
    elif len(days) >= MOST_SCORES:
        said = gettext("At most %(n)s limits.")
        form.errors["cuts"] = said % {"n": MOST_SCORES - 1}
    return [30, 90, 180, 365] if "cuts" in form.errors else days


def _excluded(form: RfmForm) -> list[dict[str, Any]]:
    trait, listed = form.typed["trait"], form.typed["is"]
    values = [value.strip() for value in listed.split(",") if value.strip()]
    if bool(trait) != bool(values):
        form.errors["trait"] = gettext("Write both the property and its values, or neither.")
    return [{"trait": trait, "is": values}] if trait and values else []


def _draw_map(form: RfmForm, given: QueryDict) -> None:
    """Fill the grid with what was chosen, and what is new in it with what stands nearest."""
    n_r, n_f = form.shape
    nearest = {code: name for name, codes in SHIPPED[_CLASSIC].items() for code in codes}
    shipped = {code: n for n, codes in SHIPPED.get(form.shape, {}).items() for code in codes}
    is_same = given.get("shape") == f"{n_r}x{n_f}"
    allowed = {name for name, _title in form.names}
    form.map = {}
    for r in range(1, n_r + 1):
        for f in range(1, n_f + 1):
            code = f"{r}{f}"
            chosen = given.get(f"group.{code}", "") if is_same else ""
            ready = shipped.get(code) or nearest[f"{ceil(r * 5 / n_r)}{ceil(f * 5 / n_f)}"]
            form.map[code] = chosen if chosen in allowed else ready


def _name_groups(form: RfmForm, data: dict[str, Any]) -> None:
    groups: dict[str, list[str]] = {}
    for name, _title in form.names:
        if codes := [code for code, group in form.map.items() if group == name]:
            groups[name] = codes
    shipped = SHIPPED.get(form.shape)
    if shipped is None or {n: sorted(c) for n, c in shipped.items()} != {
        name: sorted(codes) for name, codes in groups.items()
    }:
        data["groups"] = groups
    if len(form.names) > MOST_NAMES + len(SHIPPED[_CLASSIC]):
        form.errors["names"] = gettext("At most %(n)s names of your own.") % {"n": MOST_NAMES}


def statuses() -> list[tuple[str, str]]:
    """Return the states of orders with their words."""
    return [(name, str(titles.ORDER_STATES[name])) for name in machine.STATES]
