"""Band charts: an estimate inside its interval, and a curve over the area below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from django.utils.safestring import SafeString

from pusula.web.charts import axes
from pusula.web.charts.axes import Point
from pusula.web.charts.figure import Figure, Table, drawn
from pusula.web.charts.svg import drawing, path, tag

_TICKS = 4
_DOT = 3.5


@dataclass(frozen=True)
class Banded:
    """A look: its labels on the axis and in the table, the interval and the estimate in it."""

    label: str
    name: str
    low: float
    value: float
    high: float


def band(
    looks: Sequence[Banded],
    *,
    sentence: str,
    head: tuple[str, str, str, str],
    form: Callable[[float], str],
) -> Figure:
    """Return at least two ``looks`` around a zero line; ``head`` names the table's columns."""
    rows = tuple((one.name, form(one.low), form(one.value), form(one.high)) for one in looks)
    return drawn(partial(draw, looks, sentence, form), Table(head, rows), has_cursor=True)


def curve(
    points: Sequence[Point],
    *,
    sentence: str,
    head: tuple[str, str],
    form: Callable[[float], str],
) -> Figure:
    """Return at least two ``points`` of a share, 0 to 1, over the area below them."""
    looks = [Banded(point.label, point.name, 0.0, point.value, point.value) for point in points]
    rows = tuple((point.name, form(point.value)) for point in points)
    return drawn(partial(draw, looks, sentence, form), Table(head, rows), has_cursor=True)


def draw(
    looks: Sequence[Banded], sentence: str, form: Callable[[float], str], width: int
) -> SafeString:
    """Return the drawing in one width."""
    values = [0.0, *(end for one in looks for end in (one.low, one.high))]
    plot = axes.frame(width, axes.nice_ticks(min(values), max(values), _TICKS), form)
    step = (plot.right - plot.left) / (len(looks) - 1)
    xs = [plot.left + step * i for i in range(len(looks))]
    places = [(x, plot.y(one.value)) for x, one in zip(xs, looks, strict=True)]
    above = [(x, plot.y(one.high)) for x, one in zip(xs, looks, strict=True)]
    below = [(x, plot.y(one.low)) for x, one in zip(xs, looks, strict=True)]
    points = [Point(one.label, one.name, one.value) for one in looks]
    zero = plot.y(0.0)
    last_x, last_y = places[-1]
    return drawing(
        width,
        plot.height,
        *axes.grid(plot, form),
        *axes.labels(plot, xs, points),
        tag("path", class_="chart__band", d=path([*above, *reversed(below)]) + "Z"),
        tag("line", class_="chart__zero", x1=plot.left, x2=plot.right, y1=zero, y2=zero),
        tag("path", class_="chart__line", d=path(places)),
        tag("circle", class_="chart__dot", cx=last_x, cy=last_y, r=_DOT),
        axes.cursor(plot),
        label=sentence,
        tabindex="0",
        data_points=axes.cursor_points(places, points, form),
    )
