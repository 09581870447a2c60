"""Figures that are kept: the same as those counted directly, visibly old, counted anew."""

from __future__ import annotations

import html
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.web import company as made_up
from tests.web import plans, rides

from pusula.campaigns.models import Campaign
from pusula.consent.models import Consent
from pusula.journeys.models import Journey
from pusula.lib import clock
from pusula.measurement.experiments import overall
from pusula.measurement.experiments import queries as experiments
from pusula.measurement.experiments.sizes import sizes
from pusula.measurement.planning.baseline import baseline
from pusula.measurement.reports import answers, measured
from pusula.measurement.reports.models import Answer
from pusula.measurement.results.campaign import result
from pusula.orders import machine
from pusula.orders.models import Order
from pusula.outbox import policies
from pusula.outbox.rules.policy import Holdout, Policy
from pusula.profiles.models import Profile
from pusula.web import overview

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


def test_a_glance_survives_being_kept_and_counts_what_is_there(moment):
    found = through_json(measured.GLANCE, overview.asked(28))
    assert found == measured.GLANCE.count(overview.asked(28))
    day = 28 * clock.DAY
    today = clock.start_of(clock.day_of(moment, "Europe/Istanbul"), "Europe/Istanbul")
    alive = Order.objects.filter(status__in=machine.ALIVE)
    for told, since in ((found.now, today - day), (found.before, today - 2 * day)):
        made = alive.filter(ordered_at__gte=since, ordered_at__lt=since + day)
        amounts = list(made.values_list("net_base_minor", flat=True))
        assert (told.n, told.net_minor) == (len(amounts), sum(amounts))
    assert sum(one.net_minor for one in found.columns) == found.now.net_minor
    assert found.n_customers == Profile.objects.count()
    assert found.n_new == Profile.objects.filter(created_at__gte=moment - day).count()
    for channel, n in found.reach.items():
        granted = Consent.objects.filter(purpose="marketing", channel=channel, status="granted")
        assert n == granted.count()


def test_more_experiments_take_a_statement_or_two_each(
    deniz, moment, large, django_assert_max_num_queries
):
    def look() -> None:
        for _counted in range(2):  # a list asks for its rows once it knows them
            deniz.get("/experiments/")
            while answers.work(at=clock.now()) is not None:
                pass

    look()
    with CaptureQueriesContext(connection) as seen:
        deniz.get("/experiments/")
        n_few = len(seen)
    for number in range(4):
        plans.started(f"kis{number}", ago=5)
    answers.ask(list(Answer.objects.values_list("digest", flat=True)), at=clock.now())
    look()
    with django_assert_max_num_queries(n_few + 2 * 4):
        assert deniz.get("/experiments/").content.decode().count("kis") >= 4


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


def test_of_what_is_gone_it_is_said_once_and_not_asked_again(moment, large):
    question = {"key": "bahar"}
    answers.figures(measured.CAMPAIGN, question, at=moment)
    answers.work(at=moment)
    Campaign.objects.filter(key="bahar").update(key="yaz")
    Answer.objects.update(result={"found": {"result": {"campaign": 0}}})
    _found, given = answers.figures(measured.CAMPAIGN, question, at=moment)
    assert given.is_waiting
    answers.work(at=moment)
    for later in (0, clock.MINUTE, clock.DAY):
        found, given = answers.figures(measured.CAMPAIGN, question, at=moment + later)
        assert (found, given.is_waiting) == (None, False)
        assert "there is no campaign" in given.error
        assert answers.work(at=moment + later) is None


@pytest.fixture
def broken(moment, large, monkeypatch):
    """Let counting the sizes of a large company break off; return how to mend it."""

    def crash(_question):
        raise ZeroDivisionError("secret detail")

    mended = answers.catalog.REPORTS
    monkeypatch.setitem(mended, "sizes", crash)
    return lambda: monkeypatch.setitem(mended, "sizes", measured.SIZES.made)


