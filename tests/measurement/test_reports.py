"""Reports as a whole: figures, funnels, cohorts, answers that are kept, files."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import subprocess
import sys

import openpyxl
import pytest
from click.testing import CliRunner
from tests.measurement.messaging import T0, at, bought, cancel, heard, sent
from tests.outbox.people import profiles
from tests.sources.test_kill import place

from pusula.events.models import Event
from pusula.lib import clock
from pusula.measurement.attribution.credit import Model, Rules, RulesError
from pusula.measurement.attribution.touches import Span
from pusula.measurement.reports import answers, catalog, cohort, files, funnel, kpi, rules, tables
from pusula.measurement.reports.funnel import ORDER, FunnelError
from pusula.measurement.reports.models import Answer, AttributionRules
from pusula.measurement.reports.period import Period, PeriodError
from pusula.ops.reports import reports
from pusula.outbox.models import Message

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
__all__ = ["place"]  # a fixture
FIRST = dt.date(2026, 9, 22)  # the day of T0 in Istanbul is the 21st
WEEK = Period(FIRST, FIRST + dt.timedelta(days=7))


@pytest.fixture
def people():
    return profiles(4)


def did(who, name: str, day: float) -> None:
    Event.objects.create(
        profile=who, name=name, at=at(day), recorded_at=at(day), source="web",
        dedupe_key=f"{who.pk}:{name}:{day}",
    )  # fmt: skip


def command(*words: str) -> dict:
    told = CliRunner().invoke(reports, [*words, "--json"])
    assert told.exit_code == 0, told.output
    return json.loads(told.output)


def test_the_figures_of_a_period_stand_beside_those_before_it(people):
    assert clock.day_of(T0, "Europe/Istanbul") == dt.date(2026, 9, 21)
    ayse, mehmet, elif_, _can = people
    bought(ayse, -3, 100_00)  # the week before
    bought(ayse, 2, 250_00)
    bought(mehmet, 2, 50_00)
    bought(mehmet, 3, -20_00)  # a return is no order
    cancel(bought(elif_, 3, 900_00))
    heard(sent(mehmet, 1.9), "opened", 1.95)
    found = kpi.kpi(WEEK, Rules())
    now, before = found.now, found.before
    assert (now.n_orders, now.net_minor, now.n_buyers) == (2, 280_00, 2)
    assert (now.n_placed, now.n_cancelled, now.n_new_buyers) == (4, 1, 1)
    assert (before.n_orders, before.net_minor) == (1, 100_00)
    assert now.credited.total.revenue_minor == 50_00 - 20_00
    assert sum(one.net_minor for one in found.turnovers) == 280_00
    told = command("kpi", "--from", "2026-09-22", "--to", "2026-09-28")
    assert told["now"]["n_orders"] == 2
    assert told["now"]["credited_minor"] == 30_00


def test_nothing_grew_by_a_share_of_less_than_nothing():
    assert tables.growth(50.0, 100.0) == -0.5
    assert tables.growth(50.0, -100.0) is None  # more was brought back than sold
    assert tables.growth(50.0, 0) is None
    assert tables.growth(None, 100.0) is None


def test_a_period_has_days_and_the_one_before_it_as_many():
    assert WEEK.before() == Period(FIRST - dt.timedelta(days=7), FIRST)
    assert len(WEEK.bounds) == 8
    assert Period(FIRST, FIRST + dt.timedelta(days=364)).columns[-1] == FIRST + dt.timedelta(364)
    for days in (0, -3, 5_000):
        with pytest.raises(PeriodError):
            Period(FIRST, FIRST + dt.timedelta(days=days))


def test_a_funnel_counts_people_by_the_best_of_their_ways(people):
    ayse, mehmet, elif_, can = people
    for who, *days in ((ayse, 1, 5), (mehmet, 1), (elif_, 1), (can, 3)):
        for day in days:
            did(who, "Hotel Searched", day)
    did(ayse, "Booking Started", 6)  # behind her second search only
    did(mehmet, "Booking Started", 0.5)  # before his search
    did(elif_, "Booking Started", 2)
    bought(ayse, 7)
    bought(elif_, 9)  # too late behind the first step
    cancel(bought(elif_, 3))
    steps = ("Hotel Searched", "Booking Started", ORDER)
    found = funnel.funnel(steps, Span(at(0), at(30)), 5)
    assert found.n == (4, 2, 1)
    assert found.people[2].tolist() == [ayse.pk]
    assert funnel.funnel(steps, Span(at(0), at(30)), 10).n == (4, 2, 2)
    assert funnel.funnel(steps, Span(at(4), at(30)), 5).n == (1, 1, 1)
    assert [step["n"] for step in found.plain()["steps"]] == [4, 2, 1]
    for wrong in (("a",), ("a",) * 9):
        with pytest.raises(FunnelError):
            funnel.funnel(wrong, Span(at(0), at(1)), 5)


def test_a_funnel_of_nothing_has_nobody(people):
    assert funnel.funnel(("a", "b", ORDER), Span(at(0), at(9)), 5).n == (0, 0, 0)


def test_cohorts_are_of_the_month_of_the_first_living_order(people):
    ayse, mehmet, elif_, _can = people
    bought(ayse, 0, 100_00)  # September
    bought(ayse, 15, 10_00)  # October
    bought(ayse, 16, 10_00)
    bought(ayse, 45, -5_00)  # November: a return only
    cancel(bought(mehmet, 0, 70_00))
    bought(mehmet, 15, 70_00)  # October is his first that lives
    bought(elif_, -200, 1_00)  # older than what is shown
    bought(elif_, 15, 1_00)
    found = cohort.cohorts(3, at=at(50)).cohorts  # November is the present month
    assert [one.month for one in found] == [dt.date(2026, m, 1) for m in (9, 10, 11)]
    assert [one.n for one in found] == [1, 1, 0]
    assert found[0].came == (1, 1, 0)
    assert found[0].revenue_minor == (100_00, 20_00, -5_00)
    assert found[1].revenue_minor == (70_00, 0)
    assert cohort.people(found[0].month, 1, after=0, limit=9).ids == [ayse.pk]
    assert cohort.people(found[0].month, 2, after=0, limit=9).ids == []
    assert cohort.people(found[1].month, 0, after=0, limit=9).ids == [mehmet.pk]


def test_reading_by_blocks_changes_no_cohort(people, monkeypatch):
    for number, who in enumerate(people):
        bought(who, number)
        bought(who, 30 + number)
    whole = cohort.cohorts(4, at=at(50))
    monkeypatch.setattr(cohort, "_BLOCK", 1)
    assert cohort.cohorts(4, at=at(50)) == whole


def test_the_newest_rules_hold_and_the_same_again_are_no_version():
    assert rules.current() == Rules()
    wanted = Rules(Model.DECAY, {"sent": 2, "opened": 5, "clicked": 9}, 3)
    assert rules.apply(wanted, by="deniz", at=1)
    assert rules.current() == wanted
    assert not rules.apply(wanted, by="deniz", at=2)
    assert AttributionRules.objects.count() == 1
    for wrong in ({"model": "best"}, {}, {"model": "last", "windows": 3, "half_life_days": 1}):
        with pytest.raises(RulesError):
            rules.parsed(wrong)


QUESTION = catalog.of_period(WEEK) | {"by": "origin"}


def test_a_small_company_is_answered_at_once_and_nothing_is_kept(people):
    given = answers.answer("rates", QUESTION, at=at(20))
    assert given.result is not None
    assert not given.is_waiting
    assert not Answer.objects.exists()


def test_what_was_deleted_makes_a_company_no_larger(people):
    message = sent(people[0], 2)
    Message.objects.filter(pk=message.pk).update(id=message.pk + 10 * answers.MOST_AT_ONCE)
    assert answers.is_small()


def test_a_large_company_is_answered_beside_and_the_answer_is_kept(people, monkeypatch):
    monkeypatch.setattr(answers, "MOST_AT_ONCE", -1)
    sent(people[0], 2)
    first = answers.answer("rates", QUESTION, at=at(20))
    assert (first.result, first.is_waiting) == (None, True)
    answers.answer("rates", QUESTION, at=at(20))
    assert Answer.objects.count() == 1
    assert answers.work(at=at(20)) is not None
    assert answers.work(at=at(20)) is None
    made_at = Answer.objects.get().made_at
    second = answers.answer("rates", QUESTION, at=made_at)
    assert second.result["total"]["n_sent"] == 1
    assert not second.is_waiting
    later = answers.answer("rates", QUESTION, at=made_at + 2 * clock.HOUR)
    assert later.is_waiting  # the last one is shown until the new one is there
    assert later.result == second.result


WORKER = """
import sys, time, django; django.setup()
from pusula.measurement.reports import answers, catalog
answers.MOST_AT_ONCE = -1
answers.answer("cohort", {"months": 3}, at=1)
if sys.argv[1] == "hang":
    catalog.made = lambda kind, question: (print("counting", flush=True), time.sleep(600))
