"""OPERA Cloud as the facts have it: client credentials, tokens that end, a queue of events."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.hotel_http import Call, RefusedError

BASIC = "Basic " + base64.b64encode(b"id:secret").decode()


@dataclass
class Opera:
    """``lasts``: calls until a token ends; ``patience``: calls until it throttles."""

    reservations: dict[str, dict[str, Any]] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    lasts: int = 1_000
    patience: int = 1_000
    n_tokens: int = 0
    left: int = 0
    paths: list[str] = field(default_factory=list)

    def __call__(self, call: Call) -> dict[str, Any] | None:
        self.paths.append(call.path)
        if call.headers["x-app-key"] != "app":
            raise RefusedError(403)
        if call.path == "/oauth/v1/tokens":
            if call.headers["Authorization"] != BASIC or b"client_credentials" not in call.body:
                raise RefusedError(401)
            self.n_tokens, self.left = self.n_tokens + 1, self.lasts
            return {"access_token": f"t{self.n_tokens}", "expires_in": 3600}
        if call.headers["Authorization"] != f"Bearer t{self.n_tokens}" or self.left <= 0:
            raise RefusedError(401)
        self.left -= 1
        self.patience -= 1
        if self.patience < 0:
            raise RefusedError(429, Retry_After="30")
        if call.headers["x-hotelid"] != "BOD1":
            raise RefusedError(404)
        return self._answer(call)

    def _answer(self, call: Call) -> dict[str, Any] | None:
        match call.path.strip("/").split("/"):
            case ["int", "v1", "externalSystem", "PUSULA", "hotels", _, "businessEvents"]:
                taken, self.events = self.events[:2], self.events[2:]
                return {"businessEvents": taken}
            case ["rsv", "v1", "hotels", _, "reservations"]:
                begin = int(call.query["offset"])
                rows = list(self.reservations.values())[begin : begin + int(call.query["limit"])]
                held = [{"reservationIdList": row["reservationIdList"]} for row in rows]
                return {"reservations": {"reservationInfo": held}}
            case ["rsv", "v1", "hotels", _, "reservations", number]:
                row = self.reservations.get(number)
                return {"reservations": {"reservation": [row] if row else []}}
            case ["crm", "v1", "profiles", number]:
                return {"profileDetails": self.profiles[number]}
        raise RefusedError(404)

    def book(self, number: str, guest: str = "p1", **told: Any) -> None:
        """Keep a reservation of two nights, and tell an event of it."""
        stay = {
            "arrivalDate": "2026-06-09", "departureDate": "2026-06-11",
            "guestCounts": {"adults": 2, "children": 1, "childAges": [{"childAge": 7}]},
            "roomRates": [{
                "roomType": "DLX", "ratePlanCode": "BAR", "marketCode": "TRANS",
                "sourceCode": "WEB", "start": "2026-06-09", "end": "2026-06-10",
                "numberOfUnits": 1,
                "rates": {"rate": [{"base": {"amountBeforeTax": 1000.5, "currencyCode": "TRY"}}]},
            }],
            "total": {"amountAfterTax": 2400, "currencyCode": "TRY"},
        }  # fmt: skip
        stay |= told.pop("stay", {})
        self.reservations[number] = {
            "reservationIdList": [{"id": number, "type": "Reservation"},
                                  {"id": f"C{number}", "type": "Confirmation"}],
            "roomStay": stay,
            "reservationGuests": [
                {"primary": True, "profileInfo": {
                    "profileIdList": [{"id": guest, "type": "Profile"}]}}],
            "reservationStatus": "Reserved", "createDateTime": "2026-03-01T10:00:00",
            "lastModifyDateTime": "2026-03-01T10:00:00", "hotelId": "BOD1",
            "sourceOfSale": {"sourceType": "Web"},
            **told,
        }  # fmt: skip
        self.tell(number)

    def tell(self, number: str) -> None:
        """Put an event of a reservation into the queue."""
        self.events.append({"header": {"moduleName": "RESERVATION", "primaryKey": number}})

    def know(self, number: str, first: str, **told: Any) -> None:
        """Keep a profile."""
        self.profiles[number] = {
            "customer": {"personName": [{"nameType": "Primary", "givenName": first,
                                         "surname": "Aydın"}], "language": "TR"},
            "emails": {"emailInfo": [{"email": {"emailAddress": f"{first.lower()}@example.com",
                                                "primaryInd": True}}]},
            "privacyInfo": {"optInEmail": True, "optInSms": False},
            **told,
        }  # fmt: skip
