"""A hotel's files become a measured campaign, and one guest changes his mind on the way."""

from __future__ import annotations

import csv
import datetime as dt
import email
import email.policy
import json
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import time_machine
from click.testing import CliRunner, Result
from django.contrib.auth.models import User
from django.test import Client

from pusula.channels.email.catcher import catching
from pusula.ops.main import cli

N_GUESTS = 240
START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)

GUESTS_MAP = """
source = "pms"
[file]
separator = ";"
dates = "%d.%m.%Y"
[columns]
profile_key = "Misafir No"
first_name = "Ad"
last_name = "Soyad"
email = "E-posta"
[traits]
city = "Şehir"
"""
BOOKINGS_MAP = """
source = "pms"
[file]
encoding = "cp1254"
separator = ";"
decimal = ","
dates = "%d.%m.%Y"
[columns]
source_id = "Rezervasyon No"
profile_key = "Misafir No"
ordered_at = "Tarih"
starts_on = "Giriş"
ends_on = "Çıkış"
property = "Otel"
status = "Durum"
net_amount = "Tutar"
[constants]
currency = "TRY"
[values.status]
"Ayrıldı" = "completed"
"Onaylı" = "confirmed"
"İptal" = "cancelled"
"""
CONSENTS_MAP = """
source = "pms"
[file]
separator = ";"
dates = "%d.%m.%Y"
[columns]
profile_key = "Misafir No"
channel = "Kanal"
status = "Karar"
decided_at = "Tarih"
evidence = "Kanıt"
[constants]
purpose = "marketing"
[values.status]
"ONAY" = "granted"
"RET" = "refused"
"""
CAMPAIGN = """
campaign: {key}
title: {title}
goal: loyalty
audience: [repeat-guests]
exclusions: [has-upcoming-booking]
holdout: 25%
window_days: 14
cost: {{message: 0.10, fixed: 100}}
margin: 40%
template:
  subject: "{{{{ profile.first_name }}}}, sizi özledik"
  text: "Merhaba {{{{ profile.first_name }}}}. Ayrılmak için: {{{{ unsubscribe_url }}}}"
  html: >-
    <p>Merhaba {{{{ profile.first_name }}}},
    <a href="https://lodos.example/bahar">bahar fırsatları</a></p>
    <p><a href="{{{{ unsubscribe_url }}}}">Listeden ayrıl</a></p>
"""


@dataclass
class Hotel:
    """The hotel's clerk: writes files, types commands, reads the mails that arrive."""

    folder: Path
    mailbox: Path
    read: set[str] = field(default_factory=set)

    def pusula(self, *arguments: str) -> Result:
        """Type a command; it must succeed."""
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result

    def write(self, name: str, header: list[str], rows: list[list[str]], encoding="utf-8-sig"):
        """Write a file as Excel would export it."""
        path = self.folder / name
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerows([header, *rows])
        return path

    def bring(self, kind: str, mapping: str, path: Path) -> Result:
        """Import a file with its mapping."""
        map_file = self.folder / f"{kind}.toml"
        map_file.write_text(mapping, encoding="utf-8")
        return self.pusula("import", kind, str(path), "--map", str(map_file))

    def campaign(self, key: str, title: str) -> None:
        """Plan a campaign and send it."""
        file = self.folder / f"{key}.yaml"
        file.write_text(CAMPAIGN.format(key=key, title=title), encoding="utf-8")
        self.pusula("campaigns", "create", str(file))
        self.pusula("campaigns", "send", key)

    def new_mails(self) -> list[EmailMessage]:
        """Return the mails that have arrived since the last look."""
        files = [f for f in sorted(self.mailbox.rglob("*.eml")) if f.name not in self.read]
        self.read |= {f.name for f in files}
        return [
            email.message_from_bytes(f.read_bytes(), policy=email.policy.default)  # type: ignore[misc]
            for f in files
        ]


@pytest.fixture
def hotel(tmp_path, settings):
    mailbox = tmp_path / "mailbox"
    settings.PUSULA_HOME = tmp_path / "home"
    settings.PUSULA_HOME.mkdir()
    with catching(mailbox, "127.0.0.1", 0) as port:
        settings.PUSULA_SMTP_URL = f"smtp://127.0.0.1:{port}"
        yield Hotel(tmp_path, mailbox)


@pytest.fixture
def clerk(transactional_db) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("clerk"))
    return client


def local(day: dt.date) -> str:
    return f"{day:%d.%m.%Y}"


