"""What moves between groups and the alerts on them say, as sentences in the active language."""

from __future__ import annotations

from datetime import date
from typing import Any

from babel import Locale
from django.utils.translation import get_language, gettext, ngettext

from pusula.lib import numerals
from pusula.rfm.models import Alert, AlertRule
from pusula.rfm.steps import Hindrance
from pusula.rfm.words import title


def hindrance(found: Hindrance, before: str, after: str) -> str:
    """Return why nobody can get from one group to another, in one sentence."""
    words: dict[str, Any] = {
        "before": title(before),
        "after": title(after),
        "time": _days(found.days),
        "most": _number(found.most or 0),
        "begins": _number(found.begins or 0),
    }
    forms = {
        "nobody": gettext(
            "%(before)s → %(after)s is impossible: by the limits nobody can be in one of the two."
        ),
        "too_soon": gettext(
            "%(before)s → %(after)s is impossible in %(time)s: whoever was in %(before)s has gone "
            "at most %(most)s days without an order by then, and %(after)s begins at %(begins)s "
            "days."
        ),
        "passed_over": gettext(
            "%(before)s → %(after)s is impossible in %(time)s: an order in between leads to a more "
            "recent group, and without one the last order is too long ago for %(after)s."
        ),
        "fewer_orders": gettext(
            "%(before)s → %(after)s is impossible: %(after)s has fewer orders, and orders only add "
            "up."
        ),
    }
    return forms[found.reason] % words


def rule(kept: AlertRule) -> str:
    """Return what a rule wants to be told of."""
    words = {
        "group": title(kept.group),
        "to": title(kept.to_group),
        "percent": _percent(kept.share or 0.0),
        "n": _number(kept.n or 0),
    }
    forms = {
        "grew": gettext("%(group)s grows by %(percent)s or more from one run to the next"),
        "shrank": gettext("%(group)s shrinks by %(percent)s or more from one run to the next"),
        "moved": gettext(
            "More than %(n)s customers move from %(group)s to %(to)s from one run to the next"
        ),
    }
    return forms[kept.kind] % words


def alert(met: Alert) -> str:
    """Return what happened, with both days and both numbers."""
    old, new = met.n_before, met.n_after
    words = {
        "group": title(met.rule.group),
        "to": title(met.rule.to_group),
        "first": _day(met.before.as_of_on),
        "last": _day(met.run.as_of_on),
        "old": _number(old),
        "new": _number(new),
        "percent": _percent(abs(new - old) / old if old else 0.0),
    }
    if met.rule.kind == "moved":
        form = ngettext(
            "%(new)s customer moved from %(group)s to %(to)s between %(first)s and %(last)s.",
            "%(new)s customers moved from %(group)s to %(to)s between %(first)s and %(last)s.",
            new,
        )
    elif not old:
        form = gettext("%(group)s was empty on %(first)s and has %(new)s customers on %(last)s.")
    elif met.rule.kind == "grew":
        form = gettext(
            "%(group)s grew by %(percent)s: %(old)s customers on %(first)s, %(new)s on %(last)s."
        )
    else:
        form = gettext(
            "%(group)s shrank by %(percent)s: %(old)s customers on %(first)s, %(new)s on %(last)s."
        )
    return form % words


def _days(n: int) -> str:
    return ngettext("%(n)s day", "%(n)s days", n) % {"n": _number(n)}


def _number(n: int) -> str:
    return numerals.number(n, 0, _locale())


def _percent(share: float) -> str:
    digits = 0 if numerals.rounded(share * 100, 1) % 1 == 0 else 1
    return numerals.percent(share, digits, _locale())


def _day(value: date) -> str:
    return numerals.day(value, _locale())


def _locale() -> Locale:
    return numerals.locale_of(get_language())
