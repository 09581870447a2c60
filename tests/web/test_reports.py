"""The pages of reports: every number opens its rows, files are safe, mails go to the team."""

from __future__ import annotations

import html
import io
import re

import openpyxl
import pytest
from tests.web import company as made_up
from tests.web import plans, reported

from pusula.campaigns.models import TeamAddress
from pusula.measurement.attribution.credit import Model
from pusula.measurement.reports import answers, blocks, rules
from pusula.measurement.reports.models import Answer, Letter, Schedule
from pusula.orders.models import Order
from pusula.outbox.models import Message
from pusula.privacy.models import AuditEntry

pytestmark = pytest.mark.django_db
PAGES = ("", "attribution/", "rates/", "funnel/?step=a&step=order", "cohort/", "mails/")


def page(client, path: str, language: str = "en", **headers: str) -> str:
    client.cookies["django_language"] = language
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def links(shown: str, beginning: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(rf'href="({beginning}[^"]*)"', shown)]


@pytest.fixture
def measured(company):
    campaign = plans.finished("bahar")
    reported.messages_left()
    return campaign


def test_every_report_is_there_before_anything_was_sent(deniz):
    for path in PAGES:
        for language in ("tr", "en"):
            page(deniz, f"/reports/{path}", language)


def test_every_report_says_what_is_missing_to_a_company_without_data(deniz):
    Message.objects.all().delete()
    Order.objects.all().delete()
    assert "No orders in this period" in page(deniz, "/reports/")
    assert "There are no orders in this period" in page(deniz, "/reports/attribution/")
    assert "No messages in this period" in page(deniz, "/reports/rates/")
    assert "Choose at least two steps" in page(deniz, "/reports/funnel/")
    assert "Nobody ordered for the first time" in page(deniz, "/reports/cohort/")
    assert "No report goes out yet" in page(deniz, "/reports/mails/")


def test_the_figures_open_as_many_rows_as_they_say(deniz, measured):
    shown = page(deniz, "/reports/?days=91")
    figures = re.findall(r'<dd><a href="([^"]+)">([\d,]+)</a></dd>', shown)
    assert len(figures) >= 4
    for href, said in figures:
        rows = page(deniz, html.unescape(href)).count('<tr><th scope="row">')
        assert rows == min(int(said.replace(",", "")), 50), href


def test_credited_revenue_opens_orders_that_come_to_it(deniz, measured):
    shown = page(deniz, "/reports/attribution/?days=91&by=origin")
    assert "Bahar daveti" in shown
    (href,) = links(shown, "/reports/attribution/orders/")
    assert f"campaign%3A{measured.pk}" in href
    rows = page(deniz, href)
    credits_ = [
        int(found.replace(",", ""))
        for found in re.findall(r'<td class="num">₺([\d,]+)</td></tr>', rows)
    ]
    assert f"₺{sum(credits_):,}</a>" in shown
    assert "Lift: measured against the control group" in shown


def test_credit_and_lift_stand_in_columns_of_their_own(deniz, measured):
    shown = page(deniz, "/reports/attribution/?days=91")
    heads = re.findall(r'<th scope="col" class="num[^>]*>([^<]+)</th>', shown)
    assert heads.index("Credited revenue") < heads.index("Additional revenue")
    assert "never add the two" in shown
    by_channel = page(deniz, "/reports/attribution/?days=91&by=channel")
    assert "Additional revenue" not in by_channel


def test_rates_open_the_messages_behind_them(deniz, measured):
    shown = page(deniz, "/reports/rates/?days=91&by=origin")
    found = links(shown, "/reports/rates/messages/")
    kinds = {re.search(r"kind=(\w+)", href)[1] for href in found}
    assert {"sent", "delivered", "opened", "clicked", "converted", "bounced"} <= kinds
    for href in found:
        assert '<th scope="row">' in page(deniz, href), href