def bring_guests(hotel: Hotel) -> None:
    guests = [
        [str(n), f"Misafir{n}", "Öztürk", f"misafir{n}@example.com", "İzmir"]
        for n in range(N_GUESTS)
    ]
    header = ["Misafir No", "Ad", "Soyad", "E-posta", "Şehir"]
    hotel.bring("profiles", GUESTS_MAP, hotel.write("guests.csv", header, guests))
    bookings = []
    for n in range(N_GUESTS):
        for stay in range(2):
            out = START.date() - dt.timedelta(60 + 90 * stay + n % 30)
            bookings.append(
                [f"{n}-{stay}", str(n), local(out - dt.timedelta(20)),
                 local(out - dt.timedelta(3)), local(out), "Lodos Çeşme", "Ayrıldı", "12.450,00"]
            )  # fmt: skip
    # Guest 0 is coming anyway: no campaign for him.
    soon = START.date() + dt.timedelta(20)
    booked, leaves = START.date() - dt.timedelta(2), soon + dt.timedelta(4)
    bookings.append(
        ["0-soon", "0", local(booked), local(soon), local(leaves), "Lodos", "Onaylı", "9.000,00"]
    )
    bookings.append(["bad", "1", "30.02.2026", local(soon), local(soon), "x", "Onaylı", "1,00"])
    header = ["Rezervasyon No", "Misafir No", "Tarih", "Giriş", "Çıkış", "Otel", "Durum", "Tutar"]
    path = hotel.write("bookings.csv", header, bookings, encoding="cp1254")
    said = hotel.bring("orders", BOOKINGS_MAP, path).output
    assert str(len(bookings) + 1) in said, "the bad row is named by its line"
    # Guest 1 has refused e-mail; guest 2 never said anything.
    decided = local(START.date() - dt.timedelta(200))
    consents = [
        [str(n), "email", "RET" if n == 1 else "ONAY", decided, f"form {n}"]
        for n in range(N_GUESTS)
        if n != 2
    ]
    header = ["Misafir No", "Kanal", "Karar", "Tarih", "Kanıt"]
    hotel.bring("consents", CONSENTS_MAP, hotel.write("consents.csv", header, consents))


def guest_of(mail: EmailMessage) -> int:
    found = re.search(r"misafir(\d+)@", mail["To"])
    assert found
    return int(found[1])


def bring_spring_bookings(hotel: Hotel, treated: list[int], holdout: list[int]) -> None:
    """Thirty per cent of the treated book in the window, and four per cent of the others."""
    bookers = treated[: len(treated) * 3 // 10] + holdout[: len(holdout) // 25 + 1]
    day = START.date() + dt.timedelta(5)
    stay = START.date() + dt.timedelta(90)
    rows = [
        [f"{n}-spring", str(n), local(day), local(stay), local(stay + dt.timedelta(4)),
         "Lodos Çeşme", "Onaylı", "20.000,00"]
        for n in bookers
    ]  # fmt: skip
    header = ["Rezervasyon No", "Misafir No", "Tarih", "Giriş", "Çıkış", "Otel", "Durum", "Tutar"]
    hotel.bring("orders", BOOKINGS_MAP, hotel.write("spring.csv", header, rows, "cp1254"))


@pytest.mark.django_db(transaction=True)
def test_a_hotel_goes_from_its_files_to_a_measured_campaign(hotel, clerk):
    with time_machine.travel(START, tick=True):
        bring_guests(hotel)
        hotel.pusula("segments", "apply", "--shipped", "--yes")
        hotel.pusula("run")

        hotel.campaign("bahar", "Bahara merhaba")
        mails = hotel.new_mails()
        treated = sorted(guest_of(mail) for mail in mails)
        assert len(treated) == len(set(treated)), "nobody twice"
        assert not {0, 1, 2} & set(treated), "coming anyway, refused, never asked"
        holdout = sorted(set(range(3, N_GUESTS)) - set(treated))
        assert 0.15 < len(holdout) / (N_GUESTS - 3) < 0.35
        assert f"Misafir{treated[0]}, sizi özledik" in {mail["Subject"] for mail in mails}

        # One of them leaves the list, by the button of his mail program.
        leaver = mails[0]
        link = re.search(r"<(http[^>]+)>", leaver["List-Unsubscribe"])
        assert link
        path = urlsplit(link[1]).path
        assert leaver["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert Client().get(path).status_code == 200, "looking changes nothing"
        answer = Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200

    with time_machine.travel(START + dt.timedelta(days=1), tick=True):
        hotel.campaign("ikinci", "Bir daha")
        assert guest_of(leaver) not in {guest_of(mail) for mail in hotel.new_mails()}
        page = clerk.get("/customers/", {"q": leaver["To"]}, follow=True)
        assert f"Misafir{guest_of(leaver)}" in page.content.decode()

    with time_machine.travel(START + dt.timedelta(days=6), tick=True):
        bring_spring_bookings(hotel, treated, holdout)
        early = json.loads(hotel.pusula("campaigns", "result", "bahar", "--json").output)
        assert early["verdict"]["kind"] == "too_early"

    with time_machine.travel(START + dt.timedelta(days=15), tick=True):
        result = json.loads(hotel.pusula("campaigns", "result", "bahar", "--json").output)
        assert result["verdict"]["kind"] == "worked"
        turkish = clerk.get("/campaigns/bahar/")
        assert "E-posta işe yaradı" in turkish.content.decode()
        clerk.post("/preferences/language/", {"language": "en"})
        english = clerk.get("/campaigns/bahar/")
        assert "It worked" in english.content.decode()
