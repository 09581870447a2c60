"""Pages of rows behind a figure: complete, in order, no dearer for those that are not on it."""

from __future__ import annotations

import pytest

from pusula.lib import clock
from pusula.measurement.reports import blocks
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(monkeypatch):
    """Return the numbers of forty people, looked at four at a time."""
    monkeypatch.setattr(blocks, "_FIRST", 4)
    made = Profile.objects.bulk_create(Profile(created_at=0, recorded_at=0) for _ in range(40))
    return [one.pk for one in made]


@pytest.mark.parametrize("is_down", [False, True])
@pytest.mark.parametrize("longest", [blocks.LONGEST, -1])
def test_pages_hold_everybody_once_in_order(people, monkeypatch, is_down, longest):
    monkeypatch.setattr(blocks, "LONGEST", longest)
    wanted = sorted(people[::3], reverse=is_down)
    asked: list[tuple[int, int]] = []

    def among(low: int, high: int) -> list[int]:
        asked.append((low, high))
        return [pk for pk in wanted if low < pk <= high]

    found, after, n = [], None, 0
    while n == 0 or after is not None:
        page = blocks.page(among, Profile, after=after, limit=4, is_down=is_down)
        found, after, n = found + page.ids, page.after, n + 1
        assert len(page.ids) <= 4
    assert found == wanted


def test_a_page_reads_no_more_than_it_needs(people):
    asked: list[tuple[int, int]] = []

    def among(low: int, high: int) -> list[int]:
        asked.append((low, high))
        return [pk for pk in people if low < pk <= high]

    page = blocks.page(among, Profile, after=people[0] - 1, limit=2)
    assert (page.ids, page.after) == (people[:2], people[1])
    assert asked == [(people[0] - 1, people[0] + 3)]


def test_a_page_for_which_few_are_found_ends_after_a_moment_and_says_where(people, monkeypatch):
    moments = iter(range(0, 100 * clock.SECOND, clock.SECOND))
    monkeypatch.setattr(clock, "running", lambda: next(moments))
    page = blocks.page(lambda _low, _high: [], Profile, after=people[0] - 1, limit=2)
    assert (page.ids, page.after) == ([], people[3])
    assert blocks.page(lambda _low, _high: [], Profile, after=people[-1], limit=2).after is None
