"""Figures of journeys that pages ask for at each look."""

from __future__ import annotations

import pytest
from django.db import connection
from tests.journeys.scene import publish
from tests.pipeline.company import NOW

from pusula.journeys import figures, queries
from pusula.journeys.models import Enrollment
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def failing() -> None:
    """Let 2,000 wait on two journeys, three of them because something broke."""
    journeys = [publish("first"), publish("second")]
    person = Profile.objects.create(created_at=NOW, recorded_at=NOW)
    rides = [
        Enrollment(
            journey=(journey := journeys[n % 2]), version=journey.version, profile=person,
            entry_key=str(n), entry="entry:0", state="waiting", due_at=NOW + n,
            entered_at=NOW, moved_at=NOW, error="it broke" if n in (1, 3, 5) else "",
        )
        for n in range(2_000)
    ]  # fmt: skip
    Enrollment.objects.bulk_create(rides)
    if connection.vendor == "postgresql":  # which thinks of an unknown table that it is small
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def test_one_reason_is_told_of_each_journey_on_which_somebody_cannot_go_on(failing):
    second = queries.named("second")
    assert figures.errors() == {second.pk: "it broke"}
    assert figures.failing(second) == [figures.Failing("it broke", 3, NOW + 1)]


def test_who_cannot_go_on_is_found_without_reading_who_waits(failing):
    assert "enrollment_failing" in queries.put_off().order_by().values("journey_id").explain()
