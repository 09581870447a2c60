"""The rules of İYS: who is a recipient, which words it knows, and until when it must be told."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays

from pusula.consent.models import Channel, IysStatus, IysType, Status
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying

ZONE = "Europe/Istanbul"  # İYS writes wall times of Turkey whatever the company's own zone is
FIRST_DAY = date(2015, 5, 1)
DAYS = 3  # business days
MOST_IN_BATCH, MOST_ASKED = 10_000, 1_000

# The type a channel belongs to. No rule says where WhatsApp falls; as a message it is treated as
# one. Web push has no place in İYS.
TYPES = {
    Channel.EMAIL: IysType.EMAIL,
    Channel.SMS: IysType.SMS,
    Channel.WHATSAPP: IysType.SMS,
    Channel.CALL: IysType.CALL,
}
CHANNELS = {
    IysType.EMAIL: Channel.EMAIL,
    IysType.SMS: Channel.SMS,
    IysType.CALL: Channel.CALL,
}
STATUSES = {Status.GRANTED: IysStatus.APPROVED, Status.REFUSED: IysStatus.REFUSED}
# What we may say of how a decision was given. What we may hear is an open list.
SOURCES = frozenset(
    {
        "HS_WEB", "HS_MOBIL", "HS_CAGRI_MERKEZI", "HS_FIZIKSEL_ORTAM", "HS_ISLAK_IMZA",
        "HS_EORTAM", "HS_EPOSTA", "HS_MESAJ", "HS_SOSYAL_MEDYA", "HS_ETKINLIK", "HS_ATM",
        "HS_2015", "HS_KARAR",
    }
)  # fmt: skip
BEFORE_2015 = "HS_2015"  # the source of approvals older than the law
OWN_DECISION = "HS_KARAR"  # only of refusals
_EMAIL = re.compile(r"[a-z0-9._+-]+@[a-z0-9.-]+\.[a-z]{2,}", re.IGNORECASE)
_PHONE = re.compile(r"\+90[0-9]{10}")
_SHORTEST, _LONGEST = 6, 265
_FORMAT = "%Y-%m-%d %H:%M:%S"


class BadRecordError(PusulaError):
    """A record of İYS says something that cannot be understood."""

    code = "bad_iys_record"


def trouble_with(type_: str, recipient: str) -> str:
    """Return the code of why ``recipient`` has no place in İYS; empty if it has one."""
    if type_ != IysType.EMAIL:
        return "" if _PHONE.fullmatch(recipient) else "recipient_phone"
    if not _SHORTEST <= len(recipient) <= _LONGEST:
        return "recipient_length"
    return "" if recipient.isascii() and _EMAIL.fullmatch(recipient) else "recipient_letters"


def due_at(decided_at: int) -> int:
    """Return the moment by which a decision must have been told: the end of the third business day.

    Half days count as business days: the earlier of the two readings of the rule.
    """
    day = clock.day_of(decided_at, ZONE)
    return clock.start_of(later(day, DAYS) + timedelta(days=1), ZONE)


def later(day: date, business_days: int) -> date:
    """Return the day that is so many business days behind ``day``; before it, if negative."""
    step = timedelta(days=1 if business_days > 0 else -1)
    left = abs(business_days)
    while left:
        day += step
        left -= is_business_day(day)
    return day


def is_business_day(day: date) -> bool:
    """Say whether people work in Turkey on ``day``, or on half of it."""
    saturday = 5
    return day.weekday() < saturday and day not in _holidays(day.year)


@lru_cache(maxsize=32)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("TR", years=year))


def written(at: int) -> str:
    """Return a moment as İYS writes it: wall time of Turkey, to the second."""
    return clock.to_datetime(at, ZONE).strftime(_FORMAT)


def read(text: str) -> int:
    """Return the moment that İYS wrote; raise ``BadRecordError`` for anything else."""
    try:
        return clock.from_datetime(datetime.strptime(text, _FORMAT), ZONE)  # noqa: DTZ007 - wall time
    except (ValueError, TypeError) as error:
        told = {"given": f"{text!r:.40}"}
        raise BadRecordError(
            Saying("%(given)s is no time of İYS: 2026-11-20 14:05:33", told)
        ) from error


def source_of(told: str, status: str, decided_at: int, default: str) -> str:
    """Return how İYS is told that a decision was given: ``told`` if it may be said, else a default.

    Approvals from before the law have a source of their own; so has a refusal that the company
    decided for itself.
    """
    if status == IysStatus.APPROVED and decided_at < clock.start_of(FIRST_DAY, ZONE):
        return BEFORE_2015
    is_sayable = told in SOURCES - {BEFORE_2015} and (
        told != OWN_DECISION or status == IysStatus.REFUSED
    )
    return told if is_sayable else default
