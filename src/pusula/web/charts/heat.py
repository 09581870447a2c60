"""Shaded grids: a table of counts whose cells are as dark as they are full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

LEVELS = 6  # the classes q0 … q5 of app.css


@dataclass(frozen=True)
class Cell:
    """A count with its shade, its place in words, and where its link leads."""

    value: int
    level: int
    label: str
    href: str


@dataclass(frozen=True)
class Row:
    """A named row of cells."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Heat:
    """A shaded grid for ``{% heat %}``: named columns, named rows."""

    corner: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def heat(
    counts: Sequence[Sequence[int]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    corner: str,
    href: Callable[[int, int], str],
) -> Heat:
    """Return the grid of ``counts[row][column]``; ``href(row, column)`` is a cell's link.

    ``corner`` says for listeners what rows and columns are.
    """
    most = max((n for line in counts for n in line), default=0)
    built = tuple(
        Row(
            name,
            tuple(
                Cell(n, level(n, most), f"{name}, {columns[j]}", href(i, j))
                for j, n in enumerate(counts[i])
            ),
        )
        for i, name in enumerate(rows)
    )
    return Heat(corner, tuple(columns), built)


def level(value: int, most: int) -> int:
    """Return the shade of ``value`` where the fullest cell holds ``most``: 0 … LEVELS − 1."""
    return min(LEVELS - 1, LEVELS * value // most) if most else 0
