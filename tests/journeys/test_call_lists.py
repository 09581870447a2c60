"""Calls made elsewhere: the file of a list, what it may hold, and the outcomes it brings back."""

from __future__ import annotations

import csv
import io
import json

import pytest
from click.testing import CliRunner
from django.utils import translation
from tests.journeys.calling import CAN, ELIF, NAZ, PHONES, allow_calls, asked, come_in, journey
from tests.journeys.scene import hours, profile_of, say, step

from pusula.consent import actions as consent
from pusula.journeys.models import Attempt, CallList, Task
from pusula.journeys.tasks import lists, noting, taking
from pusula.journeys.tasks.lists import ListError
from pusula.lib import clock
from pusula.ops.tasks import tasks as command
from pusula.outbox.models import Message
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db(databases=["default", "log"])


@pytest.fixture(autouse=True)
def _in_english():
    with translation.override("en"):
        yield


def rows_of(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:]), delimiter=";"))


def filled(rows: list[dict[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys(), delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def test_a_list_holds_those_who_may_be_called_as_it_is_made_and_nobody_else(tmp_path):
    journey(**{"class": "commercial"})
    for email in (ELIF, CAN, NAZ):
        say(email, "Hotel Viewed", at=hours(0.5), phone=PHONES[email])
    step(hours(0.6))
    allow_calls(ELIF, CAN, NAZ, at=hours(0.7))
    come_in(ELIF, CAN, NAZ, at=hours(1))
    consent.refuse(
        [profile_of(CAN)], channel="call", purpose="marketing", source="web", evidence="link",
        at=hours(1.5),
    )  # fmt: skip
    mine = taking.take("ayse", tmp_path, at=hours(2))
    made, text = lists.export(tmp_path, by="deniz", at=hours(2))
    [row] = rows_of(text)
    assert row["customer"] not in {str(profile_of(CAN)), str(mine.enrollment.profile_id)}
    assert row["phone"].startswith("90532")
    assert row["script"].startswith(("Merhaba", "Hello"))
    assert made.n_calls == 1
    assert taking.take("burak", tmp_path, at=hours(2.1)) is None
    again, _text = lists.export(tmp_path, by="deniz", at=hours(2.2))
    assert again.n_calls == 0


def test_what_a_spreadsheet_would_run_is_guarded(tmp_path):
    asked(ELIF)
    Profile.objects.filter(pk=profile_of(ELIF)).update(
        first_name='=HYPERLINK("http://evil")', last_name="@SUM(1)\n;x"
    )
    _made, text = lists.export(tmp_path, by="deniz", at=hours(2))
    [row] = rows_of(text)
    assert row["first_name"] == '\'=HYPERLINK("http://evil")'
    assert row["last_name"] == "'@SUM(1) ;x"
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())


def test_outcomes_come_back_in_either_language_and_the_same_file_changes_nothing(tmp_path):
    asked(ELIF, CAN, NAZ)
    _made, text = lists.export(tmp_path, by="deniz", at=hours(2))
    rows = rows_of(text)
    for row, said in zip(rows, ("SATTIM", "no answer", ""), strict=True):
        row["outcome"], row["note"] = said, "'=1+1"
    given = lists.read(filled(rows))
    trial = lists.take_over(given, tmp_path, at=hours(3), is_trial=True)
    assert (trial.n_new, trial.n_blank, trial.wrong) == (2, 1, [])
    assert not Attempt.objects.exists()
    taken = lists.take_over(given, tmp_path, at=hours(3))
    assert (taken.n_new, taken.n_known, taken.n_blank) == (2, 0, 1)
    again = lists.take_over(given, tmp_path, at=hours(3.1))
    assert (again.n_new, again.n_known, again.n_blank) == (0, 2, 1)
    assert Attempt.objects.get(result="sold").note == "=1+1"
    assert Task.objects.get(outcome="sold").closed_by == CallList.objects.get().holder
    later = Message.objects.get(due_at=hours(5))
    assert later.state == "pending"


def test_rows_that_cannot_be_taken_over_name_row_and_column_and_hold_up_no_other(tmp_path):
    asked(ELIF, CAN, NAZ)
    made, text = lists.export(tmp_path, by="deniz", most=2, at=hours(2))
    mine = taking.take("ayse", tmp_path, at=hours(2))
    one, two = rows_of(text)
    rows = [
        {**one, "reference": "L999999-9"},
        {**one, "reference": f"L{made.pk}-{mine.pk}", "outcome": "sold"},
        {**one, "outcome": "sould"},
        {**one, "outcome": "call back later", "call_back_at": "soon"},
        {**one, "outcome": "call back later", "call_back_at": ""},
        {**one, "outcome": "call back later", "call_back_at": "2026-01-01 10:00"},
        {**two, "outcome": "not now"},
    ]
    for row in rows:
        row["outcome"] = row["outcome"] or "sold"
    taken = lists.take_over(lists.read(filled(rows)), tmp_path, at=hours(3))
    assert [(wrong.row, wrong.column) for wrong in taken.wrong] == [
        (2, "reference"), (3, "reference"), (4, "outcome"), (5, "call_back_at"),
        (6, "call_back_at"), (7, "call_back_at"),
    ]  # fmt: skip
    assert "Sold" in taken.wrong[2].problem
    assert taken.n_new == 1
    assert Task.objects.get(pk=mine.pk).holder == "ayse"


def test_what_is_not_such_a_file_is_refused(tmp_path):
    for given in (b"", b"a;b\n1;2\n", b"outcome\nsold\n", b"x" * (lists.MOST_BYTES + 1)):
        with pytest.raises(ListError):
            lists.read(given)
    turkish = "basvuru;sonuc\r\nL1-1;Sattım\r\n".encode("cp1254")
    assert lists.read(turkish) == [(2, {"reference": "L1-1", "outcome": "Sattım"})]


def test_a_list_ends_by_itself_and_what_comes_late_counts_if_it_still_may(tmp_path):
    asked(ELIF, CAN)
    made, text = lists.export(tmp_path, by="deniz", hours=2, at=hours(2))
    assert made.until_at == hours(4)
    one, two = rows_of(text)
    agents = taking.take("ayse", tmp_path, at=hours(4.1))
    assert agents is not None
    theirs, free = (one, two) if one["reference"].endswith(f"-{agents.pk}") else (two, one)
    for row in (theirs, free):
        row["outcome"] = "sold"
    taken = lists.take_over(lists.read(filled([theirs, free])), tmp_path, at=hours(4.2))
    assert [wrong.row for wrong in taken.wrong] == [2]
    assert taken.n_new == 1
    noting.note(agents.pk, "ayse", noting.Said("not_now"), at=hours(4.2))


def test_a_list_is_ended_before_its_time(tmp_path):
    asked(ELIF)
    made, _text = lists.export(tmp_path, by="deniz", at=hours(2))
    assert lists.end(made, at=hours(2.1)) == 1
    assert taking.take("ayse", tmp_path, at=hours(2.1)) is not None


def test_the_commands_write_the_file_once_and_take_it_over(tmp_path, monkeypatch):
    asked(ELIF, CAN)
    monkeypatch.setattr(clock, "now", lambda: hours(2))
    file = tmp_path / "calls.csv"
    run = CliRunner()
    assert run.invoke(command, ["export", str(file), "--journey", "helo"]).exit_code == 1
    assert not file.exists()
    done = run.invoke(command, ["export", str(file), "--most", "1"])
    assert "1" in done.output
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert run.invoke(command, ["export", str(file)]).exit_code == 1
    [row] = rows_of(file.read_text(encoding="utf-8"))
    row["outcome"] = "sold"
    bad = {**row, "reference": "L7-7"}
    file.write_bytes(filled([row, bad]))
    tried = run.invoke(command, ["import", str(file), "--dry-run"])
    assert tried.exit_code == 1
    assert "calls.csv:3: reference" in tried.stderr
    assert not Attempt.objects.exists()
    assert run.invoke(command, ["import", str(file)]).exit_code == 1
    assert Task.objects.filter(outcome="sold").count() == 1
    assert run.invoke(command, ["end", str(CallList.objects.get().pk)]).exit_code == 0
    assert run.invoke(command, ["end", "999999"]).exit_code == 1
    assert run.invoke(command, ["show"]).exit_code == 0
    verbs = AuditEntry.objects.order_by("pk").values_list("verb", "detail")
    assert [verb for verb, _detail in verbs] == [
        "calls.exported", "calls.taken_over", "calls.ended",
    ]  # fmt: skip
    assert json.loads(verbs[1][1]) == {"known": 0, "n": 1, "wrong": 1}
