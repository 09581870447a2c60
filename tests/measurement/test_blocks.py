"""Pages of people behind a figure: complete, in order, no dearer for those who are not on it."""

from __future__ import annotations

import pytest

from pusula.measurement.reports import blocks
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db


def test_pages_hold_everybody_once_and_read_no_more_than_they_need(monkeypatch):
    monkeypatch.setattr(blocks, "_FIRST", 4)
    made = Profile.objects.bulk_create(Profile(created_at=0, recorded_at=0) for _ in range(40))
    wanted = [one.pk for one in made][::3]
    asked = []

    def among(low: int, high: int) -> list[int]:
        asked.append((low, high))
        return [pk for pk in wanted if low < pk <= high]

    found, after = [], made[0].pk - 1
    while page := blocks.page(among, after=after, limit=4):
        found, after = found + page, page[-1]
    assert found == wanted
    asked.clear()
    blocks.page(among, after=made[0].pk - 1, limit=2)
    assert asked == [(made[0].pk - 1, made[0].pk + 3)]
