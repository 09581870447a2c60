"""OPERA Cloud asked: business events name reservations, which are then fetched whole.

Events may get lost on the way, so once a day all that arrives soon, or has just left, is read too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
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
from pusula.sources.models import Source
from pusula.sources.needs import Hotel
from pusula.sources.opera import read
from pusula.sources.opera.read import OperaSettings

_PAGE = 50  # each brings two calls for a reservation, within one lease
_MOST_PAGES = 1_000
_MODULES = frozenset({"RESERVATION", "RESERVATIONS", "FRONTDESK", ""})


def pull(source: Source, at: int) -> Iterator[Page]:
    """Yield the reservations that events speak of, hotel by hotel; daily all that are near.

    The cursor is ``{"reconciled_on": day}`` per hotel; events are the queue's own matter.
    """
    told = needs.told(source, OperaSettings)
    with client() as http:
        api = _Api(source, told, Caller(source.slug, http))
        cursor = dict(source.cursor)
        for number in told.hotels:
            hotel = needs.hotel(source, number, told.hotels)
            today = clock.day_of(at, hotel.tz)
            yield from api.events(number, hotel, cursor)
            if cursor.get(number) != today.isoformat():
                yield from api.near(number, hotel, today, cursor)
                cursor[number] = today.isoformat()
                yield Page([], dict(cursor))


class _Api:
    """The property APIs for one source."""

    def __init__(self, source: Source, told: OperaSettings, caller: Caller) -> None:
        self.source = source
        self.told = told
        self.caller = caller
        self.key = needs.secret(source, "app_key")
        self.token = ""
        self.profiles: dict[str, Mapping[str, Any]] = {}

    def events(self, number: str, hotel: Hotel, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """Yield the reservations of waiting business events, until none waits."""
        path = f"/int/v1/externalSystem/{self.told.external_system}/hotels/{number}/businessEvents"
        for _ in range(_MOST_PAGES):
            found = self._get(number, path, limit=_PAGE)
            events = _rows(found, "businessEvents") or _rows(found, "businessEventData")
            named = dict.fromkeys(filter(None, map(_reservation_of, events)))
            if not events:
                return
            yield self._page(number, hotel, list(named), cursor)

    def near(
        self, number: str, hotel: Hotel, today: date, cursor: Mapping[str, Any]
    ) -> Iterator[Page]:
        """Yield every reservation whose arrival is near, page by page."""
        path = f"/rsv/v1/hotels/{number}/reservations"
        span = {
            "arrivalStartDate": (today - timedelta(days=self.told.days_back)).isoformat(),
            "arrivalEndDate": (today + timedelta(days=self.told.days_ahead)).isoformat(),
        }
        for page in range(_MOST_PAGES):
            found = self._get(number, path, limit=_PAGE, offset=page * _PAGE, **span)
            held = found.get("reservations")
            rows = _rows(held if isinstance(held, dict) else {}, "reservationInfo")
            named = [read.reservation_id(row) for row in rows]
            yield self._page(number, hotel, [one for one in named if one], cursor)
            if len(rows) < _PAGE:
                return

    def _page(self, number: str, hotel: Hotel, named: list[str], cursor: Mapping[str, Any]) -> Page:
        entries: list[Entry] = []
        problems: list[Saying | str] = []
        for one in named:
            try:
                entries += self._reservation(number, hotel, one)
            except CallError as error:
                if type(error) is not CallError:  # later, expired: the whole turn waits
                    raise
                problems.append(placed(one, error.saying))
            except (PusulaError, *SHAPES) as error:
                problems.append(placed(one, reason(error)))
        return Page(entries, dict(cursor), problems)

    def _reservation(self, number: str, hotel: Hotel, one: str) -> Iterator[Entry]:
        found = self._get(number, f"/rsv/v1/hotels/{number}/reservations/{one}",
                          fetchInstructions="Reservation")  # fmt: skip
        held = found.get("reservations")
        rows = _rows(held if isinstance(held, dict) else {}, "reservation")
        if not rows:
            raise read.OperaError(Saying("the answer holds no reservation"))
        for guest in read.profile_ids(rows[0]):
            if guest not in self.profiles:
                answer = self._get(number, f"/crm/v1/profiles/{guest}")
                self.profiles[guest] = answer.get("profileDetails") or {}
        yield from read.entries(rows[0], self.profiles, hotel, self.source, self.told)

    def _get(self, number: str, path: str, **query: Any) -> dict[str, Any]:
        """Return the answer to one call; a token that has run out is replaced once."""
        for is_last in (False, True):
            if not self.token:
                self.token = self._sign_in()
            headers = {
                "Authorization": f"Bearer {self.token}",
                "x-app-key": self.key,
                "x-hotelid": number,
                "x-externalsystem": self.told.external_system,
            }
            url = f"{self.told.gateway.rstrip('/')}{path}"
            try:
                found = self.caller.send("GET", url, headers=headers, params=query)
            except ExpiredError:
                self.token = ""
                if is_last:
                    raise
                continue
            if found is None:
                return {}
            if isinstance(found, dict):
                return found
        raise CallError(placed(f"{self.source.slug}: {path}", Saying("the answer is no object")))

    def _sign_in(self) -> str:
        secrets = needs.secret(self.source, "client_id"), needs.secret(self.source, "client_secret")
        found = self.caller.send(
            "POST",
            f"{self.told.gateway.rstrip('/')}/oauth/v1/tokens",
            auth=secrets,
            headers={"x-app-key": self.key, "enterpriseId": self.told.enterprise},
            data={"grant_type": "client_credentials", "scope": self.told.scope},
        )
        token = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(token, str) or not token:
            why = Saying("the sign-in brought no access_token")
            raise CallError(placed(self.source.slug, why))
        return token


def _reservation_of(event: Mapping[str, Any]) -> str:
    head = event.get("header")
    told = {**event, **(head if isinstance(head, dict) else {})}
    if str(told.get("moduleName", "")).upper() not in _MODULES:
        return ""
    return str(told.get("primaryKey") or "")


def _rows(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = found.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
