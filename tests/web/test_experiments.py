"""The pages of experiments: the verdict first, nothing too early, and a planner without scripts."""

from __future__ import annotations

import pytest
from tests.web import company as made_up
from tests.web import plans, rides

from pusula.outbox import policies
from pusula.outbox.rules.policy import Holdout, Policy

pytestmark = pytest.mark.django_db
PLANNER = "/experiments/+planner/"


def page(client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def test_without_experiments_the_list_leads_to_the_planner(deniz):
    found = page(deniz, "/experiments/")
    assert "No experiments yet" in found
    assert PLANNER in found


def test_the_list_has_campaigns_and_journeys_with_what_they_say(deniz):
    plans.finished("bahar")
    plans.started("guz", title="Güz daveti")
    plans.draft("yaz", title="Yaz daveti")
    rides.under_way()
    found = page(deniz, "/experiments/")
    assert "/experiments/campaign/bahar/" in found
    assert "Too early: day 0 of 14." in found
    assert "/experiments/journey/abandoned/" in found
    assert 'href="/campaigns/yaz/"' in found  # not begun: its own page


def test_a_campaign_that_has_ended_shows_everything(deniz):
    plans.finished("bahar")
    found = page(deniz, "/experiments/campaign/bahar/")
    for part in ("h-lift", "h-arms", "h-others", "h-segments"):
        assert f'id="{part}"' in found, part
    assert "CUPED" in found
    assert "Work out the younger ones, too" in found
    assert 'href="/campaigns/bahar/unsent/?reason=holdout"' in found
    looked_back = page(deniz, "/experiments/campaign/bahar/?segments=then")
    assert "Work out the younger ones, too" not in looked_back


def test_a_campaign_that_runs_shows_no_groups_and_no_colour(deniz):
    plans.started("guz", ago=5)
    found = page(deniz, "/experiments/campaign/guz/")
    assert 'class="verdict verdict--neutral' in found
    assert 'id="h-arms"' not in found
    assert 'id="h-others"' not in found
    assert "It is judged after" in found
    assert page(deniz, "/campaigns/guz/")


def test_a_journey_has_a_page_from_its_first_guest_on(deniz):
    rides.under_way()
    assert "Nothing to compare yet" in page(deniz, "/experiments/journey/abandoned/")


@pytest.mark.parametrize("path", ["campaign/nothing", "journey/nothing", "segment/repeat-guests"])
def test_what_is_no_experiment_is_no_page(deniz, path):
    assert deniz.get(f"/experiments/{path}/").status_code == 404


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "0.57% → 0.67% needs 96,722 people per group, 193,444 together."),
        ("tr", "96.722"),
    ],
)
def test_the_planner_says_what_a_test_takes(deniz, language, said):
    asked = "?metric=rate&base=0.57&target=0.67&control=50&people=25000&per_day=800"
    if language == "tr":
        asked = asked.replace("0.57", "0,57").replace("0.67", "0,67")
    found = page(deniz, PLANNER + asked, language)
    assert said in found
    assert "242" in found


def test_the_planner_takes_amounts_and_says_what_the_people_at_hand_can_show(deniz):
    asked = "?metric=mean&base=50&target=55&deviation=200&control=10&people=1000"
    found = page(deniz, PLANNER + asked)
    assert "in the control group" in found
    assert "you will mostly see only effects above" in found


def test_the_planner_starts_from_ones_own_customers(deniz):
    assert "net revenue per person" in page(deniz, PLANNER)
    assert "standard deviation" in page(deniz, f"{PLANNER}?segment=repeat-guests&days=90")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("?metric=rate&base=5&target=5&control=50", "the effect to be seen must not be zero"),
        ("?metric=rate&base=0&target=5&control=50", "both rates must lie between 0% and 100%"),
        ("?metric=mean&base=5&target=6&control=50", "the standard deviation must be more than 0"),
        ("?metric=rate&base=x&target=5&control=50", "the fields marked need another look"),
        ("?metric=dance&base=1&target=5&control=50", "the fields marked need another look"),
        ("?metric=rate&base=1&target=5&control=100", "the fields marked need another look"),
        ("?metric=rate&base=NaN&target=5&control=50", "the fields marked need another look"),
    ],
)
def test_the_planner_refuses_what_no_test_can_have(deniz, asked, said):
    assert said in page(deniz, PLANNER + asked)


def test_the_control_group_of_all_messages_has_its_page(deniz):
    path = "/experiments/+everything/"
    assert "No control group of all messages" in page(deniz, path)
    policies.apply(
        Policy(holdout=Holdout(share=0.5, name="2026")), by="deniz", at=made_up.moment(70)
    )
    found = page(deniz, path)
    assert "In the control group" in found
    assert "drawn by the name 2026" in found
