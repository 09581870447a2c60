"""A small company with segments that events, orders and time move people in and out of."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from pusula.lib import clock
from pusula.pipeline import appender
from pusula.pipeline.appender import Appended, Entry
from pusula.segments import actions, queries
from pusula.segments.models import Segment

NOW = clock.from_datetime(dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC))
TITLE = {"tr": "Deneme", "en": "Trial"}
SEARCHED = {
    "events": {"name": "Hotel Searched", "count": {"at_least": 2}, "within": {"last": "7 days"}}
}
IDLE = {
    "all": [
        {"orders": {"count": {"at_least": 1}}},
        {"not": {"orders": {"count": {"at_least": 1}, "within": {"last": "30 days"}}}},
    ]
}
BIG_BASKET = {"orders": {"sum": "net_amount", "is": {"at_least": "1000 TRY"}}}


def define(key: str, where: dict[str, Any]) -> None:
    actions.apply([(f"{key}.yaml", {"segment": key, "title": TITLE, "where": where})])


def members(key: str) -> list[int]:
    return queries.member_ids(Segment.objects.get(key=key)).tolist()


def event(
    number: object, email: str, name: str = "Hotel Searched", at: int | None = None, **more: Any
) -> Entry:
    body = {"email": email, "name": name, **more}
    return Entry("event", "web", f"web:{number}", json.dumps(body), at)


def order(number: object, email: str, net: int, at: int, **more: Any) -> Entry:
    body = {
        "email": email, "source_id": str(number), "status": "completed", "ordered_at": at,
        "net_minor": net, **more,
    }  # fmt: skip
    message = f"shop:{number}:{more.get('status', '')}:{net}"
    return Entry("order", "shop", message, json.dumps(body), at)


def told(*entries: Entry) -> Appended:
    return appender.append(entries)
