"""The push services of the browsers' makers, all spoken to alike (RFC 8030)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pusula.channels.outbound import Answer, InDoubtError, NotSentError, Outbound
from pusula.channels.port import Outcome, Outgoing, Result, words
from pusula.channels.webpush.encryption import Keys, SubscriptionError, encrypted
from pusula.channels.webpush.vapid import Vapid
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying

# A browser's endpoint is what an untrusted page told us; these are the services there are.
HOSTS = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "web.push.apple.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
DEFAULT_TTL_S = 4 * 3_600
_LONGEST_TTL_S = 28 * 86_400
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
_URGENCIES = frozenset({"very-low", "low", "normal", "high"})
_SHOWN = ("icon", "image", "badge", "tag", "actions", "lang", "require_interaction")
_GONE = frozenset({404, 410})
_OURS = frozenset({400, 401, 403})  # our key or our clock: never the fault of the browser
_LATER_S = 900
_BUSY = 429
_UNAVAILABLE = 500


@dataclass
class WebPush:
    """Hands pushes over, several at a time. ``hosts`` is for services beside the known ones."""

    vapid: Vapid
    outbound: Outbound
    hosts: Sequence[str] = HOSTS
    channel: str = field(default="webpush", init=False)
    name: str = field(default="webpush", init=False)
    largest_batch: int = 32

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        """Yield what became of each as the services answer."""
        with ThreadPoolExecutor(max(1, min(len(batch), self.outbound.n_connections))) as threads:
            yield from threads.map(self._post, batch)

    def close(self) -> None:
        """Close the connections."""
        self.outbound.close()

    def _post(self, one: Outgoing) -> Outcome:
        endpoint = str(one.details.get("endpoint", ""))
        at = clock.now()
        try:
            body = self._body(one, endpoint)
            headers = self._headers(one, endpoint, at)
            answer = self.outbound.call("POST", endpoint, headers=headers, body=body)
        except PusulaError as error:
            return _failure(one, error)
        return _meaning(one, answer)

    def _body(self, one: Outgoing, endpoint: str) -> bytes:
        """Return the push encrypted for its browser; raise ``ChannelError``."""
        told = one.details
        if not may_call(endpoint, self.hosts):
            raise SubscriptionError(Saying("not an address of a push service"))
        if told.get("vapid_key") and told["vapid_key"] != self.vapid.public_key:
            # Its service would say 403 to each of these, as it does for a fault of ours.
            raise SubscriptionError(Saying("the browser subscribed with another key"))
        keys = Keys(str(told.get("p256dh", "")), str(told.get("auth", "")))
        return encrypted(payload(one), keys)

    def _headers(self, one: Outgoing, endpoint: str, at: int) -> dict[str, str]:
        told = one.details
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(_ttl_s(one, at)),
            "Authorization": self.vapid.authorization(endpoint, at=at),
        }
        if (urgency := told.get("urgency")) in _URGENCIES:
            headers["Urgency"] = str(urgency)
        if (topic := told.get("topic")) and _TOPIC.fullmatch(str(topic)):
            headers["Topic"] = str(topic)
        return headers


def may_call(endpoint: str, hosts: Sequence[str] = HOSTS) -> bool:
    """Return whether ``endpoint`` is an address of a push service that we know."""
    try:
        host = (urlsplit(endpoint).hostname or "").lower()
    except ValueError:
        return False
    return bool(host) and any(
        host.endswith(known[1:]) if known.startswith("*.") else host == known for known in hosts
    )


def payload(one: Outgoing) -> bytes:
    """Return what the service worker, or a browser that needs none, shows (RFC 8030 as JSON)."""
    shown: dict[str, Any] = {
        name: one.details[name] for name in _SHOWN if one.details.get(name) not in (None, "")
    }
    notification = {"title": one.title, "body": one.text, **shown}
    if url := one.details.get("url"):
        notification["navigate"] = url
    told: Mapping[str, Any] = {"web_push": 8030, "id": one.token, "notification": notification}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _ttl_s(one: Outgoing, at: int) -> int:
    """Return how long a service keeps it for a browser that is off: never beyond its use."""
    told = one.details.get("ttl_s", DEFAULT_TTL_S)
    wanted = told if isinstance(told, int) and not isinstance(told, bool) else DEFAULT_TTL_S
    left = (one.not_after_at - at) // clock.SECOND if one.not_after_at else _LONGEST_TTL_S
    return max(0, min(wanted, left, _LONGEST_TTL_S))


def _failure(one: Outgoing, error: PusulaError) -> Outcome:
    """Return what it means that there was no answer."""
    said = words(error.message)
    match error:
        case SubscriptionError():
            return Outcome(one.id, Result.BAD_ADDRESS, words=said)
        case NotSentError():
            return Outcome(one.id, Result.LATER, words=said, after_s=_LATER_S)
        case InDoubtError():
            return Outcome(one.id, Result.DOUBT, words=said)
        case _:
            return Outcome(one.id, Result.REJECTED, words=said)


def _meaning(one: Outgoing, answer: Answer) -> Outcome:
    status, said = answer.status, words(f"{answer.status} {_text(answer)}")
    if answer.is_good:
        where = answer.headers.get("location", "")
        return Outcome(one.id, Result.ACCEPTED, provider_id=where[-120:], words=str(status))
    if status in _GONE:
        return Outcome(one.id, Result.BAD_ADDRESS, words=said)
    if status in _OURS:
        return Outcome(one.id, Result.POLICY, words=said)
    if status == _BUSY or status >= _UNAVAILABLE:
        after_s = answer.retry_after_s
        return Outcome(one.id, Result.LATER, words=said, after_s=after_s or _LATER_S)
    return Outcome(one.id, Result.REJECTED, words=said)


def _text(answer: Answer) -> str:
    return answer.body[:300].decode("utf-8", "replace")
