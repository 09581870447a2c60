"""Times of day where people live, the hour at which they act, and their days that come again."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.journeys.scene import mail, only, profile_of, publish, say, step
from tests.pipeline.company import NOW

from pusula.journeys.backtest import lives
from pusula.journeys.backtest.setting import setting
from pusula.journeys.models import Enrollment, Planned
from pusula.lib import clock
from pusula.profiles import actions as profiles
from pusula.profiles import relations
from pusula.profiles.actions import Facts, Value
from pusula.profiles.models import TraitKind

pytestmark = pytest.mark.django_db(databases=["default", "log"])
HOME, AWAY = "Europe/Istanbul", "Asia/Tokyo"
ADA, CAN = "ada@example.com", "can@example.com"


def know(email: str, **traits: object) -> int:
    """Make traits known of somebody before anything else happens; return who it is."""
    say(email, "Account Opened", at=NOW - clock.DAY)
    step(NOW - clock.DAY + 1)
    profile_id = profile_of(email)
    said = {name: _value(value) for name, value in traits.items()}
    profiles.record([Facts(profile_id, traits=said)], source="test", at=NOW - clock.HOUR)
    return profile_id


def _value(value: object) -> Value:
    match value:
        case dt.date():
            return Value(TraitKind.DAY, value)
        case str():
            return Value(TraitKind.TEXT, value)
    return Value(TraitKind.NUMBER, float(str(value)))


def waits_until(tz: str, *, at: int = NOW, **wait: object) -> str:
    """Return when Ada goes on who comes to a wait ``at``, on the clock of ``tz``."""
    publish(steps=[{"id": "pause", "wait": wait}, mail()], at=at - 2)
    say(ADA, at=at)
    step(at + 1)
    due_at = Enrollment.objects.get().due_at
    return "" if due_at is None else f"{clock.to_datetime(due_at, tz):%d %H:%M}"


def at_home(hour: int, minute: int = 0) -> int:
    """Return that time of the company's clock on the day behind ``NOW``."""
    day = clock.day_of(NOW, HOME) + dt.timedelta(days=1)
    return clock.first_at(day, dt.time(hour, minute), HOME)


def tomorrow(hour: int, days: int = 1) -> str:
    day = clock.day_of(NOW, HOME) + dt.timedelta(days=days)
    return f"{day:%d} {hour:02}:00"


def test_a_time_of_day_is_that_of_the_clock_where_somebody_lives():
    know(ADA, time_zone=AWAY)
    assert waits_until(AWAY, at=at_home(1), until="09:00") == tomorrow(9)  # it is seven there


def test_of_whom_nobody_knows_where_they_live_the_clock_of_the_company_counts():
    know(ADA)
    assert waits_until(HOME, at=at_home(1), until="09:00") == tomorrow(9)


def test_the_country_of_a_phone_says_where_somebody_lives():
    say(ADA, "Account Opened", at=NOW - clock.DAY, phone="+81312345678")
    step(NOW - clock.DAY + 1)
    assert waits_until(AWAY, at=at_home(1), until="09:00") == tomorrow(9)


def test_somebody_waits_for_the_hour_at_which_they_act():
    know(ADA, time_zone=AWAY, send_hour=20)
    assert waits_until(AWAY, at=at_home(1), until="own_hour", usual="09:00") == tomorrow(20)


def test_of_whom_no_hour_is_known_the_usual_one_counts():
    know(CAN, send_hour=20)
    know(ADA)
    assert waits_until(HOME, at=at_home(1), until="own_hour", usual="09:00") == tomorrow(9)


def test_nobody_waits_a_day_for_an_hour_that_has_begun():
    know(ADA, send_hour=20)
    assert not waits_until(HOME, at=at_home(20, 59), until="own_hour", usual="09:00")


def test_the_hour_before_and_the_weekday_are_waited_for():
    know(ADA, send_hour=20)
    day = clock.day_of(NOW, HOME) + dt.timedelta(days=3)
    weekday = day.strftime("%A").lower()
    found = waits_until(HOME, at=at_home(21), until="own_hour", usual="09:00", weekdays=[weekday])
    assert found == tomorrow(20, 3)


def test_a_day_of_somebody_comes_where_they_live_and_a_stay_where_the_house_is():
    day = clock.day_of(NOW, HOME) + dt.timedelta(days=2)
    know(ADA, time_zone=AWAY, born=day.replace(year=1990))
    date = {"trait": "born", "at": "10:00", "yearly": True}
    assert waits_until(AWAY, date=date) == tomorrow(10, 2)


def test_the_past_is_replayed_by_the_same_clocks():
    know(ADA, time_zone=AWAY, send_hour=20)
    steps = [{"id": "pause", "wait": {"until": "own_hour", "usual": "09:00"}}, mail()]
    journey = publish(steps=steps, at=at_home(0))
    say(ADA, at=at_home(1))
    step(at_home(1) + 1)
    asked = setting(
        [("", journey.version.definition)], since=at_home(0), until=at_home(2),
        known_at=at_home(2),
    )  # fmt: skip
    (ids,) = relations.blocks(100)
    ride = only([r for life in lives.live(asked.parts[0], ids, asked) for r in life.course.rides])
    assert ride.spot.due_at == Enrollment.objects.get().due_at


def test_a_day_that_comes_round_is_planned_anew_at_the_very_moment_it_is_heard():
    day = clock.day_of(NOW, HOME) + dt.timedelta(days=2)
    know(ADA, born=day.replace(year=1990))
    publish(entry=[{"date": {"trait": "born", "at": "10:00", "yearly": True}}], reentry="always")
    (due_at,) = Planned.objects.values_list("due_at", flat=True)
    step(due_at)
    assert Enrollment.objects.count() == 1
    (next_at,) = Planned.objects.values_list("due_at", flat=True)
    assert clock.day_of(next_at, HOME).year == day.year + 1
