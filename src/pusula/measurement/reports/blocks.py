"""Lists behind a figure, page by page: some numbers at a time, until a page is full.

So a page costs what its own rows cost, however many others there are. Where few of very many are
wanted it ends after a moment with those found so far, and says from where to look on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import Max, Model

from pusula.lib import clock

_FIRST, _MOST = 2_000, 128_000  # numbers looked at in a block; where that is quick, ever more
LONGEST = clock.SECOND // 5  # so long a page may look for its rows
_QUICK = LONGEST // 8


@dataclass(frozen=True)
class Page:
    """Some numbers of a list, and behind which one the next page begins; ``None``: at the end."""

    ids: list[int]
    after: int | None


def page(
    among: Callable[[int, int], Iterable[int]],
    model: type[Model],
    *,
    after: int | None,
    limit: int,
    is_down: bool = False,
) -> Page:
    """Return the next numbers behind ``after`` of the rows that ``among`` finds; at most ``limit``.

    ``among`` is given a range of numbers of ``model``, without the first and with the last, and
    returns those in it that are wanted, ascending; descending if ``is_down``. ``after`` is where
    the page before ended, ``None`` the beginning.
    """
    most = model._default_manager.aggregate(last=Max("pk"))["last"] or 0  # noqa: SLF001 - Django's
    first, end = (most + 1, 1) if is_down else (0, most)
    place = first if after is None else min(max(after, 0), most + 1)
    found: list[int] = []
    size, until = _FIRST, clock.running() + LONGEST
    while (place > end) if is_down else (place < end):
        began = clock.running()
        low, high = (max(place - 1 - size, 0), place - 1) if is_down else (place, place + size)
        found += among(low, high)
        place = low + 1 if is_down else high
        if len(found) > limit:
            return Page(found[:limit], found[limit - 1])
        now = clock.running()
        if now > until:
            break
        if now - began < _QUICK:
            size = min(2 * size, _MOST)
    is_over = place <= end if is_down else place >= end
    return Page(found, None if is_over else place)
