"""A customer's lifecycle stage as a sentence: their own rhythm, and when the stage changes."""

from __future__ import annotations

from django.utils.translation import gettext, ngettext

from pusula.predict import behaviour_words
from pusula.predict.outlook import NextOrder, Outlook
from pusula.web import formats


def stage(told: Outlook) -> str:
    """Return the stage with what it rests on, and what comes if no order does."""
    parts = [_rhythm(told)]
    if told.changes_on is not None:
        said = gettext("Without an order: %(stage)s from %(day)s.")
        parts.append(
            said
            % {"stage": _title(told.next_stage), "day": formats.day(told.changes_on, long=True)}
        )
    return " ".join(parts)


def interval(told: NextOrder) -> str:
    """Return between which days the next order falls eight times in ten."""
    said = gettext(
        "Eight in ten of such customers who come back do so in %(low)s to %(high)s days."
    )
    return said % {"low": formats.number(round(told.low)), "high": formats.number(round(told.high))}


def _rhythm(told: Outlook) -> str:
    usual = max(round(told.usual_days), 1)
    if told.n_orders == 1:
        form = ngettext(
            "%(stage)s: the only order was %(waited)s days ago; others usually come again after "
            "%(usual)s day.",
            "%(stage)s: the only order was %(waited)s days ago; others usually come again after "
            "%(usual)s days.",
            usual,
        )
    else:
        form = ngettext(
            "%(stage)s: usually orders after %(usual)s day; the last order: %(waited)s days ago.",
            "%(stage)s: usually orders after %(usual)s days; the last order: %(waited)s days ago.",
            usual,
        )
    return form % {
        "stage": _title(told.stage),
        "usual": formats.number(usual),
        "waited": formats.number(told.waited_days),
    }


def _title(stage: str) -> str:
    return str(behaviour_words.STAGES.get(stage, stage))
