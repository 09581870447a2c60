"""Column charts: amounts of periods or classes, from zero up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from django.utils.safestring import SafeString

from pusula.web import formats
from pusula.web.charts import axes
from pusula.web.charts.axes import Point
from pusula.web.charts.figure import Figure, Table, drawn
from pusula.web.charts.svg import drawing, tag

_SHARE_OF_SLOT = 0.68
_WIDEST = 44


def columns(
    points: Sequence[Point],
    *,
    sentence: str,
    head: tuple[str, str],
    form: Callable[[float], str] = formats.number,
) -> Figure:
    """Return a column for each of ``points``, none negative; ``head`` names the table's columns."""
    table = Table(head, tuple((point.name, form(point.value)) for point in points))
    return drawn(partial(draw, points, sentence, form), table, has_cursor=True)


def draw(
    points: Sequence[Point], sentence: str, form: Callable[[float], str], width: int
) -> SafeString:
    """Return the drawing of ``points`` in one width."""
    highest = max(point.value for point in points)
    plot = axes.frame(width, axes.nice_ticks(0, highest), axes.short)
    slot = (plot.right - plot.left) / len(points)
    thick = min(slot * _SHARE_OF_SLOT, _WIDEST)
    places = [(plot.left + slot * (i + 0.5), plot.y(point.value)) for i, point in enumerate(points)]
    parts = axes.grid(plot, axes.short)
    parts += axes.labels(plot, [x for x, _ in places], points)
    parts += [
        tag("rect", class_="chart__bar", x=x - thick / 2, y=y, width=thick,
            height=plot.floor - y, rx=2)
        for x, y in places
    ]  # fmt: skip
    return drawing(
        width,
        plot.height,
        *parts,
        axes.cursor(plot),
        label=sentence,
        tabindex="0",
        data_points=axes.cursor_points(places, points, form),
    )
