"""Flow charts: how many moved from each group to each other between two moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Protocol

from django.utils.safestring import SafeString

from pusula.web import formats
from pusula.web.charts.figure import Figure, Table, drawn
from pusula.web.charts.svg import clip, coordinate, drawing, tag

_TOP = 12
NODE = 12
_GAP = 28  # between groups: room for two lines of text, however few a group holds
_MARGINS = ((660, 140), (460, 112), (0, 92))  # room for names, from this width on
LEAST_STROKE = 0.8

Flows = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Group:
    """A group that stands on both sides of the chart."""

    key: str
    name: str
    tone: str


def sankey(
    groups: Sequence[Group],
    flows: Flows,
    *,
    sentence: str,
    sides: tuple[str, str],
    head: tuple[str, str, str],
) -> Figure:
    """Return the flows {(from key, to key): count}; ``sides`` names the two moments.

    ``head`` names the table's columns (from, to, count). At least one count is positive.
    """
    names = {group.key: group.name for group in groups}
    rows = tuple(
        (names[source], names[target], formats.number(n))
        for (source, target), n in sorted(flows.items(), key=lambda flow: -flow[1])
    )
    return drawn(partial(draw, groups, flows, sentence, sides), Table(head, rows))


def draw(
    groups: Sequence[Group],
    flows: Flows,
    sentence: str,
    sides: tuple[str, str],
    width: int,
) -> SafeString:
    """Return the drawing in one width."""
    height = max(300, len(groups) * 72) + _TOP
    margin = next(room for least, room in _MARGINS if width >= least)
    scale = (height - _TOP - _GAP * len(groups)) / sum(flows.values())
    left = _Side(groups, flows, 0, scale, margin)
    right = _Side(groups, flows, 1, scale, width - margin - NODE)
    parts = ribbons(groups, flows, left, right)
    parts += left.nodes(sides[0], "end", left.x - 10, margin - 12)
    parts += right.nodes(sides[1], "start", right.x + NODE + 10, margin - 12)
    return drawing(width, height, *parts, label=sentence)


class Stack(Protocol):
    """The groups of one moment, stacked at ``x``; ``scale`` pixels are one person."""

    tops: dict[str, float]
    x: float
    scale: float


class _Side:
    """The groups of one side, stacked: where each begins and how thick it is."""

    def __init__(
        self, groups: Sequence[Group], flows: Flows, side: int, scale: float, x: float
    ) -> None:
        self.groups = groups
        self.scale = scale
        self.x = x
        self.sizes = [
            sum(n for ends, n in flows.items() if ends[side] == group.key) for group in groups
        ]
        thick = [size * scale + _GAP for size in self.sizes]
        tops = accumulate(thick[:-1], initial=_TOP + _GAP / 2)
        self.tops = dict(zip((group.key for group in groups), tops, strict=True))

    def nodes(self, title: str, anchor: str, text_x: float, room: float) -> list[SafeString]:
        """Return the side's title, and a block with name and size for each group."""
        parts = [tag("text", title, class_="chart__tick", x=text_x, y=11, text_anchor=anchor)]
        for group, size in zip(self.groups, self.sizes, strict=True):
            top, thick = self.tops[group.key], size * self.scale
            middle = top + thick / 2
            parts += [
                tag("rect", class_=f"node node--{group.tone}", x=self.x, y=top, width=NODE,
                    height=max(thick, LEAST_STROKE), rx=min(3, thick / 2)),
                tag("text", clip(group.name, room), class_="chart__label", x=text_x,
                    y=middle - 1, text_anchor=anchor),
                tag("text", formats.number(size), class_="chart__value", x=text_x,
                    y=middle + 13, text_anchor=anchor),
            ]  # fmt: skip
        return parts


def ribbons(groups: Sequence[Group], flows: Flows, left: Stack, right: Stack) -> list[SafeString]:
    """Return a ribbon for each flow, stacked on both sides in the order of the groups."""
    leaving, arriving = dict(left.tops), dict(right.tops)
    x1, x2 = left.x + NODE, right.x
    middle = coordinate((x1 + x2) / 2)
    parts = []
    for source in groups:
        for target in groups:
            n = flows.get((source.key, target.key), 0)
            if not n:
                continue
            thick = n * left.scale
            y1, y2 = leaving[source.key] + thick / 2, arriving[target.key] + thick / 2
            leaving[source.key] += thick
            arriving[target.key] += thick
            a, b = coordinate(y1), coordinate(y2)
            same = " flow--same" if source is target else ""
            parts.append(
                tag(
                    "path",
                    tag("title", f"{source.name} → {target.name}: {formats.number(n)}"),
                    class_=f"flow flow--{target.tone}{same}",
                    d=f"M{coordinate(x1)} {a}C{middle} {a} {middle} {b} {coordinate(x2)} {b}",
                    stroke_width=max(thick, LEAST_STROKE),
                )
            )
    return parts
