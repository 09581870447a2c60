"""A campaign asks where journeys ask too: its plan is what is decided, to the last person."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from django.utils import translation
from tests.campaigns.conftest import MOMENT
from tests.outbox.asking import asked, content

from pusula.campaigns import actions, audience, checklist, machine, queries
from pusula.campaigns.definitions import DefinitionError
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import Arm, Assignment
from pusula.consent.actions import suppress
from pusula.lib import clock
from pusula.outbox import machine as messages
from pusula.outbox import policies
from pusula.outbox.candidates import Way
from pusula.outbox.decisions import decide
from pusula.outbox.models import Message
from pusula.outbox.rules import policy as rules

HOUR, DAY = clock.HOUR, clock.DAY


def limits(text: str) -> None:
    policies.apply(rules.read(text, "test"), by="test", at=MOMENT)


def adds_up(campaign) -> bool:
    """Whether everybody of the audience is counted once: not asked, held out, or in some state."""
    sizes = queries.arm_sizes(campaign)
    n = sum(sizes.values())
    rows = sizes[Arm.EXCLUDED] + sizes[Arm.HOLDOUT] + queries.progress(campaign).n_messages
    return n == rows == Assignment.objects.filter(campaign=campaign).count()


def test_who_has_had_enough_is_left_out_of_both_arms_with_the_reason(hotel):
    people = [hotel.guest(f"G{n}") for n in range(30)]
    hotel.segment("lapsing", *people)
    limits("caps: [{most: 1, in: 7d}]")
    way = (Way("email", content().pk),)
    decide([asked(p.pk, ways=way, due_at=MOMENT) for p in people[:10]], at=MOMENT)
    campaign = hotel.campaign(holdout="50%")
    plan = audience.plan(campaign, at=MOMENT)
    assert plan.reasons() == {"capped": 10}
    assert {c.profile_id for c in plan.of(Arm.EXCLUDED)} == {p.pk for p in people[:10]}
    with translation.override("en"):
        said = [item.text for item in checklist.preflight(campaign, MOMENT).items]
    assert "10 people get no message: has got as many messages as allowed." in said
    assert any(text.startswith(f"{plan.n_messages} people get") for text in said)


def test_two_campaigns_and_a_journey_share_one_cap(hotel):
    people = [hotel.guest(f"G{n}") for n in range(12)]
    hotel.segment("lapsing", *people)
    limits("caps: [{most: 2, in: 7d}]")
    actions.start(hotel.campaign(campaign="one"), MOMENT)
    way = (Way("email", content().pk),)
    decide([asked(p.pk, ways=way, due_at=MOMENT) for p in people[:5]], at=MOMENT)
    second = actions.start(hotel.campaign(campaign="two"), MOMENT)
    assert queries.exclusions(second) == {"capped": 5}
    third = hotel.campaign(campaign="three")
    with translation.override("en"), pytest.raises(CampaignError, match="Nobody would get"):
        actions.start(third, MOMENT)
    for person in people:
        assert Message.objects.filter(profile=person, state="pending").count() == 2


def test_a_more_important_campaign_takes_places_and_the_other_still_adds_up(hotel):
    people = [hotel.guest(f"G{n}") for n in range(6)]
    hotel.segment("lapsing", *people)
    hotel.segment("few", *people[:2])
    limits("caps: [{most: 1, in: 7d}]")
    usual = actions.start(hotel.campaign(campaign="usual"), MOMENT)
    urgent = actions.start(hotel.campaign(campaign="urgent", priority=1, audience=["few"]), MOMENT)
    assert queries.progress(urgent).states[messages.PENDING] == 2
    assert queries.progress(usual).reasons == {("skipped", "outranked"): 2}
    assert adds_up(usual)
    assert adds_up(urgent)


def test_a_campaign_at_night_waits_for_the_morning_or_leaves_people_out(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    limits("quiet: [{from: '17:00', to: '09:00'}]")  # MOMENT is 17:13 in Istanbul
    waits = actions.start(hotel.campaign(campaign="waits"), MOMENT)
    due = Message.objects.get(origin=waits.origin).due_at
    assert clock.to_datetime(due, "Europe/Istanbul").hour == 9
    skips = hotel.campaign(campaign="skips", quiet_hours="skip")
    assert audience.plan(skips, at=MOMENT).reasons() == {"quiet": 1}
    short = hotel.campaign(campaign="short", not_after_hours=6)
    assert audience.plan(short, at=MOMENT).reasons() == {"quiet": 1}


def test_what_the_hours_have_no_room_for_is_said_before_and_counted_after(hotel):
    hotel.segment("lapsing", *[hotel.guest(f"G{n}") for n in range(10)])
    limits("budgets: [{channel: email, most: 3, per: hour}]")
    campaign = hotel.campaign(not_after_hours=1)
    plan = audience.plan(campaign, at=MOMENT)
    assert plan.reasons() == {"budget": 4}
    assert (plan.n_messages, plan.sizes()[Arm.TREATED]) == (6, 10)
    started = actions.start(campaign, MOMENT, expected_n=6)
    assert [(u.state, u.reason, u.n) for u in queries.unsent(started)] == [("skipped", "budget", 4)]
    assert adds_up(started)


def test_who_is_held_out_from_everything_is_in_no_campaign(hotel):
    hotel.segment("lapsing", *[hotel.guest(f"G{n}") for n in range(60)])
    limits("holdout: {share: 30%}")
    first = actions.start(hotel.campaign(campaign="one"), MOMENT)
    second = actions.start(hotel.campaign(campaign="two"), MOMENT)
    held = [
        set(
            Assignment.objects.filter(campaign=c, reason="holdout_global").values_list(
                "profile_id", flat=True
            )
        )
        for c in (first, second)
    ]
    assert held[0] == held[1]
    assert 5 < len(held[0]) < 35
    assert not Message.objects.filter(profile_id__in=held[0]).exists()


def test_a_campaign_is_finished_only_when_everybody_treated_is_accounted_for(hotel):
    hotel.segment("lapsing", *[hotel.guest(f"G{n}") for n in range(3)])
    campaign = actions.start(hotel.campaign(), MOMENT)
    Message.objects.update(state="sent", gated_at=MOMENT)
    lost = Message.objects.first()
    kept = {f.attname: getattr(lost, f.attname) for f in Message._meta.concrete_fields}
    lost.delete()
    assert actions.settle(campaign, campaign.window_ends_at).state == machine.SENDING
    Message.objects.create(**kept)
    assert actions.settle(campaign, campaign.window_ends_at).state == machine.FINISHED


def test_a_campaign_is_finished_though_a_message_left_with_somebody_who_parted(hotel):
    hotel.segment("lapsing", *[hotel.guest(f"G{n}") for n in range(3)])
    campaign = actions.start(hotel.campaign(), MOMENT)
    Message.objects.update(state="sent", gated_at=MOMENT)
    Message.objects.filter(pk=Message.objects.first().pk).update(
        profile_id=hotel.guest("Parted").pk
    )
    assert actions.settle(campaign, campaign.window_ends_at).state == machine.FINISHED


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"priority": 0}, "priority"),
        ({"priority": 10}, "priority"),
        ({"not_after_hours": 0}, "not_after_hours"),
        ({"not_after_hours": 400}, "not_after_hours"),
        ({"quiet_hours": "never"}, "quiet_hours"),
    ],
)
def test_limits_of_a_campaign_are_checked(hotel, changes, said):
    with pytest.raises(DefinitionError, match=said):
        hotel.definition(**changes)


POLICIES = (
    "caps: [{most: 1, in: 2d}]",
    "caps: [{most: 2, in: 7d}, {most: 1, in: 6h}]\nholdout: {share: 20%}",
    "quiet: [{from: '16:00', to: '09:00'}]\ncaps: [{most: 1, in: 1d, channel: email}]",
    "budgets: [{channel: email, most: 4, per: hour}]\ncaps: [{most: 1, in: 1d}]",
    "budgets: [{channel: email, most: 6, per: day}]\nquiet: [{from: '18:00', to: '09:00'}]",
)


@pytest.mark.parametrize("seed", range(10))
def test_the_plan_is_what_is_decided_in_random_worlds(hotel, seed):
    chance = random.Random(seed)  # noqa: S311 - a world, not a secret
    limits(POLICIES[seed % len(POLICIES)])
    people = [
        hotel.guest(
            f"G{n}",
            email=chance.choice([None, "", "", "", "", f"shared{n % 3}@example.com"]),
            consent=chance.choice([None, "granted", "granted", "granted", "refused"]),
        )
        for n in range(30)
    ]
    for person in chance.sample(people, 4):
        hotel.identify(person, "phone", chance.choice(["+12125550123", "+81312345678"]))
    suppress("email", "g3@example.com", reason="complaint", at=1)
    hotel.segment("lapsing", *people)
    hotel.segment("booked", *chance.sample(people, 3))
    way = (Way("email", content().pk),)
    for n in range(4):
        at = MOMENT + n * 5 * HOUR
        decide(
            [
                asked(
                    p.pk, step=f"s{n}", ways=way, due_at=at + chance.randrange(30) * HOUR,
                    not_after_at=at + 40 * HOUR, priority=chance.randint(1, 9),
                )
                for p in chance.sample(people, 8)
            ],
            at=at,
        )  # fmt: skip
        gone = Message.objects.filter(state="pending", due_at__lte=at)
        gone.update(state=chance.choice(["sent", "failed", "unknown"]), gated_at=at, settled_at=at)
        campaign = hotel.campaign(
            campaign=f"c{n}", holdout="30%", exclusions=["booked"], priority=chance.randint(1, 9),
            # The first may wait for ever: a world in which nothing is sent shows nothing.
            not_after_hours=chance.choice([2, 24, 72]) if n else 72,
            quiet_hours=chance.choice(["wait", "skip"]) if n else "wait",
        )  # fmt: skip
        plan = audience.plan(campaign, at=at)
        if not plan.n_messages:
            continue
        actions.start(campaign, at, expected_n=plan.n_messages)
        written = Message.objects.filter(origin=campaign.origin)
        assert dict(
            Assignment.objects.filter(campaign=campaign).values_list("profile_id", "arm")
        ) == {c.profile_id: c.arm.value for c in plan.candidates}
        assert dict(written.values_list("profile_id", "reason")) == {
            c.profile_id: c.reason for c in plan.of(Arm.TREATED)
        }
        assert set(written.values_list("profile_id", "address", "due_at", "state")) == {
            (d.profile_id, d.address, d.due_at, d.state) for d in plan.decisions
        }
        assert Counter(u.reason for u in queries.unsent(campaign)).keys() - {"holdout"} == (
            plan.reasons().keys()
        )
        assert adds_up(campaign)
    started = [c for c in queries.campaigns() if c.state != machine.DRAFT]
    assert started
    assert all(adds_up(campaign) for campaign in started)
