"""Elektraweb as the facts have it: a log-in for a token, lists by status, kebab-case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.simulators.hotel_http import Call, RefusedError


@dataclass
class Elektraweb:
    """``lasts``: calls until a token ends."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    lasts: int = 1_000
    n_tokens: int = 0
    left: int = 0

    def __call__(self, call: Call) -> Any:
        if call.path == "/login":
            if call.json != {"hotel-id": "77", "usercode": "pusula", "password": "pw"}:
                raise RefusedError(401)
            self.n_tokens, self.left = self.n_tokens + 1, self.lasts
            return {"success": True, "jwt": f"t{self.n_tokens}"}
        if call.headers["Authorization"] != f"Bearer t{self.n_tokens}" or self.left <= 0:
            raise RefusedError(401)
        self.left -= 1
        if call.path != "/hotel/77/reservation-list":
            raise RefusedError(404)
        status = call.query["reservation-status"]
        begin, end = call.query["from-check-in"], call.query["to-check-in"]
        return {"reservations": [row for row in self.rows.values()
                                 if row["reservation-status"] == status
                                 and begin <= row["check-in"] <= end]}  # fmt: skip

    def book(self, number: str, **told: Any) -> None:
        """Keep a reservation of a couple with a child."""
        self.rows[number] = {
            "reservation-id": number, "voucher-no": f"V{number}",
            "reservation-status": "Reservation",
            "check-in": "2026-06-09", "check-out": "2026-06-14", "room-type": "Aile",
            "board-type": "Her Şey Dahil", "total-price": "12500.50", "currency-code": "TRY",
            "create-date": "2026-03-01 10:00:00", "update-date": "2026-03-01 10:00:00",
            "agency": "Jolly", "contact-email": "ayse@example.com",
            "contact-phone": "0532 123 45 68",
            "guest-names": [
                {"title-id": 1, "name": "Ayşe", "surname": "Kaya", "national-no": "10000000078"},
                {"title-id": 0, "name": "Can", "surname": "Kaya"},
                {"title-id": 2, "name": "Ece", "surname": "Kaya", "birthday": "2019-06-10"},
            ],
            **told,
        }  # fmt: skip
