"""A scheduled campaign begins at its moment, once, for about as many people as were agreed to."""

from __future__ import annotations

import threading

import pytest
from click.testing import CliRunner
from django.db import connection, connections

from pusula.campaigns import actions, crowding, machine, schedule
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import Arm, Assignment, Campaign, Template
from pusula.lib import clock
from pusula.ops import campaigns as commands
from pusula.outbox import policies
from pusula.outbox.models import Message
from pusula.outbox.rules import policy as rules
from pusula.segments.actions import owe
from pusula.segments.models import Debt, Membership

from .conftest import MOMENT

MORNING = MOMENT + 20 * clock.HOUR

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture(autouse=True)
def _mail_server(settings):
    settings.PUSULA_SMTP_URL = "smtp://127.0.0.1:2525"


@pytest.fixture
def planned(hotel) -> Campaign:
    """A campaign for two that begins in the morning."""
    hotel.segment("lapsing", hotel.guest("Ayse"), hotel.guest("Mehmet"))
    return schedule.schedule(hotel.campaign(), MORNING, agreed_n=2, at=MOMENT)


def join(hotel, *names: str) -> None:
    """Let more people be in the segment."""
    segment = Campaign.objects.get().audience.get()
    for name in names:
        Membership.objects.create(
            segment=segment, profile=hotel.guest(name), version=segment.version,
            entered_at=MOMENT, cause="run",
        )  # fmt: skip


def test_it_begins_at_its_moment_and_not_before_for_whoever_is_in_the_segment_then(hotel, planned):
    assert (planned.state, planned.starts_at) == (machine.SCHEDULED, MORNING)
    assert not schedule.due(MORNING - 1)
    assert not schedule.begin(planned, MORNING - 1)
    assert not Message.objects.exists()
    join(hotel, "Zehra")
    assert schedule.due(MORNING) == [planned]
    assert schedule.begin(planned, MORNING)
    assert (planned.state, planned.started_at) == (machine.SENDING, MORNING)
    assert Assignment.objects.filter(arm=Arm.TREATED).count() == Message.objects.count() == 3


def test_it_begins_once_however_often_somebody_looks(planned):
    assert schedule.begin(Campaign.objects.get(), MORNING)
    assert not schedule.begin(planned, MORNING + 1)
    assert Message.objects.count() == 2


def test_called_back_it_is_a_draft_that_never_begins_and_can_be_edited(planned):
    schedule.call_back(planned)
    assert (planned.state, planned.starts_at, planned.agreed_n) == (machine.DRAFT, None, None)
    assert not schedule.due(MORNING + clock.DAY)
    assert not schedule.begin(planned, MORNING)
    assert not Message.objects.exists()


def test_a_scheduled_campaign_cannot_be_changed_without_calling_it_back(hotel, planned):
    with pytest.raises(CampaignError, match="call it back"):
        actions.update_draft(planned, None, MOMENT)  # type: ignore[arg-type]


@pytest.mark.parametrize("starts_at", [MOMENT, MOMENT - 1, MOMENT + schedule.FURTHEST + 1])
def test_a_moment_that_is_over_or_too_far_is_refused(hotel, starts_at):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    with pytest.raises(CampaignError, match="within a year"):
        schedule.schedule(hotel.campaign(), starts_at, agreed_n=1, at=MOMENT)
    assert Campaign.objects.get().state == machine.DRAFT


def test_what_has_begun_can_be_neither_scheduled_nor_called_back(planned):
    schedule.begin(planned, MORNING)
    with pytest.raises(CampaignError, match="has started"):
        schedule.call_back(planned)
    with pytest.raises(CampaignError, match="has started"):
        schedule.schedule(planned, MORNING + clock.DAY, agreed_n=2, at=MORNING)


def test_many_more_people_than_agreed_wait_for_a_person_and_nobody_gets_anything(hotel, planned):
    join(hotel, *(f"G{n}" for n in range(101)))
    assert not schedule.begin(planned, MORNING)
    assert planned.state == machine.SCHEDULED
    assert not schedule.begin(planned, MORNING + schedule.PATIENCE)
    assert planned.state == machine.DRAFT
    assert "103" in planned.trouble
    assert "many more than agreed" in planned.trouble
    assert not Message.objects.exists()


def test_a_segment_that_is_behind_is_waited_for_a_while(planned):
    owe("import 1", MORNING - 1)
    assert not schedule.begin(planned, MORNING)
    assert planned.state == machine.SCHEDULED
    assert "imported data" in planned.trouble
    Debt.objects.all().delete()
    assert schedule.begin(planned, MORNING + clock.MINUTE)
    assert planned.started_at == MORNING + clock.MINUTE


