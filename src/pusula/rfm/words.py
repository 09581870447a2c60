"""What an RFM run says to people: the titles of groups, the sentences of warnings."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from pusula.rfm.scoring import Caution

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
    }
    return forms[caution.code] % values


def _measure(name: str) -> str:
    names = {
        "recency": gettext("Recency"),
        "frequency": gettext("Frequency"),
        "monetary": gettext("Monetary value"),
    }
    return names.get(name, name)
