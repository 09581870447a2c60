"""Campaigns and journeys as experiments: who counts, what may be said when, what it leaves out."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import time_machine
from click.testing import CliRunner
from django.utils import translation

from pusula.campaigns.models import Assignment, Campaign
from pusula.journeys.models import Enrollment, Journey, JourneyVersion
from pusula.lib import clock
from pusula.measurement.experiments import queries as experiments
from pusula.measurement.experiments import sizes
from pusula.measurement.experiments.facts import as_dict
from pusula.measurement.experiments.verdict import Kind, Tone, experiment_verdict
from pusula.measurement.results.campaign import Phase
from pusula.ops.experiments import experiments as command
from pusula.orders.models import Order, OrderChange
from pusula.profiles.models import Profile
from pusula.segments.models import Membership, Segment, SegmentVersion

pytestmark = pytest.mark.django_db
START = 1_790_000_000_000_000
DAYS = 14
END = START + DAYS * clock.DAY
HOUR = clock.HOUR


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def people(n: int) -> list[int]:
    made = Profile.objects.bulk_create(Profile(created_at=0, recorded_at=0) for _ in range(n))
    return [one.pk for one in made]


def bought(who: int, at: int, minor: int = 100_00, *, cancelled_at: int = 0) -> None:
    order = Order.objects.create(
        profile_id=who, source="shop", source_id=str(Order.objects.count()), status="confirmed",
        ordered_at=at, status_at=at, currency="TRY", gross_minor=minor, net_minor=minor,
        gross_base_minor=minor, net_base_minor=minor, recorded_at=at,
    )  # fmt: skip
    for status, when in (("confirmed", at), ("cancelled", cancelled_at)):
        if when:
            OrderChange.objects.create(
                order=order, profile_id=who, ordered_at=at, changed_at=when, recorded_at=when,
                status=status, gross_base_minor=minor, net_base_minor=minor,
            )  # fmt: skip


def campaign(n_treated: int, n_control: int, *, holdout: float = 0.5) -> tuple:
    made = Campaign.objects.create(
        key="winback", title="Winback", goal="loyalty", state="finished", currency="TRY",
        holdout_share=holdout, created_at=START, started_at=START, window_ends_at=END,
        fixed_cost_minor=1_000, margin=0.3,
    )  # fmt: skip
    ids = people(n_treated + n_control)
    Assignment.objects.bulk_create(
        Assignment(
            campaign=made, profile_id=pk, arm="treated" if i < n_treated else "holdout",
            assigned_at=START,
        )
        for i, pk in enumerate(ids)
    )  # fmt: skip
    return made, ids[:n_treated], ids[n_treated:]


def measured(made: Campaign, at: int = END, **more):
    found = experiments.by_key("campaign", made.key, at)
    assert found is not None
    return experiments.measured(found, at, **more)


def segment(key: str) -> Segment:
    made = Segment.objects.create(key=key, created_at=0)
    titles = {"tr": key, "en": key}
    made.version = SegmentVersion.objects.create(
        segment=made, number=1, definition={"title": titles}, created_at=0
    )
    made.save(update_fields=["version"])
    return made


def test_before_the_end_only_what_holds_at_every_look_is_said():
    made, ours, theirs = campaign(200, 200)
    for who in ours[:60]:
        bought(who, START + HOUR)
    for who in theirs[:5]:
        bought(who, START + HOUR)
    found = measured(made, START + 6 * clock.DAY + 1)
    said = experiment_verdict(found)
    assert (said.kind, said.tone) == (Kind.TOO_EARLY, Tone.NEUTRAL)
    assert "day 6 of 14" in said.sentence
    assert not said.alarm  # success waits for the end
    assert len(found.course.moments) == 6
    plain = as_dict(found)
    assert plain["fixed"] is None
    assert plain["result"] is None
    rate, _ = found.course.last
    assert rate.interval.low > 0  # it would be certain already
    fixed = measured(made).analysis.rates.interval
    assert rate.interval.high - rate.interval.low > fixed.high - fixed.low


def test_harm_is_told_before_the_end_without_a_judgement():
    made, ours, theirs = campaign(200, 200)
    for who in theirs[:70]:
        bought(who, START + HOUR)
    for who in ours[:5]:
        bought(who, START + HOUR)
    said = experiment_verdict(measured(made, START + 3 * clock.DAY))
    assert (said.kind, said.tone) == (Kind.TOO_EARLY, Tone.NEUTRAL)
    assert "Consider stopping it" in said.alarm
    ended = experiment_verdict(measured(made))
    assert (ended.kind, ended.tone, ended.alarm) == (Kind.HARMED, Tone.BAD, "")


def test_a_split_that_went_wrong_takes_the_colour_away():
    made, ours, _ = campaign(300, 100)  # half were to be held out
    for who in ours[:150]:
        bought(who, START + HOUR)
    found = measured(made)
    said = experiment_verdict(found)
    assert found.is_split_broken
    assert (said.kind, said.tone) == (Kind.WORKED, Tone.NEUTRAL)
    assert "do not rely on this result" in said.warning


def test_what_is_known_of_a_person_before_is_what_was_known_then():
    made, (ada, can), (ece, naz) = campaign(2, 2)
    day = clock.DAY
    bought(ada, START - 10 * day, 300_00)
    bought(ada, START - 400 * day, 900_00)  # longer ago than a year
    bought(can, START - 10 * day, 500_00, cancelled_at=START + day)  # cancelled later
    bought(ece, START - 10 * day, 700_00, cancelled_at=START - day)
    bought(naz, START, 100_00)  # not before
    one = experiments.by_key("campaign", made.key, END)
    found = experiments.people(one, END, with_past=True)
    before = dict(zip(found.profile_ids.tolist(), found.before_minor, strict=True))
    assert before == {ada: 300_00, can: 500_00, ece: 0, naz: 0}


def test_less_noise_and_no_giants_beside_the_money_as_it_is():
    made, ours, theirs = campaign(60, 60)
    for i, who in enumerate([*ours, *theirs]):
        bought(who, START - clock.DAY, 100_00 * (i % 7 + 1))
        bought(who, START + clock.DAY, 100_00 * (i % 7 + 1) + (50_00 if who in ours else 0))
    bought(ours[0], START + clock.DAY, 1_000_000_00)
    found = measured(made).analysis
    assert found.means.difference > 50_00
    assert found.winsorised.n_cut == 1
    assert found.winsorised.test.difference < found.means.difference / 2
    assert found.cuped.reduction >= 0
    assert found.per_order is not None


def test_segments_are_those_of_the_moment_of_assignment():
    made, ours, theirs = campaign(150, 150)
    vip, late = segment("vip"), segment("late")
    inside = [*ours[:75], *theirs[:75]]
    row = {"segment": vip, "version": vip.version, "cause": "run"}
    Membership.objects.bulk_create(
        [Membership(profile_id=pk, entered_at=START - 9, left_at=START + 9, **row) for pk in inside]
        + [
            Membership(profile_id=pk, entered_at=START - 9, left_at=START - 1, **row)
            for pk in ours[75:]
        ]
        + [
            Membership(profile_id=pk, segment=late, version=late.version, cause="run",
                       entered_at=START + 5)
            for pk in inside
        ]
    )  # fmt: skip
    for who in ours[:50]:
        bought(who, START + HOUR)
    for who in (*ours[75:80], *theirs[75:80]):
        bought(who, START + HOUR)
    (one,) = measured(made).analysis.groups
    assert one.segment_id == vip.pk
    assert (one.rates.treated.n, one.rates.control.n) == (75, 75)
    assert (one.rates.treated.x, one.rates.control.x) == (50, 0)
    assert one.p >= one.rates.p
    assert one.p_differs < 0.001


def test_the_course_of_a_campaign_sees_the_same_people_day_after_day():
    made, ours, theirs = campaign(50, 50)
    for day in range(8):
        bought(ours[day], START + day * clock.DAY + HOUR)
        bought(theirs[day], START + day * clock.DAY + HOUR)
    course = measured(made).course
    # The first look has five conversions; each day adds what happened on it.
    assert len(course.moments) == 12
    assert set(course.n_people) == {100}
    assert [seen.difference for seen in course.rates] == [0.0] * 12
    widths = [seen.interval.high - seen.interval.low for seen in course.rates]
    assert widths[5] > widths[0]  # more was done, so more may differ


# -- journeys --------------------------------------------------------------------------------------


def journey(holdout: str = "50 %", key: str = "welcome") -> Journey:
    made = Journey.objects.create(key=key, state="live", created_at=0)
    document = {"title": {"tr": "Hoş geldiniz", "en": "Welcome"}, "holdout": holdout}
    made.version = JourneyVersion.objects.create(
        journey=made, number=1, definition=document, created_at=0, published_at=0
    )
    made.save(update_fields=["version"])
    return made


def came_in(made: Journey, ids: list[int], *, held: bool, at: int) -> None:
    Enrollment.objects.bulk_create(
        Enrollment(
            journey=made, version=made.version, profile_id=pk, entry_key=f"{at}", entry="entry:0",
            state="done", is_holdout=held, entered_at=at, moved_at=at,
        )
        for pk in ids
    )  # fmt: skip


def on(made: Journey, at: int):
    found = experiments.by_key("journey", made.key, at)
    assert found is not None
    return experiments.measured(found, at)


def test_a_journey_is_judged_by_people_whose_days_are_over():
    made = journey()
    old, young = people(40), people(40)
    came_in(made, old[:20], held=False, at=START)
    came_in(made, old[20:], held=True, at=START)
    came_in(made, young[:20], held=False, at=START + 10 * clock.DAY)
    came_in(made, young[20:], held=True, at=START + 10 * clock.DAY)
    for who in (*old[:6], *young[:20]):
        bought(who, START + 11 * clock.DAY)
    found = on(made, START + 15 * clock.DAY)
    assert found.n_people == 40
    assert (found.analysis.rates.treated.x, found.analysis.rates.treated.n) == (6, 20)
    later = on(made, START + 25 * clock.DAY)
    assert later.n_people == 80
    assert later.analysis.rates.treated.x == 26


def test_a_journey_says_what_holds_at_every_look_and_nothing_else():
    made = journey()
    at = START
    for _ in range(6):
        ids = people(100)
        came_in(made, ids[:50], held=False, at=at)
        came_in(made, ids[50:], held=True, at=at)
        for who in ids[:20]:
            bought(who, at + HOUR)
        for who in ids[50:53]:
            bought(who, at + HOUR)
        at += clock.DAY
    found = on(made, at + 20 * clock.DAY)
    said = experiment_verdict(found)
    assert (said.kind, said.tone) == (Kind.WORKED, Tone.GOOD)
    assert "more orders per 100 people" in said.sentence
    seen, _ = found.course.last
    fixed = found.analysis.rates.interval
    assert seen.interval.low < fixed.low
    assert as_dict(found)["fixed"] is None
    with translation.override("tr"):
        assert experiment_verdict(found).sentence


def test_a_journey_without_a_difference_says_where_it_must_lie():
    made = journey()
    ids = people(200)
    came_in(made, ids[:100], held=False, at=START)
    came_in(made, ids[100:], held=True, at=START)
    for who in (*ids[:10], *ids[100:110]):
        bought(who, START + HOUR)
    said = experiment_verdict(on(made, END + clock.DAY))
    assert said.kind is Kind.NO_DIFFERENCE
    assert said.sentence.startswith("No difference seen so far: it lies between −")


def test_who_came_in_while_nobody_was_held_out_compares_with_nothing():
    made = journey()
    early = people(30)
    open_version = JourneyVersion.objects.create(
        journey=made, number=2, created_at=0,
        definition={"title": {"tr": "a", "en": "a"}, "holdout": "0 %"},
    )  # fmt: skip
    came_in(made, early, held=False, at=START)
    Enrollment.objects.update(version=open_version)
    late = people(10)
    came_in(made, late[:5], held=False, at=START)
    came_in(made, late[5:], held=True, at=START)
    found = on(made, END + clock.DAY)
    assert found.n_people == 10
    assert not found.is_split_broken


def test_who_comes_again_on_another_share_does_not_make_the_split_look_broken():
    made = journey("50 %")
    ids = people(200)
    came_in(made, ids[:100], held=False, at=START)
    came_in(made, ids[100:], held=True, at=START)
    made.version = JourneyVersion.objects.create(
        journey=made, number=2, definition={**made.version.definition, "holdout": "5 %"},
        created_at=0, published_at=0,
    )  # fmt: skip
    made.save(update_fields=["version"])
    came_in(made, ids[:100], held=False, at=START + HOUR)
    came_in(made, ids[100:], held=True, at=START + HOUR)
    found = on(made, END + clock.DAY)
    assert found.split_p == 1
    assert not found.is_split_broken


def test_a_journey_that_holds_nobody_out_says_so():
    made = journey("0 %")
    came_in(made, people(5), held=False, at=START)
    said = experiment_verdict(on(made, END + clock.DAY))
    assert said.kind is Kind.NO_HOLDOUT


def test_the_command_lists_and_shows_everything_as_json():
    made, ours, _ = campaign(20, 20)
    for who in ours[:10]:
        bought(who, START + HOUR)
    flow = journey()
    came_in(flow, people(3), held=False, at=START)
    with time_machine.travel(dt.datetime.fromtimestamp(END / 1e6 + 1, dt.UTC), tick=False):
        listed = json.loads(CliRunner().invoke(command, ["list", "--json"]).output)
        shown = CliRunner().invoke(command, ["show", made.key, "--json"])
        text = CliRunner().invoke(command, ["show", made.key])
        table = CliRunner().invoke(command, ["list"])
    assert {row["experiment"] for row in listed} == {"winback", "welcome"}
    found = json.loads(shown.output)
    assert found["fixed"]["rates"]["difference"] == 0.5
    assert found["result"]["overall"]["roi_interval"]
    assert "Whenever one looks" in text.output
    assert "winback" in table.output
    missing = CliRunner().invoke(command, ["show", "nothing"])
    assert missing.exit_code == 2
    assert "there is no campaign nothing" in missing.output


def test_a_campaign_that_has_not_begun_waits_at_the_end_of_the_list():
    made, _, _ = campaign(2, 2)
    Campaign.objects.filter(pk=made.pk).update(started_at=None, window_ends_at=None)
    (found,) = experiments.experiments(END, sizes.sizes())
    assert found.phase is Phase.NOT_STARTED
    assert experiment_verdict(experiments.measured(found, END)).kind is Kind.NOT_STARTED
