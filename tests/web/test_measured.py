"""Figures that are kept: the same as those counted directly, visibly old, counted anew."""

from __future__ import annotations

import json

import pytest
from tests.web import company as made_up
from tests.web import plans, rides

from pusula.campaigns.models import Campaign
from pusula.journeys.models import Journey
from pusula.lib import clock
from pusula.measurement.experiments import overall
from pusula.measurement.experiments import queries as experiments
from pusula.measurement.experiments.sizes import sizes
from pusula.measurement.planning.baseline import baseline
from pusula.measurement.reports import answers, measured
from pusula.measurement.reports.models import Answer
from pusula.measurement.results.campaign import result
from pusula.outbox import policies
from pusula.outbox.rules.policy import Holdout, Policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def moment(company):
    plans.finished("bahar")
    plans.started("guz", ago=5)
    rides.under_way()
    policies.apply(Policy(holdout=Holdout(share=0.5, name="all")), by="", at=made_up.moment(90))
    return clock.now()


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(answers, "MOST_AT_ONCE", -1)


def through_json(measure, question):
    return measure.read(json.loads(json.dumps(measure.made(question), allow_nan=False)))


@pytest.mark.parametrize("key", ["bahar", "guz"])
def test_figures_of_a_campaign_survive_being_kept(moment, key):
    campaign = Campaign.objects.get(key=key)
    found = through_json(measured.CAMPAIGN, {"key": key})
    assert found.result == result(campaign, moment)
    for question in (
        measured.of_experiment("campaign", key),
        measured.of_experiment("campaign", key, is_brief=True),
    ):
        one = experiments.by_key("campaign", key, moment)
        counted = experiments.brief if question["is_brief"] else experiments.measured
        assert through_json(measured.EXPERIMENT, question) == counted(one, moment)


def test_figures_of_a_journey_survive_being_kept(moment):
    one = Journey.objects.get(key="abandoned")
    found = through_json(measured.JOURNEY, {"key": one.key, "days": 14})
    again = measured.JOURNEY.count({"key": one.key, "days": 14})
    assert found == again
    question = measured.of_experiment("journey", one.key)
    there = experiments.by_key("journey", one.key, moment)
    assert through_json(measured.EXPERIMENT, question) == experiments.measured(there, moment)


def test_figures_of_everybody_survive_being_kept(moment):
    assert through_json(measured.EVERYTHING, {}) == overall.measured(moment)
    assert through_json(measured.SIZES, {}) == sizes()
    question = {"segment": "", "days": 28}
    assert through_json(measured.BASELINE, question) == baseline(None, days=28, at=moment)


def test_a_large_company_keeps_figures_and_says_when_they_are_of(moment, large):
    question = {"key": "bahar"}
    found, given = answers.figures(measured.CAMPAIGN, question, at=moment)
    assert (found, given.is_waiting) == (None, True)
    assert answers.work(at=moment) is not None
    found, given = answers.figures(measured.CAMPAIGN, question, at=moment + clock.MINUTE)
    assert found.result == result(Campaign.objects.get(key="bahar"), moment)
    assert (given.made_at, given.is_waiting) == (moment, False)
    later = moment + answers.FRESH + clock.MINUTE
    found, given = answers.figures(measured.CAMPAIGN, question, at=later)
    assert (found is not None, given.made_at, given.is_waiting) == (True, moment, True)


def test_figures_that_another_program_wrote_are_counted_anew(moment, large):
    answers.figures(measured.CAMPAIGN, {"key": "bahar"}, at=moment)
    answers.work(at=moment)
    Answer.objects.update(result={"found": {"result": {"of": "another time"}}})
    found, given = answers.figures(measured.CAMPAIGN, {"key": "bahar"}, at=moment)
    assert (found, given.is_waiting) == (None, True)
    assert Answer.objects.get().wanted


PAGES = ("/experiments/", "/experiments/campaign/bahar/", "/experiments/journey/abandoned/",
         "/experiments/+everything/", "/experiments/+planner/", "/campaigns/bahar/",
         "/journeys/abandoned/result/")  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_a_large_company_counts_nothing_itself(deniz, moment, large, monkeypatch, path):
    deniz.cookies["django_language"] = "en"
    assert "being counted" in deniz.get(path).content.decode()
    while answers.work(at=clock.now()) is not None:
        pass
    deniz.get(path)  # a list asks for its rows once it knows them
    while answers.work(at=clock.now()) is not None:
        pass
    for one in measured.MEASURES:
        monkeypatch.setattr(answers.catalog, "REPORTS", {one.kind: None})
    shown = deniz.get(path).content.decode()
    assert "being counted" not in shown
    assert "Counted " in shown
    assert "again=1" in shown
    assert "being counted" in deniz.get(path, {"again": "1"}).content.decode()
