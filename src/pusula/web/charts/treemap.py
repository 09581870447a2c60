"""Treemaps: shares of a whole as areas, each tile a link to what it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.utils.safestring import SafeString

from pusula.web import formats
from pusula.web.charts.figure import Figure, Table, drawn
from pusula.web.charts.svg import clip, drawing, tag

_GAP = 3
_PADDING = 11
_LABEL_FROM = (58, 30)  # the smallest tile that gets a name …
_VALUE_FROM = 46  # … and the least height for a second line
_SHARE_FROM = 112  # … and the least width for the share on it


@dataclass(frozen=True)
class Tile:
    """A part of the whole: its colour class, where its link leads, what it is called."""

    name: str
    value: int
    tone: str
    href: str


def treemap(tiles: Sequence[Tile], *, sentence: str, head: tuple[str, str, str]) -> Figure:
    """Return the tiles in order of size; ``head`` names the table's columns (name, value, share).

    Tiles of nothing are in the table only. At least one tile has a value.
    """
    total = sum(tile.value for tile in tiles)
    rows = tuple(
        (tile.name, formats.number(tile.value), formats.percent(tile.value / total))
        for tile in tiles
    )
    ordered = sorted((tile for tile in tiles if tile.value), key=lambda tile: -tile.value)
    return drawn(partial(draw, ordered, total, sentence), Table(head, rows))


def draw(tiles: Sequence[Tile], total: int, sentence: str, width: int) -> SafeString:
    """Return the drawing of ``tiles``, largest first, in one width."""
    height = 200 + width * 0.12 if width >= 460 else 380  # noqa: PLR2004 - phones: taller than wide
    boxes = squarify([tile.value for tile in tiles], width, height)
    parts = [_tile(tile, box, total) for tile, box in zip(tiles, boxes, strict=True)]
    return drawing(width, height, *parts, label=sentence, role="group")


def squarify(
    values: Sequence[float], width: float, height: float
) -> list[tuple[float, float, float, float]]:
    """Return a box (x, y, width, height) for each of ``values`` (descending, all positive).

    Rows are filled along the shorter side while that keeps boxes nearer to squares
    (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000).
    """
    scale = width * height / sum(values)
    areas = [value * scale for value in values]
    boxes: list[tuple[float, float, float, float]] = []
    x = y = 0.0
    while areas:
        side = min(width, height)
        n = 1
        while n < len(areas) and _worst(areas[: n + 1], side) <= _worst(areas[:n], side):
            n += 1
        thick = sum(areas[:n]) / side
        offset = 0.0
        for area in areas[:n]:
            long = area / thick
            upright = width >= height
            boxes.append((x, y + offset, thick, long) if upright else (x + offset, y, long, thick))
            offset += long
        if width >= height:
            x, width = x + thick, width - thick
        else:
            y, height = y + thick, height - thick
        areas = areas[n:]
    return boxes


def _worst(row: Sequence[float], side: float) -> float:
    """Return the ratio of sides of the least square box when ``row`` fills ``side``."""
    total = sum(row)
    return max(max(side * side * area / total**2, total**2 / (side * side * area)) for area in row)


def _tile(tile: Tile, box: tuple[float, float, float, float], total: int) -> SafeString:
    x, y, width, height = box
    share = formats.percent(tile.value / total)
    parts = [
        tag("rect", x=x + _GAP / 2, y=y + _GAP / 2, width=max(width - _GAP, 0.5),
            height=max(height - _GAP, 0.5), rx=6)
    ]  # fmt: skip
    if width >= _LABEL_FROM[0] and height >= _LABEL_FROM[1]:
        name = clip(tile.name, width - 2 * _PADDING + 4)
        parts.append(tag("text", name, class_="chart__label", x=x + _PADDING, y=y + 21))
    if width >= _LABEL_FROM[0] and height >= _VALUE_FROM:
        value = formats.short(tile.value)
        text = f"{value} · {share}" if width >= _SHARE_FROM else value
        parts.append(tag("text", text, class_="chart__value", x=x + _PADDING, y=y + 38))
    label = f"{tile.name}: {formats.number(tile.value)}, {share}"
    return tag(
        "a",
        tag("title", label),
        *parts,
        class_=f"tile tile--{tile.tone}",
        href=tile.href,
        aria_label=label,
    )
