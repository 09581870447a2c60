"""What has to be done on which day around a pilot: a dated list, in both languages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pusula.measurement.pilot.definition import Definition

# Days from the first one; behind it those that hang on its end.
_BEFORE: tuple[tuple[int, str | Promise], ...] = (
    (-10, _("Agree on scenarios, offers and what counts as success; write the file.")),
    (
        -8,
        _("Bring in orders and consents; look at the segments with whoever knows the guests."),
    ),
    (-7, _("Prepare the pilot; read its messages with data protection.")),
    (-5, _("Send test mails to the team; click every button on a phone.")),
    (-4, _("Brief call centre and reception: script, offer, outcomes.")),
    (-2, _("Go through the list; look at what the pilot can show, and decide with open eyes.")),
    (-1, _("Start it: from now on nothing about how it is judged can change.")),
    (
        0,
        _("First day: messages leave at the agreed hour. Watch bounces for two hours."),
    ),
    (1, _("Look at reasons why people got nothing; nothing else is to be read from results yet.")),
    (3, _("Calls begin by and by: look whether outcomes are noted.")),
    (7, _("Half time: progress and complaints only. No verdict, no change.")),
)
_BEHIND: tuple[tuple[int, str | Promise], ...] = (
    (0, _("Last day: bookings of today still count.")),
    (1, _("The report is ready: scale, change or stop for each scenario.")),
    (2, _("Decide together; what is scaled becomes a journey that stays, with its control group.")),
)


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do on a day; ``number`` counts from the first day of the pilot, which is 0."""

    on: dt.date
    number: int
    text: str


def steps(definition: Definition) -> Iterator[Step]:
    """Yield what is to be done, in the order of the days."""
    last = definition.days - 1
    told = [*_BEFORE, *((last + n, text) for n, text in _BEHIND)]
    for n, text in sorted(told, key=lambda one: one[0]):
        yield Step(definition.starts_on + dt.timedelta(days=n), n, str(text))
