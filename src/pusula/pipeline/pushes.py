"""Browsers that subscribed to our pushes, taken over from the event that tells so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pusula.channels.port import Report, ReportKind
from pusula.channels.webpush.encryption import SubscriptionError
from pusula.consent.models import Channel
from pusula.lib.sayings import placed
from pusula.outbox import reports, subscriptions
from pusula.pipeline.entries import Refusals, Told

# With these anybody could write to the browser, were it not for our key; nobody has to read them.
_SECRET = ("endpoint", "p256dh", "auth", "replaces")


# What the worker tells of a push, and what became of the message by that.
_REPORTS = {
    "Push Notification Received": ReportKind.DELIVERED,
    "Push Notification Tapped": ReportKind.CLICKED,
}


def shown(told: Told) -> Mapping[str, Any]:
    """Return the properties of an event as they are kept: without what leads to a browser."""
    properties: Mapping[str, Any] = told.body.properties
    if told.body.name != subscriptions.EVENT:
        return properties
    return {name: value for name, value in properties.items() if name not in _SECRET}


def hear(told: Iterable[Told], *, at: int) -> None:
    """Write down what became of pushes, by the events in which their browsers tell it."""
    found = []
    for one in told:
        kind, token = _REPORTS.get(one.body.name), one.body.properties.get("push_id")
        if kind is not None and isinstance(token, str) and token:
            key, url = f"push:{token}:{kind}", str(one.body.properties.get("url") or "")
            found.append(Report(kind=kind, key=key[:200], token=token[:32], at=one.at, url=url))
    reports.apply(found, channel=Channel.WEBPUSH, at=at)


def subscribe(told: Iterable[Told], refused: Refusals, *, at: int) -> None:
    """Keep the browsers that events among ``told`` name; the others join ``refused``."""
    for one in told:
        if one.body.name != subscriptions.EVENT or one.profile_id is None:
            continue
        try:
            subscriptions.subscribe(
                one.profile_id,
                one.body.properties,
                source=one.entry.source,
                decided_at=one.at,
                at=at,
            )
        except SubscriptionError as error:
            refused.append((one, placed("push subscription", error.saying)))
