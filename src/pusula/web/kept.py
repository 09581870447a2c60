"""Figures that are counted beside: of when they are, and how a page asks for newer ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pusula.lib import clock
from pusula.measurement.reports import answers
from pusula.measurement.reports.answers import Given
from pusula.measurement.reports.measured import Measure, Question

T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """Since when figures are as they are, and whether newer ones are on their way."""

    given: Given
    here: str  # the address of the page as it is
    asked: tuple[str, ...]  # the digests of all its figures

    @property
    def seconds(self) -> int | None:
        """How long the last counting took, at least one second."""
        took = self.given.took_ms
        return None if took is None else max(1, round(took / 1_000))


def figures(
    request: HttpRequest, measure: Measure[T], question: Question
) -> tuple[T | None, State]:
    """Return the figures of a page, ``None`` if they are not there yet, and what to say of them."""
    (found,) = all_figures(request, measure, [question])
    return found


def all_figures(
    request: HttpRequest, measure: Measure[T], questions: Sequence[Question]
) -> list[tuple[T | None, State]]:
    """Return what ``figures`` does of each question."""
    found = answers.all_figures(measure, questions, at=clock.now())
    return [(one, state(request, given)) for one, given in found]


def state(request: HttpRequest, given: Given) -> State:
    """Return what a page of this address says of figures."""
    return State(given, request.get_full_path(), (given.digest,) if given.digest else ())


def waiting(request: HttpRequest, kept: State, title: str) -> HttpResponse:
    """Return the page of figures that are not there yet; it becomes theirs by itself."""
    return render(request, "web/counting.html", {"kept": kept, "title": title})
