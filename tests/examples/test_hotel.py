"""The made-up hotel group: its files are what their README says, and the truth is in them."""

from __future__ import annotations

import csv
import itertools
import json
import sys
import tomllib
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

import phonenumbers
import pytest
from examples.hotel import generate as script
from examples.hotel.generate import Summary, generate
from lodos import campaign, files
from lodos.company import BAYRAMS
from lodos.guests import NAMES, SPELLINGS

from pusula.campaigns import definitions
from pusula.content import template
from pusula.rfm import config as rfm_rules

GUESTS = 2_000
TODAY = date(2026, 9, 15)
FILES = ("bookings.csv", "campaign.csv", "consents.csv", "events.jsonl", "guests.csv")
STATUSES = {"Opsiyon", "Onaylı", "Otelde", "Ayrıldı", "İptal", "Gelmedi"}
ALIVE = {"Opsiyon", "Onaylı", "Otelde", "Ayrıldı"}
HOTEL = Path(script.__file__).parent

Row = dict[str, str]


class Export:
    """The files of one run, read as a careful clerk would read them."""

    def __init__(self, folder: Path, summary: Summary) -> None:
        self.folder, self.summary = folder, summary
        self.guests = rows(folder / "guests.csv", "utf-8-sig")
        self.all_bookings = rows(folder / "bookings.csv", "cp1254")
        self.bookings = [row for row in self.all_bookings if not is_bad(row)]
        self.consents = rows(folder / "consents.csv", "utf-8-sig")
        self.campaign = rows(folder / "campaign.csv", "utf-8-sig")
        lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
        self.events = [json.loads(line) for line in lines]

    def window(self) -> tuple[datetime, datetime]:
        start = moment(self.campaign[0]["Atama Tarihi"])
        return start, start + timedelta(days=14)

    def booked_in_window(self) -> list[Row]:
        start, end = self.window()
        return [r for r in self.bookings if start <= moment(r["Rezervasyon Tarihi"]) < end]

    def granted_emails(self) -> set[str]:
        newest = {r["Misafir No"]: r["Durum"] for r in self.consents if r["Kanal"] == "email"}
        return {guest for guest, status in newest.items() if status == "ONAY"}


def rows(path: Path, encoding: str) -> list[Row]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, delimiter=";", strict=True))


def day(text: str) -> date:
    return datetime.strptime(text, "%d.%m.%Y").date()  # noqa: DTZ007 - a day has no zone


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%d.%m.%Y %H:%M")  # noqa: DTZ007 - Istanbul wall time


def money(text: str) -> Decimal:
    return Decimal(text.replace(".", "").replace(",", "."))


def is_bad(row: Row) -> bool:
    try:
        return (
            not row["Rezervasyon No"]
            or day(row["Giriş"]) >= day(row["Çıkış"])
            or moment(row["Rezervasyon Tarihi"]) > moment(row["Durum Tarihi"])
            or min(money(row["Brüt Tutar"]), money(row["Net Tutar"])) < 0
            or row["Para Birimi"] not in {"TRY", "EUR"}
            or row["Durum"] not in STATUSES
        )
    except (ValueError, InvalidOperation):
        return True


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    folder = tmp_path_factory.mktemp("lodos")
    return Export(folder, generate(folder, guests=GUESTS, seed=1, today=TODAY))


def test_the_same_wish_gives_the_same_bytes_and_another_seed_gives_others(
    export: Export, tmp_path: Path
) -> None:
    again = generate(tmp_path / "again", guests=GUESTS, seed=1, today=TODAY)
    generate(tmp_path / "other", guests=GUESTS, seed=2, today=TODAY)

    assert again == export.summary
    assert sorted(f.name for f in export.folder.iterdir()) == sorted(FILES)
    for name in FILES:
        first = (export.folder / name).read_bytes()
        assert (tmp_path / "again" / name).read_bytes() == first
        assert (tmp_path / "other" / name).read_bytes() != first


