"""Pages of moves between RFM groups: the matrix, the paths, the people, lists of them, alerts."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re

import pytest
from tests.rfm.histories import EDGES, GROUPS, people, run

from pusula.privacy.models import AuditEntry
from pusula.rfm.models import AlertRule, RfmRun
from pusula.segments.models import ProfileSet, SetMember

pytestmark = pytest.mark.django_db
MAY, JUNE, JULY = (dt.date(2026, month, 1) for month in (5, 6, 7))
CHAMPIONS, LOYAL, RISK = "champions", "loyal_customers", "at_risk"


@pytest.fixture
def months(company):
    """Three months of four people; two champions end at risk, one of them by way of loyal."""
    RfmRun.objects.all().delete()
    ayse, burak, can, ece = people(4)
    may = run(MAY, {ayse: CHAMPIONS, burak: CHAMPIONS, ece: LOYAL}, edges=EDGES)
    june = run(JUNE, {ayse: RISK, burak: LOYAL, can: CHAMPIONS, ece: LOYAL}, edges=EDGES)
    july = run(JULY, {ayse: RISK, burak: RISK, can: CHAMPIONS, ece: CHAMPIONS}, edges=EDGES)
    return may, june, july


def page(client, path: str, language: str = "en", status: int = 200) -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == status, path
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_page_shows_matrix_paths_and_sizes(deniz, months, language):
    may, june, july = months
    shown = page(deniz, "/rfm/+moves/", language)
    address = f"/rfm/+moves/people/?run={may.pk}&amp;run={july.pk}&amp;group=champions"
    assert f"{address}&amp;group=at_risk" in shown
    assert f"run={may.pk}&amp;run={june.pk}&amp;run={july.pk}&amp;group=champions" in shown
    assert shown.count('class="draw--') >= 4
    assert f"/rfm/{july.pk}/people/?group=champions" in shown


def test_the_page_says_which_step_is_impossible_and_why(deniz, months):
    _may, june, july = months
    shown = page(deniz, f"/rfm/+moves/?before={june.pk}&run={july.pk}")
    assert (
        "Champions → At risk is impossible in 30 days: whoever was in Champions has gone at most "
        "61 days without an order by then, and At risk begins at 181 days." in shown
    )
    assert 'class="barred"' in shown


def test_a_step_that_people_made_all_the_same_is_not_called_impossible(deniz, months):
    may, june, _july = months
    shown = page(deniz, f"/rfm/+moves/?before={may.pk}&run={june.pk}")
    assert "Champions → At risk is impossible" not in shown  # Ayşe: an order was cancelled
    assert "Champions → At risk: 1, 50.0%" in shown


def test_paths_can_be_narrowed_to_their_ends(deniz, months):
    shown = page(deniz, "/rfm/+moves/?first=champions&last=at_risk")
    assert "2 paths in all, 2 customers" in shown
    assert "Nobody went this way" in page(deniz, "/rfm/+moves/?first=promising")
    barred = page(deniz, "/rfm/+moves/?first=new_customers&last=hibernating")
    panel = barred[barred.index('id="h-paths"') : barred.index('id="h-sizes"')]
    assert "New → Hibernating is impossible in 61 days" in panel


@pytest.mark.parametrize("every", ["month", "quarter", "year", "sahte"])
def test_sizes_are_told_by_month_quarter_or_year(deniz, months, every):
    shown = page(deniz, f"/rfm/+moves/?every={every}")
    table = shown[shown.index('id="h-sizes"') :]
    assert table.count('scope="col" class="num"') == (1 if every in {"quarter", "year"} else 3)


def test_with_one_run_the_page_says_how_to_make_those_before(deniz, months):
    may, _june, _july = months
    assert "pusula rfm backfill --every month" in page(deniz, f"/rfm/+moves/?run={may.pk}")
    RfmRun.objects.all().delete()
    assert "pusula rfm run" in page(deniz, "/rfm/+moves/")


def test_the_matrix_is_a_file_too(deniz, months):
    may, _june, july = months
    answer = deniz.get(f"/rfm/+moves/moves.csv?before={may.pk}&run={july.pk}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    told = {(row["from_group"], row["to_group"]): row["customers"] for row in rows}
    assert told[CHAMPIONS, RISK] == "2"
    assert len(rows) == 11 * 10
    assert deniz.get("/rfm/+moves/moves.csv?before=1&run=").status_code == 404


def people_of(stops) -> str:
    runs = "&".join(f"run={run.pk}" for run, _group in stops)
    return f"/rfm/+moves/people/?{runs}&" + "&".join(f"group={group}" for _run, group in stops)


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_people_of_a_path_are_listed(deniz, months, language):
    may, june, july = months
    shown = page(deniz, people_of([(may, CHAMPIONS), (june, LOYAL), (july, RISK)]), language)
    assert shown.count('<th scope="row"><a href="/customers/') == 1
    assert "→" in shown
    came = page(deniz, people_of([(may, "-"), (july, CHAMPIONS)]), language)
    assert came.count('<th scope="row"><a href="/customers/') == 1


@pytest.mark.parametrize(
    "query",
    ["", "run=1", "group=champions", "run=x&group=at_risk", "run=99999&group=at_risk",
     "run=1&" * 7 + "group=a&" * 7],
)  # fmt: skip
def test_addresses_that_name_nothing_are_not_found(deniz, months, query):
    page(deniz, f"/rfm/+moves/people/?{query}", status=404)


def test_more_people_than_a_page_holds_are_seen_once_each(deniz, company):
    RfmRun.objects.all().delete()
    crowd = people(120)
    may = run(MAY, dict.fromkeys(crowd, CHAMPIONS))
    june = run(JUNE, dict.fromkeys(crowd, LOYAL))
    query, seen = people_of([(may, CHAMPIONS), (june, LOYAL)]), []
    while query:
        shown = page(deniz, query)
        seen += re.findall(r'scope="row"><a href="/customers/(\d+)/', shown)
        more = re.search(r'href="\?([^"]*after=[^"]*)"', shown)
        query = f"/rfm/+moves/people/?{more[1].replace('&amp;', '&')}" if more else ""
    assert len(seen) == len(set(seen)) == 120


def test_the_people_of_a_path_become_a_list(deniz, months):
    may, _june, july = months
    sent = {"run": [may.pk, july.pk], "group": [CHAMPIONS, RISK], "title": "Kayanlar, Temmuz"}
    for key in ("kayanlar-temmuz", "kayanlar-temmuz-2"):
        answer = deniz.post("/rfm/+moves/keep/", sent, follow=True)
        assert "Kayanlar, Temmuz" in answer.content.decode()
        kept = ProfileSet.objects.get(key=key)
        assert SetMember.objects.filter(set=kept).count() == 2
    assert AuditEntry.objects.filter(verb="list.put", object="list:kayanlar-temmuz").exists()
    deniz.post("/rfm/+moves/keep/", sent | {"title": "   "})
    assert ProfileSet.objects.count() == 2
    assert deniz.get("/rfm/+moves/keep/").status_code == 405


def test_a_title_without_letters_makes_a_key_all_the_same(deniz, months):
    may, _june, july = months
    sent = {"run": [may.pk, july.pk], "group": [CHAMPIONS, RISK], "title": "2026 → !"}
    deniz.post("/rfm/+moves/keep/", sent)
    assert ProfileSet.objects.get().key == "rfm-2026"


@pytest.mark.parametrize("language", ["tr", "en"])
def test_alerts_are_told_on_overview_and_page_until_seen(deniz, months, language):
    deniz.cookies["django_language"] = language
    sent = {"kind": "grew", "group": RISK, "amount": "%50", "to_group": ""}
    assert deniz.post("/rfm/+alerts/+add/", sent).status_code == 302
    rule = AlertRule.objects.get()
    assert (rule.share, rule.created_by) == (0.5, "deniz")
    for path in ("/", "/rfm/+alerts/", "/rfm/"):
        assert ("At risk grew by 100%" if language == "en" else "%100") in page(
            deniz, path, language
        )
    alert = rule.alerts.get()
    deniz.post(f"/rfm/+alerts/{alert.pk}/aside/")
    assert "At risk grew by" not in page(deniz, "/")
    deniz.post(f"/rfm/+alerts/{rule.pk}/remove/")
    deniz.post(f"/rfm/+alerts/{rule.pk}/remove/")
    assert not AlertRule.objects.exists()
    verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert verbs == {"rfm.alert_added", "rfm.alert_removed"}


def test_a_rule_on_moves_names_both_groups(deniz, months):
    sent = {"kind": "moved", "group": LOYAL, "amount": "0", "to_group": RISK}
    deniz.post("/rfm/+alerts/+add/", sent)
    shown = page(deniz, "/rfm/+alerts/")
    assert "1 customer moved from Loyal to At risk between 1 Jun 2026 and 1 Jul 2026." in shown


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"kind": "grew", "group": "sahte", "amount": "20"}, "There is no group"),
        ({"kind": "grew", "group": RISK, "amount": "çok"}, "Say by how much"),
        ({"kind": "moved", "group": RISK, "amount": "2,5", "to_group": LOYAL}, "how many"),
        ({"kind": "moved", "group": RISK, "amount": "2", "to_group": ""}, "There is no group"),
        ({}, "There is no group"),
        ({"kind": "grew", "group": RISK + "\0", "amount": "<b>"}, "Say by how much"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_and_what_was_typed_stays(deniz, months, sent, said):
    deniz.cookies["django_language"] = "en"
    answer = deniz.post("/rfm/+alerts/+add/", sent)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert "<b>" not in answer.content.decode().partition('id="amount"')[2].partition(">")[0]
    assert not AlertRule.objects.exists()


def test_groups_of_the_companys_own_have_moves_too(deniz, months):
    RfmRun.objects.update(groups=[*GROUPS, "Altın", "Gümüş"])
    one, two = people(2)
    before = run(dt.date(2026, 8, 1), {one: "Altın", two: "Altın"})
    run(dt.date(2026, 9, 1), {one: "Gümüş", two: "Altın"})
    RfmRun.objects.update(groups=[*GROUPS, "Altın", "Gümüş"])
    assert "Altın → Gümüş: 1" in page(deniz, f"/rfm/+moves/?before={before.pk}")


def test_the_card_shows_the_groups_of_a_person_run_by_run(deniz, months):
    _may, _june, july = months
    can = july.scores.get(group=CHAMPIONS, monetary_minor=200).profile_id
    shown = page(deniz, f"/customers/{can}/")
    strip = shown[shown.index('class="strip"') : shown.index('class="strip__ends"')]
    assert strip.count("<li") == 2  # the run before Can was there is left out
    assert "1 Jun 2026: Champions" in strip
