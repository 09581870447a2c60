"""From draft to finished: who gets a message, who does not and why, once."""

from __future__ import annotations

import pytest
from django.utils import translation

from pusula.campaigns import actions, audience, checklist, holdout, machine, queries, words
from pusula.campaigns.errors import CampaignError, SegmentNotReadyError
from pusula.campaigns.models import Arm, Assignment, Campaign, Template
from pusula.consent.actions import Decision, record, suppress
from pusula.lib import clock
from pusula.outbox.models import Content, Message
from pusula.segments.actions import owe
from pusula.segments.models import Membership, Segment, SegmentVersion

MOMENT = 1_790_000_000_000_000


def decisions(campaign) -> dict[str, tuple[str, str]]:
    rows = Assignment.objects.filter(campaign=campaign).select_related("profile")
    return {a.profile.first_name: (a.arm, a.reason) for a in rows}


def test_everybody_in_the_audience_is_decided_and_each_exclusion_has_a_reason(hotel):
    ayse, mehmet = hotel.guest("Ayse"), hotel.guest("Mehmet")
    booked = hotel.guest("Booked")
    silent = hotel.guest("Silent", consent=None)
    refused = hotel.guest("Refused", consent="refused")
    nowhere = hotel.guest("Nowhere", email=None)
    bounced = hotel.guest("Bounced")
    suppress("email", "bounced@example.com", reason="hard_bounce", at=0)
    wife = hotel.guest("Wife", email="mehmet@example.com")
    hotel.guest("Stranger")
    everyone = (ayse, mehmet, booked, silent, refused, nowhere, bounced, wife)
    hotel.segment("lapsing", *everyone)
    hotel.segment("has-upcoming-booking", booked)
    campaign = hotel.campaign(exclusions=["has-upcoming-booking"])

    actions.start(campaign, MOMENT)

    assert decisions(campaign) == {
        "Ayse": ("treated", ""),
        "Mehmet": ("treated", ""),
        "Booked": ("excluded", "segment:has-upcoming-booking"),
        "Silent": ("excluded", "no_consent"),
        "Refused": ("excluded", "refused"),
        "Nowhere": ("excluded", "no_address"),
        "Bounced": ("excluded", "suppressed"),
        "Wife": ("excluded", "duplicate_address"),
    }
    messages = Message.objects.order_by("profile_id")
    assert [m.address for m in messages] == ["ayse@example.com", "mehmet@example.com"]
    assert {m.origin for m in messages} == {f"campaign:{campaign.pk}"}
    assert {m.purpose for m in messages} == {"marketing"}
    assert {m.not_after_at for m in messages} == {MOMENT + 24 * clock.HOUR}
    content = Content.objects.get()
    assert content == Campaign.objects.get().content
    assert content.subject == "Merhaba {{ profile.first_name }}"