def test_files_have_the_encodings_separators_and_line_ends_of_a_hotel(export: Export) -> None:
    for name in ("guests.csv", "consents.csv", "campaign.csv"):
        content = (export.folder / name).read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")
        assert content.count(b"\r\n") == content.count(b"\n")
    bookings = (export.folder / "bookings.csv").read_bytes()
    assert bookings.startswith("Rezervasyon No;Misafir No;Otel;Bölge;".encode("cp1254"))
    with pytest.raises(UnicodeDecodeError):
        bookings.decode("utf-8")
    assert any(row["Brüt Tutar"].startswith("12.") for row in export.bookings)
    assert all(event["timestamp"].endswith("+03:00") for event in export.events)


def test_exactly_the_documented_rows_are_bad(export: Export) -> None:
    bad = [row for row in export.all_bookings if is_bad(row)]

    assert len(bad) == export.summary.n_bad_rows == 10
    assert len(export.bookings) == export.summary.n_bookings
    assert {row["Giriş"] for row in bad} >= {"30.02.2025"}
    assert sum(row["Brüt Tutar"].startswith("-") for row in bad) == 2


def test_every_row_leads_to_a_guest_and_every_number_is_there_once(export: Export) -> None:
    guests = [row["Misafir No"] for row in export.guests]
    known = set(guests)
    emails = Counter(row["E-posta"] for row in export.guests)

    assert len(guests) == len(known) == export.summary.n_guests == GUESTS
    for table in (export.all_bookings, export.consents, export.campaign):
        assert {row["Misafir No"] for row in table} <= known
    for event in export.events:
        assert event["guest_no"] in known if "guest_no" in event else emails[event["email"]] == 1
    numbers = Counter(row["Rezervasyon No"] for row in export.all_bookings)
    assert set(numbers.values()) == {1}


def test_addresses_and_numbers_are_well_formed_and_reach_nobody(export: Export) -> None:
    emails = [row["E-posta"] for row in export.guests if row["E-posta"]]
    shared = [n for n in Counter(emails).values() if n > 1]
    reserved = ("example.com", "example.net", "example.org", ".example")
    assert all(email.isascii() and email.endswith(reserved) for email in emails)
    assert shared == [2] * export.summary.n_shared_emails
    assert len(shared) == 12
    assert 0.90 < len(emails) / GUESTS < 0.98

    phones = [row["Telefon"] for row in export.guests if row["Telefon"]]
    numbers = [phonenumbers.parse(phone, "TR") for phone in phones]
    assert all(phonenumbers.is_valid_number(number) for number in numbers)
    assert {phonenumbers.number_type(number) for number in numbers} == {
        phonenumbers.PhoneNumberType.MOBILE
    }
    assert len({(n.country_code, n.national_number) for n in numbers}) == len(numbers)
    shapes = {"".join("9" if c.isdigit() else c for c in phone) for phone in phones}
    assert len(shapes) >= len(SPELLINGS)


def test_names_are_turkish_by_sex_and_age_and_some_are_cyrillic(export: Export) -> None:
    turkish = NAMES["turkish"]
    lists = [names.split() for sex in ("female", "male") for names in turkish[sex].values()]
    assert len({name for names in lists for name in names}) >= 120
    assert len(set(turkish["surnames"].split())) >= 150

    text = "".join(row["Ad"] + row["Soyad"] for row in export.guests)
    assert set("İıŞşğÇçÖöÜü") <= set(text)
    assert any("а" <= c <= "я" for c in text)
    born = defaultdict(list)
    for row in export.guests:
        if row["Doğum Tarihi"]:
            born[row["Ad"]].append(day(row["Doğum Tarihi"]).year)
    assert max(born["Melahat"]) < 1965
    assert min(born["Büşra"]) >= 1985


def test_a_status_fits_its_dates_on_the_morning_of_the_export(export: Export) -> None:
    export_at = datetime.combine(TODAY, datetime.min.time()) + timedelta(hours=6)
    for row in export.bookings:
        arrival, departure = day(row["Giriş"]), day(row["Çıkış"])
        booked, since = moment(row["Rezervasyon Tarihi"]), moment(row["Durum Tarihi"])
        assert booked <= since <= export_at
        assert booked.date() <= arrival
        match row["Durum"]:
            case "Ayrıldı":
                assert since.date() == departure < TODAY
            case "Otelde":
                assert since.date() == arrival < TODAY <= departure
            case "Onaylı" | "Opsiyon":
                assert arrival >= TODAY
            case "Gelmedi":
                assert since.date() == arrival + timedelta(days=1) <= TODAY
            case "İptal":
                assert booked < since


