"""What each kind of step does to those who come to it, told and shown by the live step."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from django.db import transaction
from tests.journeys.scene import (
    book,
    conserved,
    hours,
    mail,
    messages,
    only,
    passed,
    profile_of,
    publish,
    say,
    step,
    templates,
    wait,
    where,
)
from tests.pipeline.company import NOW, TITLE, define

from pusula.journeys import actions, queries, why
from pusula.journeys.errors import JourneyError
from pusula.journeys.models import Call, Coupon, Enrollment, Journey, Task
from pusula.lib import clock
from pusula.profiles.models import Trait
from pusula.segments import actions as segment_actions
from pusula.segments import sets
from pusula.segments.everybody import rebuild
from pusula.segments.models import Segment, SetMember

pytestmark = pytest.mark.django_db(databases=["default", "log"])
ELIF, CAN = "elif@example.com", "can@example.com"
WON = [{"id": "won", "goal": True}]


def come_in(*emails: str, at: int) -> None:
    for email in emails or (ELIF,):
        say(email, at=at)
    step(at + 1)


def test_a_branch_takes_the_first_way_whose_condition_holds():
    often = {"events": {"name": "Hotel Searched", "count": {"at_least": 2}}}
    publish(
        steps=[
            wait("pause", "1 hour"),
            {"id": "kind", "branch": {
                "ways": [{"when": often, "steps": [mail("often")]}], "else": [mail("seldom")]}},
        ]
    )  # fmt: skip
    come_in(ELIF, CAN, at=hours(1))
    say(ELIF, at=hours(1.5))  # still in: comes in once, but has searched twice
    step(hours(2) + 1)
    by_profile = {m.profile_id: m.step for m in messages()}
    assert by_profile == {profile_of(ELIF): "often", profile_of(CAN): "seldom"}
    found = queries.by_step(Journey.objects.get())
    assert found["kind"].results == {"way 1": 1, "else": 1}
    assert conserved() == {"done": 2}


def test_lots_are_drawn_by_share_and_are_the_same_whenever_somebody_comes_by():
    publish(
        reentry="always",
        steps=[
            {"id": "lot", "split": [
                {"name": "a", "share": "30 %", "steps": [mail("a")]},
                {"name": "b", "share": "70 %"},
            ]},
        ],
    )  # fmt: skip
    guests = [f"g{n}@example.com" for n in range(100)]
    come_in(*guests, at=hours(1))
    come_in(*guests, at=hours(2))
    drawn = queries.by_step(Journey.objects.get())["lot"].results
    assert drawn["a"] + drawn["b"] == 200
    assert 30 <= drawn["a"] <= 90
    assert drawn["a"] % 2 == 0
    twice = Enrollment.objects.filter(profile_id=profile_of(guests[0]))
    assert len({passed(ride)[1] for ride in twice}) == 1


def test_codes_are_given_once_each_and_who_gets_none_goes_another_way():
    actions.add_codes("summer", ["A1", "B2", "A1", " "])
    publish(steps=[{"id": "code", "coupon": {"pool": "summer", "else": [mail("plain")]}}, mail()])
    come_in(ELIF, CAN, "naz@example.com", at=hours(1))
    said = [m.variables.get("coupon") for m in messages() if m.step == "mail"]
    assert sorted(str(one) for one in said) == ["A1", "B2", "None"]
    assert [m.step for m in messages()].count("plain") == 1
    assert Coupon.objects.exclude(enrollment=None).count() == 2
    assert Coupon.objects.filter(taken_at=None).count() == 0


def test_a_call_goes_on_with_its_outcome_and_closes_when_nobody_called():
    publish(
        steps=[
            {"id": "call", "task": {
                "title": TITLE, "script": TITLE, "at_most": "1 day",
                "outcomes": [{"outcome": "sold", "title": TITLE, "steps": WON}],
                "else": [mail("missed")],
            }},
        ]
    )  # fmt: skip
    for number, email in enumerate((ELIF, CAN)):
        say(email, at=hours(1), phone=f"+90532111000{number}")
    step(hours(1) + 1)
    task = Task.objects.get(enrollment__profile_id=profile_of(ELIF))
    with pytest.raises(JourneyError, match="no outcome"):
        actions.answer(task, "solt", by="ayse", at=hours(2))
    actions.answer(task, "sold", by="ayse", note="Deniz manzaralı", at=hours(2))
    with pytest.raises(JourneyError, match="closed"):
        actions.answer(task, "sold", by="can", at=hours(2) + 1)
    assert passed(task.enrollment)[1:] == [("call", "sold"), ("won", "goal")]
    step(hours(25))
    assert [m.step for m in messages() if m.channel == "email"] == ["missed"]
    assert not Task.objects.filter(closed_at=None).exists()
    assert conserved() == {"done": 2}


def test_an_approval_says_yes_or_no():
    publish(
        steps=[{"id": "boss", "approval": {"title": TITLE, "at_most": "1 day", "then": [mail()]}}]
    )
    come_in(ELIF, CAN, at=hours(1))
    for email, answer in ((ELIF, "then"), (CAN, "else")):
        task = Task.objects.get(enrollment__profile_id=profile_of(email))
        actions.answer(task, answer, by="boss", at=hours(2))
    assert only(messages()).profile_id == profile_of(ELIF)
    assert conserved() == {"done": 2}


def test_a_trait_a_list_and_a_webhook_are_written_with_the_move():
    sets.put_list("vip", "VIP", [], at=NOW)
    publish(
        steps=[
            {"id": "tier", "set_trait": {"name": "tier", "value": "gold"}},
            {"id": "list", "list": {"add_to": "vip"}},
            {"id": "hook", "webhook": {"url": "https://example.com/hook"}},
        ]
    )
    come_in(at=hours(1))
    assert Trait.objects.get(profile_id=profile_of(ELIF), name="tier").text == "gold"
    assert SetMember.objects.get().profile_id == profile_of(ELIF)
    assert Call.objects.get().dedupe_key.endswith(f":hook:{Enrollment.objects.get().pk}")


def test_segments_bring_in_and_lead_out_and_what_a_definition_moves_does_not():
    define("searched", {"events": {"name": "Hotel Searched", "count": {"at_least": 2}}})
    rebuild.everybody(at=NOW - clock.DAY)
    publish(
        entry=[{"enters": "searched"}],
        exit_when=[{"order": {}}],
        steps=[wait("pause", "1 day"), mail()],
    )
    come_in(ELIF, CAN, at=hours(1))
    come_in(ELIF, CAN, at=hours(2))
    assert where() == [("pause", "waiting")] * 2
    book(7, CAN, at=hours(3))
    step(hours(3) + 1)
    assert sorted(where()) == [("exited", "finished"), ("pause", "waiting")]
    found = queries.by_step(Journey.objects.get())["pause"]
    assert (found.n_in, found.n_waiting, found.outcomes) == (2, 1, {"exited": 1})


def enter(cause: str, *, at: int) -> None:
    """Let Elif enter the segment for ``cause``, as who writes down memberships does."""
    segment = Segment.objects.get(key="searched")
    people = np.array([profile_of(ELIF)], np.int64)
    members = {segment.pk: people}
    versions = {segment.pk: segment.version}
    with transaction.atomic():
        segment_actions.record_members(people, members, versions, at=at, cause=cause)


@pytest.mark.parametrize(
    ("cause", "n"), [("live", 1), ("run", 1), ("import", 1), ("undo", 0), ("merge", 0)]
)
def test_of_who_enters_a_segment_those_come_in_for_whom_something_is_true_now(cause, n):
    define("searched", {"events": {"name": "Hotel Searched", "count": {"at_least": 1}}})
    say(ELIF, "Newsletter Opened", at=hours(0))
    step(hours(0) + 1)
    rebuild.everybody(at=hours(0) + 2)
    publish(at=hours(0) + 3, entry=[{"enters": "searched"}], steps=[wait("pause", "1 day"), mail()])
    enter(cause, at=hours(1))
    step(hours(1) + 1)
    assert len(where()) == n


def test_a_schedule_brings_in_every_member_each_time_once():
    define("searched", {"events": {"name": "Hotel Searched", "count": {"at_least": 1}}})
    rebuild.everybody(at=NOW - clock.DAY)
    come_in(ELIF, CAN, at=hours(1))
    publish(
        at=hours(2),
        entry=[{"schedule": {"segment": "searched", "at": "09:00", "weekdays": ["tuesday"]}}],
    )
    tuesday = clock.from_datetime(dt.datetime(2026, 6, 2, 9), "Europe/Istanbul")
    step(tuesday - 1)
    assert not messages()
    step(tuesday)
    assert len(messages()) == 2
    step(tuesday + clock.DAY)
    assert len(messages()) == 2
    step(tuesday + 7 * clock.DAY)
    assert len(messages()) == 4
    assert conserved() == {"done": 4}


def test_the_control_group_comes_in_gets_nothing_and_never_begins():
    publish(holdout="50 %", steps=[mail()])
    guests = [f"g{n}@example.com" for n in range(60)]
    come_in(*guests, at=hours(1))
    found = conserved()
    assert found["done"] + found["holdout"] == 60
    assert 15 < found["holdout"] < 45
    assert len(messages()) == found["done"]
    held = Enrollment.objects.filter(is_holdout=True).first()
    assert held is not None
    journey = Journey.objects.get()
    assert "holdout" in [one.code for one in why.why_not(journey, held.profile_id)]


@pytest.mark.parametrize(
    ("rule", "n"),
    [("never", 1), ("always", 3), ("one_at_a_time", 2), ({"after": "3 hours"}, 2), ("restart", 3)],
)
def test_the_rule_of_coming_in_again(rule, n):
    publish(reentry=rule, steps=[wait("pause", "2 hours"), mail()])
    come_in(at=hours(1))
    come_in(at=hours(2))
    come_in(at=hours(5))
    assert Enrollment.objects.count() == n
    come_in(at=hours(5))  # at the same moment it is the same occurrence
    assert Enrollment.objects.count() == n
    assert not queries.put_off().exists()
    conserved()


def test_a_program_puts_somebody_in_once_for_each_occurrence():
    templates()
    journey = publish(entry=[{"api": True}], who={"trait": {"rfm_group": "unknown"}})
    come_in(at=hours(1))
    assert not Enrollment.objects.exists()
    elif_ = profile_of(ELIF)
    assert [one.code for one in why.why_not(journey, elif_, at=hours(2))] == ["never"]
    assert actions.enroll("hello", elif_, occurrence="x", at=hours(2))
    assert not actions.enroll("hello", elif_, occurrence="x", at=hours(3))
    assert actions.enroll("hello", elif_, occurrence="y", at=hours(3))
    actions.pause("hello")
    with pytest.raises(JourneyError, match="not live"):
        actions.enroll("hello", elif_, occurrence="z", at=hours(4))
