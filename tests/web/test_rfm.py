"""RFM: the groups of a run, the moves since an earlier one, and the people behind both."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.web import company as made_up

from pusula.rfm.models import RfmRun, RfmScore

pytestmark = pytest.mark.django_db


def page(client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def earlier(run: RfmRun, moves: dict[str, str], **changes: object) -> RfmRun:
    """Return a run a month before ``run`` in which the people of a group were in another."""
    given = {
        "as_of_on": run.as_of_on - dt.timedelta(days=30),
        "config": run.config,
        "config_key": run.config_key,
        "groups": run.groups,
        "edges": {},
        "n_profiles": run.n_profiles,
        "currency": "TRY",
        "created_at": run.created_at - 1,
    }
    before = RfmRun.objects.create(**given | changes)
    for score in list(run.scores.all()):
        RfmScore.objects.create(
            run=before,
            profile_id=score.profile_id,
            recency_days=score.recency_days,
            frequency=score.frequency,
            monetary_minor=score.monetary_minor,
            r=score.r,
            f=score.f,
            m=score.m,
            group=moves.get(score.group, score.group),
        )
    return before


@pytest.mark.parametrize("language", ["tr", "en"])
def test_without_a_run_the_page_says_how_to_make_one(deniz, language):
    RfmRun.objects.all().delete()
    assert "pusula rfm run --as-of" in page(deniz, "/rfm/", language)


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_page_shows_treemap_grid_table_and_thresholds(deniz, company, language):
    shown = page(deniz, "/rfm/", language)
    assert shown.count('class="tile tile--') > 20
    assert shown.count(f"/rfm/{company.run.pk}/people/?f=") == 25
    assert 'id="thresholds"' in shown


def test_all_groups_are_in_the_table_the_empty_ones_too(deniz, company):
    RfmScore.objects.filter(group="new_customers").update(group="champions")
    shown = page(deniz, "/rfm/")
    table = shown[shown.index('id="h-table"') :]
    assert '<span class="swatch swatch--c3">New</span></th> <td class="num">0</td>' in table


def test_the_headline_tells_who_slid_and_who_came_back(deniz, company):
    run = company.run
    RfmScore.objects.filter(run=run).update(group="need_attention")
    ids = list(run.scores.values_list("pk", flat=True))
    before = earlier(run, {})
    for chosen, old, new in (
        (ids[:4], "champions", "at_risk"),
        (ids[4:7], "loyal_customers", "hibernating"),
        (ids[7:9], "hibernating", "champions"),
    ):
        people = RfmScore.objects.filter(pk__in=chosen)
        RfmScore.objects.filter(run=before, profile__in=people.values("profile")).update(group=old)
        people.update(group=new)
    shown = page(deniz, "/rfm/")
    assert (
        "Since 2 October 2026 <b>7 customers</b> slid from Champions and Loyal "
        "to At risk or Hibernating; won back: <b>2</b>." in shown
    )
    assert "Moves between groups from 2 Oct 2026 to 1 Nov 2026." in shown


def test_runs_by_other_rules_are_not_compared(deniz, company):
    earlier(company.run, {}, config_key="other")
    assert "With a second run of the same rules" in page(deniz, "/rfm/")


def test_groups_of_the_companys_own_get_the_largest_move_as_headline(deniz, company):
    run = company.run
    RfmRun.objects.filter(pk=run.pk).update(groups=["Gümüş", "Altın"])
    RfmScore.objects.filter(run=run).update(group="Altın")
    run.refresh_from_db()
    earlier(run, {"Altın": "Gümüş"})
    shown = page(deniz, "/rfm/")
    expected = "The largest move since 2 October 2026: <b>80 customers</b> from Gümüş to Altın."
    assert expected in shown


def test_the_drawing_shows_the_groups_asked_for_and_the_rest_as_others(deniz, company):
    earlier(company.run, {"promising": "new_customers"})
    shown = page(deniz, "/rfm/?show=promising&show=new_customers")
    drawing = shown[shown.index('id="h-moves"') : shown.index('id="h-table"')]
    assert "New → Promising" in drawing
    assert "Champions →" not in drawing


def test_few_people_are_a_warning_and_a_histogram(deniz):
    shown = page(deniz, "/rfm/")
    assert "80 customers were scored. Below 500" in shown
    assert "Customers by days since their last order." in shown


def test_nobody_scored_is_said_and_breaks_nothing(deniz, company):
    company.run.scores.all().delete()
    RfmRun.objects.update(n_profiles=0, warnings=[{"code": "nobody"}])
    shown = page(deniz, "/rfm/")
    assert "Nobody meets the rule of the pool." in shown
    assert "Nobody was scored" in shown


def test_a_group_leads_to_its_people_the_highest_revenue_first(deniz, company):
    shown = page(deniz, f"/rfm/{company.run.pk}/people/?group=champions")
    scores = list(company.run.scores.filter(group="champions").order_by("-monetary_minor"))
    places = [shown.index(f"/customers/{score.profile_id}/") for score in scores]
    assert places == sorted(places)
    assert shown.count('<th scope="row"><a href="/customers/') == len(scores)


@pytest.mark.parametrize("language", ["tr", "en"])
def test_a_cell_leads_to_its_people(deniz, company, language):
    n = company.run.scores.filter(r=4, f=2).count()
    shown = page(deniz, f"/rfm/{company.run.pk}/people/?r=4&f=2", language)
    assert shown.count('<th scope="row"><a href="/customers/') == n


def test_everybody_is_there_page_by_page_and_nobody_twice(deniz, company):
    seen: list[str] = []
    address = f"/rfm/{company.run.pk}/people/"
    query = ""
    while True:
        answer = deniz.get(address + query)
        seen += [str(score.profile_id) for score, _ in answer.context["rows"]]
        if not answer.context["more"]:
            break
        query = "?" + answer.context["more"]
    assert len(seen) == len(set(seen)) == 80


def test_an_empty_cell_says_so(deniz, company):
    RfmScore.objects.update(r=1)
    assert "Nobody is here in this run" in page(deniz, f"/rfm/{company.run.pk}/people/?r=5&f=5")
    assert deniz.get("/rfm/999999/people/").status_code == 404


def test_the_run_the_address_names_is_shown(deniz, company):
    before = earlier(company.run, {})
    shown = page(deniz, f"/rfm/?run={before.pk}")
    day = made_up.day(51)
    assert f"as of {day.day} Oct 2026" in shown
