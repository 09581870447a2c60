"""A call record in our words: an event of the person who called, or was called.

Somebody unknown becomes a profile that is known by the number alone.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed
from pusula.lib.text import code_key
from pusula.pipeline.appender import Entry
from pusula.profiles import contacts
from pusula.sources import crosswalk, needs
from pusula.sources.cards import without_cards
from pusula.sources.models import Source
from pusula.sources.needs import Common

RECEIVED, MISSED, LOGGED = "Call Received", "Call Missed", "Call Logged"
_KEPT = ("direction", "queue", "agent", "disposition", "recording_id", "outcome", "reservation_id")
_LONGEST = 200
_YES = frozenset({"1", "true", "yes", "evet", "e"})


class CallsSettings(Common, kw_only=True):
    """Settings of a call-centre source; ``time_zone``: of times without one, empty: ours."""

    time_zone: str = ""


class CallRecordError(PusulaError):
    """A call record cannot be taken over."""

    code = "call_record"


def records(text: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file with a header; ``;`` or ``,`` parts its columns."""
    head = text.partition("\n")[0]
    separator = ";" if head.count(";") >= head.count(",") and ";" in head else ","
    yield from csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=separator)


def entry(record: Mapping[str, Any], source: Source) -> Entry:
    """Return the log entry of a call record; raise ``CallRecordError``."""
    told = needs.told(source, CallsSettings)
    words = crosswalk.load("calls")
    said = _renamed(record, words.tables["field"])
    number = said.get("call_id", "")
    if not 0 < len(number) <= _LONGEST:
        raise CallRecordError(placed("call_id", Saying("is missing")))
    direction = words.of("direction", said.get("direction", "inbound") or "inbound")
    other = "caller" if direction == "inbound" else "called"
    phone = said.get("phone") or said.get(other, "")
    try:
        found = contacts.phone(phone, settings.PUSULA.phone_region) if phone else None
    except contacts.ContactError as error:
        raise CallRecordError(placed("phone", error.saying)) from error
    if found is None:
        raise CallRecordError(placed("phone", Saying("is missing or withheld")))
    started_at = _moment(said, "started_at", told)
    if started_at is None:
        raise CallRecordError(placed("started_at", Saying("is missing")))
    said["direction"], said["disposition"] = direction, _disposition(said, words)
    body = {
        "phone": found,
        "name": _name(said),
        "properties": {
            "call_id": number,
            **{name: without_cards(said[name])[:_LONGEST] for name in _KEPT if said.get(name)},
            **_seconds(said, told, started_at),
        },
    }
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    # A record told again with its outcome is another event of the same call, not the same one.
    digest = hashlib.sha256(f"{number}:{said.get('outcome', '')}".encode()).hexdigest()[:32]
    return Entry("event", source.slug, f"{source.slug}:call:{digest}", text, started_at)


def _renamed(record: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    said: dict[str, str] = {}
    for name, value in record.items():
        ours = names.get(code_key(str(name)))
        if ours and value is not None and not isinstance(value, dict | list):
            said.setdefault(ours, str(value).strip())
    return said


def _disposition(said: Mapping[str, str], words: crosswalk.Crosswalk) -> str:
    if said.get("missed", "").lower() in _YES:
        return "missed"
    if told := said.get("disposition"):
        return words.of("disposition", told)
    return "answered" if said.get("answered_at") or "answered_at" not in said else "missed"


def _name(said: Mapping[str, str]) -> str:
    if said["direction"] == "outbound":
        return LOGGED
    return RECEIVED if said["disposition"] == "answered" else MISSED


def _seconds(said: Mapping[str, str], told: CallsSettings, started_at: int) -> dict[str, int]:
    """Return how long the call took, as told or from its times."""
    if (duration := said.get("duration", "")).isdecimal() and len(duration) < 7:  # noqa: PLR2004
        return {"duration_s": int(duration)}
    ended_at = _moment(said, "ended_at", told)
    began_at = _moment(said, "answered_at", told) or started_at
    if ended_at is None or ended_at < began_at:
        return {}
    return {"duration_s": (ended_at - began_at) // clock.SECOND}


def _moment(said: Mapping[str, str], name: str, told: CallsSettings) -> int | None:
    text = said.get(name, "")
    if not text:
        return None
    try:
        value = dt.datetime.fromisoformat(text)
        return clock.from_datetime(value, told.time_zone or settings.PUSULA.time_zone)
    except (ValueError, OverflowError) as error:
        why = Saying("is no time such as %(example)s", {"example": "2026-05-31 12:00:00"})
        raise CallRecordError(placed(name, why)) from error
