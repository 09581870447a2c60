"""The named periods that come with the program: moving holidays and school breaks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from itertools import pairwise
from types import MappingProxyType

from pusula.segments.language import literals
from pusula.segments.language.documents import read_yaml
from pusula.segments.language.place import Place
from pusula.segments.language.schema import Period

_MOST = 200  # spans of one period


@cache
def shipped_periods() -> Mapping[str, Period]:
    """Return the periods that come with the program, by name."""
    file = resources.files("pusula.segments.language") / "periods.yaml"
    return MappingProxyType(read_periods(read_yaml(file.read_text(encoding="utf-8"))))


def read_periods(document: object) -> dict[str, Period]:
    """Return the periods that ``document`` lists, by name: their words and their spans of days.

    Raises ``DefinitionError`` where a span ends before it begins, or before the next one does.
    """
    fields = Place(document, "").fields("names of periods")
    return {name: _period(place) for name, place in fields.items()}


def _period(place: Place) -> Period:
    fields = place.record(("tr", "en", "days"), ())
    spans = [_span(entry) for entry in fields["days"].items("spans of days", _MOST)]
    for before, after in pairwise(spans):
        if before[1] >= after[0]:
            raise fields["days"].error(
                "%(first)s comes after %(last)s; put them in order", first=after[0], last=before[1]
            )
    return Period(fields["tr"].text("a text"), fields["en"].text("a text"), tuple(spans))


def _span(place: Place) -> tuple[date, date]:
    ends = place.items("days", 2)
    if len(ends) != 2:  # noqa: PLR2004 - a pair
        raise place.error("expected the first and the last day")
    first, last = literals.day(ends[0]), literals.day(ends[1])
    if first > last:
        raise place.error("the first day comes before the last")
    return first, last
