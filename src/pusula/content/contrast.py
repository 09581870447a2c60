"""Whether the words of a mail can be read: inline colours of ink and ground, by WCAG 2.2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

ENOUGH = 4.5
_WHITE = "#ffffff"
_BLACK = "#000000"
_INK = re.compile(r"(?:^|;)\s*color\s*:\s*([^;!]+)", re.IGNORECASE)
_GROUND = re.compile(r"(?:^|;)\s*background(?:-color)?\s*:\s*([^;!]+)", re.IGNORECASE)
_HIDDEN = re.compile(r"(?:^|;)\s*display\s*:\s*none", re.IGNORECASE)
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_NAMES = {"white": _WHITE, "black": _BLACK, "red": "#ff0000", "gray": "#808080", "grey": "#808080"}
_EMPTY = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})


@dataclass(frozen=True)
class Pair:
    """Ink on a ground it is too near to, and the line (from 1) where words stand in it."""

    ink: str
    ground: str
    ratio: float
    line: int


def ratio(ink: str, ground: str) -> float:
    """Return the contrast of two colours such as ``#1f2933``: 1 to 21."""
    darker, lighter = sorted((_luminance(ink), _luminance(ground)))
    return (lighter + 0.05) / (darker + 0.05)


def too_weak(html_: str) -> list[Pair]:
    """Return each pair of colours, once, in which words of ``html_`` are hard to read.

    Only colours that stand in ``style`` and ``bgcolor`` are known; others count as black on white.
    """
    reader = _Reader()
    reader.feed(html_)
    reader.close()
    return list(reader.found.values())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[tuple[str, str], Pair] = {}
        self._open: list[tuple[str, str, str]] = [("", _BLACK, _WHITE)]  # tag, ink, ground

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _EMPTY:
            return
        given = {name: value or "" for name, value in attrs}
        _, ink, ground = self._open[-1]
        style = given.get("style", "")
        ink = _last(_INK, style) or ink
        ground = _last(_GROUND, style) or _colour(given.get("bgcolor", "")) or ground
        if not self._open[-1][1] or _HIDDEN.search(style):
            ink = ""  # what nobody sees
        self._open.append((tag, ink, ground))

    def handle_endtag(self, tag: str) -> None:
        at = max((n for n, one in enumerate(self._open) if one[0] == tag), default=0)
        if at:
            del self._open[at:]

    def handle_data(self, data: str) -> None:
        tag, ink, ground = self._open[-1]
        is_seen = ink and data.strip() and tag not in {"style", "script", "title"}
        if not is_seen or (ink, ground) in self.found:
            return
        if (found := ratio(ink, ground)) < ENOUGH:
            self.found[ink, ground] = Pair(ink, ground, found, self.getpos()[0])


def _last(pattern: re.Pattern[str], style: str) -> str:
    return next((c for one in reversed(pattern.findall(style)) if (c := _colour(one))), "")


def _colour(text: str) -> str:
    text = text.strip().lower()
    text = _NAMES.get(text, text)
    if not _HEX.fullmatch(text):
        return ""
    return text if len(text) > len("#fff") else "#" + "".join(2 * letter for letter in text[1:])


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)  # noqa: PLR2004 - WCAG's own
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
