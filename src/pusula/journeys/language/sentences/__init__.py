"""Journeys said in plain Turkish and English, a line for each step.

As with conditions the words depend on the language by code and not by catalogue. Data values are
quoted or stand behind a colon, and never take a suffix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pusula.journeys.language.nodes import Journey, Split, Step, Steps, branches
from pusula.journeys.language.sentences.english import English
from pusula.journeys.language.sentences.printer import Printer
from pusula.journeys.language.sentences.turkish import Turkish

PRINTERS: dict[str, type[Printer]] = {"tr": Turkish, "en": English}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: of the step ``step`` (empty: of the journey), indented ``depth`` times."""

    text: str
    step: str = ""
    depth: int = 0


def sentences(
    journey: Journey, language: str, titles: Mapping[str, str] | None = None
) -> list[Line]:
    """Return the whole of ``journey`` in ``language`` ("tr" or "en"), line by line.

    ``titles`` are the names of segments by key; one that is not there is called by its key.
    """
    return said(journey, PRINTERS[language](titles or {}))


def said(journey: Journey, printer: Printer) -> list[Line]:
    """Return the whole of ``journey`` line by line, as ``printer`` calls what it speaks of."""
    steps = _all(journey.steps)
    printer.steps = {step.id: printer.step(step.kind).removesuffix(".") for step in steps}
    return [
        *(Line(text) for text in printer.frame(journey)),
        *_steps(printer, journey.steps, 0),
    ]


def _all(steps: Steps) -> Iterator[Step]:
    for step in steps:
        yield step
        for _result, part in branches(step.kind):
            yield from _all(part)


def _steps(printer: Printer, steps: Steps, depth: int) -> Iterator[Line]:
    for step in steps:
        yield Line(printer.step(step.kind), step.id, depth)
        for result, part in branches(step.kind):
            if part or isinstance(step.kind, Split):
                yield Line(printer.way(step.kind, result), step.id, depth + 1)
                yield from _steps(printer, part, depth + 2)
