"""How orders are ascribed where nobody says otherwise: versions, of which the highest holds."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from pusula.measurement.attribution.credit import MOST_DAYS, Model, Rules, RulesError
from pusula.measurement.reports.models import AttributionRules


def current() -> Rules:
    """Return the rules that hold: those applied last, else the usual ones."""
    newest = AttributionRules.objects.order_by("-number").first()
    return Rules() if newest is None else parsed(newest.definition)


def apply(rules: Rules, *, by: str, at: int) -> bool:
    """Let ``rules`` hold from now on; return whether they are others than before."""
    with transaction.atomic():
        newest = AttributionRules.objects.select_for_update().order_by("-number").first()
        before = Rules() if newest is None else parsed(newest.definition)
        if rules == before:
            return False
        number = 1 if newest is None else newest.number + 1
        AttributionRules.objects.create(
            number=number, definition=rules.plain(), applied_at=at, applied_by=by
        )
    return True


def parsed(definition: dict[str, Any]) -> Rules:
    """Return the rules that ``Rules.plain`` wrote. Raises ``RulesError``."""
    try:
        model = Model(definition["model"])
        windows = {name: int(days) for name, days in definition["windows"].items()}
        half_life_days = int(definition["half_life_days"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        words = {"models": ", ".join(one.value for one in Model), "error": error}
        raise RulesError(
            _("Rules have a model (%(models)s), windows and half_life_days in days: %(error)s")
            % words
        ) from error
    if not any(windows.values()):
        raise RulesError(_("With every time at 0 no message touches any order: set one of them."))
    try:
        return Rules(model=model, windows=windows, half_life_days=half_life_days)
    except RulesError as error:
        raise RulesError(
            _("Times are 0 to %(most)s days, the half-life 1 to %(most)s.") % {"most": MOST_DAYS}
        ) from error