def test_starting_again_changes_nothing(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    campaign = hotel.campaign()
    actions.start(campaign, MOMENT)
    hotel.segment("later", hotel.guest("Mehmet"))
    again = actions.start(Campaign.objects.get(), MOMENT + clock.HOUR)
    assert again.started_at == MOMENT
    assert again.window_ends_at == MOMENT + 14 * clock.DAY
    assert Assignment.objects.count() == Message.objects.count() == 1


def test_the_holdout_is_drawn_among_those_who_would_get_a_message(hotel):
    people = [hotel.guest(f"G{n}") for n in range(60)]
    silent = [hotel.guest(f"S{n}", consent=None) for n in range(10)]
    hotel.segment("lapsing", *people, *silent)
    campaign = hotel.campaign(holdout="50%")
    actions.start(campaign, MOMENT)
    sizes = queries.arm_sizes(campaign)
    assert sizes["excluded"] == 10
    assert sizes["treated"] + sizes["holdout"] == 60
    assert 15 < sizes["holdout"] < 45
    assert Message.objects.count() == sizes["treated"]
    held = Assignment.objects.filter(arm=Arm.HOLDOUT).values("profile")
    assert not Message.objects.filter(profile__in=held).exists()


def test_a_profile_in_two_audiences_is_one_candidate(hotel):
    ayse = hotel.guest("Ayse")
    hotel.segment("lapsing", ayse)
    hotel.segment("loyal", ayse)
    campaign = hotel.campaign(audience=["lapsing", "loyal"])
    actions.start(campaign, MOMENT)
    assert decisions(campaign) == {"Ayse": ("treated", "")}


def test_who_left_the_segment_is_no_candidate(hotel):
    ayse, mehmet = hotel.guest("Ayse"), hotel.guest("Mehmet")
    hotel.segment("lapsing", ayse, mehmet)
    Membership.objects.filter(profile=mehmet).update(left_at=1)
    campaign = actions.start(hotel.campaign(), MOMENT)
    assert decisions(campaign) == {"Ayse": ("treated", "")}


def test_the_newest_address_that_is_not_blocked_is_used(hotel):
    ayse = hotel.guest("Ayse", email="old@example.com")
    hotel.identify(ayse, "email", "new@example.com", at=1)
    hotel.identify(ayse, "email", "newest@example.com", at=2)
    suppress("email", "newest@example.com", reason="complaint", at=0)
    hotel.segment("lapsing", ayse)
    actions.start(hotel.campaign(), MOMENT)
    assert Message.objects.get().address == "new@example.com"


@pytest.mark.parametrize(
    ("granted_at", "evidence", "decided"),
    [
        (10, "form", ("excluded", "refused")),
        (30, "", ("excluded", "refused")),
        (30, "form", ("treated", "")),
    ],
)
def test_a_refused_inbox_gets_nothing_under_a_second_guest_number(
    hotel, granted_at, evidence, decided
):
    told = {"channel": "email", "purpose": "marketing", "source": "pms"}
    before = hotel.guest("Ayse", consent=None)
    refused = Decision(profile_id=before.pk, status="refused", decided_at=20, **told)
    record([refused], at=20)
    again = hotel.guest("Again", email="ayse@example.com", consent=None)
    hotel.identify(again, "email", "older@example.com", at=-1)
    granted = Decision(
        profile_id=again.pk, status="granted", decided_at=granted_at, evidence=evidence, **told
    )
    record([granted], at=40)
    hotel.segment("lapsing", again, hotel.guest("Mehmet"))
    campaign = actions.start(hotel.campaign(), MOMENT)
    assert decisions(campaign) == {"Again": decided, "Mehmet": ("treated", "")}
    assert Message.objects.count() == 1 + (decided[0] == "treated")


def test_of_profiles_that_share_any_address_one_is_decided(hotel):
    first, last = hotel.guest("First"), hotel.guest("Last")
    between, apart = hotel.guest("Between"), hotel.guest("Apart")
    hotel.identify(between, "email", "first@example.com", at=-1)
    hotel.identify(last, "email", "shared@example.com", at=-2)
    hotel.identify(between, "email", "shared@example.com", at=-3)
    hotel.segment("lapsing", first, last, between, apart)
    campaign = actions.start(hotel.campaign(), MOMENT)
    assert decisions(campaign) == {
        "First": ("treated", ""),
        "Last": ("excluded", "duplicate_address"),
        "Between": ("excluded", "duplicate_address"),
        "Apart": ("treated", ""),
    }


def test_no_inbox_of_somebody_held_out_gets_the_message_of_another(hotel):
    people = [hotel.guest(f"G{n}") for n in range(40)]
    held = [p for p in people if holdout.is_held_out("winback", p.pk, 0.5)]
    treated = [p for p in people if p not in held]
    one, other = held[0], next(p for p in treated if p.pk > held[0].pk)
    hotel.identify(one, "email", "shared@example.com", at=-5)
    hotel.identify(other, "email", "shared@example.com", at=5)
    hotel.segment("lapsing", *people)
    actions.start(hotel.campaign(holdout="50%"), MOMENT)
    assert not Message.objects.filter(address="shared@example.com").exists()
    assert Assignment.objects.get(profile=other).reason == "duplicate_address"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": None}, "has not been evaluated yet"),
        ({"evaluated_at": None}, "has not been evaluated yet"),
        ({"stale_since_at": 5, "error": "no such trait"}, "is out of date"),
        ({"archived_at": 5}, "is archived"),
    ],
)
@pytest.mark.parametrize("role", ["audience", "exclusion"])
def test_a_segment_nobody_can_trust_stops_the_start_and_never_opens(hotel, change, said, role):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    hotel.segment("has-upcoming-booking")
    campaign = hotel.campaign(exclusions=["has-upcoming-booking"])
    key = "lapsing" if role == "audience" else "has-upcoming-booking"
    Segment.objects.filter(key=key).update(**change)
    with translation.override("en"), pytest.raises(SegmentNotReadyError, match=said):
        actions.start(campaign, MOMENT)
    assert Campaign.objects.get().state == machine.DRAFT
    assert Assignment.objects.count() == Message.objects.count() == 0


def test_a_changed_definition_stops_the_start_until_it_is_evaluated(hotel):
    segment = hotel.segment("lapsing", hotel.guest("Ayse"))
    SegmentVersion.objects.create(segment=segment, number=2, definition={}, created_at=1)
    with translation.override("en"), pytest.raises(SegmentNotReadyError, match="was changed"):
        actions.start(hotel.campaign(), MOMENT)


