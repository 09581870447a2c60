"""Scheduled reports reach verified addresses of the team, each once whatever dies."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.measurement.messaging import bought, heard, sent
from tests.outbox.people import profiles

from pusula.campaigns import team, trials
from pusula.campaigns.models import TeamAddress
from pusula.channels.email import catcher
from pusula.channels.email.smtp import Server, TransportError
from pusula.lib import clock
from pusula.measurement.reports import answers, catalog, letters, mails, schedules
from pusula.measurement.reports.models import Answer, Issue, Letter, Schedule
from pusula.measurement.reports.period import Period
from pusula.measurement.reports.schedules import ScheduleError
from pusula.outbox.brakes import STOP_FILE
from pusula.outbox.registry import RUN_FOLDER

pytestmark = pytest.mark.django_db(transaction=True)
ZONE = "Europe/Istanbul"
MONDAY = clock.from_datetime(dt.datetime(2026, 9, 28, 8, 0), ZONE)
COLLEAGUE = "deniz@ajans.example"
_PNG = b"\x89PNG"


@pytest.fixture
def post(tmp_path):
    """A real server that keeps what it is given."""
    with catcher.catching(tmp_path / "mail", "127.0.0.1", 0) as port:
        server = Server.of(f"smtp://127.0.0.1:{port}")

        def send() -> list[catcher.Caught]:
            letters.send_waiting(server, tmp_path)
            return catcher.mails(tmp_path / "mail")

        send.home = tmp_path
        yield send


def verified(address: str = COLLEAGUE) -> TeamAddress:
    return TeamAddress.objects.create(
        address=address, asked_by="deniz", asked_at=1, mailed_at=1, verified_at=1
    )


def weekly(*to: TeamAddress, since: int = MONDAY - clock.DAY, **changes) -> Schedule:
    given = {
        "title": "Haftalık rapor", "parts": ["kpi", "attribution", "rates", "cohort"], "days": 7,
        "language": "tr", "weekday": 0, "hour": 8, "by": "deniz", "at": since,
    }  # fmt: skip
    return schedules.create(to=[one.pk for one in to], **(given | changes))


@pytest.fixture
def sold():
    """Somebody who ordered after a mail in the week before the Monday."""
    ayse = profiles(1)[0]
    heard(sent(ayse, 2), "clicked", 2.5)
    bought(ayse, 3, 1_234_00)


def test_a_report_leaves_at_its_moment_with_charts_and_text(sold, post):
    weekly(verified())
    assert letters.prepare(at=MONDAY - 1) == []
    assert len(letters.prepare(at=MONDAY)) == 1
    (caught,) = post()
    assert caught.to == COLLEAGUE
    assert "Haftalık rapor" in caught.subject
    (file,) = (post.home / "mail").rglob("*.eml")
    mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    html = mail.get_body(("html",)).get_content()
    text = mail.get_body(("plain",)).get_content()
    images = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert len(images) == 2  # the course of revenue, and credit by campaign
    for image in images:
        assert image.get_payload(decode=True).startswith(_PNG)
        assert f"cid:{image['Content-ID'].strip('<>')}" in html
        assert image.get_content_disposition() == "inline"
    assert "₺1.234" in html
    assert "₺1.234" in text
    assert "/reports/kpi/?from=2026-09-21&to=2026-09-27" in text
    assert "http" not in html.replace("http://127.0.0.1:8000/reports/", "")  # nothing is loaded
    assert Letter.objects.get().sent_at is not None


def test_a_large_company_s_report_waits_for_what_is_counted_beside(sold, post, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: MONDAY + clock.MINUTE)
    small = weekly(verified())
    (told,) = letters.prepare(at=MONDAY)
    small.issues.all().delete()
    monkeypatch.setattr(answers, "MOST_AT_ONCE", -1)
    assert letters.prepare(at=MONDAY) == []
    assert Answer.objects.filter(wanted=True).count() == 4
    answers.work(at=MONDAY)
    assert letters.prepare(at=MONDAY) == []  # one of its parts is there
    while answers.work(at=MONDAY) is not None:
        pass
    (issue,) = letters.prepare(at=MONDAY + clock.MINUTE)
    assert issue.results == told.results
    assert len(post()) == 1
    monkeypatch.setattr(catalog, "made", None)  # the next is of other days, but asks as well
    assert letters.prepare(at=MONDAY + 7 * clock.DAY) == []


def test_a_report_of_midnight_has_the_whole_of_its_last_day(monkeypatch):
    monkeypatch.setattr(answers, "MOST_AT_ONCE", -1)
    weekly(verified(), parts=["kpi"], hour=0)
    midnight = MONDAY - 8 * clock.HOUR
    period = Period(dt.date(2026, 9, 21), dt.date(2026, 9, 28))
    answers.answer("kpi", letters.question("kpi", period), at=midnight - clock.HOUR // 2)
    monkeypatch.setattr(clock, "now", lambda: midnight - clock.HOUR // 2)
    answers.work(at=midnight - clock.HOUR // 2)  # somebody looked before the day was over
    monkeypatch.setattr(clock, "now", lambda: midnight + clock.MINUTE)
    assert letters.prepare(at=midnight + clock.MINUTE) == []
    answers.work(at=midnight + clock.MINUTE)
    assert len(letters.prepare(at=midnight + 2 * clock.MINUTE)) == 1


def test_a_part_that_cannot_be_counted_is_told_and_tried_again_for_the_next_report(
    monkeypatch, caplog
):
    monkeypatch.setattr(answers, "MOST_AT_ONCE", -1)
    monkeypatch.setattr(clock, "now", lambda: MONDAY + clock.MINUTE)
    weekly(verified(), parts=["kpi", "cohort"], language="en")
    counted = catalog.made

    def broken(kind, question):
        if kind == "cohort":
            raise catalog.QuestionError("no month is there")
        return counted(kind, question)

    monkeypatch.setattr(catalog, "made", broken)
    assert letters.prepare(at=MONDAY) == []
    while answers.work(at=MONDAY) is not None:
        pass
    assert letters.prepare(at=MONDAY + clock.HOUR - 1) == []  # it may be mended
    (issue,) = letters.prepare(at=MONDAY + clock.HOUR)
    assert issue.results.keys() == {"kpi"}
    assert "cohort of the report" in caplog.text
    assert "no month is there" in caplog.text
    text = mails.message(issue, "ada@example.com").get_body(("plain",)).get_content()
    for told in (mails.page(issue), text):
        assert told.count("Could not be counted for this report.") == 1
        assert "Nothing in this period." not in told
    monkeypatch.setattr(catalog, "made", counted)
    later = MONDAY + 7 * clock.DAY
    monkeypatch.setattr(clock, "now", lambda: later + clock.MINUTE)
    assert letters.prepare(at=later) == []
    while answers.work(at=later) is not None:
        pass
    assert letters.prepare(at=later)[0].results.keys() == {"kpi", "cohort"}


def test_a_part_that_breaks_off_in_a_small_company_holds_up_no_other(monkeypatch, caplog):
    weekly(verified(), parts=["kpi", "rates"])
    weekly(verified("can@ajans.example"), parts=["kpi"], title="Öteki")
    counted = catalog.made

    def broken(kind, question):
        return counted(kind, question) if kind == "kpi" else 1 / 0

    monkeypatch.setattr(catalog, "made", broken)
    (other,) = letters.prepare(at=MONDAY)
    assert other.schedule.title == "Öteki"
    assert "ZeroDivisionError" in caplog.text
    (issue,) = letters.prepare(at=MONDAY + clock.HOUR)
    assert issue.results.keys() == {"kpi"}


def test_a_moment_has_one_report_and_an_address_one_letter(post):
    weekly(verified(), parts=["rates"])
    for later in (0, 1, clock.HOUR, 6 * clock.DAY):
        letters.prepare(at=MONDAY + later)
        post()
    assert Issue.objects.count() == Letter.objects.count() == 1
    assert len(post()) == 1
    letters.prepare(at=MONDAY + 7 * clock.DAY)
    assert len(post()) == 2


def test_of_a_long_silence_only_the_last_moment_is_made_up_for():
    made = weekly(verified(), parts=["rates"])
    letters.prepare(at=MONDAY + 23 * clock.DAY)
    assert Issue.objects.get().due_at == MONDAY + 21 * clock.DAY
    assert schedules.next_at(made, MONDAY) == MONDAY + 7 * clock.DAY


def test_a_schedule_begins_with_its_first_moment_behind_now():
    made = weekly(verified(), parts=["rates"], since=MONDAY + 1)
    assert schedules.due_at(made, MONDAY + clock.HOUR) is None
    daily = weekly(verified("b@ajans.example"), parts=["rates"], weekday=None, hour=7)
    assert schedules.due_at(daily, MONDAY) == MONDAY - clock.HOUR


@pytest.mark.parametrize("how", ["unverified", "revoked", "revoked later", "ended later"])
def test_no_other_address_gets_a_report(post, how):
    other = verified()
    if how == "unverified":
        TeamAddress.objects.update(verified_at=None)
    if how == "revoked":
        team.revoke(other.pk, at=1)
    if how in {"unverified", "revoked"}:
        with pytest.raises(ScheduleError):
            weekly(other)
        return
    made = weekly(other, parts=["rates"])
    letters.prepare(at=MONDAY)
    if how == "ended later":
        schedules.end(made.pk, at=MONDAY)
    else:
        team.revoke(other.pk, at=MONDAY)
    assert post() == []


def test_what_dies_before_the_final_dot_is_sent_later_and_behind_it_never_again(post, monkeypatch):
    weekly(verified(), parts=["rates"])
    letters.prepare(at=clock.now())
    letter = Letter.objects.get()

    def dies_before(*_args, **_kwargs):
        raise TransportError("the line broke")

    monkeypatch.setattr(trials, "deliver", dies_before)
    assert post() == []
    letter.refresh_from_db()
    assert (letter.taken_at, letter.problem) == (None, "the line broke")
    assert post() == []  # not at once again
    Letter.objects.update(tried_at=1)

    def dies_behind(_server, _to, _body, may_go):
        assert may_go()
        raise KeyboardInterrupt

    monkeypatch.setattr(trials, "deliver", dies_behind)
    with pytest.raises(KeyboardInterrupt):
        post()
    monkeypatch.undo()
    Letter.objects.update(tried_at=1)
    assert post() == []
    letter.refresh_from_db()
    assert letter.taken_at is not None
    assert letter.sent_at is None


def test_of_two_senders_one_takes_a_letter():
    weekly(verified(), parts=["rates"])
    letters.prepare(at=MONDAY)
    letter = Letter.objects.get()
    assert letters._take(letter)
    assert not letters._take(letter)


def test_while_sending_is_stopped_no_report_leaves(post):
    weekly(verified(), parts=["rates"])
    letters.prepare(at=clock.now())
    (post.home / RUN_FOLDER).mkdir(parents=True, exist_ok=True)
    (post.home / RUN_FOLDER / STOP_FILE).touch()
    assert post() == []
    (post.home / RUN_FOLDER / STOP_FILE).unlink()
    assert len(post()) == 1


def test_a_report_that_waited_for_a_day_is_not_wanted_any_more(post):
    weekly(verified(), parts=["rates"])
    letters.prepare(at=MONDAY)
    Issue.objects.update(made_at=clock.now() - 2 * letters.GOOD_FOR)
    assert post() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": " "}, {"parts": []}, {"days": 5}, {"weekday": 7}, {"hour": 24},
        {"language": "de"},
    ],
)  # fmt: skip
def test_a_schedule_that_says_nothing_or_nonsense_is_refused(wrong):
    with pytest.raises(ScheduleError):
        weekly(verified(), **wrong)


def test_the_report_that_was_sent_is_kept_as_it_was(sold):
    weekly(verified(), parts=["kpi"], language="en")
    (issue,) = letters.prepare(at=MONDAY)
    bought(profiles(1)[0], 3, 9_999_00)
    page = mails.page(Issue.objects.get(pk=issue.pk))
    assert "₺1,234" in page
    assert "9,999" not in page
    assert "data:image/png;base64," in page


def test_a_mail_is_signed_where_the_company_signs(sold, settings, monkeypatch):
    weekly(verified(), parts=["rates"])
    (issue,) = letters.prepare(at=MONDAY)

    class Signer:
        def signature(self, head: bytes, pieces: Sequence[bytes]) -> bytes:
            assert head.endswith(b"\r\n")
            assert b"\n" not in b"".join(pieces).replace(b"\r\n", b"")
            return b"DKIM-Signature: v=1\r\n"

    monkeypatch.setattr(mails.dkim, "signer_of", lambda *_args: Signer())
    raw = mails.signed(mails.message(issue, COLLEAGUE))
    assert raw.startswith(b"DKIM-Signature: v=1\r\nFrom:")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


def test_names_of_campaigns_cannot_break_out_of_the_mail(sold, settings):
    settings.PUSULA = replace(settings.PUSULA, name="<script>Otel")
    weekly(verified(), parts=["kpi"], title="<b>Rapor\nBcc: x@y.example")
    (issue,) = letters.prepare(at=MONDAY)
    assert "<script>" not in mails.page(issue)
    told = mails.message(issue, COLLEAGUE)
    assert "Bcc" not in told


def test_who_came_second_does_not_unsay_that_a_report_left(sold, post, monkeypatch):
    weekly(verified())
    letters.prepare(at=MONDAY)
    server = Server.of("smtp://127.0.0.1:1")

    def first_by_another(_server, _to, _body, may_go) -> str:
        Letter.objects.update(taken_at=MONDAY, sent_at=MONDAY)
        return "" if may_go() else "revoked"

    monkeypatch.setattr(trials, "deliver", first_by_another)
    monkeypatch.setattr(clock, "now", lambda: MONDAY)
    letters.send_waiting(server, post.home)
    letter = Letter.objects.get()
    assert (letter.sent_at, letter.problem) == (MONDAY, "")


def test_a_report_that_cannot_be_made_keeps_no_other_back(sold, monkeypatch):
    broken, _whole = weekly(verified(), parts=["rates"]), weekly(verified("x@ajans.example"))
    made = letters.catalog.made

    def fails_for_rates_alone(part, question):
        if part == "rates" and not Issue.objects.exists() and not tried:
            tried.append(part)
            raise ScheduleError("no")
        return made(part, question)

    tried: list[str] = []
    monkeypatch.setattr(letters.catalog, "made", fails_for_rates_alone)
    (issue,) = letters.prepare(at=MONDAY)
    assert tried
    assert issue.schedule_id != broken.pk
