"""The files as a hotel exports them: Turkish headings, encodings, dates, money and spellings."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lodos import calls, consents, mails, visits
from lodos.bookings import Bookings, tiers
from lodos.campaign import NAME, Assignment
from lodos.chance import Ints
from lodos.company import CHANNELS, HOTELS, STATUS_WORDS, World
from lodos.events import (
    ABANDONED,
    CALLED,
    CLICKED,
    DEVICES,
    NAMES,
    OPENED,
    SEARCHED,
    Events,
)
from lodos.guests import COUNTRIES, People
from lodos.mails import Mailing

GUEST_HEADINGS = (
    "Misafir No", "Ad", "Soyad", "E-posta", "Telefon", "Doğum Tarihi", "Cinsiyet", "Şehir",
    "Ülke", "Dil", "Üyelik Seviyesi", "Kayıt Tarihi",
)  # fmt: skip
BOOKING_HEADINGS = (
    "Rezervasyon No", "Misafir No", "Otel", "Bölge", "Oda Tipi", "Pansiyon", "Kanal", "Giriş",
    "Çıkış", "Yetişkin", "Çocuk", "Durum", "Durum Tarihi", "Rezervasyon Tarihi", "Brüt Tutar",
    "Net Tutar", "Para Birimi", "Kur",
)  # fmt: skip
CONSENT_HEADINGS = ("Misafir No", "Kanal", "Amaç", "Durum", "Kaynak", "Tarih", "Kanıt")
CAMPAIGN_HEADINGS = ("Kampanya", "Misafir No", "Grup", "Atama Tarihi")
# A row nobody can use, as hands type it; each is a good row again under a number of its own,
# with these cells spoiled.
BAD_ROWS: tuple[dict[str, str], ...] = (
    {"Giriş": "30.02.2025"},
    {"Çıkış": "31.06.2026"},
    {"Rezervasyon Tarihi": "29.02.2025 11:40"},
    {"Brüt Tutar": "-4.250,00", "Net Tutar": "-3.794,64"},
    {"Brüt Tutar": "-18.900,00", "Net Tutar": "-16.875,00"},
    {"Net Tutar": "on iki bin"},
    {"Para Birimi": "XYZ"},
    {"Durum": "Belirsiz"},
    {"Rezervasyon No": ""},
    {"Giriş": "14.08.2025", "Çıkış": "04.08.2025"},
)
ONE_REPEATED_IN = 5_000  # events that a client sent twice
SEXES = ("Kadın", "Erkek")

Row = Sequence[str | int]


@dataclass(frozen=True)
class Company:
    """Everything that was drawn, ready to be written."""

    world: World
    people: People
    registered_s: Ints
    bookings: Bookings
    consents: consents.Consents
    assignment: Assignment
    n_planted: int
    events: Events


def write_guests(path: Path, company: Company) -> None:
    """Write the guests in the order of their numbers: UTF-8 with BOM."""
    people = company.people
    numbers = guest_numbers(company.registered_s)
    tier = tiers(company.world, people, company.bookings)
    born, since = _dates(people.born), _dates(company.registered_s // 86_400)
    rows = [
        (
            numbers[i],
            people.first[i],
            people.last[i],
            people.email[i],
            people.phone[i],
            born[i] if people.knows_birth[i] else "",
            SEXES[people.sex[i]] if people.knows_sex[i] else "",
            people.city[i],
            COUNTRIES[people.country[i]].code,
            COUNTRIES[people.country[i]].language,
            tier[i],
            since[i],
        )
        for i in np.lexsort((np.arange(people.size), company.registered_s)).tolist()
    ]
    _write_csv(path, "utf-8-sig", GUEST_HEADINGS, rows)


def write_bookings(path: Path, company: Company) -> None:
    """Write the bookings in the order in which they were made, and the bad rows: cp1254."""
    bookings, trips = company.bookings, company.bookings.trips
    numbers = guest_numbers(company.registered_s)
    rows = [
        (f"R{serial:07d}", numbers[guest], *row)
        for serial, (guest, *row) in enumerate(
            zip(
                trips.guest.tolist(),
                [HOTELS[h].name for h in trips.hotel],
                [HOTELS[h].region for h in trips.hotel],
                [HOTELS[h].rooms[r].name for h, r in zip(trips.hotel, bookings.room, strict=True)],
                [
                    HOTELS[h].boards[b].name
                    for h, b in zip(trips.hotel, bookings.board, strict=True)
                ],
                [CHANNELS[c].name for c in trips.channel],
                _dates(trips.arrival),
                _dates(trips.departure),
                bookings.adults.tolist(),
                bookings.children.tolist(),
                [STATUS_WORDS[s] for s in bookings.status],
                _minutes(bookings.status_s),
                _minutes(trips.booked_s),
                [_money(minor) for minor in bookings.gross_minor.tolist()],
                [_money(minor) for minor in bookings.net_minor.tolist()],
                ["EUR" if euro else "TRY" for euro in bookings.in_euro],
                [f"{rate:.4f}".replace(".", ",") for rate in bookings.rate.tolist()],
                strict=True,
            ),
            start=1,
        )
    ]
    _write_csv(path, "cp1254", BOOKING_HEADINGS, _with_bad_rows(rows))


def write_consents(path: Path, company: Company) -> None:
    """Write the consents in the order in which they were decided: UTF-8 with BOM."""
    decided = company.consents
    numbers = guest_numbers(company.registered_s)
    moments = _iso(decided.decided_s)
    rows = [
        (
            numbers[guest],
            consents.CHANNELS[channel],
            "marketing",
            "ONAY" if granted else "RET",
            consents.SOURCES[source],
            f"{_turkish_date(moment)} {moment[11:]}",
            f"{consents.EVIDENCE[source]}-{moment[:4]}-{serial:06d}",
        )
        for serial, (guest, channel, granted, source, moment) in enumerate(
            zip(
                decided.guest.tolist(),
                decided.channel.tolist(),
                decided.granted.tolist(),
                decided.source.tolist(),
                moments,
                strict=True,
            ),
            start=1,
        )
    ]
    _write_csv(path, "utf-8-sig", CONSENT_HEADINGS, rows)


def write_campaign(path: Path, company: Company) -> None:
    """Write who was treated and who held out: UTF-8 with BOM."""
    assignment = company.assignment
    numbers = guest_numbers(company.registered_s)
    (moment,) = _minutes(np.array([assignment.assigned_s]))
    rows = sorted(
        (NAME, numbers[guest], "treated" if treated else "holdout", moment)
        for guest, treated in zip(assignment.guest.tolist(), assignment.treated, strict=True)
    )
    _write_csv(path, "utf-8-sig", CAMPAIGN_HEADINGS, rows)


def write_events(path: Path, company: Company) -> int:
    """Write the events in the order of time as JSON lines; return how many lines are repeats."""
    n_repeats = company.events.kind.size // ONE_REPEATED_IN
    rng = company.world.stream("repeats")
    repeats = set(rng.choice(company.events.kind.size, n_repeats, replace=False).tolist())
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(_event_lines(company)):
            file.write(line)
            if number in repeats:
                file.write(line)
    return n_repeats


def guest_numbers(registered_s: Ints) -> list[str]:
    """Return the number of each guest: the desk counts them as they come."""
    order = np.lexsort((np.arange(registered_s.size), registered_s))
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    return [f"M{number:06d}" for number in (rank + 1).tolist()]


def _event_lines(company: Company) -> Iterator[str]:
    # Nothing in a line needs escaping: addresses are ASCII, all words are the company's own.
    events, emails = company.events, company.people.email
    numbers = guest_numbers(company.registered_s)
    message_ids = company.world.stream("messages").integers(0, 2**63, events.kind.size).tolist()
    properties = _properties(events, mails.mailings(company.world, company.assignment))
    for message_id, kind, guest, by_email, moment, details in zip(
        message_ids,
        events.kind.tolist(),
        events.guest.tolist(),
        events.by_email.tolist(),
        _iso(events.at_s),
        properties,
        strict=True,
    ):
        who = f'"email":"{emails[guest]}"' if by_email else f'"guest_no":"{numbers[guest]}"'
        yield (
            f'{{"messageId":"{message_id:016x}","event":"{NAMES[kind]}",{who},'
            f'"timestamp":"{moment}+03:00","properties":{{{details}}}}}\n'
        )


def _properties(events: Events, sent: Sequence[Mailing]) -> Iterator[str]:
    """Yield what stands between the braces of each event's properties."""
    hotels = [f'"hotel":"{h.name}","region":"{h.region}"' for h in HOTELS]
    regions = [f'"region":"{h.region}"' for h in HOTELS]
    check_ins = np.datetime_as_string(events.check_in.astype("datetime64[D]")).tolist()
    for i, (kind, hotel) in enumerate(
        zip(events.kind.tolist(), events.hotel.tolist(), strict=True)
    ):
        if kind == CALLED:
            reason = calls.REASONS[events.reason[i]]
            yield f'"reason":"{reason}",{hotels[hotel]},"duration_s":{events.duration_s[i]}'
            continue
        device = f'"device":"{DEVICES[events.device[i]]}"'
        if kind in (OPENED, CLICKED):
            link = f",{regions[hotel]}" if kind == CLICKED else ""
            yield f'"campaign":"{sent[events.mail[i]].name}"{link},{device}'
            continue
        place = (
            f'{regions[hotel]},"adults":{events.adults[i]},"children":{events.children[i]}'
            if kind == SEARCHED
            else hotels[hotel]
        )
        step = f',"step":"{visits.STEPS[events.step[i]]}"' if kind == ABANDONED else ""
        yield (
            f'{place},"check_in":"{check_ins[i]}","nights":{events.nights[i]},{device},'
            f'"source":"{visits.SOURCES[events.source[i]]}"{step}'
        )


