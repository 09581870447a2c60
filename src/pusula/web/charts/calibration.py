"""Calibration charts: what was predicted against what came, and the line where both are equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from django.utils.safestring import SafeString

from pusula.web import formats
from pusula.web.charts import axes
from pusula.web.charts.figure import Figure, Table, drawn
from pusula.web.charts.svg import drawing, path, tag

_LEAST_DOT, _MOST_DOT = 3.0, 7.0
_LEAST_WIDTH = 90  # of a tick's label
_TICKS = 4


@dataclass(frozen=True)
class Bin:
    """Customers with like predictions: the means of what was predicted and came; how many."""

    predicted: float
    observed: float
    n: int


def calibration(
    bins: Sequence[Bin],
    *,
    sentence: str,
    head: tuple[str, str, str],
    form: Callable[[float], str],
    axis: Callable[[float], str],
) -> Figure:
    """Return ``bins`` as dots, larger for more people; ``head`` names the table's columns.

    ``form`` shows a predicted or observed value, ``axis`` one of the round ticks.
    """
    rows = tuple((form(b.predicted), form(b.observed), formats.number(b.n)) for b in bins)
    return drawn(partial(draw, bins, sentence, (form, axis)), Table(head, rows))


def draw(
    bins: Sequence[Bin],
    sentence: str,
    forms: tuple[Callable[[float], str], Callable[[float], str]],
    width: int,
) -> SafeString:
    """Return the drawing in one width: both axes have the same scale."""
    form, axis = forms
    values = [value for b in bins for value in (b.predicted, b.observed)]
    ticks = axes.nice_ticks(min(0.0, *values), max(values), _TICKS)
    plot = axes.frame(width, ticks, axis)

    def x(value: float) -> float:
        return plot.left + (plot.right - plot.left) * (value - ticks[0]) / (ticks[-1] - ticks[0])

    parts = axes.grid(plot, axis)
    every = max(1, round(_LEAST_WIDTH * len(ticks) / (plot.right - plot.left)))
    for index, tick in enumerate(ticks[::every]):
        anchor = "start" if index == 0 else "end" if tick == ticks[-1] else "middle"
        parts.append(
            tag("text", axis(tick), class_="chart__tick", x=x(tick), y=plot.height - 5,
                text_anchor=anchor)
        )  # fmt: skip
    ends = [(x(tick), plot.y(tick)) for tick in (ticks[0], ticks[-1])]
    parts.append(tag("path", class_="chart__line chart__line--dashed", d=path(ends)))
    most = max(b.n for b in bins) or 1
    for b in bins:
        size = _LEAST_DOT + (_MOST_DOT - _LEAST_DOT) * (b.n / most) ** 0.5
        parts.append(
            tag("circle", tag("title", f"{form(b.predicted)} → {form(b.observed)}"),
                class_="chart__dot", cx=x(b.predicted), cy=plot.y(b.observed), r=size)
        )  # fmt: skip
    return drawing(width, plot.height, *parts, label=sentence)
