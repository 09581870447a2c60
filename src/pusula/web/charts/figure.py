"""What a page shows of a chart: its sentence, its drawings for several widths, its figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.safestring import SafeString

# The widths in pixels that app.css chooses from (.draw--320 …) by the width of the panel.
WIDTHS = (320, 460, 660, 940)
# The colour classes of app.css: c1 … c6, and "none" for what is not a category.
TONES = ("c1", "c2", "c3", "c4", "c5", "c6", "none")


@dataclass(frozen=True)
class Table:
    """The figures behind a drawing; the first column names the rows, the others are numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A chart, ready for ``{% figure %}``. With ``has_cursor`` chart.js moves along its points."""

    drawings: tuple[SafeString, ...]
    table: Table
    has_cursor: bool = False


def drawn(draw: Callable[[int], SafeString], table: Table, *, has_cursor: bool = False) -> Figure:
    """Return the figure that ``draw(width)`` makes in every width."""
    return Figure(tuple(draw(width) for width in WIDTHS), table, has_cursor)
