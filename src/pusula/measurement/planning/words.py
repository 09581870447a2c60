"""The plan of a test in plain sentences, in the language that is active."""

from __future__ import annotations

from django.utils.translation import gettext, ngettext

from pusula.measurement.planning.planner import Metric, Plan
from pusula.measurement.reports.words import number, percent

_SMALL = 0.01  # a share below it is told with two decimals
_HALVES = 0.5


def sentences(plan: Plan) -> list[str]:
    """Return what it takes, how long, and what the people at hand can show."""
    found = [_needed(plan)]
    if plan.days is not None:
        found.append(_days(plan))
    if plan.asked.people is not None:
        found.append(_at_hand(plan, plan.asked.people))
    return found


def value(plan: Plan, amount: float) -> str:
    """Return a rate or an amount per person as it is read."""
    if plan.asked.metric is Metric.RATE:
        return _percent(amount)
    return number(amount, 2)


def effect(plan: Plan, amount: float) -> str:
    """Return a difference of rates in points, of amounts as it is."""
    if plan.asked.metric is Metric.MEAN:
        return number(amount, 2)
    return gettext("%(n)s points") % {"n": number(amount * 100, 2)}


def _needed(plan: Plan) -> str:
    words = {
        "base": value(plan, plan.asked.base),
        "target": value(plan, plan.asked.target),
        "n": number(plan.n_needed),
        "treated": number(plan.n_treated),
        "control": number(plan.n_control),
    }
    if plan.asked.control_share == _HALVES:
        return (
            gettext("%(base)s → %(target)s needs %(treated)s people per group, %(n)s together.")
            % words
        )
    return (
        gettext(
            "%(base)s → %(target)s needs %(treated)s people to send to and %(control)s in the "
            "control group, %(n)s together."
        )
        % words
    )


def _days(plan: Plan) -> str:
    days = plan.days or 0
    form = ngettext(
        "With %(people)s people a day they have come after %(days)s day.",
        "With %(people)s people a day they have come after %(days)s days.",
        days,
    )
    return form % {"people": number(plan.asked.per_day or 0), "days": number(days)}


def _at_hand(plan: Plan, people: int) -> str:
    words = {"people": number(people), "chance": _percent(plan.chance or 0.0, 0)}
    if plan.detectable is None:
        return gettext("You have %(people)s people: too few to see any effect.") % words
    words["effect"] = effect(plan, plan.detectable)
    if plan.is_enough:
        form = gettext(
            "You have %(people)s people: enough. This effect is found with a probability of "
            "%(chance)s; the smallest you mostly see is %(effect)s."
        )
    else:
        form = gettext(
            "You have %(people)s people: you will mostly see only effects above %(effect)s. The "
            "effect you ask about is found with a probability of %(chance)s."
        )
    return form % words


def _percent(share: float, digits: int | None = None) -> str:
    if digits is None:
        digits = 2 if 0 < abs(share) < _SMALL else 1
        if abs(share * 1000 - round(share * 1000)) > 1e-9:  # noqa: PLR2004 - one decimal is not all
            digits = 2
    return percent(share, digits)
