"""Writes to the hotels of the company."""

from __future__ import annotations

from zoneinfo import available_timezones

from django.utils.translation import gettext as _

from pusula.lib.errors import PusulaError
from pusula.orders.models import Property


class PropertyError(PusulaError):
    """A hotel cannot be as told."""

    code = "property"


def keep(code: str, *, title: str, region: str, time_zone: str, rollover_minutes: int) -> Property:
    """Add the hotel ``code``, or change what is known of it; raises ``PropertyError``."""
    if not 0 < len(code) <= 120 or not code.isprintable():  # noqa: PLR2004 - the column
        raise PropertyError(_("the code of a hotel has 1 to 120 visible characters"))
    if time_zone not in available_timezones():
        raise PropertyError(_("%(zone)s: there is no such time zone") % {"zone": time_zone})
    row, _is_new = Property.objects.update_or_create(
        code=code,
        defaults={
            "title": title[:120],
            "region": region[:120],
            "time_zone": time_zone,
            "rollover_minutes": rollover_minutes,
        },
    )
    return row
