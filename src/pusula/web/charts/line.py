"""Line charts: a value over time, large with a cursor or small beside a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from django.utils.safestring import SafeString

from pusula.web import formats
from pusula.web.charts import axes
from pusula.web.charts.axes import Point
from pusula.web.charts.figure import Figure, Table, drawn
from pusula.web.charts.svg import drawing, path, tag

_ROOM_AROUND = 0.15  # of the values' range, above and below a line that does not start at zero
_DOT = 3.5
_SPARK_SIZE = (96, 24)


def line(
    points: Sequence[Point],
    *,
    sentence: str,
    head: tuple[str, str],
    form: Callable[[float], str] = formats.number,
    n_dashed: int = 0,
) -> Figure:
    """Return the line through at least two ``points``; ``head`` names the table's columns.

    The first ``n_dashed`` points were worked out later: the line is dashed up to them.

    Only a line whose axis starts at zero has its area filled: a filled area promises a zero base.
    """
    table = Table(head, tuple((point.name, form(point.value)) for point in points))
    return drawn(partial(draw, points, sentence, form, n_dashed), table, has_cursor=True)


def draw(
    points: Sequence[Point],
    sentence: str,
    form: Callable[[float], str],
    n_dashed: int,
    width: int,
) -> SafeString:
    """Return the drawing of ``points`` in one width."""
    values = [point.value for point in points]
    room = (max(values) - min(values)) * _ROOM_AROUND or abs(max(values)) * 0.1 or 1
    low = min(values) - room if min(values) < 0 else max(0.0, min(values) - room)
    plot = axes.frame(width, axes.nice_ticks(low, max(values) + room), axes.short)
    step = (plot.right - plot.left) / (len(points) - 1)
    places = [(plot.left + step * i, plot.y(value)) for i, value in enumerate(values)]
    parts = axes.grid(plot, axes.short)
    parts += axes.labels(plot, [x for x, _ in places], points)
    if plot.ticks[0] == 0:
        (first_x, _), (last_x, last_y) = places[0], places[-1]
        floor = [(last_x, plot.floor), (first_x, plot.floor)]
        parts.append(tag("path", class_="chart__area", d=path([*places, *floor]) + "Z"))
    last_x, last_y = places[-1]
    if n_dashed:
        dashed = places[: n_dashed + 1]
        parts.append(tag("path", class_="chart__line chart__line--dashed", d=path(dashed)))
    if len(places) - n_dashed > 1:
        parts.append(tag("path", class_="chart__line", d=path(places[n_dashed:])))
    parts += [
        tag("circle", class_="chart__dot", cx=last_x, cy=last_y, r=_DOT),
        axes.cursor(plot),
    ]
    return drawing(
        width,
        plot.height,
        *parts,
        label=sentence,
        tabindex="0",
        data_points=axes.cursor_points(places, points, form),
    )


def spark(values: Sequence[float]) -> SafeString:
    """Return a small line without axes, for a table row; nothing below two values.

    It is decoration beside figures: the row says in words what matters.
    """
    if len(values) < 2:  # noqa: PLR2004 - a line needs two ends
        return SafeString()
    width, height = _SPARK_SIZE
    low, span = min(values), (max(values) - min(values)) or 1
    step = (width - 6) / (len(values) - 1)
    places = [
        (3 + step * i, 3 + (height - 6) * (1 - (value - low) / span))
        for i, value in enumerate(values)
    ]
    last_x, last_y = places[-1]
    return tag(
        "svg",
        tag("path", class_="chart__line", d=path(places)),
        tag("circle", class_="chart__dot", cx=last_x, cy=last_y, r=2.5),
        class_="spark",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        aria_hidden="true",
    )
