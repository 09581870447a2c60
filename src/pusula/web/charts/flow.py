"""Where the boxes of a flow chart stand: boxes below one another, ways that part and meet again.

A flow is a column of boxes. A box may part into lanes, each a column of its own; what follows the
box stands below where its lanes meet. Lanes move together as far as nothing touches, so no line
crosses another or a box, whatever the flow. Pure geometry in pixels: the page draws lines as SVG
and boxes as HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

WIDTH, HEIGHT = 212, 120  # of a box
LABEL_HEIGHT = 24
_LABEL_ALONE = 148  # the width of a label with no box below
_BETWEEN = 28  # boxes of a column
_ASIDE = 20  # lanes
_FAN = 60  # from a box to its lanes; the label stands between
_LABEL_AT = 24  # below a box: the top of the labels of its lanes
_JOIN = 26  # from the longest lane to where they have met
_ROUND = 10
_MARGIN = 2  # so that no border is cut off


@dataclass(frozen=True)
class Lane:
    """One way on from a box: the key of its label, and what stands in it."""

    key: str
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Box:
    """A box by its key.

    ``is_end``: nothing follows it. ``is_straight``: its first lane goes straight on, others aside.
    """

    key: str
    lanes: tuple[Lane, ...] = ()
    is_end: bool = False
    is_straight: bool = False


@dataclass(frozen=True)
class Place:
    """A box or the label of a lane: its upper left corner and its width."""

    key: str
    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Line:
    """A line down from one point to another, that crosses over at the height ``turn``."""

    x1: float
    y1: float
    x2: float
    y2: float
    turn: float

    @property
    def path(self) -> str:
        """Return the path data, with round corners."""
        x1, y1, x2, y2, turn = self.x1, self.y1, self.x2, self.y2, self.turn
        if x1 == x2:
            return f"M{_n(x1)} {_n(y1)}V{_n(y2)}"
        r = min(_ROUND, abs(x2 - x1) / 2, turn - y1, y2 - turn)
        side = r if x2 > x1 else -r
        return (
            f"M{_n(x1)} {_n(y1)}V{_n(turn - r)}Q{_n(x1)} {_n(turn)} {_n(x1 + side)} {_n(turn)}"
            f"H{_n(x2 - side)}Q{_n(x2)} {_n(turn)} {_n(x2)} {_n(turn + r)}V{_n(y2)}"
        )


@dataclass
class Flow:
    """A flow laid out: its size, where boxes and labels stand, the lines between."""

    width: float = 0.0
    height: float = 0.0
    boxes: list[Place] = field(default_factory=list)
    labels: list[Place] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def add(self, other: Flow, right: float) -> None:
        """Take over what stands in ``other``, so much further to the right."""
        self.boxes += [replace(one, x=one.x + right) for one in other.boxes]
        self.labels += [replace(one, x=one.x + right) for one in other.labels]
        self.lines += [replace(one, x1=one.x1 + right, x2=one.x2 + right) for one in other.lines]


# Left, top, right and bottom of what nothing else may touch.
_Area = tuple[float, float, float, float]


def lay_out(boxes: Sequence[Box]) -> Flow:
    """Return where everything of a flow stands; a flow has at least one box."""
    drawn = Flow()
    bottom, _goes_on = _column(drawn, boxes, 0.0)
    areas = list(_areas(drawn))
    left = min(area[0] for area in areas)
    right = max(area[2] for area in areas)
    flow = Flow(width=right - left + 2 * _MARGIN, height=bottom + 2 * _MARGIN)
    flow.add(drawn, _MARGIN - left)
    return flow


def _column(flow: Flow, boxes: Sequence[Box], top: float) -> tuple[float, bool]:
    """Put a column below ``top``, its axis at 0; return where it ends, and whether it goes on."""
    y, goes_on = top, True
    for position, box in enumerate(boxes):
        if position:
            flow.lines.append(Line(0, y, 0, y + _BETWEEN, y))
            y += _BETWEEN
        flow.boxes.append(Place(box.key, -WIDTH / 2, y, WIDTH))
        y += HEIGHT
        goes_on = not box.is_end
        if box.lanes:
            y, goes_on = _lanes(flow, box, y)
        if not goes_on:
            break
    return y, goes_on


def _lanes(flow: Flow, box: Box, top: float) -> tuple[float, bool]:
    """Put the lanes of a box side by side; return where they have met, and whether any goes on."""
    drawn = [_lane(lane, top) for lane in box.lanes]
    bottom = max(end for _, end, _ in drawn)
    for lane, end, goes_on in drawn:
        if goes_on:  # down to where the lanes meet
            lane.lines.append(Line(0, end, 0, bottom, end))
    axes = _apart([lane for lane, _, _ in drawn])
    middle = axes[0] if box.is_straight else (axes[0] + axes[-1]) / 2
    is_open = any(goes_on for _, _, goes_on in drawn)
    for (lane, _end, goes_on), axis in zip(drawn, axes, strict=True):
        x = axis - middle
        flow.add(lane, x)
        flow.lines.append(Line(0, top, x, top + _LABEL_AT, top + _LABEL_AT / 2))
        if goes_on:
            flow.lines.append(Line(x, bottom, 0, bottom + _JOIN, bottom + _JOIN / 2))
    return (bottom + _JOIN, True) if is_open else (bottom, False)


def _lane(lane: Lane, top: float) -> tuple[Flow, float, bool]:
    """Return a lane on an axis of its own, where it ends, and whether it goes on."""
    flow = Flow()
    width = WIDTH if lane.boxes else _LABEL_ALONE
    flow.labels.append(Place(lane.key, -width / 2, top + _LABEL_AT, width))
    flow.lines.append(Line(0, top + _LABEL_AT, 0, top + _FAN, top + _LABEL_AT))
    return flow, *_column(flow, lane.boxes, top + _FAN)


def _apart(lanes: Sequence[Flow]) -> list[float]:
    """Return the axes of lanes that stand as close as nothing touches."""
    axes: list[float] = []
    placed: list[_Area] = []
    for lane in lanes:
        areas = list(_areas(lane))
        near = [
            one[2] + _ASIDE - other[0]
            for one, other in product(placed, areas)
            if one[1] < other[3] + _BETWEEN and other[1] < one[3] + _BETWEEN
        ]
        axis = max(near, default=0.0)
        axes.append(axis)
        placed += [(left + axis, up, right + axis, down) for left, up, right, down in areas]
    return axes


def _areas(flow: Flow) -> Iterable[_Area]:
    for one in flow.boxes:
        yield one.x, one.y, one.x + one.width, one.y + HEIGHT
    for one in flow.labels:
        yield one.x, one.y, one.x + one.width, one.y + LABEL_HEIGHT
    for line in flow.lines:
        yield min(line.x1, line.x2), line.y1, max(line.x1, line.x2), line.y2


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
