"""Planning the dates of many: in parts, by live steps, and as if it had been done at once."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.journeys.scene import book, hours, publish, say, step
from tests.pipeline.company import NOW

from pusula.journeys import engine, planning
from pusula.journeys.models import Enrollment, Journey, Planned
from pusula.lib import clock
from pusula.pipeline import live
from pusula.pipeline.live import Live

pytestmark = pytest.mark.django_db(databases=["default", "log"])
DATED = {
    "keyed_by": "order",
    "entry": [{"date": {"of": "starts_on", "offset": "1 day before", "at": "10:00"}}],
}
PEOPLE = [f"p{n}@example.com" for n in range(7)]


@pytest.fixture
def guests() -> None:
    """Seven guests, the first of whom arrives tomorrow, the next the day after, and so on."""
    today = clock.day_of(NOW, "Europe/Istanbul")
    for n, email in enumerate(PEOPLE):
        day = today + dt.timedelta(days=2 + n)
        book(n, email, at=NOW - clock.DAY, starts_on=str(day), ends_on=str(day + dt.timedelta(2)))
    step(NOW - clock.HOUR)


def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_PART", 2)


def plans() -> set[tuple[int, int]]:
    return set(Planned.objects.values_list("profile_id", "due_at"))


def test_the_first_are_planned_at_once_and_live_steps_go_on(guests, monkeypatch):
    publish("whole", **DATED)
    wanted = plans()
    assert len(wanted) == len(PEOPLE)
    Planned.objects.all().delete()
    in_parts(monkeypatch)
    publish("parts", **DATED)
    assert Planned.objects.count() == 2
    assert engine.next_due_at() == 0
    step(NOW + 1)
    assert plans() == wanted
    assert Journey.objects.get(key="parts").planning_at is None


def test_a_date_that_comes_before_it_is_planned_is_heard_and_one_that_was_heard_is_not_heard_again(
    guests, monkeypatch
):
    in_parts(monkeypatch)
    journey = publish(**DATED, steps=[{"id": "rest", "wait": {"for": "90 days"}}])
    # The sixth is touched, so theirs is planned beside, comes and is heard before their turn.
    say(PEOPLE[5], "Page Viewed", at=NOW + 1)
    monkeypatch.setattr(planning, "go_on", lambda *_given, **_named: None)
    Live().step(live.LIMIT, at=NOW + 2)
    Live().step(live.LIMIT, at=hours(24 * 6.5))
    assert Enrollment.objects.filter(journey=journey).count() == 3  # with the first two
    monkeypatch.undo()
    step(hours(24 * 6.5) + 1)
    step(hours(24 * 6.5) + 60_000_000)
    came = Enrollment.objects.filter(journey=journey).values_list("profile_id", flat=True)
    assert len(came) == len(set(came)) == 6
    assert Planned.objects.count() == 1


def test_a_journey_that_cannot_run_does_not_keep_the_live_step_busy(guests, monkeypatch):
    in_parts(monkeypatch)
    journey = publish(**DATED)
    monkeypatch.setattr(engine._Step, "_compiled", lambda *_given: {})
    Live().step(live.LIMIT, at=NOW + 1)
    journey.refresh_from_db()
    assert journey.planning_at is None


def test_publishing_anew_keeps_what_is_planned_of_an_entry_that_stays(guests, monkeypatch):
    publish(**DATED)
    before = plans()
    in_parts(monkeypatch)
    publish(**DATED, title={"tr": "Yeni", "en": "New"}, at=NOW + 5)
    assert plans() == before
    step(NOW + 6)
    assert plans() == before