def test_no_guest_is_in_two_places_or_books_before_being_known(export: Export) -> None:
    since = {row["Misafir No"]: day(row["Kayıt Tarihi"]) for row in export.guests}
    stays = defaultdict(list)
    for row in export.bookings:
        assert since[row["Misafir No"]] <= moment(row["Rezervasyon Tarihi"]).date()
        if row["Durum"] in ALIVE:
            stays[row["Misafir No"]].append((day(row["Giriş"]), day(row["Çıkış"])))
    for of_one in stays.values():
        of_one.sort()
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(of_one))
    for row in export.consents:
        assert since[row["Misafir No"]] <= day(row["Tarih"][:10]) <= TODAY


def test_the_company_has_the_shape_that_is_stated(export: Export) -> None:
    status = Counter(row["Durum"] for row in export.bookings)
    expected = {r["Misafir No"] for r in export.bookings if r["Durum"] in {"Onaylı", "Opsiyon"}}
    abroad = [row for row in export.guests if row["Ülke"] != "TR"]
    in_euro = [row for row in export.bookings if row["Para Birimi"] == "EUR"]
    per_guest = Counter(row["Misafir No"] for row in export.bookings)

    n = len(export.bookings)
    assert set(status) == STATUSES
    assert 0.18 < status["İptal"] / n < 0.23
    assert 0.01 < status["Gelmedi"] / n < 0.03
    assert 0.08 < len(in_euro) / n < 0.17
    assert all(money(row["Kur"]) > 20 for row in in_euro)
    assert 0.065 < len(expected) / GUESTS < 0.095
    assert 0.22 < len(abroad) / GUESTS < 0.28
    assert 0.56 < len(export.granted_emails()) / GUESTS < 0.64
    assert sum(times == 1 for times in per_guest.values()) / len(per_guest) > 0.6
    assert max(per_guest.values()) >= 10
    assert 12 * GUESTS < len(export.events) < 16 * GUESTS
    assert len(expected) / GUESTS == pytest.approx(export.summary.upcoming_share)
    assert len(export.granted_emails()) / GUESTS == pytest.approx(
        export.summary.email_granted_share
    )


def test_arrivals_peak_on_bayrams_and_in_each_hotels_own_season(export: Export) -> None:
    arrivals = Counter(day(row["Giriş"]) for row in export.bookings)
    near, beside = 0, 0
    for first, length in BAYRAMS:
        if not TODAY - timedelta(days=1_000) < first < TODAY - timedelta(days=30):
            continue
        for offset in range(-2, length - 1):
            near += arrivals[first + timedelta(days=offset)]
            beside += arrivals[first + timedelta(days=offset - 14)]
            beside += arrivals[first + timedelta(days=offset + 14)]
    assert near > 1.5 * beside / 2

    months = Counter((row["Bölge"], day(row["Giriş"]).month) for row in export.bookings)
    assert months["Bodrum", 8] > 8 * months["Bodrum", 1]
    assert months["Kapadokya", 5] > months["Kapadokya", 1]
    weekdays = Counter((row["Bölge"], day(row["Giriş"]).weekday()) for row in export.bookings)
    assert weekdays["İstanbul", 4] > 1.3 * weekdays["İstanbul", 6]


def test_prices_follow_inflation(export: Export) -> None:
    nightly = defaultdict(list)
    for row in export.bookings:
        if row["Otel"] == "Lodos Tünel" and row["Para Birimi"] == "TRY":
            nights = (day(row["Çıkış"]) - day(row["Giriş"])).days
            nightly[day(row["Giriş"]).year].append(money(row["Brüt Tutar"]) / nights)
            assert money(row["Net Tutar"]) < money(row["Brüt Tutar"])
    mean = {year: sum(prices) / len(prices) for year, prices in nightly.items()}
    assert mean[2024] * Decimal("1.2") < mean[2025] < mean[2026] / Decimal("1.15")