print(answers.work(at=1) is not None)
"""


def test_a_question_is_one_workers_until_it_is_killed(place):
    hanging = [sys.executable, "-c", WORKER, "hang"]
    with subprocess.Popen(hanging, stdout=subprocess.PIPE, env=place.environment) as worker:
        try:
            assert worker.stdout.readline() == b"counting\n"
            assert place.python("-c", WORKER, "work").stdout == "False\n"
        finally:
            worker.kill()
    assert place.python("-c", WORKER, "work").stdout == "True\n"
    assert place.python("-c", WORKER, "work").stdout == "False\n"


def test_other_questions_do_not_wait_for_one_of_which_workers_die(monkeypatch):
    monkeypatch.setattr(answers, "MOST_AT_ONCE", -1)
    answers.answer("cohort", {"months": 3}, at=at(20))
    answers.answer("rates", QUESTION, at=at(21))

    def killed(_kind, _question):
        raise KeyboardInterrupt  # nothing of us runs behind it

    with monkeypatch.context() as patch:
        patch.setattr(catalog, "made", killed)
        with pytest.raises(KeyboardInterrupt):
            answers.work(at=at(22))
    assert [answers.work(at=at(22)).kind for _ in range(2)] == ["rates", "cohort"]
    assert answers.work(at=at(22)) is None


def test_a_question_that_workers_die_of_again_and_again_rests_and_says_so(monkeypatch):
    monkeypatch.setattr(answers, "MOST_AT_ONCE", -1)
    monkeypatch.setattr(clock, "now", lambda: at(20))
    answers.answer("rates", QUESTION, at=at(20))

    def killed(_kind, _question):
        raise KeyboardInterrupt  # nothing of us runs behind it

    with monkeypatch.context() as patch:
        patch.setattr(catalog, "made", killed)
        for n in range(3):
            given = answers.answer("rates", QUESTION, at=at(20))
            assert (n, given.is_waiting, given.error) == (n, True, "")
            with pytest.raises(KeyboardInterrupt):
                answers.work(at=at(20))
    assert answers.work(at=at(20)) is None  # whoever starts next has time for mails
    given = answers.answer("rates", QUESTION, at=at(20))
    assert (given.is_waiting, given.again_at) == (False, at(20) + 4 * clock.MINUTE)
    assert "counting broke off" in given.error
    assert answers.work(at=given.again_at) is not None
    held = Answer.objects.get()
    assert (held.wanted, held.error, held.n_crashes, held.not_before_at) == (False, "", 0, 0)


def test_a_question_that_cannot_be_answered_says_why_and_waits_no_longer(monkeypatch):
    monkeypatch.setattr(answers, "MOST_AT_ONCE", -1)
    wrong = QUESTION | {"segment": "nobody"}
    answers.answer("rates", wrong, at=at(20))
    answers.work(at=at(20))
    given = answers.answer("rates", wrong, at=at(20))
    assert "nobody" in given.error
    assert not given.is_waiting
    assert answers.renew(at=at(20)) == 0
    given = answers.answer("rates", wrong, at=at(21))
    assert not given.is_waiting
    assert answers.ask([given.digest], at=at(21)) == 1
    assert answers.answer("rates", wrong, at=at(21)).is_waiting
    assert answers.work(at=at(21)) is not None
    assert answers.forget(at=at(21) + 31 * clock.DAY) == 1


def test_a_batch_run_asks_again_for_what_people_look_at(monkeypatch):
    monkeypatch.setattr(answers, "MOST_AT_ONCE", -1)
    answers.answer("rates", QUESTION, at=at(20))
    answers.work(at=at(20))
    assert answers.renew(at=at(20) + clock.HOUR) == 1
    assert answers.renew(at=at(25)) == 0


def test_every_report_says_json_that_can_be_kept(people):
    sent(people[0], 2)
    bought(people[0], 2.5)
    for kind, question in (
        ("kpi", {**catalog.of_period(WEEK), "rules": Rules().plain()}),
        ("attribution", {**catalog.of_period(WEEK), "rules": Rules().plain(), "segment": ""}),
        ("rates", QUESTION),
        ("rates", QUESTION | {"by": "day"}),
        ("funnel", {**catalog.of_period(WEEK), "steps": ["a", ORDER], "window_days": 3}),
        ("cohort", {"months": 3}),
    ):
        found = catalog.made(kind, question)
        assert json.loads(json.dumps(found)) == found
        for table in tables.tables(found):
            assert all(len(row) == len(table.columns) for row in table.rows)
            table.shown()
    with pytest.raises(catalog.QuestionError):
        catalog.made("horoscope", {})


def table(*rows, title="=cmd|' /C calc'!A0"):
    columns = (tables.Column("@what", tables.TEXT), tables.Column("How much", tables.MONEY),
               tables.Column("Share", tables.SHARE))  # fmt: skip
    return tables.Table(title, columns, rows, "TRY")


def test_no_cell_of_a_file_is_a_formula():
    evil = ("=1+1", "+90 532", "-3", "@SUM(A1)", "\tx", "＝1")
    told = table(*[(word, 100_50, 0.25) for word in evil])
    rows = list(csv.reader(io.StringIO(files.as_csv([told, told]).decode("utf-8-sig"))))
    assert not any(
        cell.startswith(("=", "+", "-", "@", "\t", "＝")) for row in rows for cell in row
    )
    assert rows[2] == ["'=1+1", "100.5", "0.25"]
    book = openpyxl.load_workbook(io.BytesIO(files.as_xlsx([told, told])))
    assert len(book.sheetnames) == 2
    sheet = book.worksheets[0]
    assert [sheet.cell(n + 2, 1).value for n in range(len(evil))] == [f"'{word}" for word in evil]
    assert sheet["B2"].value == 100.5
    assert all(cell.data_type in {"s", "n"} for row in sheet.iter_rows() for cell in row)


def test_the_command_line_writes_files_and_speaks_of_lift_apart(people, tmp_path):
    sent(people[0], 2)
    bought(people[0], 2.5)
    days = ("--from", "2026-09-22", "--to", "2026-09-28")
    out = tmp_path / "credit.xlsx"
    done = CliRunner().invoke(reports, ["attribution", *days, "--out", str(out)])
    assert done.exit_code == 0, done.output
    heads = [cell.value for cell in openpyxl.load_workbook(out).worksheets[0][1]]
    assert heads[2] == "Credited revenue"
    assert heads[5].startswith("Lift")
    told = command("attribution", *days, "--model", "linear", "--clicked", "3")
    assert told["question"]["rules"]["model"] == "linear"
    assert told["credited"] == {"n_orders": 1.0, "revenue_minor": 100_00}
    assert told["by"]["origin"][0]["lift"] is None
    assert CliRunner().invoke(reports, ["rates", "--by", "channel"]).exit_code == 0
    assert json.loads(CliRunner().invoke(reports, ["rules"]).output)["windows"]["clicked"] == 7
