"""The shape of a table: the line on which its column names stand, and a sum on its last line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pusula.lib.text import name_key

LOOKED_AT = 40
_TOTALS = re.compile(r"(?:genel |ara )?(?:toplam|yekun|total|grand total|sum)\b")
_FIGURE = re.compile(r"[-+(]?[\d.,:/ ]+[%)]?")
_LEAST = 2  # names of a header that can be told from a title


def header_at(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the index of the row that names the columns, ``None`` if no row can.

    Above it stand titles, which are narrower; below it rows as wide as itself. A row of figures
    names nothing.
    """
    filled = [sum(1 for cell in row if cell.strip()) for row in rows]
    if not any(filled):
        return None
    usual = _usual(filled)
    for index, row in enumerate(rows):
        n = filled[index]
        names = [cell.strip() for cell in row if cell.strip()]
        n_figures = sum(1 for name in names if _FIGURE.fullmatch(name))
        is_wide = n >= max(min(_LEAST, usual), usual * 0.6)
        if is_wide and n_figures * 2 < len(names) and len(set(names)) * 2 > len(names):
            return index
    return next(index for index, n in enumerate(filled) if n)


def _usual(filled: Sequence[int]) -> int:
    """Return how many cells most rows fill; of equally many the wider ones."""
    counts = Counter(n for n in filled if n)
    return max(counts, key=lambda n: (counts[n] + (n > 1), n))


def totals_word(row: Sequence[str]) -> tuple[int, str] | None:
    """Return where in ``row`` the word stands that says it is a sum, and the word."""
    for index, cell in enumerate(row):
        if _TOTALS.match(name_key(cell)):
            return index, cell.strip()
    return None


def without_tail(header: Sequence[str]) -> list[str]:
    """Return ``header`` without the empty cells behind the last name."""
    cells = list(header)
    while cells and not cells[-1].strip():
        cells.pop()
    return cells