def _with_bad_rows(rows: list[Row]) -> Iterator[Row]:
    """Yield ``rows`` with the bad ones spread among them."""
    apart = len(rows) // (len(BAD_ROWS) + 1)
    bad = {apart * (number + 1): spoiled for number, spoiled in enumerate(BAD_ROWS)}
    serial = len(rows)
    for number, row in enumerate(rows):
        yield row
        if number in bad:
            serial += 1
            cells = dict(zip(BOOKING_HEADINGS, row, strict=True))
            yield tuple((cells | {"Rezervasyon No": f"R{serial:07d}"} | bad[number]).values())


def _write_csv(path: Path, encoding: str, headings: Row, rows: Iterable[Row]) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(headings)
        writer.writerows(rows)


def _iso(seconds: Ints) -> list[str]:
    return list(np.datetime_as_string(seconds.astype("datetime64[s]")).tolist())


def _turkish_date(iso: str) -> str:
    return f"{iso[8:10]}.{iso[5:7]}.{iso[:4]}"


def _dates(days: Ints) -> list[str]:
    return [_turkish_date(day) for day in np.datetime_as_string(days.astype("datetime64[D]"))]


def _minutes(seconds: Ints) -> list[str]:
    return [f"{_turkish_date(moment)} {moment[11:16]}" for moment in _iso(seconds)]


def _money(minor: int) -> str:
    """Return ``minor`` units as Turkish accountants write them: 12.450,00."""
    whole, cents = divmod(minor, 100)
    return f"{whole:,}".replace(",", ".") + f",{cents:02d}"