def test_a_cohort_opens_its_people(deniz):
    shown = page(deniz, "/reports/cohort/?months=24")
    href = links(shown, "/reports/cohort/people/")[0]
    assert '<th scope="row"><a href="/customers/' in page(deniz, href)


@pytest.mark.parametrize("is_hasty", [False, True])
def test_a_list_goes_on_page_by_page_without_leaving_anybody_out(deniz, monkeypatch, is_hasty):
    if is_hasty:  # each page looks at a few and gives up
        monkeypatch.setattr(blocks, "_FIRST", 7)
        monkeypatch.setattr(blocks, "LONGEST", -1)
    path = "/reports/people/?who=buyers&from=2024-01-01&to=2026-11-21"
    seen: list[str] = []
    while path:
        shown = page(deniz, path)
        seen += re.findall(r'<th scope="row"><a href="/customers/(\d+)/"', shown)
        more = re.findall(r'href="(\?[^"]*after=[^"]*)"', shown)
        path = f"/reports/people/{html.unescape(more[-1])}" if more else ""
    buyers = Order.objects.filter(status__in=["completed", "confirmed", "pending", "in_house"],
                                  ordered_at__lt=made_up.NOW - 14 * 3_600_000_000)  # fmt: skip
    assert len(seen) == len(set(seen)) == buyers.values("profile").distinct().count() > 50


def test_a_page_on_which_nobody_was_found_yet_goes_on_looking(deniz, monkeypatch):
    monkeypatch.setattr(blocks, "_FIRST", 1)
    monkeypatch.setattr(blocks, "LONGEST", -1)
    path = "/reports/funnel/people/?step=Nothing&step=order&at=0"
    shown = page(deniz, path)
    (on,) = links(shown, r"\?")[-1:]
    assert f'<div hx-get="{html.escape(on)}" hx-trigger="load"' in shown
    assert "Look on" in shown
    n = 1
    while more := links(shown, r"\?[^\"]*after=\d"):
        shown, n = page(deniz, f"/reports/funnel/people/{more[-1]}"), n + 1
    assert "Nothing more is here" in shown
    assert "hx-trigger" not in shown.partition('id="main"')[2]
    assert n == 80  # everybody was looked at


def test_a_report_is_a_file_too(deniz, measured):
    for path in ("?days=91", "attribution/?days=91", "rates/?days=91", "cohort/?months=6"):
        answer = deniz.get(f"/reports/{path}&format=xlsx")
        assert "attachment" in answer["Content-Disposition"]
        assert openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets
        text = deniz.get(f"/reports/{path}&format=csv").content.decode("utf-8-sig")
        assert "," in text


NONSENSE = [
    "?from=2026-05-01&to=2026-01-01",
    "?from=0001-01-01&to=9999-12-31",
    "?days=x",
    "attribution/?clicked=99999&model=best",
    "attribution/?segment=nobody&by=magic",
    "rates/?within=a&by=weather&origin=campaign:x",
    "funnel/?step=%00&step=order&window=-4",
    "funnel/?step=a&step=b&window=99999999999",
    "cohort/?months=900&show=x",
    "rates/messages/?kind=read&after=x&content_id=9",
    "attribution/orders/?after=1.2.3",
    "orders/?after=999999999&state=x",
    "people/?who=none&after=-5",
    "funnel/people/?step=a&step=b&at=1&window=0",
    "cohort/people/?month=2026-01-01&later=1",
]


def test_an_address_that_asks_for_nonsense_gets_a_page(deniz):
    for path in NONSENSE:
        page(deniz, f"/reports/{path}")


def test_rows_of_what_is_no_report_are_no_page(deniz):
    for path in (
        "cohort/people/?month=x",
        "cohort/people/?month=2026-01-01&later=99",
        "funnel/people/?step=a",
        "funnel/people/?step=a&step=b&at=7",
    ):
        assert deniz.get(f"/reports/{path}").status_code == 404


