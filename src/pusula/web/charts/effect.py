"""Effect charts: measured differences with their intervals, on a line whose middle is no effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from django.utils.safestring import SafeString

from pusula.web.charts.axes import nice_ticks
from pusula.web.charts.figure import Figure, Table, drawn
from pusula.web.charts.svg import drawing, tag

_ROW = 54
_NAME = 22  # of a row: the name, above the lines
_TOP, _BOTTOM = 6, 26
_SIDE = 16
_POINT = 6
_TICK_EVERY = 110


@dataclass(frozen=True)
class Effect:
    """A measured difference and its interval; ``is_sure`` when the interval leaves zero out."""

    name: str
    low: float
    point: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


def effect(
    effects: Sequence[Effect],
    *,
    sentence: str,
    head: tuple[str, str, str, str],
    form: Callable[[float], str],
) -> Figure:
    """Return ``effects`` of one unit, each with name and interval.

    ``form`` shows a difference with its unit; ``head`` names the table's columns (what, lower
    end, estimate, upper end).
    """
    rows = tuple((e.name, form(e.low), form(e.point), form(e.high)) for e in effects)
    return drawn(partial(draw, effects, sentence, form), Table(head, rows))


def draw(
    effects: Sequence[Effect], sentence: str, form: Callable[[float], str], width: int
) -> SafeString:
    """Return the drawing in one width."""
    height = _TOP + _ROW * len(effects) + _BOTTOM
    values = [0.0, *(end for e in effects for end in (e.low, e.high))]
    ticks = nice_ticks(min(values), max(values), max(2, width // _TICK_EVERY))
    span = ticks[-1] - ticks[0]

    def x(value: float) -> float:
        return _SIDE + (width - 2 * _SIDE) * (value - ticks[0]) / span

    parts: list[SafeString] = []
    floor = height - _BOTTOM
    tops = [_TOP + _ROW * row for row in range(len(effects))]
    for index, tick in enumerate(ticks):
        line = "chart__zero" if tick == 0 else "chart__grid"
        anchor = {0: "start", len(ticks) - 1: "end"}.get(index, "middle")
        shift = {"start": -_SIDE, "end": _SIDE, "middle": 0}[anchor]
        parts += [
            *(tag("line", class_=line, x1=x(tick), x2=x(tick), y1=top + _NAME, y2=top + _ROW)
              for top in tops),
            tag("text", form(tick), class_="chart__tick", x=x(tick) + shift, y=floor + 17,
                text_anchor=anchor),
        ]  # fmt: skip
    parts += [_row(e, x, top, form) for e, top in zip(effects, tops, strict=True)]
    return drawing(width, height, *parts, label=sentence)


def _row(
    e: Effect, x: Callable[[float], float], top: float, form: Callable[[float], str]
) -> SafeString:
    y = top + 34
    title = f"{e.name}: {form(e.point)} ({form(e.low)} … {form(e.high)})"
    return tag(
        "g",
        tag("title", title),
        tag("text", e.name, class_="chart__value", x=0, y=top + 16),
        tag("line", class_="effect__range", x1=x(e.low), x2=x(e.high), y1=y, y2=y),
        tag("circle", class_="effect__point", cx=x(e.point), cy=y, r=_POINT),
        class_=None if e.is_sure else "effect--unsure",
    )
