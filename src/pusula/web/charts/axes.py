"""What line and column charts share: round ticks, the frame they stand in, and the cursor."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from pusula.web import formats
from pusula.web.charts.svg import coordinate, tag

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICK_LETTER = 6.4
_PIXELS_PER_LABEL = 76
_LABEL_HALF = 22
_TOP, _BOTTOM, _RIGHT = 10, 22, 10


@dataclass(frozen=True)
class Point:
    """A value of a series: ``label`` stands on the axis, ``name`` in the cursor and the table."""

    label: str
    name: str
    value: float


@dataclass(frozen=True)
class Frame:
    """The plot's place in a drawing ``width`` wide, and the range of its values."""

    width: int
    height: float
    left: float
    ticks: tuple[float, ...]

    @property
    def right(self) -> float:
        """Where the plot ends."""
        return self.width - _RIGHT

    @property
    def floor(self) -> float:
        """The height of the lowest tick."""
        return self.height - _BOTTOM

    def y(self, value: float) -> float:
        """Return the height at which ``value`` stands."""
        low, high = self.ticks[0], self.ticks[-1]
        return _TOP + (self.floor - _TOP) * (1 - (value - low) / (high - low))


def nice_ticks(low: float, high: float, n: int = 3) -> tuple[float, ...]:
    """Return about ``n`` + 1 round numbers that enclose ``low`` and ``high``."""
    if high <= low:
        high = low + 1
    raw = (high - low) / n
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(s * magnitude for s in _STEPS if s * magnitude >= raw)
    first = math.floor(low / step)
    count = math.ceil(high / step - 1e-9) - first
    return tuple((first + i) * step for i in range(count + 1))


def frame(width: int, ticks: Sequence[float], form: Callable[[float], str]) -> Frame:
    """Return the frame for ``ticks``, leaving the room their longest label needs."""
    longest = max(len(form(tick)) for tick in ticks)
    return Frame(width, 120 + round(width * 0.11), 12 + longest * _TICK_LETTER, tuple(ticks))


def grid(plot: Frame, form: Callable[[float], str]) -> list[SafeString]:
    """Return a line and a label for each tick."""
    parts = []
    for tick in plot.ticks:
        y = plot.y(tick)
        parts += [
            tag("line", class_="chart__grid", x1=plot.left, x2=plot.right, y1=y, y2=y),
            tag("text", form(tick), class_="chart__tick", x=plot.left - 8, y=y + 3.5,
                text_anchor="end"),
        ]  # fmt: skip
    return parts


def labels(plot: Frame, xs: Sequence[float], points: Sequence[Point]) -> list[SafeString]:
    """Return as many labels under the plot as fit, at even distances, the first among them."""
    last = len(points) - 1
    fit = max(1, int((plot.right - plot.left) / _PIXELS_PER_LABEL))
    parts = []
    for index in range(0, last + 1, max(1, math.ceil(last / fit))):
        anchor = "middle"
        if xs[index] - plot.left < _LABEL_HALF:
            anchor = "start"
        elif plot.width - xs[index] < _LABEL_HALF:
            anchor = "end"
        parts.append(
            tag("text", points[index].label, class_="chart__tick", x=xs[index],
                y=plot.height - 5, text_anchor=anchor)
        )  # fmt: skip
    return parts


def cursor(plot: Frame) -> SafeString:
    """Return the hidden cursor that chart.js moves."""
    return tag(
        "g",
        tag("line", y1=_TOP, y2=plot.floor),
        tag("circle", r=4),
        class_="chart__cursor",
        visibility="hidden",
    )


def cursor_points(
    places: Sequence[tuple[float, float]], points: Sequence[Point], form: Callable[[float], str]
) -> str:
    """Return what chart.js reads: ``[[x, y, name, value], …]`` in the drawing's units."""
    rows = [
        [float(coordinate(x)), float(coordinate(y)), point.name, form(point.value)]
        for (x, y), point in zip(places, points, strict=True)
    ]
    return json.dumps(rows, ensure_ascii=False)


def short(value: float) -> str:
    """Return the usual form of a tick: short, with a decimal only where ticks are that close."""
    return formats.short(value) if value == int(value) else formats.number(value, 1)
