"""The tracking API called as a server calls it, with keys and a log that the test holds."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from dataclasses import dataclass, field
from typing import Any

from pusula.api.intake.app import Intake
from pusula.api.intake.keyring import Keyring
from pusula.sources import keys
from pusula.sources.keys import GoodKey

WRITE, SERVER, NARROW, COUNTED = "wk_write", "sk_server", "wk_narrow", "wk_counted"


def good_key(key: str, **changed: Any) -> GoodKey:
    told: dict[str, Any] = {
        "digest": keys.digest(key), "source": "web", "title": "", "may_set_all": False,
        "origins": frozenset(), "quota_per_minute": None, "expires_at": None,
    }  # fmt: skip
    return GoodKey(**told | changed)


KEYS = [
    good_key(WRITE),
    good_key(SERVER, source="crm", may_set_all=True),
    good_key(NARROW, origins=frozenset({"https://www.ornek.com", "https://*.otel.com"})),
    good_key(COUNTED, quota_per_minute=10),
]


class Log:
    """Stands for the line to the disk; keeps what it is told, or fails as it is told to."""

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self.error: Exception | None = None

    async def append(self, entries: Any) -> None:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.entries += entries

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(entry.body) for entry in self.entries]

    @property
    def ids(self) -> list[str]:
        return [entry.message_id for entry in self.entries]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Api:
    """An intake with a log of its own."""

    held: list[GoodKey] = field(default_factory=lambda: list(KEYS))
    given: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = Log()
        ring = Keyring(good=lambda _at: {key.digest: key for key in self.held})
        self.app = Intake(**{"keys": ring, "line": self.log, **self.given})

    def call(self, method: str, path: str, body: Any = b"", **given: Any) -> Answer:
        return asyncio.run(call(self.app, method, path, body, **given))

    def post(self, path: str, body: Any, key: str | None = WRITE, **headers: str) -> Answer:
        return self.call("POST", path, body, key=key, **headers)


async def call(
    app: Any, method: str, path: str, body: Any = b"", key: str | None = None, **named: str
) -> Answer:
    """Call ``app`` as one request; ``named`` are headers with underscores for dashes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {name.replace("_", "-"): value for name, value in named.items()}
    if key is not None:
        headers["authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
    if headers.get("content-encoding") == "gzip" and not isinstance(body, bytes):
        raw = gzip.compress(raw)
    path, _, query = path.partition("?")
    sent: list[Any] = []
    parts = [{"type": "http.request", "body": raw, "more_body": False}]

    async def receive() -> Any:
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "query_string": query.encode(),
        "scheme": "http",
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()],
    }  # fmt: skip
    await app(scope, receive, send)
    start, end = sent
    told = {k.decode(): v.decode("latin-1") for k, v in start["headers"]}
    return Answer(start["status"], told, end["body"])
