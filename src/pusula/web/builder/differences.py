"""What changed between two versions of a segment, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import get_language, gettext

from pusula.segments import counting, queries
from pusula.segments.language import DefinitionError, parse_condition
from pusula.segments.models import SegmentVersion
from pusula.web import titles
from pusula.web.builder.outline import Point, outline


@dataclass(frozen=True)
class Differences:
    """What a version asks for that the one before did not, and what it asks for no more."""

    added: list[str]
    removed: list[str]
    renamed: str = ""


def between(before: SegmentVersion | None, after: SegmentVersion) -> Differences:
    """Return what ``after`` changes; everything is new where there was nothing."""
    first = list(_sentences(before)) if before else []
    second = list(_sentences(after))
    return Differences(
        added=[s for s in second if s not in first],
        removed=[s for s in first if s not in second],
        renamed=_title(after) if before and _title(before) != _title(after) else "",
    )


def _title(version: SegmentVersion) -> str:
    words = version.definition.get("title", {})
    title: str = words.get(get_language()) or words.get("en", "")
    return title


def _sentences(version: SegmentVersion) -> Iterator[str]:
    """Yield what a version asks for, each sentence behind the heading it stands under."""
    named = {segment.key: titles.segment_title(segment) for segment in queries.active()}
    try:
        condition = parse_condition(version.definition.get("where"), counting.STORE.schema())
    except DefinitionError:
        yield gettext("Something this installation no longer knows")
        return
    for point in outline(condition, named):
        yield from _flat(point, "")


def _flat(point: Point, heading: str) -> Iterator[str]:
    if not point.points:
        yield f"{heading}{point.words}"
    for below in point.points:
        yield from _flat(below, f"{heading}{point.words} ")
