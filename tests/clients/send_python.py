"""Sends the story with one of the two Python SDKs: ``send_python.py segment|rudder URL KEY``."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

STORY = json.loads(Path(__file__).with_name("story.json").read_text(encoding="utf-8"))


def client(name: str, url: str, key: str) -> ModuleType:
    """Return the SDK, pointed at ``url`` as its documentation says."""
    if name == "segment":
        from segment import analytics  # noqa: PLC0415 - each by itself

        analytics.host = url
    else:
        from rudderstack import analytics  # noqa: PLC0415

        analytics.dataPlaneUrl = url
    analytics.write_key = key
    return analytics


def main() -> None:
    """Send everything; print when the search was, and what the SDK gave up."""
    name, url, key = sys.argv[1:]
    failed: list[str] = []
    analytics = client(name, url, key)
    analytics.on_error = lambda error, _items: failed.append(str(error))
    earlier = datetime.now(UTC) - timedelta(seconds=STORY["earlier_s"])
    searched_at = earlier.replace(microsecond=0)
    guest = STORY["guest"]
    analytics.identify(guest, STORY["traits"])
    analytics.track(guest, "Stay Searched", STORY["search"], timestamp=searched_at)
    analytics.page(guest, "Rooms", "Deniz", {"path": "/odalar/deniz"})
    analytics.screen(guest, None, "Basket", {"n_rooms": 2})
    analytics.group(guest, "acenta-1", {"name": "Ege Turizm"})
    analytics.alias(STORY["visitor"], guest)
    for number in range(STORY["n_views"]):
        analytics.track(guest, "Stay Viewed", {"position": number})
    analytics.shutdown()
    print(json.dumps({"searched_at": searched_at.isoformat(), "failed": failed}))


if __name__ == "__main__":
    main()
