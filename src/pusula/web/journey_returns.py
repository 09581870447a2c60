"""What a journey earned and cost, as its pages say it."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.utils.translation import gettext

from pusula.measurement.experiments.earned import Earned
from pusula.measurement.stats import Interval
from pusula.web import formats, titles
from pusula.web.campaign_result import Figured


def figures(earned: Earned) -> list[Figured]:
    """Return net revenue beyond the control group's, cost, and the return on it."""
    gained, currency = earned.gained, settings.PUSULA.currency
    return [
        Figured(
            gettext("Net revenue, additional"),
            formats.amount(round(gained.revenue), currency),
            _interval(gained.interval, lambda end: formats.short_amount(round(end), currency)),
        ),
        Figured(
            gettext("Cost of its messages"),
            formats.amount(round(gained.cost), currency),
            _unpriced(earned) or gettext("by the prices of their channels"),
        ),
        Figured(gettext("Return on cost"), *_return(earned)),
    ]


def _return(earned: Earned) -> tuple[str, str]:
    gained = earned.gained
    if earned.unpriced:
        return formats.NOTHING, gettext("once all prices are known")
    if gained.roi is None or gained.roi_interval is None:
        return formats.NOTHING, gettext("it cost nothing")
    around = _interval(gained.roi_interval, lambda end: formats.percent(end, 0))
    return formats.percent(gained.roi, 0), around


def _unpriced(earned: Earned) -> str:
    if not earned.unpriced:
        return ""
    names = ", ".join(titles.channel(name)[1] for name in earned.unpriced)
    return gettext("no price is set for: %(channels)s") % {"channels": names}


def _interval(interval: Interval, form: Callable[[float], str]) -> str:
    ends = {"low": form(interval.low), "high": form(interval.high)}
    return gettext("95%% interval %(low)s to %(high)s") % ends
