"""The way of a campaign through the command line: file, checklist, real SMTP, result."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from django.utils import translation

from pusula.campaigns.models import Assignment, Campaign
from pusula.channels.email import catcher
from pusula.lib.errors import PusulaError
from pusula.ops.campaigns import campaigns
from pusula.outbox import actions as outbox
from pusula.outbox.models import Message
from pusula.profiles.models import Profile

WINBACK = """
campaign: winback
title: Sizi özledik
goal: loyalty
audience: [lapsing]
exclusions: [has-upcoming-booking]
holdout: {holdout}
cost: {{message: 0.05, fixed: 100}}
template:
  subject: "Merhaba {{{{ profile.first_name }}}}"
  text_file: winback.txt
"""


@pytest.fixture
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def run(english):
    def invoke(*words: str, fails: bool = False) -> str:
        told = CliRunner(env={"COLUMNS": "140"}).invoke(campaigns, [str(word) for word in words])
        if not fails and told.exception:
            raise told.exception
        assert bool(told.exit_code) == fails
        return told.output

    return invoke


@pytest.fixture
def file(tmp_path):
    def write(holdout="0") -> str:
        (tmp_path / "winback.txt").write_text("Bekliyoruz. {{ unsubscribe_url }}", encoding="utf-8")
        path = tmp_path / "winback.yaml"
        path.write_text(WINBACK.format(holdout=holdout), encoding="utf-8")
        return path

    return write


def test_from_the_file_to_mails_in_real_boxes(hotel, settings, run, file, tmp_path):
    booked, silent = hotel.guest("Booked"), hotel.guest("Silent", consent=None)
    people = [hotel.guest(f"Guest{n}") for n in range(8)]
    hotel.segment("lapsing", *people, booked, silent)
    hotel.segment("has-upcoming-booking", booked)
    with catcher.catching(tmp_path / "mail", "127.0.0.1", 0) as port:
        settings.PUSULA_SMTP_URL = f"smtp://127.0.0.1:{port}"
        assert "Draft made: winback" in run("create", file())
        assert "8 people get a message." in run("check", "winback")
        told = run("send", "winback")
        again = run("send", "winback")
    caught = catcher.mails(tmp_path / "mail")
    assert sorted(mail.to for mail in caught) == [f"guest{n}@example.com" for n in range(8)]
    assert {mail.subject for mail in caught} == {f"Merhaba Guest{n}" for n in range(8)}
    for output in (told, again):
        assert "Sent" in output
        assert "no consent for this channel" in output
        assert "in the segment “The has-upcoming-booking”" in output
    assert Campaign.objects.get().state == "running"
    assert "Being measured" in run("list")
    assert "Too early: day 0 of 14." in run("result", "winback")
    found = json.loads(run("result", "winback", "--json"))
    assert (found["treated"]["n"], found["n_sent"], found["messages"]["sent"]) == (8, 8, 8)
    assert found["verdict"]["kind"] == "too_early"


def test_who_withdraws_between_start_and_sending_gets_nothing(hotel, settings, run, file, tmp_path):
    ayse, mehmet = hotel.guest("Ayse"), hotel.guest("Mehmet")
    hotel.segment("lapsing", ayse, mehmet)
    hotel.segment("has-upcoming-booking")
    run("create", file())
    with catcher.catching(tmp_path / "mail", "127.0.0.1", 0) as port:
        settings.PUSULA_SMTP_URL = f"smtp://127.0.0.1:{port}"
        outbox.hold(Campaign.objects.get().origin, at=0)
        assert "2 messages wait for a later try" in run("send", "winback")
        assert Campaign.objects.get().state == "sending"
        hotel.consent(mehmet, "refused")
        outbox.lift(Campaign.objects.get().origin)
        told = run("send", "winback")
    assert [mail.to for mail in catcher.mails(tmp_path / "mail")] == ["ayse@example.com"]
    assert "consent withdrawn" in told
    assert Assignment.objects.filter(arm="treated").count() == 2


def test_what_is_not_in_order_is_said_and_not_sent(hotel, settings, run, file):
    settings.PUSULA_SMTP_URL = ""
    hotel.segment("lapsing", hotel.guest("Ayse"))
    hotel.segment("has-upcoming-booking")
    run("create", file())
    told = run("check", "winback", fails=True)
    assert "✗ No mail server is set" in told
    assert "✓ 1 person gets a message." in told
    assert "! Nobody is held out" in told
    with pytest.raises(PusulaError, match="No mail server is set"):
        run("send", "winback")
    assert Campaign.objects.get().state == "draft"


def test_creating_again_changes_the_draft(hotel, run, file):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    hotel.segment("has-upcoming-booking")
    run("create", file())
    assert "Draft changed: winback" in run("create", file(holdout="25%"))
    assert Campaign.objects.get().holdout_share == 0.25
    assert json.loads(run("list", "--json"))[0]["state"] == "draft"


def test_a_preview_shows_what_one_person_gets(hotel, run, file):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    hotel.segment("has-upcoming-booking")
    hotel.guest("Mehmet")
    run("create", file())
    assert "Merhaba Ayse" in run("preview", "winback")
    told = run("preview", "winback", "--profile", "pms:Mehmet", "--variables")
    assert "Merhaba Mehmet" in told
    assert "profile.first_name" in told
    with pytest.raises(PusulaError, match="no profile with the key pms:Nobody"):
        run("preview", "winback", "--profile", "pms:Nobody")


def test_an_unknown_campaign_is_named(hotel, run):
    with pytest.raises(PusulaError, match="no campaign called spring"):
        run("result", "spring")


ADOPTED = """
campaign: spring
title: Bahar
goal: upsell
holdout: 50%
window_days: 7
assignments:
  source: pms
  columns: {profile_key: Misafir No, arm: Grup, assigned_at: Atama Tarihi}
  values: {Gönderildi: treated, Kontrol: holdout}
  dates: "%d.%m.%Y %H:%M"