def test_data_that_has_not_reached_the_segments_stops_the_start(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    owe("import 12", 0)
    with translation.override("en"), pytest.raises(SegmentNotReadyError, match="Newly imported"):
        actions.start(hotel.campaign(), MOMENT)


def test_a_template_with_errors_stops_the_start(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    bad = {"subject": "Merhaba {{ profile.firstname }}", "text": "{{ unsubscribe_url }}"}
    with translation.override("en"), pytest.raises(CampaignError, match=r"profile\.firstname"):
        actions.start(hotel.campaign(template=bad), MOMENT)
    assert Campaign.objects.get().state == machine.DRAFT


def test_marketing_without_a_way_out_stops_the_start(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    campaign = hotel.campaign(template={"subject": "Merhaba", "text": "Bekliyoruz"})
    with translation.override("en"), pytest.raises(CampaignError, match="no way to unsubscribe"):
        actions.start(campaign, MOMENT)


def test_an_audience_of_nobody_stops_the_start(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse", consent="refused"))
    with translation.override("en"), pytest.raises(CampaignError, match="Nobody would get"):
        actions.start(hotel.campaign(), MOMENT)
    assert Campaign.objects.get().state == machine.DRAFT


def test_a_campaign_settles_when_its_messages_and_its_window_are_over(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"), hotel.guest("Mehmet"))
    campaign = actions.start(hotel.campaign(), MOMENT)
    assert actions.settle(campaign, MOMENT).state == machine.SENDING
    first = Message.objects.order_by("pk")[0]
    Message.objects.filter(pk=first.pk).update(state="sent")
    assert actions.settle(campaign, MOMENT).state == machine.SENDING
    Message.objects.exclude(pk=first.pk).update(state="skipped", reason="refused")
    assert actions.settle(campaign, MOMENT).state == machine.RUNNING
    assert actions.settle(campaign, campaign.window_ends_at - 1).state == machine.RUNNING
    assert actions.settle(campaign, campaign.window_ends_at).state == machine.FINISHED
    assert [(u.state, u.reason, u.n) for u in queries.unsent(campaign)] == [
        ("skipped", "refused", 1)
    ]


def test_everybody_who_got_nothing_has_a_reason_in_words(hotel):
    people = [hotel.guest(f"G{n}") for n in range(20)]
    silent = hotel.guest("Silent", consent=None)
    booked = hotel.guest("Booked")
    hotel.segment("lapsing", *people, silent, booked)
    hotel.segment("has-upcoming-booking", booked)
    campaign = hotel.campaign(holdout="50%", exclusions=["has-upcoming-booking"])
    actions.start(campaign, MOMENT)
    sizes = queries.arm_sizes(campaign)
    found = queries.unsent(campaign)
    assert sum(u.n for u in found) == 22 - sizes["treated"]
    with translation.override("en"):
        said = {words.reason(u.reason) for u in found}
        sentence = words.left_out("no_consent", 3_118)
    assert said == {
        "no consent for this channel",
        "in the segment “The has-upcoming-booking”",
        "control group",
    }
    assert sentence == "3,118 people get no message: no consent for this channel."


def test_a_draft_can_be_changed_and_a_started_campaign_cannot(hotel):
    hotel.segment("lapsing", *(hotel.guest(f"G{n}") for n in range(20)))  # not all are held out
    hotel.segment("loyal")
    campaign = hotel.campaign()
    changed = hotel.definition(title="Yeni", audience=["loyal", "lapsing"], holdout="20%")
    actions.update_draft(campaign, changed, MOMENT)
    campaign.refresh_from_db()
    assert (campaign.title, campaign.holdout_share) == ("Yeni", 0.2)
    assert campaign.audience.count() == 2
    actions.start(campaign, MOMENT)
    with translation.override("en"), pytest.raises(CampaignError, match="has started"):
        actions.update_draft(campaign, hotel.definition(), MOMENT)
    with translation.override("en"), pytest.raises(CampaignError, match="already"):
        hotel.campaign()


def test_unknown_segments_and_templates_are_named(hotel):
    hotel.segment("lapsing")
    with translation.override("en"):
        with pytest.raises(actions.DefinitionError, match="audience: there is no segment called x"):
            hotel.campaign(audience=["x"])
        with pytest.raises(actions.DefinitionError, match="no template called Bahar"):
            hotel.campaign(template="Bahar")
    assert Campaign.objects.count() == 0


def test_a_cost_smaller_than_the_currency_is_refused_not_lost(hotel):
    hotel.segment("lapsing")
    with pytest.raises(actions.DefinitionError, match=r"cost\.message"):
        hotel.campaign(cost={"message": 0.002})
    assert hotel.campaign(cost={"message": 0.02}).message_cost_minor == 2


def test_the_checklist_says_what_is_missing_before_the_start(hotel, settings):
    settings.PUSULA_SMTP_URL = ""
    silent = hotel.guest("Silent", consent=None)
    hotel.segment("lapsing", *[hotel.guest(f"G{n}") for n in range(12)], silent)
    campaign = hotel.campaign(template={"subject": "Merhaba", "html": "<p>Selam</p>"})
    with translation.override("en"):
        found = checklist.preflight(campaign, MOMENT + 25 * clock.HOUR)
    said = {(item.code, item.level.value): item.text for item in found.items}
    assert not found.may_start
    assert said["audience", "ok"] == "12 people get a message."
    assert said["exclusions", "ok"] == "1 person gets no message: no consent for this channel."
    assert said["cost", "ok"] == "It costs ₺0: the messages and what is fixed."
    assert said["holdout", "warning"].startswith("Nobody is held out")
    assert "unsubscribe" in said["template", "error"]
    assert said["smtp", "error"] == "No mail server is set: PUSULA_SMTP_URL is empty."
    assert "more than a day ago" in said["audience", "warning"]
    assert found.plan.sizes()[Arm.TREATED] == 12
    assert len(found.errors) == 2


def test_a_campaign_in_order_may_start(hotel):
    hotel.segment("lapsing", *[hotel.guest(f"G{n}") for n in range(12)])
    found = checklist.preflight(hotel.campaign(holdout="20%"), MOMENT)
    assert found.may_start
    assert found.errors == []


def test_the_checklist_reports_a_segment_that_is_not_ready(hotel):
    hotel.segment("lapsing")
    Segment.objects.update(evaluated_at=None)
    found = checklist.preflight(hotel.campaign(), MOMENT)
    assert not found.may_start
    assert found.plan is None


def test_the_plan_is_what_the_start_does(hotel):
    hotel.segment("lapsing", *[hotel.guest(f"G{n}") for n in range(30)])
    campaign = hotel.campaign(holdout="30%")
    planned = {c.profile_id: c.arm.value for c in audience.plan(campaign).candidates}
    actions.start(campaign, MOMENT)
    assert dict(Assignment.objects.values_list("profile_id", "arm")) == planned


def test_what_was_saved_last_counts_not_what_the_caller_had_read(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    campaign = hotel.campaign(window_days=14)
    read_before = Campaign.objects.get()
    actions.update_draft(campaign, hotel.definition(window_days=60), MOMENT)
    started = actions.start(read_before, MOMENT)
    assert started.window_days == 60
    assert started.window_ends_at == MOMENT + 60 * clock.DAY


def test_another_number_of_people_than_agreed_sends_nothing(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"), hotel.guest("Mehmet"))
    campaign = hotel.campaign()
    with translation.override("en"), pytest.raises(CampaignError, match="2 would get the message"):
        actions.start(campaign, MOMENT, expected_n=3)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.started_at) == (machine.DRAFT, None)
    assert Assignment.objects.count() == Message.objects.count() == 0
    assert actions.start(campaign, MOMENT, expected_n=2).state == machine.SENDING


def test_arms_nobody_is_in_have_size_nought(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    campaign = actions.start(hotel.campaign(holdout=0), MOMENT)
    assert queries.all_arm_sizes() == {campaign.pk: {"treated": 1, "holdout": 0, "excluded": 0}}
    assert queries.all_arm_sizes()[campaign.pk] == queries.arm_sizes(campaign)


def test_all_campaigns_that_have_come_further_are_settled_and_the_others_left(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    open_ = actions.start(hotel.campaign(campaign="open"), MOMENT)
    sent = actions.start(hotel.campaign(campaign="sent"), MOMENT)
    over = actions.start(hotel.campaign(campaign="over", window_days=1), MOMENT)
    hotel.campaign(campaign="draft")
    Message.objects.exclude(origin=open_.origin).update(state="sent")
    actions.settle_all(over.window_ends_at)
    states = dict(Campaign.objects.values_list("key", "state"))
    assert states == {
        "open": machine.SENDING,
        "sent": machine.RUNNING,
        "over": machine.FINISHED,
        "draft": machine.DRAFT,
    }
    assert queries.standing(sent, sent.window_ends_at) == machine.FINISHED


def test_an_own_template_changes_no_template_of_the_same_name(hotel):
    hotel.segment("lapsing")
    shared = Template.objects.create(
        name="winback", subject="Shared", text="{{ unsubscribe_url }}", updated_at=0
    )
    other = hotel.campaign(campaign="other", template="winback")
    own = hotel.campaign()
    actions.update_draft(own, hotel.definition(template={"subject": "New", "text": "x"}), MOMENT)
    own.refresh_from_db()
    shared.refresh_from_db()
    assert shared.subject == "Shared"
    assert other.template == shared
    assert own.template.subject == "New"
    assert Template.objects.count() == 2


def test_the_own_template_of_a_campaign_cannot_be_named_by_another(hotel):
    hotel.segment("lapsing")
    own = hotel.campaign()
    with translation.override("en"), pytest.raises(actions.DefinitionError, match="no template"):
        hotel.campaign(campaign="other", template=own.template.name)
