"""Lists of people behind a figure, page by page: some people at a time, until a page is full.

So a page costs what its own people cost, however many others there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db.models import Max

from pusula.profiles.models import Profile

_FIRST, _MOST = 4_000, 128_000  # people looked at in a block; where few are found, ever more


def page(among: Callable[[int, int], Iterable[int]], *, after: int, limit: int) -> list[int]:
    """Return the next ``limit`` numbers behind ``after`` of the people that ``among`` finds.

    ``among`` is given a range of numbers, without the first and with the last, and returns the
    people in it, ascending.
    """
    last = Profile.objects.aggregate(last=Max("pk"))["last"] or 0
    found: list[int] = []
    size = _FIRST
    while after < last and len(found) < limit:
        found += among(after, after + size)
        after, size = after + size, min(2 * size, _MOST)
    return found[:limit]