def test_counting_that_broke_off_is_logged_said_and_tried_again_ever_later(
    deniz, moment, broken, caplog, monkeypatch
):
    question = {"key": "bahar"}
    answers.figures(measured.SIZES, {}, at=moment)
    answers.figures(measured.CAMPAIGN, question, at=moment)
    at, pauses = moment, []
    for _try in range(9):
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        while answers.work(at=at) is not None:
            pass
        _found, given = answers.figures(measured.SIZES, {}, at=at)
        assert (given.is_waiting, given.again_at is not None) == (False, True)
        pauses.append((given.again_at - at) // clock.MINUTE)
        assert answers.work(at=given.again_at - 1) is None
        at = given.again_at
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert "secret detail" in caplog.text  # with where it broke off
    assert Answer.objects.get(kind="campaign").made_at == moment  # the others did not wait
    deniz.cookies["django_language"] = "en"
    shown = deniz.get("/experiments/").content.decode()
    assert "counting broke off" in shown
    assert "It is tried again" in shown
    assert "secret detail" not in shown
    broken()
    held = Answer.objects.get(kind="sizes")
    deniz.post("/reports/+anew/", {"asked": [held.digest]})
    assert answers.figures(measured.SIZES, {}, at=at)[1].is_waiting
    answers.work(at=at)
    assert answers.figures(measured.SIZES, {}, at=at)[0] == sizes()
    held.refresh_from_db()
    assert (held.error, held.n_crashes, held.not_before_at) == ("", 0, 0)


def test_a_list_of_a_large_company_says_how_many_once_its_report_has_counted(deniz, moment, large):
    deniz.cookies["django_language"] = "en"
    today = clock.start_of(clock.day_of(moment, "Europe/Istanbul"), "Europe/Istanbul")
    made = Order.objects.filter(ordered_at__gte=today - 364 * clock.DAY, ordered_at__lt=today)
    paths = {"": machine.ALIVE, "&state=dead": machine.DEAD}
    for more in paths:
        said = deniz.get(f"/reports/orders/?days=364{more}").content.decode()
        assert not re.search(r"<span>\d+ orders?</span>", said)
    assert not Answer.objects.exists()  # nobody asked
    deniz.get("/reports/?days=364")
    answers.work(at=clock.now())
    for more, states in paths.items():
        said = deniz.get(f"/reports/orders/?days=364{more}").content.decode()
        (n,) = re.findall(r"<span>(\d+) orders?</span>", said)
        assert int(n) == made.filter(status__in=states).count() > 0
    Answer.objects.update(made_at=clock.now() - 2 * answers.FRESH)
    said = deniz.get("/reports/orders/?days=364").content.decode()
    assert not re.search(r"<span>\d+ orders?</span>", said)  # not as if it were of now


def test_clicks_of_a_journey_that_cannot_be_counted_say_why(deniz, moment, large):
    deniz.cookies["django_language"] = "en"
    path = "/journeys/abandoned/"
    assert "Clicks and credited revenue are being counted" in deniz.get(path).content.decode()
    Answer.objects.filter(kind="steps").update(wanted=False, error="there is no such day")
    shown = deniz.get(path).content.decode()
    assert "are being counted" not in shown
    assert "there is no such day" in shown
    assert "Try again" in shown


PAGES = ("/", "/experiments/", "/experiments/campaign/bahar/", "/experiments/journey/abandoned/",
         "/experiments/+everything/", "/experiments/+planner/", "/campaigns/",
         "/campaigns/bahar/", "/journeys/abandoned/result/")  # fmt: skip


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
    asked = re.findall(r'name="asked" value="(\w+)"', shown)
    (back,) = set(re.findall(r'name="next" value="([^"]+)"><button class="link">Count anew', shown))
    answer = deniz.post("/reports/+anew/", {"asked": asked, "next": html.unescape(back)})
    assert (answer.status_code, answer["Location"]) == (302, back)
    assert Answer.objects.filter(wanted=True).count() == len(set(asked)) >= 1
    assert "being counted" in deniz.get(path).content.decode()
