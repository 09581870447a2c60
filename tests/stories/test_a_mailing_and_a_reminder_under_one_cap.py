"""A mailing to everybody and reminders of a journey compete: nobody gets two mails a day."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.stories.company import Company, at_work

from pusula.journeys.models import Enrollment
from pusula.outbox.models import Message
from pusula.profiles.models import Identifier

N = 20
MINUTE = 1 / 1440
LIMITS = """
caps:
- {most: 1, in: 24h}
quiet:
- {from: "21:00", to: "09:00", channels: [email]}
"""
SEGMENT = """
segment: everybody
title: {tr: Herkes, en: Everybody}
where: {consent: {channel: email, purpose: marketing, is: granted}}
"""
MAILING = """
campaign: {key}
title: {key}
goal: loyalty
audience: [everybody]
holdout: 0%
template:
  subject: "Haftanın haberleri"
  text: "Merhaba. Ayrılmak için: {{{{ unsubscribe_url }}}}"
"""
NEWS, REMINDER = "Haftanın haberleri", "Rezervasyonunuz sizi bekliyor"


@pytest.fixture
def company(tmp_path, settings) -> Iterator[Company]:
    with at_work(tmp_path, settings) as found:
        yield found


def write(company: Company, folder: str, name: str, text: str) -> str:
    (company.folder / folder).mkdir(exist_ok=True)
    file = company.folder / folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def start(company: Company, key: str) -> None:
    company.pusula("campaigns", "create", write(company, "mailings", key, MAILING.format(key=key)))
    company.pusula("campaigns", "send", key)


def begin_booking(company: Company, *emails: str) -> None:
    company.track(
        *(
            {"event": "Booking Started", "userId": one, "context": {"traits": {"email": one}}}
            for one in emails
        )
    )


def got(mails) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for mail in mails:
        found.setdefault(mail["To"], []).append(mail["Subject"])
    return found


def skipped(email: str) -> list[str]:
    profile_id = Identifier.objects.get(kind="email", value=email).profile_id
    mine = Message.objects.filter(profile_id=profile_id, state="skipped").order_by("pk")
    return list(mine.values_list("reason", flat=True))


@pytest.mark.django_db(transaction=True, databases=["default", "log"])
def test_whoever_matters_more_gets_the_one_mail_of_the_day(company):
    emails = [f"misafir{n}@example.com" for n in range(N)]
    decision = {"channel": "email", "purpose": "marketing", "status": "granted"}
    with company.day(0):
        consents = [
            {"kind": "consent", "email": one, "evidence": "form", **decision} for one in emails
        ]
        company.tell(*consents)
        company.pusula("live", "--once")
        write(company, "segments", "everybody.yaml", SEGMENT)
        company.pusula("segments", "apply", str(company.folder / "segments"), "--yes")
        company.pusula("run")
        company.pusula("sending", "policy", "apply", write(company, "limits", "a.yaml", LIMITS))
        company.go_live("abandoned-booking", "hotel", "tr")

    # At night both ask for the same people: the reminder matters more, and takes the place.
    with company.day(0.5):  # midnight in Istanbul
        start(company, "gece")
        assert not company.work(), "quiet hours"
        night = emails[:6]
        begin_booking(company, *night)
        assert not company.work()
    with company.day(0.5 + 45 * MINUTE):
        assert not company.work()
    with company.day(0.9):  # 09:36 in Istanbul
        mails = got(company.work())
        held = held_out()
        reminded = sorted(set(night) - held)
        assert reminded
        assert mails == {one: [REMINDER if one in reminded else NEWS] for one in emails}
        assert {skipped(one)[0] for one in reminded} == {"outranked"}

    # By day the mailing has gone: who begins a booking after it gets no second mail.
    day = emails[6:12]
    with company.day(1.0):
        begin_booking(company, *day)
        assert not company.work()
    with company.day(1.0 + 45 * MINUTE):
        assert not company.work()
        assert {skipped(one)[0] for one in set(day) - held_out()} == {"capped"}

    # A day later the window is open again, for the second reminder and for the next mailing.
    with company.day(2.2):
        mails = got(company.work())
        assert mails
        assert set(mails) <= set(night + day) - held_out()
    with company.day(2.3):
        start(company, "ertesi")
        later = got(company.work())
        assert set(later) == set(emails) - set(mails), "nobody gets a second mail within the day"

    sent = Counter(Message.objects.filter(state="sent").values_list("profile_id", flat=True))
    assert max(sent.values()) <= 3, "three days, one mail a day at most"
    said = json.loads(company.pusula("journeys", "list", "--json").output)
    assert said[0]["n_entered"] == len(night) + len(day)


def held_out() -> set[str]:
    people = Enrollment.objects.filter(is_holdout=True).values("profile")
    found = Identifier.objects.filter(kind="email", profile__in=people)
    return set(found.values_list("value", flat=True))
