"""The period, the rules and the segment of a report as its address names them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pusula.measurement.attribution.credit import SIGN_NAMES, Rules, RulesError
from pusula.measurement.reports import rules
from pusula.measurement.reports.period import USUAL_DAYS, Period, PeriodError
from pusula.web.request import asked, whole

PRESETS: dict[int, str | Promise] = {
    7: _("7 days"),
    28: _("4 weeks"),
    91: _("13 weeks"),
    364: _("52 weeks"),
}
_USUAL = 28


@dataclass(frozen=True)
class Shown:
    """The period that a page shows; ``days`` is that of a preset, else 0."""

    period: Period
    days: int
    error: str = ""

    @property
    def address(self) -> dict[str, str]:
        """How an address names it: the same days tomorrow, whatever the preset is then."""
        return {
            "from": self.period.from_on.isoformat(),
            "to": self.period.last_on.isoformat(),
        }

    @property
    def query(self) -> str:
        """``address``, to be put behind a question mark."""
        return urlencode(self.address)


def shown(request: HttpRequest) -> Shown:
    """Return the period of the address: ``from`` and ``to``, both included, or ``days``."""
    first, last = _day(asked(request, "from")), _day(asked(request, "to"))
    if first is not None and last is not None:
        try:
            period = Period(first, last + dt.timedelta(days=1))
        except (PeriodError, OverflowError) as error:
            return Shown(Period.last(_USUAL), _USUAL, str(error))
        return Shown(period, 0)
    days = whole(asked(request, "days"))
    days = days if days in USUAL_DAYS else _USUAL
    return Shown(Period.last(days), days)


def given_rules(request: HttpRequest) -> Rules:
    """Return the company's rules, changed by what the address says of them.

    Raises ``RulesError``.
    """
    held = rules.current()
    plain = held.plain()
    for name in SIGN_NAMES:
        days = whole(asked(request, name))
        if days is not None:
            plain["windows"][name] = days
    half_life = whole(asked(request, "half_life"))
    if half_life is not None:
        plain["half_life_days"] = half_life
    if model := asked(request, "model"):
        plain["model"] = model
    return rules.parsed(plain)


def rules_or_usual(request: HttpRequest) -> tuple[Rules, str]:
    """Return the rules of the address; the company's, and what is wrong, if they cannot be."""
    try:
        return given_rules(request), ""
    except RulesError as error:
        return rules.current(), error.said(gettext)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