def test_what_was_slept_through_is_a_draft_again_and_says_so(planned):
    assert not schedule.begin(planned, MORNING + 25 * clock.HOUR)
    assert planned.state == machine.DRAFT
    assert "too late" in planned.trouble
    assert not Message.objects.exists()


def test_a_template_that_was_changed_after_it_was_agreed_to_does_not_leave(planned):
    Template.objects.update(subject="Başka", updated_at=MOMENT + 1)
    assert not schedule.begin(planned, MORNING)
    assert "template was changed" in planned.trouble
    assert not Message.objects.exists()


def test_scheduling_again_forgets_what_kept_it(planned):
    schedule.begin(planned, MORNING + 25 * clock.HOUR)
    assert planned.trouble
    again = schedule.schedule(planned, MORNING + 48 * clock.HOUR, agreed_n=2, at=MORNING)
    assert (again.trouble, again.state) == ("", machine.SCHEDULED)


@pytest.mark.django_db(transaction=True)
def test_of_two_that_look_at_the_same_moment_one_begins_it(hotel):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer; the tests' database in memory cannot wait for it")
    hotel.segment("lapsing", hotel.guest("Ayse"), hotel.guest("Mehmet"))
    planned = schedule.schedule(hotel.campaign(), MORNING, agreed_n=2, at=MOMENT)
    start, begun = threading.Barrier(2), []

    def look() -> None:
        start.wait()
        try:
            begun.append(schedule.begin(Campaign.objects.get(pk=planned.pk), MORNING))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(begun) == [False, True]
    assert Message.objects.count() == 2


def test_the_command_begins_what_is_due_and_says_what_cannot(hotel, monkeypatch):
    hotel.segment("lapsing", hotel.guest("Ayse"), hotel.guest("Mehmet"))
    planned = hotel.campaign()
    moment = clock.to_datetime(MORNING, "Europe/Istanbul").strftime("%Y-%m-%d %H:%M")
    monkeypatch.setattr(clock, "now", lambda: MOMENT)

    def run(*words: str) -> str:
        answer = CliRunner().invoke(commands.campaigns, words, catch_exceptions=False)
        return answer.output

    assert CliRunner().invoke(commands.campaigns, ["schedule", "winback", moment, "--people", "9"])
    assert Campaign.objects.get().state == machine.DRAFT
    assert "winback begins on" in run("schedule", "winback", moment, "--people", "2")
    assert run("begin", "--once") == ""
    monkeypatch.setattr(clock, "now", lambda: MORNING)
    assert "winback has begun" in run("begin", "--once")
    assert Message.objects.filter(origin=planned.origin).count() == 2
    again = CliRunner().invoke(commands.campaigns, ["call-back", "winback"])
    assert "has started" in str(again.exception)


def limit(text: str) -> None:
    policies.apply(rules.read(text, "test"), by="deniz", at=MOMENT)


def test_a_cap_that_a_scheduled_campaign_runs_into_is_foretold(hotel):
    both = [hotel.guest("Ayse"), hotel.guest("Mehmet")]
    silent = hotel.guest("Silent", consent=None)
    hotel.segment("lapsing", *both, silent)
    hotel.segment("loyal", both[0])
    first = hotel.campaign()
    second = hotel.campaign(campaign="ikinci", audience=["loyal"])
    limit("caps: [{most: 1, in: 2d}]")
    schedule.schedule(first, MORNING, agreed_n=2, at=MOMENT)
    assert not crowding.conflicts()
    schedule.schedule(second, MORNING + clock.DAY, agreed_n=1, at=MOMENT)
    [conflict] = crowding.conflicts()
    assert (conflict.campaign, conflict.n, conflict.n_expected) == (second, 1, 1)
    week = (MOMENT, MOMENT + 7 * clock.DAY)
    assert crowding.nth_message(*week) == {2: 1}
    schedule.schedule(second, MORNING + 2 * clock.DAY, agreed_n=1, at=MOMENT)
    assert not crowding.conflicts(), "as old as the window no longer counts"


def test_what_has_left_counts_and_what_was_not_sent_does_not(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"), hotel.guest("Mehmet"))
    actions.start(hotel.campaign(), MOMENT)
    sent, skipped = Message.objects.order_by("pk")
    Message.objects.filter(pk=sent.pk).update(state="sent")
    Message.objects.filter(pk=skipped.pk).update(state="skipped", reason="capped")
    limit("caps: [{channel: email, most: 1, in: 2d}, {channel: sms, most: 1, in: 2d}]")
    second = hotel.campaign(campaign="ikinci")
    Campaign.objects.filter(pk=second.pk).update(state=machine.SCHEDULED, starts_at=MORNING)
    [conflict] = crowding.conflicts()
    assert (conflict.n, conflict.n_expected, conflict.cap.channel) == (1, 2, "email")
