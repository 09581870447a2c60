"""What no browser sends and somebody will: endless numbers, endless searches, NUL characters."""

from __future__ import annotations

import re

import pytest
from django.test import RequestFactory
from django.urls import get_resolver
from tests.web import plans
from tests.web.test_campaigns import TYPED

from pusula.campaigns import machine
from pusula.campaigns.models import Campaign
from pusula.web import mails
from pusula.web.request import MOST_LETTERS, searched, whole
from pusula.web.timeline import Position

pytestmark = pytest.mark.django_db
ENDLESS = "9" * 5_000


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("-12", -12), ("0" * 17 + "1", 1), ("9" * 18, 10**18 - 1)]
    + [(text, None) for text in ("", "²", "٣", "1 ", "1_0", "+1", "1.0", "9" * 19, ENDLESS)],
)
def test_a_whole_number_is_ascii_digits_that_fit_a_column(text, number):
    assert whole(text) == number


@pytest.mark.parametrize("text", ["", "1", "1.2", "1.2.3.4", "1.2.", "a.1.2", f"{ENDLESS}.1.1"])
def test_what_is_no_position_begins_at_the_top(text):
    assert Position.read(text) is None
    assert Position.read("-5.1.2") == Position(-5, 1, 2)


def test_a_search_is_ten_words_of_two_hundred_letters_at_most():
    def read(text: str) -> str:
        return searched(RequestFactory().get("/", {"q": text}))

    assert read("  Elif  Doğan ") == "Elif  Doğan"
    assert read("a " * 3_000) == " ".join("a" * 10)
    assert read("b" * 3_000) == "b" * MOST_LETTERS
    assert read("\0El\0if") == "Elif"
    assert read(" ") == ""


@pytest.mark.parametrize(
    "path",
    [
        "/customers/?after={endless}",
        "/customers/?q={words}",
        "/customers/?q={nul}a",
        "/customers/?q=a{nul}@",
        "/customers/?q=1{nul}",
        "/customers/{customer}/?before={endless}.1.1",
        "/segments/lapsing/why/?profile={endless}",
        "/segments/lapsing/why/?q={nul}a",
        "/segments/lapsing/why/?q={words}",
        "/campaigns/bahar/unsent/?after={endless}",
        "/campaigns/bahar/unsent/?reason={nul}",
        "/campaigns/bahar/unsent/?state={nul}",
        "/campaigns/bahar/mail/?person={endless}",
        "/campaigns/+new/?audience={nul}",
        "/rfm/{run}/people/?group={nul}&r=²&f={endless}&after={endless}",
        "/rfm/?run={endless}&before={nul}&show={nul}",
        "/sent-mail/?n={endless}",
        "/sent-mail/?q={words}",
        "/?days={endless}",
    ],
)
def test_an_address_that_asks_for_nonsense_is_answered(deniz, company, path, settings, tmp_path):
    settings.PUSULA_HOME = tmp_path
    mails.folder().mkdir()
    plans.started()
    values = {"customer": company.elif_.pk, "run": company.run.pk}
    words = "+".join("a" * 3_000)
    address = path.format(endless=ENDLESS, nul="%00", words=words, **values)
    assert deniz.get(address).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/reports/?from=0001-01-01&to=0001-01-01",
        "/reports/orders/?from=9999-12-30&to=9999-12-30",
        "/reports/people/?who=new&after={most}",
        "/reports/attribution/?sent={most}&half_life={most}&model={nul}",
        "/reports/attribution/orders/?origin=campaign:{endless}&content_id={most}",
        "/reports/attribution/orders/?origin={nul}&step={nul}&after={most}.{most}",
        "/reports/rates/?origin=campaign:{endless}",
        "/reports/rates/messages/?within={most}&kind=converted&after={most}",
        "/reports/funnel/?step={nul}a&step=order&window={most}",
        "/reports/funnel/people/?step={nul}a&step=order&at=1",
        "/reports/funnel/people/?step=order&step=order&at=1&after={most}",
        "/reports/cohort/people/?month=0001-01-01",
        "/reports/cohort/people/?month=9999-12-01&later=23",
        "/rfm/+moves/?run={endless}&before={nul}&first={nul}&last={nul}&show={nul}",
        "/rfm/+moves/people/?run={run}&group={nul}&after={most}",
        "/experiments/?page={most}",
        "/experiments/+planner/?segment={nul}&days={most}&base={nul}",
        "/bi/files/..%2f..%2fsecret.key",
        "/pilot/+new/?kit={nul}",
    ],
)
def test_no_address_breaks_a_page_of_figures(deniz, company, path):
    plans.finished("bahar")
    values = {"run": company.run.pk, "most": "9" * 18}
    answer = deniz.get(path.format(endless=ENDLESS, nul="%00", **values))
    assert answer.status_code < 500


NUMBERED = [
    str(pattern.pattern)
    for pattern in get_resolver("pusula.web.urls").url_patterns
    if ":pk>" in str(pattern.pattern)
]


@pytest.mark.parametrize("number", [2**63, 10**30])
@pytest.mark.parametrize("pattern", NUMBERED)
def test_there_is_no_page_of_what_no_number_of_ours_names(deniz, pattern, number):
    address = re.sub("<[a-z]+:pk>", str(number), pattern)
    address = re.sub("<[a-z]+:[a-z]+>", "x", address)
    assert deniz.get(f"/{address}").status_code == 404
    assert deniz.post(f"/{address}").status_code == 404


@pytest.mark.parametrize("typed", ["²", "٣", ENDLESS, "\0"])
def test_what_is_no_number_of_people_sends_nothing(deniz, settings, typed):
    settings.PUSULA_SMTP_URL = "smtp://127.0.0.1:2525"
    plans.draft()
    assert deniz.post("/campaigns/bahar/send/", {"people": typed}).status_code == 422
    assert Campaign.objects.get().state == machine.DRAFT


@pytest.mark.parametrize("given", [{"audience": ["\0"]}, {"person": ENDLESS}, {"to": ENDLESS}])
@pytest.mark.parametrize("path", ["/campaigns/+preview/", "/campaigns/+new/"])
def test_a_preview_of_nonsense_is_answered(deniz, path, given):
    answer = deniz.post(path, TYPED | {"title": ""} | given)
    assert answer.status_code in {200, 422}
