"""The boxes of a journey as a whole: for whom it runs, how often, how it speaks to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pusula.web import codes
from pusula.web.builder import controls
from pusula.web.builder.controls import Line
from pusula.web.builder.fields import Fields
from pusula.web.journey_form import boxes

KEYED_BY: Mapping[str, str | Promise] = {
    "profile": _("each customer"),
    "order": _("each order or stay"),
}
RULES: Mapping[str, str | Promise] = {
    "one_at_a_time": _("when they are out"),
    "never": _("never"),
    "always": _("always, also while they are in"),
    "restart": _("always; what is under way begins anew"),
}
CLASSES: Mapping[str, str | Promise] = {
    "commercial": codes.MESSAGE_CLASSES["commercial"],
    "service": codes.MESSAGE_CLASSES["informational"],
}
_PRIORITIES = {str(n): words for n, words in codes.PRIORITIES.items()}
_PURPOSE = "marketing"


@dataclass(frozen=True)
class HeadLines:
    """The lines of the two panels: coming in, and the manners of its messages."""

    entry: list[Line]
    manners: list[Line]


def head_lines(fields: Fields) -> HeadLines:
    """Return the boxes of the journey as a whole."""
    purpose = fields.one("purpose", _PURPOSE)
    return HeadLines(
        entry=[
            _menu(fields, "keyed_by", gettext("It runs once for"), KEYED_BY, redraws=True),
            _menu(fields, "rule", gettext("Somebody may come in again"), RULES),
            boxes.length(fields, "after", gettext("… but not before this time has passed")),
            boxes.line(
                controls.number(
                    "holdout", gettext("Control group, gets nothing"), fields.one("holdout"), "%"
                )
            ),
        ],
        manners=[
            _menu(fields, "class", gettext("Its messages are"), CLASSES),
            _menu(fields, "priority", gettext("Priority"), _PRIORITIES, "5"),
            boxes.line(controls.text("purpose", gettext("Purpose"), purpose)),
        ],
    )  # fmt: skip


def _menu(
    fields: Fields,
    name: str,
    label: str,
    menu: Mapping[str, str | Promise],
    usual: str = "",
    *,
    redraws: bool = False,
) -> Line:
    chosen = fields.one(name, usual or next(iter(menu)))
    options = [(key, str(words)) for key, words in menu.items()]
    return boxes.line(controls.select(name, label, chosen, options, redraws=redraws))
