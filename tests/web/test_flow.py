"""Flow charts: nothing touches, everything is joined, whatever the flow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations, count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusula.web.charts.flow import HEIGHT, LABEL_HEIGHT, Box, Flow, Lane, lay_out

_keys = count()


def key() -> str:
    return f"box{next(_keys)}"


def boxes(depth: int = 3) -> st.SearchStrategy[tuple[Box, ...]]:
    ends = st.booleans()
    plain = st.builds(lambda is_end: Box(key(), is_end=is_end), ends)
    if not depth:
        return st.lists(plain, min_size=1, max_size=3).map(tuple)
    lane = st.one_of(st.just(()), boxes(depth - 1)).map(lambda below: Lane(key(), below))
    parting = st.builds(
        lambda lanes, is_straight: Box(key(), tuple(lanes), is_straight=is_straight),
        st.lists(lane, min_size=2, max_size=4), st.booleans(),
    )  # fmt: skip
    return st.lists(st.one_of(plain, parting), min_size=1, max_size=3).map(tuple)


def areas(flow: Flow) -> Iterator[tuple[float, float, float, float]]:
    for one in flow.boxes:
        yield one.x, one.y, one.x + one.width, one.y + HEIGHT
    for one in flow.labels:
        yield one.x, one.y, one.x + one.width, one.y + LABEL_HEIGHT


def pieces(flow: Flow) -> Iterator[tuple[float, float, float, float]]:
    """Yield the straight parts of the lines as areas without breadth."""
    for line in flow.lines:
        yield line.x1, line.y1, line.x1, line.turn
        yield min(line.x1, line.x2), line.turn, max(line.x1, line.x2), line.turn
        yield line.x2, line.turn, line.x2, line.y2


def smaller(area) -> tuple[float, float, float, float]:
    return area[0] + 1, area[1] + 1, area[2] - 1, area[3] - 1


def touch(one, other) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@given(boxes())
def test_no_box_touches_another_and_no_line_goes_through_one(given_boxes):
    flow = lay_out(given_boxes)
    solid = list(areas(flow))
    for one, other in combinations(solid, 2):
        assert not touch(one, other)
    for left, top, right, bottom in pieces(flow):
        line = (left - 0.5, top - 0.5, right + 0.5, bottom + 0.5)
        through = [area for area in solid if touch(line, smaller(area))]
        # A way goes straight through the middle of its own label.
        assert all(left == right == (area[0] + area[2]) / 2 for area in through)
        assert all(area[3] - area[1] == LABEL_HEIGHT for area in through)
    for left, top, right, bottom in solid:
        assert left >= 0 <= top
        assert right <= flow.width
        assert bottom <= flow.height


@given(boxes())
def test_every_line_goes_down_and_ends_at_a_box_a_label_or_another_line(given_boxes):
    flow = lay_out(given_boxes)
    ends = {(line.x2, line.y2) for line in flow.lines} | {(line.x1, line.y1) for line in flow.lines}
    for line in flow.lines:
        assert line.y1 <= line.turn <= line.y2
    for label in flow.labels:
        assert (label.x + label.width / 2, label.y) in ends
    first = flow.boxes[0]
    for box in flow.boxes:
        assert box is first or (box.x + box.width / 2, box.y) in ends


@given(boxes())
def test_what_follows_an_end_is_not_drawn_and_all_else_once(given_boxes):
    def drawn(column) -> Iterator[str]:
        for box in column:
            yield box.key
            for lane in box.lanes:
                yield from drawn(lane.boxes)
            if not goes_on(box):
                return

    def goes_on(box: Box) -> bool:
        if box.lanes:
            return any(all(goes_on(one) for one in lane.boxes) for lane in box.lanes)
        return not box.is_end

    assert sorted(one.key for one in lay_out(given_boxes).boxes) == sorted(drawn(given_boxes))


def test_paths_are_short_and_round_at_their_corners():
    flow = lay_out([Box("a", (Lane("x"), Lane("y", (Box("b"),)))), Box("c")])
    paths = [line.path for line in flow.lines]
    assert all(re.fullmatch(r"[MVHQ0-9 .-]+", path) for path in paths)
    assert any("Q" in path for path in paths)


@pytest.mark.parametrize("n", [1, 5])
def test_a_column_is_as_wide_as_a_box(n):
    flow = lay_out([Box(str(number)) for number in range(n)])
    assert flow.width == 216
    assert flow.height == n * HEIGHT + (n - 1) * 28 + 4
