"""What an RFM run says to people: the titles of groups, the sentences of warnings."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from pusula.rfm.cautions import Caution

_TITLES: dict[str, str | Promise] = {
    "champions": gettext_lazy("Champions"),
    "loyal_customers": gettext_lazy("Loyal"),
    "potential_loyalists": gettext_lazy("Potentially loyal"),
    "new_customers": gettext_lazy("New"),
    "promising": gettext_lazy("Promising"),
    "need_attention": gettext_lazy("Need attention"),
    "about_to_sleep": gettext_lazy("About to sleep"),
    "at_risk": gettext_lazy("At risk"),
    "cant_loose": gettext_lazy("Not to be lost"),
    "hibernating": gettext_lazy("Hibernating"),
}


def title(group: str) -> str:
    """Return what people call a group; a group of the company's own is called as they wrote it."""
    return str(_TITLES.get(group, group))


def sentence(caution: Caution) -> str:
    """Return a warning of a run as one sentence."""
    values: dict[str, Any] = {
        "measure": _measure(caution.measure),
        "scores": ", ".join(map(str, caution.scores)),
        "groups": ", ".join(title(group) for group in caution.groups),
        "days": caution.days,
    }
    forms = {
        "nobody": gettext("Nobody meets the rule of the pool."),
        "pool_contradicts_cuts": gettext(
            "The pool and the recency cuts contradict each other: "
            "nobody can have the recency scores %(scores)s."
        ),
        "same_edges": gettext(
            "%(measure)s: many customers share one value, so some limits coincide."
        ),
        "empty_scores": gettext("%(measure)s: nobody has the scores %(scores)s."),
        "empty_groups": gettext("Nobody is in these groups: %(groups)s."),
        "cuts_beyond_look_back": gettext(
            "The recency cuts reach beyond the look-back window: "
            "nobody can have the recency scores %(scores)s."
        ),
        "pool_beyond_look_back": gettext(
            "The pool asks for an order in the last %(days)s days, but older ones than the "
            "look-back window do not count anyway: the limit of the pool does nothing."
        ),
        "booked_counts_late": gettext(
            "A stay counts only when it is over, but its recency counts from the booking: whoever "
            "booked early is never recent. Count by the day of arrival, or count bookings that "
            "are still to come."
        ),
        "future_stays": gettext(
            "Stays count by the day of arrival, but only in states that are over by then: most "
            "of them never count. Add the state of stays that are completed."
        ),
        "cancelled_net": gettext(
            "Cancelled orders count, but net of cancellations they are worth nothing: they only "
            "raise the frequency."
        ),
    }
    return forms[caution.code] % values


def _measure(name: str) -> str:
    names = {
        "recency": gettext("Recency"),
        "frequency": gettext("Frequency"),
        "monetary": gettext("Monetary value"),
    }
    return names.get(name, name)
