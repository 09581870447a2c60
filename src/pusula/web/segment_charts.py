"""The charts of segments: sizes over time, what was evaluated and what was worked out later."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext

from pusula.lib import clock
from pusula.web import formats
from pusula.web.charts.axes import Point
from pusula.web.charts.figure import Figure
from pusula.web.charts.line import line

Sizes = Sequence[tuple[int, int]]
_LONGEST_LINE = 120  # points: more are not told apart


def thinned(sizes: Sizes) -> list[tuple[int, int]]:
    """Return the sizes, at most ``_LONGEST_LINE`` of them, the last one always."""
    step = -(-len(sizes) // _LONGEST_LINE) or 1
    return list(reversed(sizes[::-1][::step]))


def sizes(found: Sizes, n_past: int = 0) -> Figure | None:
    """Return the line through the sizes; none where there are not two.

    The first ``n_past`` were worked out later.
    """
    if len(found) < 2:  # noqa: PLR2004 - a line needs two ends
        return None
    zone = settings.PUSULA.time_zone
    shown = thinned(found)
    points = [
        Point(formats.short_day(clock.day_of(at, zone)), formats.moment(at), n) for at, n in shown
    ]
    late = {at for at, _ in found[:n_past]}
    said = gettext("Size of the segment: %(first)s at first, %(last)s now.") % {
        "first": formats.number(found[0][1]),
        "last": formats.number(found[-1][1]),
    }
    head = (gettext("Evaluated"), gettext("Customers"))
    n_dashed = sum(1 for at, _ in shown if at in late)
    return line(points, sentence=said, head=head, n_dashed=n_dashed)


def change_words(found: Sizes) -> str:
    """Return how the size moved from the first to the last, as a sentence."""
    first, last = found[0][1], found[-1][1]
    if not first or first == last:
        return gettext("As large as 13 weeks ago") if first == last else ""
    share = formats.percent(abs(last - first) / first)
    form = (
        gettext("%(share)s larger than 13 weeks ago")
        if last > first
        else gettext("%(share)s smaller than 13 weeks ago")
    )
    return form % {"share": share}