def test_the_five_segments_have_members(export: Export) -> None:
    stays = defaultdict(list)
    for row in export.bookings:
        if row["Durum"] == "Ayrıldı":
            stays[row["Misafir No"]].append(day(row["Çıkış"]))
    ahead = {row["Misafir No"] for row in export.bookings if day(row["Giriş"]) >= TODAY}

    def since(n_days: int) -> date:
        return TODAY - timedelta(days=n_days)

    repeat = [g for g, ends in stays.items() if sum(end > since(365) for end in ends) >= 2]
    lapsing = [
        guest
        for guest, ends in stays.items()
        if since(540) <= max(ends) <= since(180) and sum(end > since(730) for end in ends) >= 2
    ]
    seasons = {
        guest: Counter(season for season, _ in {(end.month % 12 // 3, end.year) for end in ends})
        for guest, ends in stays.items()
    }
    seasonal = [guest for guest, years in seasons.items() if max(years.values()) > 1]
    newcomers = ahead - stays.keys()
    assert 0.03 < len(repeat) / GUESTS < 0.10
    assert 0.03 < len(lapsing) / GUESTS < 0.12
    assert 0.06 < len(seasonal) / GUESTS < 0.20
    assert 0.01 < len(newcomers) / GUESTS < 0.06

    spend: Counter[str] = Counter()
    for row in export.bookings:
        if row["Durum"] == "Ayrıldı":
            spend[row["Misafir No"]] += int(money(row["Net Tutar"]) * money(row["Kur"]))
    best = [amount for _, amount in spend.most_common(len(spend) // 10)]
    assert 0.3 < sum(best) / spend.total() < 0.6


def test_events_are_of_the_last_year_and_repeat_only_as_often_as_stated(export: Export) -> None:
    times = [datetime.fromisoformat(event["timestamp"]) for event in export.events]
    ids = Counter(event["messageId"] for event in export.events)

    assert times == sorted(times)
    assert times[0].date() >= TODAY - timedelta(days=365)
    assert times[-1].replace(tzinfo=None) < datetime.combine(TODAY, datetime.min.time()).replace(
        hour=6
    )
    assert len(ids) == export.summary.n_events
    assert len(export.events) - len(ids) == export.summary.n_repeated_events == len(ids) // 5_000
    assert set(Counter(event["event"] for event in export.events)) == {
        "Hotel Searched",
        "Hotel Viewed",
        "Booking Started",
        "Booking Abandoned",
        "Email Opened",
        "Email Clicked",
        "Call Received",
    }


def test_some_abandoned_bookings_are_followed_by_the_booking(export: Export) -> None:
    number_of = {row["E-posta"]: row["Misafir No"] for row in export.guests}
    booked = {
        (row["Misafir No"], row["Otel"], day(row["Giriş"]).isoformat()) for row in export.bookings
    }
    abandoned = [event for event in export.events if event["event"] == "Booking Abandoned"]
    followed = [
        event
        for event in abandoned
        if (
            event.get("guest_no") or number_of[event["email"]],
            event["properties"]["hotel"],
            event["properties"]["check_in"],
        )
        in booked
    ]
    assert 0.1 < len(followed) / len(abandoned) < 0.4


def test_only_guests_who_granted_e_mail_open_one(export: Export) -> None:
    number_of = {row["E-posta"]: row["Misafir No"] for row in export.guests}
    ever = {
        r["Misafir No"] for r in export.consents if (r["Kanal"], r["Durum"]) == ("email", "ONAY")
    }
    opened = [event for event in export.events if event["event"].startswith("Email")]

    assert {event.get("guest_no") or number_of[event["email"]] for event in opened} <= ever
    refused_later = Counter((r["Misafir No"], r["Kanal"]) for r in export.consents)
    assert 0.01 < sum(n > 1 for n in refused_later.values()) / len(refused_later) < 0.08


def test_the_campaign_is_drawn_from_guests_who_had_granted_e_mail(export: Export) -> None:
    start, _ = export.window()
    granted = set()
    for row in export.consents:
        decided = datetime.strptime(row["Tarih"], "%d.%m.%Y %H:%M:%S")  # noqa: DTZ007 - wall time
        if row["Kanal"] == "email" and decided <= start:
            (granted.add if row["Durum"] == "ONAY" else granted.discard)(row["Misafir No"])
    arms = Counter(row["Grup"] for row in export.campaign)

    assert {row["Misafir No"] for row in export.campaign} <= granted
    assert arms == {"treated": 680, "holdout": 120}
    assert start.date() == export.summary.assigned_on == TODAY - timedelta(days=34)


def test_the_campaigns_true_effect_is_in_the_bookings_and_nowhere_else(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "TRUE_EFFECT", 0.0)
    without = Export(tmp_path, generate(tmp_path, guests=GUESTS, seed=1, today=TODAY))

    def contents(bookings: list[Row]) -> Counter[tuple[str, ...]]:
        return Counter(tuple(row.values())[1:] for row in bookings)

    planted = contents(export.bookings) - contents(without.bookings)
    start, end = export.window()
    treated = {row["Misafir No"] for row in export.campaign if row["Grup"] == "treated"}
    assert contents(without.bookings) <= contents(export.bookings)
    assert planted.total() == export.summary.n_planted == round(0.02 * len(treated))
    for row in planted:
        assert row[0] in treated
        assert row[2] == "Bodrum"
        assert row[10] in ALIVE
        assert start < moment(row[12]) < end
    before = {row["Misafir No"] for row in without.booked_in_window()} & treated
    after = {row["Misafir No"] for row in export.booked_in_window()} & treated
    assert len(after) - len(before) == export.summary.n_planted


def test_the_mapping_files_name_every_column_they_use_as_it_is_written(export: Export) -> None:
    headings = {
        "guests": set(export.guests[0]),
        "bookings": set(export.bookings[0]),
        "consents": set(export.consents[0]),
        "events": set(export.events[0]) | {"email", "guest_no"},
    }
    for name, written in headings.items():
        mapping = tomllib.loads((HOTEL / f"{name}.toml").read_text(encoding="utf-8"))
        named = mapping["columns"].values()
        used = {part for each in named for part in ([each] if isinstance(each, str) else each)}
        for trait in mapping.get("traits", {}).values():
            used.add(trait["column"] if isinstance(trait, dict) else trait)
        assert used <= written
    bookings = tomllib.loads((HOTEL / "bookings.toml").read_text(encoding="utf-8"))
    assert set(bookings["values"]["status"]) == STATUSES


def test_the_campaigns_and_the_rfm_rules_can_be_read() -> None:
    ended = definitions.read_adoption(HOTEL / "ended.yaml")
    ready = definitions.read(HOTEL / "ready.yaml")
    rules = rfm_rules.read(HOTEL / "rfm.toml")

    assert ended.title == campaign.NAME
    assert float(ended.holdout) == campaign.HOLDOUT_SHARE
    assert ended.window_days == campaign.WINDOW_DAYS
    assert set(ended.assignments.columns.values()) <= set(files.CAMPAIGN_HEADINGS)
    assert isinstance(ready.template, definitions.Content)
    for part in (ready.template.text, ready.template.html):
        assert "{{ unsubscribe_url }}" in part
    content = template.compiled(ready.template.subject, ready.template.text, ready.template.html)
    links = template.InertLinks("https://lodos.example/u")
    sent = template.render(content, {"profile": {"first_name": "Işıl"}}, links)
    assert sent.subject == "Işıl, sizi özledik"
    unnamed = template.render(content, {"profile": {}}, links)
    assert unnamed.subject == "Sizi özledik"
    assert "Merhaba," in unnamed.text
    assert rules.recency.levels == 4


def test_the_readme_names_every_column_and_every_event(export: Export) -> None:
    readme = (HOTEL / "README.md").read_text(encoding="utf-8")
    for table in (export.guests, export.bookings, export.consents, export.campaign):
        assert [heading for heading in table[0] if heading not in readme] == []
    assert {e["event"] for e in export.events if e["event"] not in readme} == set()
    assert {key for e in export.events for key in e["properties"] if key not in readme} == set()


def test_the_command_writes_the_files_and_says_what_is_in_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wish = ["--out", str(tmp_path / "new"), "--guests", "100", "--today", "2026-09-15"]
    monkeypatch.setattr(sys, "argv", ["generate.py", *wish])
    script.main()

    assert len(rows(tmp_path / "new" / "guests.csv", "utf-8-sig")) == 100
    assert "n_guests             100" in capsys.readouterr().out


def test_too_few_guests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ask for 100 or more"):
        generate(tmp_path, guests=99, seed=1, today=TODAY)
