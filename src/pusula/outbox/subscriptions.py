"""Browsers that show our pushes: taken over from what they tell, dropped when they are gone."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pusula.channels.webpush.encryption import Keys, SubscriptionError
from pusula.channels.webpush.provider import may_call
from pusula.consent import actions as consent
from pusula.consent.actions import Decision
from pusula.consent.models import Channel, Consent, Status
from pusula.lib.sayings import Saying
from pusula.outbox import providers
from pusula.outbox.models import PushSubscription

EVENT = "Push Subscribed"
PURPOSE = "marketing"
_LONGEST = 2_000
_MOST = 20  # browsers of one person: more is somebody at play with our write key


def address_of(endpoint: str) -> str:
    """Return what messages, consents and suppressions call the browser behind ``endpoint``."""
    return hashlib.blake2b(endpoint.encode(), digest_size=16).hexdigest()


def subscribe(
    profile_id: int, told: Mapping[str, Any], *, source: str, decided_at: int, at: int
) -> bool:
    """Keep the browser that the properties ``told`` of ``EVENT`` name; return whether it is new.

    The browser asked the person before it subscribed, and that is the consent: written down where
    the person was asked just now, or never decided about pushes. A visit with a subscription that
    is there already decides nothing. Runs in the caller's transaction. Raises
    ``SubscriptionError``.
    """
    endpoint = str(told.get("endpoint") or "")
    if len(endpoint) > _LONGEST or not may_call(endpoint, providers.push_hosts()):
        raise SubscriptionError(Saying("the endpoint is no push service that we know"))
    keys = Keys(str(told.get("p256dh") or ""), str(told.get("auth") or "")).checked()
    held = PushSubscription.objects.filter(profile_id=profile_id)
    address = address_of(endpoint)
    if not held.filter(address=address).exists() and held.count() >= _MOST:
        raise SubscriptionError(
            Saying("%(most)s browsers of this person are known already", {"most": _MOST})
        )
    values = {
        "profile_id": profile_id,
        "origin_id": None,  # whoever uses the browser now is who it reaches
        "endpoint": endpoint,
        "p256dh": keys.p256dh.rstrip("="),
        "auth": keys.auth.rstrip("="),
        "vapid_key": str(told.get("vapid_key") or "").rstrip("=")[:100],
        "source": source,
    }
    _row, is_new = PushSubscription.objects.update_or_create(
        address=address, defaults=values, create_defaults=values | {"subscribed_at": decided_at}
    )
    replaced = str(told.get("replaces") or "")
    if replaced and replaced != endpoint:
        held.filter(address=address_of(replaced)).delete()
    elif is_new:
        asked = bool(told.get("asked"))
        _allow(profile_id, source=source, was_asked=asked, told_at=decided_at, at=at)
    return is_new


def _allow(profile_id: int, *, source: str, was_asked: bool, told_at: int, at: int) -> None:
    decided = Consent.objects.filter(
        profile_id=profile_id, channel=Channel.WEBPUSH, purpose=PURPOSE
    ).exists()
    if decided and not was_asked:
        return
    grant = Decision(
        profile_id=profile_id,
        channel=Channel.WEBPUSH,
        purpose=PURPOSE,
        status=Status.GRANTED,
        source=source,
        decided_at=told_at,
        evidence="permission given in the browser",
    )
    consent.record([grant], at=at, is_heard=True)  # the event of it is


def drop(address: str) -> bool:
    """Forget a browser that its push service does not know any more; return whether we knew it."""
    return bool(PushSubscription.objects.filter(address=address).delete()[0])


def addresses(profile_ids: Collection[int]) -> dict[int, list[str]]:
    """Return the browsers of each profile, the newest first."""
    held = PushSubscription.objects.filter(profile_id__in=profile_ids)
    found: dict[int, list[str]] = {}
    newest_first = held.order_by("-subscribed_at", "-pk").values_list("profile_id", "address")
    for profile_id, address in newest_first:
        found.setdefault(profile_id, []).append(address)
    return found


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser as a push to it needs it, and whom it reaches now."""

    profile_id: int
    told: Mapping[str, str]


def browsers(of: Collection[str]) -> dict[str, Browser]:
    """Return the browsers with these addresses; who is gone is missing."""
    held = PushSubscription.objects.filter(address__in=of)
    fields = ("endpoint", "p256dh", "auth", "vapid_key")
    return {
        address: Browser(profile_id, dict(zip(fields, values, strict=True)))
        for address, profile_id, *values in held.values_list("address", "profile_id", *fields)
    }
