"""Figures that are counted beside: of when they are, and how a page asks for newer ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.measurement.reports import answers
from pusula.measurement.reports.answers import Given
from pusula.measurement.reports.measured import Measure, Question

T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """Since when figures are as they are, and whether newer ones are on their way."""

    given: Given
    here: str  # the address of the page as it is
    again: str  # the same, asking for newer figures

    @property
    def seconds(self) -> int | None:
        """How long the last counting took, at least one second."""
        took = self.given.took_ms
        return None if took is None else max(1, round(took / 1_000))


def figures(
    request: HttpRequest, measure: Measure[T], question: Question
) -> tuple[T | None, State]:
    """Return the figures of a page, ``None`` if they are not there yet, and what to say of them."""
    try:
        found, given = answers.figures(
            measure, question, at=clock.now(), is_fresh="again" in request.GET
        )
    except PusulaError as error:
        return None, state(request, Given(None, None, is_waiting=False, error=error.said(gettext)))
    return found, state(request, given)


def state(request: HttpRequest, given: Given) -> State:
    """Return what a page of this address says of figures."""
    asked = request.GET.copy()
    asked.pop("again", None)
    here = f"{request.path}?{asked.urlencode()}"
    asked["again"] = "1"
    return State(given, here, f"{request.path}?{asked.urlencode()}")


def waiting(request: HttpRequest, kept: State, title: str) -> HttpResponse:
    """Return the page of figures that are not there yet; it becomes theirs by itself."""
    return render(request, "web/counting.html", {"kept": kept, "title": title})
