"""Flow charts over several moments: through which groups people went, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import accumulate, pairwise

from django.utils.safestring import SafeString

from pusula.web import formats
from pusula.web.charts.figure import Figure, Table, drawn
from pusula.web.charts.sankey import LEAST_STROKE, NODE, Group, ribbons
from pusula.web.charts.svg import clip, drawing, tag

_TOP = 18
_GAP = 26  # between groups: room for two lines of text, however few a group holds
_MARGINS = ((660, 140), (460, 104), (0, 84))  # room for names at both sides, from this width on
_NAMED_FROM = 460  # narrower, the columns between have no names of their own

Ways = Mapping[tuple[str, ...], int]


def stages(
    groups: Sequence[Group],
    ways: Ways,
    *,
    sentence: str,
    moments: Sequence[str],
    head: tuple[str, ...],
) -> Figure:
    """Return the chart of ``ways``: the keys of the groups gone through, and how many went so.

    ``moments`` name the columns; ``head`` names the table's: one for each moment, then the count.
    At least one count is positive.
    """
    names = {group.key: group.name for group in groups}
    rows = tuple(
        (*(names[key] for key in way), formats.number(n))
        for way, n in sorted(ways.items(), key=lambda item: (-item[1], item[0]))
    )
    return drawn(partial(draw, groups, ways, sentence, moments), Table(head, rows))


def draw(
    groups: Sequence[Group], ways: Ways, sentence: str, moments: Sequence[str], width: int
) -> SafeString:
    """Return the drawing in one width."""
    height = max(300, len(groups) * 66) + _TOP
    margin = next(room for least, room in _MARGINS if width >= least)
    scale = (height - _TOP - _GAP * len(groups)) / sum(ways.values())
    step = (width - 2 * margin - NODE) / (len(moments) - 1)
    columns = [
        _Column(groups, ways, place, margin + place * step, scale) for place in range(len(moments))
    ]
    parts = [
        part for left, right in pairwise(columns) for part in _ribbons(groups, ways, left, right)
    ]
    last = len(columns) - 1
    for place, column in enumerate(columns):
        parts += column.nodes()
        if place == 0:
            parts += column.words(moments[place], "end", -10, margin - 12)
        elif place == last or width >= _NAMED_FROM:
            room = margin - 12 if place == last else step / 2
            parts += column.words(moments[place], "start", NODE + 8, room)
    return drawing(width, height, *parts, label=sentence)


class _Column:
    """The groups of one moment, stacked: where each begins and how thick it is."""

    def __init__(
        self, groups: Sequence[Group], ways: Ways, place: int, x: float, scale: float
    ) -> None:
        self.groups, self.place, self.x, self.scale = groups, place, x, scale
        self.sizes = [sum(n for way, n in ways.items() if way[place] == g.key) for g in groups]
        thick = [size * scale + _GAP for size in self.sizes]
        tops = accumulate(thick[:-1], initial=_TOP + _GAP / 2)
        self.tops = dict(zip((group.key for group in groups), tops, strict=True))

    def nodes(self) -> list[SafeString]:
        """Return a block for each group that has anybody."""
        return [
            tag("rect", class_=f"node node--{group.tone}", x=self.x, y=self.tops[group.key],
                width=NODE, height=max(size * self.scale, LEAST_STROKE),
                rx=min(3, size * self.scale / 2))
            for group, size in zip(self.groups, self.sizes, strict=True)
            if size
        ]  # fmt: skip

    def words(self, title: str, anchor: str, away: float, room: float) -> list[SafeString]:
        """Return the moment above the column, and name and size beside each block."""
        x = self.x + away
        parts = [tag("text", title, class_="chart__tick", x=x, y=11, text_anchor=anchor)]
        for group, size in zip(self.groups, self.sizes, strict=True):
            if not size:
                continue
            middle = self.tops[group.key] + size * self.scale / 2
            name = clip(group.name, room)
            parts += [
                tag("text", name, class_="chart__label", x=x, y=middle - 1, text_anchor=anchor),
                tag("text", formats.number(size), class_="chart__value", x=x, y=middle + 13,
                    text_anchor=anchor),
            ]  # fmt: skip
        return parts


def _ribbons(
    groups: Sequence[Group], ways: Ways, left: _Column, right: _Column
) -> list[SafeString]:
    """Return a ribbon for each flow between two columns, in the order of the groups."""
    flows: dict[tuple[str, str], int] = {}
    for way, n in ways.items():
        pair = (way[left.place], way[right.place])
        flows[pair] = flows.get(pair, 0) + n
    return ribbons(groups, flows, left, right)
