"""``pusula rfm transitions`` and its kin as people and programs see them."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import pytest
from click.testing import CliRunner
from django.utils import translation
from tests.rfm.histories import EDGES, GROUPS, people, run

from pusula.lib.errors import PusulaError
from pusula.ops.rfm import rfm
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Identifier
from pusula.rfm.models import AlertRule, RfmRun
from pusula.segments.models import ProfileSet, SetMember

pytestmark = pytest.mark.django_db
CHAMPIONS, LOYAL, RISK = "champions", "loyal_customers", "at_risk"


@pytest.fixture(autouse=True)
def months():
    """Three months of two people: one slips at once, one by way of loyal."""
    ayse, burak = people(2)
    Identifier.objects.create(profile=ayse, kind="key", value="pms:1", source="pms", recorded_at=0)
    run(date(2026, 5, 1), {ayse: CHAMPIONS, burak: CHAMPIONS}, edges=EDGES)
    run(date(2026, 6, 1), {ayse: RISK, burak: LOYAL}, edges=EDGES)
    run(date(2026, 7, 1), {ayse: RISK, burak: RISK}, edges=EDGES)
    return ayse, burak


def pusula(*words: str, language: str = "en") -> str:
    with translation.override(language):
        told = CliRunner(env={"COLUMNS": "200"}).invoke(rfm, list(words))
    if told.exception:
        raise told.exception
    return told.stdout


def asked(*words: str):
    return json.loads(pusula(*words, "--json"))


QUARTER = ("--from", "2026-05-10", "--to", "2026-07-10")


def test_programs_get_flows_sizes_and_what_is_impossible():
    [step] = asked("transitions", *QUARTER)["steps"]
    assert (step["before"], step["after"], step["days"]) == ("2026-05-01", "2026-07-01", 61)
    assert step["flows"] == [{"before": CHAMPIONS, "after": RISK, "n": 2, "share": 1.0}]
    assert step["sizes"]["after"][RISK] == 2
    [barred] = [
        why for why in step["impossible"] if (why["before"], why["after"]) == (CHAMPIONS, RISK)
    ]
    assert barred["reason"] == "too_soon"


def test_people_see_a_matrix_with_the_impossible_marked():
    told = pusula("transitions", *QUARTER)
    assert "Moves from May 1, 2026 to Jul 1, 2026" in told
    [row] = [line for line in told.splitlines() if line.strip().startswith("Champions")]
    assert row.split()[1:] == ["·", "2", "·", "0", "0", "0", "0", "0", "0", "0"]


def test_a_step_for_each_month_is_asked_for_by_its_length():
    steps = asked("transitions", *QUARTER, "--every", "month")["steps"]
    assert [step["after"] for step in steps] == ["2026-06-01", "2026-07-01"]


def test_a_group_named_like_a_formula_is_no_formula_in_a_file(months):
    ayse, _burak = months
    RfmRun.objects.update(groups=[*GROUPS, "=1+1"])
    run(date(2026, 8, 1), {ayse: "=1+1"})
    RfmRun.objects.update(groups=[*GROUPS, "=1+1"])
    told = pusula("transitions", "--from", "2026-07-01", "--to", "2026-08-01", "--csv")
    rows = list(csv.DictReader(io.StringIO(told)))
    assert {row["to_group"] for row in rows if row["customers"] == "1"} == {"'=1+1", ""}


def test_paths_are_filtered_by_their_ends():
    found = asked("paths", *QUARTER, "--first", CHAMPIONS, "--last", RISK)
    assert (found["n"], found["n_paths"]) == (2, 2)
    assert [CHAMPIONS, LOYAL, RISK] in [path["groups"] for path in found["paths"]]
    told = pusula("paths", *QUARTER, "--most", "1")
    assert "50.0%" in told
    assert "and 1 rarer path" in told
    assert asked("paths", *QUARTER, "--first", LOYAL)["paths"] == []


def test_too_long_a_path_is_refused(english, months):
    ayse, _burak = months
    for month in (8, 9, 10, 11):
        run(date(2026, month, 1), {ayse: RISK})
    with pytest.raises(PusulaError, match="7 runs are too many: a path goes over at most 6"):
        pusula("paths", "--from", "2026-05-01", "--to", "2026-11-01")


def test_movers_become_a_list_that_segments_can_ask_for(months):
    ayse, burak = months
    stops = ("2026-05-01=champions", "2026-06-01=loyal_customers", "2026-07-01=*")
    assert asked("movers", *stops)["customers"] == [burak.pk]
    assert asked("movers", "2026-06-01=at_risk", "--list", "slid", "--title", "Slid")["n"] == 1
    kept = ProfileSet.objects.get()
    assert (kept.key, kept.title) == ("slid", "Slid")
    assert SetMember.objects.get().profile == ayse
    assert AuditEntry.objects.get().verb == "list.put"


def test_who_was_not_scored_is_asked_for_by_none(months):
    ayse, burak = months
    run(date(2026, 8, 1), {ayse: RISK})
    found = asked("movers", "2026-07-01=at_risk", "2026-08-01=none")
    assert found["customers"] == [burak.pk]
    assert "1 customer\n" in pusula("movers", "2026-07-01=at_risk", "2026-08-01=none")


def test_the_history_of_a_person_is_told_for_each_run_or_as_of_a_day(months):
    ayse, _burak = months
    found = asked("history", "pms:1")
    assert found["customer"] == ayse.pk
    assert [stop["group"] for stop in found["runs"]] == [CHAMPIONS, RISK, RISK]
    assert [s["as_of_on"] for s in asked("history", "pms:1", "--on", "2026-06-30")["runs"]] == [
        "2026-06-01"
    ]
    assert "Champions" in pusula("history", "pms:1")
    assert "Şampiyonlar" in pusula("history", "pms:1", language="tr")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("transitions", "--from", "2026-07-01", "--to", "2026-05-01"), "--from must be before"),
        (("transitions", "--from", "2026-04-01", "--to", "2026-07-01"), "backfill --from 2026-04"),
        (("transitions", "--from", "2026-07-01", "--to", "2026-07-09"), "held on all these days"),
        (("movers", "2026-07-01=sahte"), "no group “sahte”"),
        (("movers", "gestern=at_risk"), "say a day and a group"),
        (("history", "pms:404"), "pms:404 leads to nobody"),
    ],
)
def test_errors_name_the_place_and_the_way_out(english, words, said):
    with pytest.raises(PusulaError, match=said):
        pusula(*words)


def test_rules_of_alerts_are_added_listed_and_removed(english):
    assert "At risk grows by 20% or more" in pusula("alerts", "add", RISK, "--grew", "20")
    pusula("alerts", "add", CHAMPIONS, "--shrank", "2.5")
    pusula("alerts", "add", LOYAL, "--to", RISK, "--more-than", "0")
    told = asked("alerts")
    assert [(alert["kind"], alert["n_before"], alert["n_after"]) for alert in told] == [
        ("grew", 1, 2),
        ("moved", 1, 1),
    ]
    assert "At risk grew by 100%" in pusula("alerts")
    pusula("alerts", "seen", str(told[0]["alert"]))
    assert len(asked("alerts")) == 1
    rules = asked("alerts", "rules")
    assert [rule["share"] for rule in rules] == [0.2, 0.025, None]
    for rule in rules:
        pusula("alerts", "remove", str(rule["rule"]))
    assert not AlertRule.objects.exists()
    assert "met no rule" in pusula("alerts")
    assert "no rule yet" in pusula("alerts", "rules")
    verbs = list(AuditEntry.objects.values_list("verb", flat=True))
    assert verbs == ["rfm.alert_added"] * 3 + ["rfm.alert_removed"] * 3


@pytest.mark.parametrize(
    "words",
    [
        ("add", RISK),
        ("add", RISK, "--grew", "20", "--shrank", "20"),
        ("add", RISK, "--more-than", "3"),
        ("remove", "404"),
        ("seen", "404"),
    ],
)
def test_what_cannot_be_meant_is_refused(english, words):
    with pytest.raises(PusulaError):
        pusula("alerts", *words)
    assert not AuditEntry.objects.exists()


def test_a_backfill_makes_only_what_is_missing():
    given = ("--from", "2026-01-01", "--to", "2026-06-01", "--every", "quarter")
    first = asked("backfill", *given)
    assert [made["as_of_on"] for made in first["made"]] == ["2026-01-01", "2026-04-01"]
    again = asked("backfill", *given)
    assert (again["made"], again["kept"]) == ([], ["2026-01-01", "2026-04-01"])
    longer = ("--from", "2026-01-01", "--to", "2026-07-01", "--every", "quarter")
    assert "Runs made: 0, there before: 3." in pusula("backfill", *longer)