def test_the_rules_of_the_page_become_the_usual_ones_by_a_button(deniz):
    path = "/reports/attribution/?model=linear&clicked=10&opened=0&sent=2"
    assert "Let these rules be the usual ones" in page(deniz, path)
    assert rules.current().model is Model.LAST
    form = {"model": "linear", "clicked": "10", "opened": "0", "sent": "2", "half_life": "7"}
    assert deniz.post("/reports/attribution/rules/", form).status_code == 302
    assert rules.current().plain()["windows"] == {"clicked": 10, "opened": 0, "sent": 2}
    assert "Let these rules" not in page(deniz, path)
    assert AuditEntry.objects.filter(verb="reports.rules").count() == 1
    wrong = deniz.post("/reports/attribution/rules/", form | {"clicked": "x"}, follow=True)
    assert wrong.status_code == 200
    assert rules.current().windows["clicked"] == 10


def test_a_large_company_waits_beside_and_htmx_asks_again(deniz, measured, monkeypatch):
    monkeypatch.setattr(answers, "MOST_AT_ONCE", -1)
    first = page(deniz, "/reports/rates/?days=91")
    assert "being computed" in first
    assert 'hx-trigger="every 3s"' in first
    answers.work(at=made_up.NOW)
    part = page(deniz, "/reports/rates/?days=91", hx_request="true")
    assert "<html" not in part
    assert "Bahar daveti" in part
    assert "being computed" not in part
    assert Answer.objects.count() == 1


FORM = {"title": "Pazartesi", "part": ["kpi", "rates"], "weekday": "0", "hour": "8", "days": "7",
        "language": "tr"}  # fmt: skip


def test_a_report_by_mail_is_scheduled_and_ended_by_people_of_the_company(deniz):
    to = TeamAddress.objects.create(
        address="deniz@otel.example", asked_by="d", asked_at=1, mailed_at=1, verified_at=1
    )
    stranger = TeamAddress.objects.create(address="x@y.example", asked_by="d", asked_at=1)
    refused = deniz.post("/reports/mails/", FORM | {"to": [str(stranger.pk)]})
    assert refused.status_code == 422
    assert "Pazartesi" in refused.content.decode()  # what was typed stays
    assert deniz.post("/reports/mails/", FORM | {"to": [str(to.pk)]}).status_code == 302
    made = Schedule.objects.get()
    assert [one.address for one in made.recipients.all()] == ["deniz@otel.example"]
    shown = page(deniz, "/reports/mails/")
    assert "Pazartesi" in shown
    assert "Monday, 08:00" in shown
    deniz.post(f"/reports/mails/{made.pk}/end/")
    assert "No report goes out yet" in page(deniz, "/reports/mails/")
    verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"reports.scheduled", "reports.ended"} <= verbs
    for wrong in ({"hour": "x"}, {"days": ""}, {"weekday": "9"}, {"to": ["99", "y"]}):
        answer = deniz.post("/reports/mails/", FORM | {"to": [str(to.pk)]} | wrong)
        assert answer.status_code == 422


def test_a_sent_report_can_be_downloaded_as_it_was(deniz, measured):
    issue = reported.mailed()
    assert "Haftalık rapor" in page(deniz, "/reports/mails/")
    kept = deniz.get(f"/reports/mails/{issue.pk}/report.html")
    assert "attachment" in kept["Content-Disposition"]
    assert "data:image/png;base64," in kept.content.decode()
    for form in ("xlsx", "csv"):
        assert deniz.get(f"/reports/mails/{issue.pk}/report.{form}").status_code == 200
    assert deniz.get(f"/reports/mails/{issue.pk}/report.exe").status_code == 404
    assert Letter.objects.get().sent_at is None


def test_reports_are_for_people_who_have_signed_in(client, company):
    for path in (*PAGES, "orders/", "rates/messages/", "attribution/orders/"):
        assert client.get(f"/reports/{path}").status_code == 302