"""
HEAD = "\ufeffKampanya;Misafir No;Grup;Atama Tarihi\r\n"


@pytest.fixture
def adoption(tmp_path):
    def write(*lines: str) -> tuple[str, ...]:
        definition, assigned = tmp_path / "spring.yaml", tmp_path / "assigned.csv"
        definition.write_text(ADOPTED, encoding="utf-8")
        assigned.write_text(HEAD + "\r\n".join(lines), encoding="utf-8")
        return ("adopt", str(definition), "--assignments", str(assigned))

    return write


def test_a_campaign_that_ran_elsewhere_is_taken_over_once(hotel, run, adoption):
    for name in ("Ayse", "Mehmet", "Zeynep"):
        hotel.guest(name)
    words = adoption(
        "B;Ayse;GÖNDERİLDİ;01.03.2026 10:00",
        "B;Mehmet;kontrol;01.03.2026 10:00",
        "B;Zeynep;excluded;02.03.2026 10:00",
    )
    assert "Taken over: spring (1 sent to, 1 control group)" in run(*words)
    assert "There already: spring" in run(*words)
    made = Campaign.objects.get()
    assert (made.state, made.is_adopted) == ("finished", True)
    assert made.started_at == 1_772_348_400_000_000  # 10:00 in Istanbul
    assert made.window_ends_at - made.started_at == 8 * 86_400_000_000
    arms = dict(Assignment.objects.values_list("profile__first_name", "arm"))
    assert arms == {"Ayse": "treated", "Mehmet": "holdout", "Zeynep": "excluded"}
    assert Message.objects.count() == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("B;Nobody;treated;01.03.2026 10:00", "line 2: no profile has the key 'pms:Nobody'"),
        ("B;Ayse;evet;01.03.2026 10:00", "line 2: arm: 'evet' is none of"),
        ("B;Ayse;treated;31.02.2026 10:00", "line 2: assigned_at: '31.02.2026 10:00' is no date"),
        ("B;Ayse;treated;", "line 2: assigned_at: nobody says when"),
        ("B;;treated;01.03.2026 10:00", "line 2: profile_key: is empty"),
        ("B;Ayse;treated", "line 2: 3 cells under 4 headings"),
        (
            "B;Ayse;treated;01.03.2026 10:00\r\nB;Ayse;holdout;01.03.2026 10:00",
            "line 3: the profile 'pms:Ayse' is assigned differently before",
        ),
        ("", "Nobody was assigned"),
    ],
)
def test_a_row_that_cannot_be_used_stops_the_whole_file(hotel, run, adoption, line, said):
    hotel.guest("Ayse")
    with pytest.raises(PusulaError) as caught:
        run(*adoption(line))
    assert said in str(caught.value)
    assert Campaign.objects.count() == Profile.objects.count() - 1 == 0


def test_a_missing_column_is_named_with_those_there_are(hotel, run, adoption, tmp_path):
    words = adoption()
    (tmp_path / "assigned.csv").write_text("Misafir;Grup\n", encoding="utf-8")
    with pytest.raises(PusulaError, match="no column 'Misafir No' for profile_key; there are:"):
        run(*words)
