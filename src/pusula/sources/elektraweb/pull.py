"""Elektraweb asked: it tells no changes, so all that is near is listed and what differs counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed
from pusula.pipeline.appender import Entry
from pusula.sources import needs
from pusula.sources.calling import (
    SHAPES,
    Caller,
    CallError,
    ExpiredError,
    Page,
    client,
    reason,
)
from pusula.sources.elektraweb import read
from pusula.sources.elektraweb.read import STATUSES, ElektrawebSettings
from pusula.sources.models import Source


def pull(source: Source, at: int) -> Iterator[Page]:
    """Yield the reservations of each status that arrive, or arrived, near ``at``."""
    told = needs.told(source, ElektrawebSettings)
    with client() as http:
        api = _Api(source, told, Caller(source.slug, http))
        for number in told.hotels:
            hotel = needs.hotel(source, number, told.hotels)
            today = clock.day_of(at, hotel.tz)
            span = {
                "from-check-in": (today - timedelta(days=told.days_back)).isoformat(),
                "to-check-in": (today + timedelta(days=told.days_ahead)).isoformat(),
            }
            for status in STATUSES:
                rows = api.rows(number, {"reservation-status": status, **span})
                entries: list[Entry] = []
                problems: list[Saying | str] = []
                for row in rows:
                    try:
                        entries += read.entries(row, status, hotel, source, told=told, at=at)
                    except (PusulaError, *SHAPES) as error:
                        problems.append(placed(str(row.get("reservation-id")), reason(error)))
                yield Page(entries, {"read_at": at}, problems)


class _Api:
    """The booking API for one source."""

    def __init__(self, source: Source, told: ElektrawebSettings, caller: Caller) -> None:
        self.source = source
        self.told = told
        self.caller = caller
        self.tokens: dict[str, str] = {}

    def rows(self, number: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return a list of reservations; a token that has run out is replaced once."""
        url = f"{self.told.address.rstrip('/')}/hotel/{number}/reservation-list"
        for is_last in (False, True):
            if number not in self.tokens:
                self.tokens[number] = self._log_in(number)
            headers = {"Authorization": f"Bearer {self.tokens[number]}"}
            try:
                found = self.caller.send("GET", url, headers=headers, params=dict(query))
                break
            except ExpiredError:
                del self.tokens[number]
                if is_last:
                    raise
        rows = found.get("reservations") if isinstance(found, dict) else found
        if not isinstance(rows, list):
            place = f"{self.source.slug}: reservation-list"
            raise CallError(placed(place, Saying("the answer holds no list")))
        return [row for row in rows if isinstance(row, dict)]

    def _log_in(self, number: str) -> str:
        told = {
            "hotel-id": number,
            "usercode": self.told.user,
            "password": needs.secret(self.source, "password"),
        }
        found = self.caller.send("POST", f"{self.told.address.rstrip('/')}/login", json=told)
        token = (found.get("jwt") or found.get("token")) if isinstance(found, dict) else None
        if not isinstance(token, str) or not token:
            raise CallError(placed(self.source.slug, Saying("the log-in brought no token")))
        return token
