"""Mews as the facts have it: tokens in the body, UTC, pages by cursor, limits, months, lag."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.hotel_http import Call, RefusedError

TOKENS = {"ClientToken": "client", "AccessToken": "access"}
_NINETY_DAYS = dt.timedelta(days=93)


@dataclass
class Mews:
    """``patience``: calls until 429; ``largest``: reservations of a window until 408."""

    reservations: dict[str, dict[str, Any]] = field(default_factory=dict)
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    amounts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    page: int = 2
    patience: int = 1_000
    largest: int = 1_000
    calls: list[str] = field(default_factory=list)

    def __call__(self, call: Call) -> dict[str, Any]:
        resource = call.path.removeprefix("/api/connector/v1/")
        self.calls.append(resource)
        told = call.json
        if any(told.get(name) != value for name, value in TOKENS.items()) or not told.get("Client"):
            raise RefusedError(401)
        self.patience -= 1
        if self.patience < 0:
            raise RefusedError(429, Retry_After="77")
        match resource.split("/"):
            case ["reservations", "getAll", "2023-06-06"]:
                return self._updated(told, self.reservations, "Reservations")
            case ["customers", "getAll"] if "UpdatedUtc" in told:
                return self._updated(told, self.customers, "Customers")
            case ["customers", "getAll"]:
                found = [self.customers[i] for i in told["CustomerIds"] if i in self.customers]
                return {"Customers": found}
            case ["orderItems", "getAll"]:
                rows = [row for i in told["ServiceOrderIds"] for row in self.amounts.get(i, [])]
                return {"OrderItems": rows, "Cursor": None}
            case ["rates", "getAll"]:
                return {"Rates": [{"Id": i, "Name": f"Rate {i}"} for i in told["RateIds"]]}
            case ["resourceCategories", "getAll"]:
                rows = [{"Id": i, "Names": {"en-US": f"Room {i}"}}
                        for i in told["ResourceCategoryIds"]]  # fmt: skip
                return {"ResourceCategories": rows}
        raise RefusedError(404)

    def _updated(
        self, told: dict[str, Any], held: dict[str, dict[str, Any]], table: str
    ) -> dict[str, Any]:
        span = [dt.datetime.fromisoformat(told["UpdatedUtc"][k]) for k in ("StartUtc", "EndUtc")]
        begin, end = span
        if end - begin > _NINETY_DAYS:
            raise RefusedError(400)
        rows = sorted(
            (r for r in held.values()
             if "UpdatedUtc" in r and begin <= dt.datetime.fromisoformat(r["UpdatedUtc"]) < end),
            key=lambda r: r["Id"],
        )  # fmt: skip
        if len(rows) > self.largest:
            raise RefusedError(408)
        after = told["Limitation"].get("Cursor")
        rows = [r for r in rows if after is None or r["Id"] > after][: self.page]
        return {table: rows, "Cursor": rows[-1]["Id"] if len(rows) == self.page else None}

    def book(self, number: str, customer: str, updated: str, **told: Any) -> None:
        """Keep a reservation of two nights for 3000 EUR-less lira, as it stands at ``updated``."""
        self.reservations[number] = {
            "Id": number, "ServiceId": "hotel-1", "Number": f"N{number}", "State": "Confirmed",
            "CreatedUtc": "2026-03-01T10:00:00Z", "UpdatedUtc": updated,
            "ScheduledStartUtc": "2026-06-09T12:00:00Z", "ScheduledEndUtc": "2026-06-11T08:00:00Z",
            "AccountId": customer, "AccountType": "Customer", "RateId": "flex",
            "RequestedResourceCategoryId": "suite", "Origin": "ChannelManager",
            "PersonCounts": [{"AgeClassification": "Adult", "Count": 2},
                             {"AgeClassification": "Child", "Count": 1}],
            **told,
        }  # fmt: skip
        self.amounts[number] = [
            {"ServiceOrderId": number, "Type": "SpaceOrder",
             "ConsumedUtc": f"2026-06-{day}T20:00:00Z",
             "Amount": {"Currency": "TRY", "NetValue": 1200.5, "GrossValue": 1500}}
            for day in ("09", "10")
        ]  # fmt: skip

    def know(self, number: str, **told: Any) -> None:
        """Keep a customer."""
        self.customers[number] = {"Id": number, "Options": [], **told}
