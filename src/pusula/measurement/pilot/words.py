"""What scenarios of pilots are called, in the active language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

from pusula.measurement.pilot.definition import Definition
from pusula.segments import spoken

KINDS: dict[str, str | Promise] = {
    "loyalty": pgettext_lazy("goal of a campaign", "Loyalty"),
    "cross_sell": pgettext_lazy("goal of a campaign", "Cross-sell"),
    "upsell": pgettext_lazy("goal of a campaign", "Upsell"),
}
LEFT_OUT: dict[str, str | Promise] = {
    "other_scenario": gettext_lazy("are in an earlier scenario"),
    "unreachable": gettext_lazy("have no consent or no address on any route"),
}


def scenario_title(definition: Definition, kind: str) -> str:
    """Return what a scenario is called."""
    return next(
        one.title.of(spoken.language()) for one in definition.scenarios if one.scenario == kind
    )
