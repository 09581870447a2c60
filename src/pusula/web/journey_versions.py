"""The versions of a journey: who waits on each, and what it changed, in sentences."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from django.utils.translation import gettext

from pusula.journeys import figures
from pusula.journeys.language import DefinitionError, Names, parse
from pusula.journeys.models import Journey, JourneyVersion
from pusula.segments import catalog, spoken
from pusula.web import journey_words
from pusula.web.builder.differences import Differences

MOST = 10


@dataclass(frozen=True)
class Version:
    """A version as its journey's page lists it; ``n_waiting`` people are on it."""

    version: JourneyVersion
    is_current: bool
    n_waiting: int
    differences: Differences


def versions(journey: Journey) -> list[Version]:
    """Return the newest versions, each with what it changed of the one before."""
    found = list(journey.versions.order_by("-number")[: MOST + 1])
    waiting = figures.waiting_by_version(journey)
    pairs = zip(found[:MOST], [*found[1:], None], strict=False)
    return [
        Version(
            version=one,
            is_current=one.pk == journey.version_id,
            n_waiting=waiting.get(one.pk, 0),
            differences=between(before, one),
        )
        for one, before in pairs
    ]


def between(before: JourneyVersion | None, after: JourneyVersion) -> Differences:
    """Return what ``after`` changes; everything is new where there was nothing."""
    first = _lines(before) if before else []
    changed = list(difflib.ndiff(first, _lines(after)))
    return Differences(
        added=[line[2:] for line in changed if line.startswith("+ ")],
        removed=[line[2:] for line in changed if line.startswith("- ")],
        renamed=_title(after) if before and _title(before) != _title(after) else "",
    )


def _title(version: JourneyVersion) -> str:
    return str(version.definition["title"].get(spoken.language(), ""))


def _lines(version: JourneyVersion) -> list[str]:
    try:
        definition = parse(version.definition, Names(schema=catalog.schema()))
    except DefinitionError:
        return [gettext("Something this installation no longer knows")]
    return [line.text for line in journey_words.lines(definition)]
