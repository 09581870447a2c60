"""Which journeys are under way with what is defined elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from django.db.models import Exists, F, OuterRef, Q

from pusula.journeys import machine
from pusula.journeys.models import Enrollment, Journey, JourneyVersion

_NAMING = ("segment", "enters", "leaves")


def of_segments() -> dict[str, list[Journey]]:
    """Return the journeys under way that name a segment, by its key.

    What counts is the version in force, and older ones that somebody is still on.
    """
    waiting = Enrollment.objects.filter(version=OuterRef("pk"), state=machine.WAITING)
    versions = JourneyVersion.objects.filter(
        Q(pk=F("journey__version")) | Exists(waiting), journey__state__in=machine.RUNNING
    )
    found: dict[str, dict[int, Journey]] = defaultdict(dict)
    for version in versions.select_related("journey__version").order_by("journey__key"):
        for key in set(_named(version.definition)):
            found[key][version.journey_id] = version.journey
    return {key: list(journeys.values()) for key, journeys in found.items()}


def _named(told: object) -> Iterator[str]:
    """Yield the keys of segments anywhere in the definition of a journey."""
    if isinstance(told, Mapping):
        for name, value in told.items():
            if name in _NAMING and isinstance(value, str):
                yield value
            else:
                yield from _named(value)
    elif isinstance(told, list):
        for value in told:
            yield from _named(value)
