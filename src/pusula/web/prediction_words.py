"""Figures of predictions as people read them: units of scores, quality beside the naive way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext, ngettext

from pusula.lib import money
from pusula.predict import words
from pusula.predict.cards import Card, Metric
from pusula.web import formats, titles
from pusula.web.charts import axes

_MONEY = frozenset({"clv_12m"})
_SHARES = ("p_alive", "churn", "propensity_", "lifecycle", "best_channel", "send_hour")
_DAYS = frozenset({"next_order_days"})
# Metrics that are shares whatever the model's scores are.
_SHARE_METRICS = (
    "recall_at_10", "ndcg_at_10", "hit_rate_at_10", "first_right", "base_rate", "inside_interval",
    "false_alarms", "uneven_alarms", "within_an_hour",
)  # fmt: skip
_SAME = 0.01  # a difference that nobody should build on
_SHARE_DIGITS = 1
_DIGITS = ((100, 0), (10, 1), (0, 3))  # from which size on how many decimals

Form = Callable[[float], str]


def form_of(model: str) -> Form:
    """Return how a score of ``model`` is written."""
    if model in _MONEY:
        return amount
    if model.startswith(_SHARES):
        return formats.percent
    return days if model in _DAYS else _number


def axis_of(model: str) -> Form:
    """Return how a round tick of an axis with scores of ``model`` is written."""
    if model.startswith(_SHARES):
        return lambda share: formats.percent(share, 0)
    return axes.short


def column_form(model: str) -> tuple[Form, float]:
    """Return how a column is written, and by what scores are multiplied before they are drawn.

    Ticks are round numbers: shares are drawn as per cent.
    """
    if model.startswith(_SHARES):
        return (lambda percent: formats.percent(percent / 100)), 100.0
    return form_of(model), 1.0


def short(metric: str) -> str:
    """Return the heading of a column with a metric of recommendations."""
    heads = {
        "recall_at_10": gettext("In the list"),
        "ndcg_at_10": "NDCG",
        "hit_rate_at_10": gettext("Any right"),
        "first_right": gettext("First right"),
    }
    return heads.get(metric, metric)


def class_name(card: Card, name: str) -> str:
    """Return what a class of a card's backtest is called: a stage, a channel, or as it is."""
    traits = {"stage": "lifecycle", "channel": "best_channel"}
    return titles.trait_value(traits.get(card.rows_by, ""), name)


def amount(value: float) -> str:
    """Return major units of the company's currency as money."""
    currency = settings.PUSULA.currency
    return formats.amount(round(value * 10 ** money.EXPONENTS[currency]), currency)


def days(value: float) -> str:
    """Return a number of days in words."""
    n = round(value)
    return ngettext("%(n)s day", "%(n)s days", n) % {"n": formats.number(n)}


def _number(value: float) -> str:
    return formats.number(value, 2)


def metric_figure(metric: Metric, value: float | None) -> str:
    """Return a figure of a validation; nothing as a dash."""
    if value is None:
        return formats.NOTHING
    if metric.name in _SHARE_METRICS:
        return formats.percent(value, _SHARE_DIGITS)
    return formats.number(value, next(digits for least, digits in _DIGITS if abs(value) >= least))


@dataclass(frozen=True)
class Quality:
    """How a model stands beside the naive way, in a word and a number; ``tone`` of the badge."""

    word: str
    figure: str
    tone: str


def quality(card: Card) -> Quality:
    """Return what the validation says, by the card's first metric that both sides have."""
    if card.withheld:
        return Quality(gettext("withheld"), "", "warn")
    metric = next((one for one in card.metrics if one.is_better is not None), None)
    gain = _gain(metric) if metric else None
    if metric is None or gain is None:
        return Quality(gettext("not compared"), "", "")
    name = words.said(words.METRICS, metric.name)
    figures = {
        "name": name,
        "model": metric_figure(metric, metric.model),
        "naive": metric_figure(metric, metric.baseline),
    }
    figure = gettext("%(name)s: %(model)s, naive %(naive)s") % figures
    if abs(gain) < _SAME:
        return Quality(gettext("like the naive way"), figure, "")
    if gain < 0:
        return Quality(gettext("worse than the naive way"), figure, "bad")
    return Quality(gettext("better than the naive way"), figure, "good")


def _gain(metric: Metric) -> float | None:
    """Return by which share the model is better than the baseline; negative where it is worse."""
    model, baseline = metric.model, metric.baseline
    if model is None or baseline is None:
        return None
    if metric.aim == "near":
        if metric.target is None:
            return None
        model, baseline = abs(model - metric.target), abs(baseline - metric.target)
    gain = model - baseline if metric.aim == "higher" else baseline - model
    return gain / abs(baseline) if baseline else float(gain)
