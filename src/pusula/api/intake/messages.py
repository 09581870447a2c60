"""Requests of the tracking API as entries of the log: what was sent, in an envelope.

The envelope is JSON: ``type``, ``trusted`` (sent with a server key), ``sent_at`` as told or null,
``batch`` (context and integrations of the whole batch; absent if there are none), ``rules`` of the
source (absent if it has none), ``message`` as it was sent, and ``refused`` with the reason if the
event is only kept to be looked at. What it means is found out by the live step.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from pusula.api.intake.answers import RefusedError
from pusula.api.intake.limits import LARGEST_BATCH, LARGEST_EVENT, MOST_EVENTS
from pusula.api.intake.paths import TYPES
from pusula.lib import ids
from pusula.pipeline.appender import Entry

KIND = "message"
_LONGEST_ID = 200
_LONGEST_TIME = 64
_TYPES = frozenset(TYPES)
_NO_TYPE = f"type: one of {', '.join(TYPES)}"
# Half of a pair of surrogates, as JavaScript writes a text that was cut inside an emoji.
_HALVES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_WHOLE_PAIR = 12  # characters of two escapes
_REPLACEMENT = rb"\ufffd"


class _One(msgspec.Struct, rename="camel"):
    """What has to be known of a message; its other fields are only looked at for their syntax."""

    type: Any = None
    message_id: Any = None
    sent_at: Any = None
    write_key: Any = None


class _Many(msgspec.Struct, rename="camel"):
    """What has to be known of a batch."""

    batch: list[msgspec.Raw]
    context: msgspec.Raw = msgspec.Raw()
    integrations: msgspec.Raw = msgspec.Raw()
    sent_at: Any = None
    write_key: Any = None


_decode_one = msgspec.json.Decoder(_One).decode
_decode_many = msgspec.json.Decoder(_Many).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request: the slug of the source, and whether a server key was used."""

    source: str
    is_trusted: bool
    key: str
    rules: str = ""  # JSON: how its messages are understood; goes into the log as it is


@dataclass(slots=True)
class One:
    """A request that tells one message."""

    type: str
    raw: bytes
    said: _One

    @property
    def key(self) -> str:
        """The key in the body; empty if none is there."""
        return _text(self.said.write_key)

    @property
    def cost(self) -> int:
        """How many events it counts as."""
        return 1

    def entries(self, sender: Sender) -> list[Entry]:
        """Return what the log is told."""
        if len(self.raw) > LARGEST_EVENT:
            raise RefusedError(413, "too_large", f"an event has at most {LARGEST_EVENT} bytes")
        sent_at = _time(self.said.sent_at)
        return [_Envelopes(sender).entry(self.raw, self.said.message_id, self.type, sent_at)]


@dataclass(slots=True)
class Many:
    """A request that tells a batch of messages."""

    said: _Many

    @property
    def key(self) -> str:
        """The key in the body; empty if none is there."""
        return _text(self.said.write_key)

    @property
    def cost(self) -> int:
        """How many events it counts as: those that are too large as several."""
        return sum(1 + len(memoryview(raw)) // LARGEST_EVENT for raw in self.said.batch)

    def entries(self, sender: Sender) -> list[Entry]:
        """Return what the log is told; events that are none are kept with the reason."""
        said = self.said
        if len(said.batch) > MOST_EVENTS:
            raise RefusedError(413, "too_large", f"a batch has at most {MOST_EVENTS} events")
        shared = _shared(said)
        # What is told once for all is kept with each, and must not become a mountain by that.
        if len(shared) * len(said.batch) > LARGEST_BATCH:
            raise RefusedError(
                413, "too_large", "context and integrations of the batch: too large for so many"
            )
        sent_at = _time(said.sent_at)
        envelopes = _Envelopes(sender, shared)
        return [_of_batch(bytes(raw), sent_at, envelopes) for raw in said.batch]


def _of_batch(raw: bytes, sent_at: str | None, envelopes: _Envelopes) -> Entry:
    refused = ""
    try:
        one = _decode_one(raw)
    except msgspec.ValidationError:
        one, refused = _One(), "the event is not a JSON object"
    kind = _text(one.type)
    if kind not in _TYPES:
        kind, refused = "", refused or _NO_TYPE
    if len(raw) > LARGEST_EVENT:
        refused = f"the event has {len(raw)} bytes, more than {LARGEST_EVENT}"
    return envelopes.entry(raw, one.message_id, kind, sent_at or _time(one.sent_at), refused)


def read_one(body: bytes, kind: str) -> One:
    """Return a message; raise ``RefusedError`` 400 if it is none."""
    for raw in _readings(body):
        try:
            return One(kind, raw, _decode_one(raw))
        except msgspec.ValidationError as error:
            raise RefusedError(400, "not_a_message", f"the body: {error}") from error
        except (msgspec.DecodeError, RecursionError) as error:
            problem = error
    raise _malformed(problem)


def read_many(body: bytes) -> Many:
    """Return a batch; raise ``RefusedError`` 400 if it is none."""
    for raw in _readings(body):
        try:
            return Many(_decode_many(raw))
        except msgspec.ValidationError as error:
            raise RefusedError(400, "not_a_batch", f"the body: {error}") from error
        except (msgspec.DecodeError, RecursionError) as error:
            problem = error
    raise _malformed(problem)


def _readings(body: bytes) -> Iterator[bytes]:
    """Yield the body, then the body without halves of characters if it has some."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise _malformed(error) from error
    yield body
    mended = _HALVES.sub(_mend, body)
    if mended != body:
        yield mended


def _mend(found: re.Match[bytes]) -> bytes:
    told = found.group()
    is_half = told != rb"\\" and len(told) < _WHOLE_PAIR
    return _REPLACEMENT if is_half else told


def _malformed(problem: Exception) -> RefusedError:
    words = "nested too deep" if isinstance(problem, RecursionError) else str(problem)
    return RefusedError(400, "malformed", f"the body is not JSON: {words}")


def _shared(said: _Many) -> bytes:
    """Return the JSON of what is said once for the whole batch; empty if nothing is."""
    parts = [
        b'"%s":%s' % (name, bytes(raw))
        for name, raw in ((b"context", said.context), (b"integrations", said.integrations))
        if bytes(raw) not in {b"", b"null", b"{}"}
    ]
    return b'"batch":{%s},' % b",".join(parts) if parts else b""


class _Envelopes:
    """Puts the messages of a request into envelopes; what is alike in them is written once."""

    def __init__(self, sender: Sender, shared: bytes = b"") -> None:
        self._sender = sender
        self._shared = shared
        # A server key is a secret: the log must not hold it, wherever a client repeats it.
        self._secret = sender.key.encode() if sender.is_trusted else b""
        # No slug has a slash: whoever knows a write key cannot name a message of a server first,
        # so that what the server says would count as told already.
        self._space = f"{sender.source}/server:" if sender.is_trusted else f"{sender.source}:"
        self._heads: dict[tuple[str, str | None, str], bytes] = {}

    def entry(
        self, raw: bytes, own_id: Any, kind: str, sent_at: str | None, refused: str = ""
    ) -> Entry:
        """Return what the log is told of the message ``raw``, with its reason if it is refused."""
        head = self._heads.get((kind, sent_at, refused))
        if head is None:
            head = self._heads[kind, sent_at, refused] = self._head(kind, sent_at, refused)
        if self._secret:
            raw = raw.replace(self._secret, b"***")
        body = b"%s%s}" % (head, raw)
        return Entry(KIND, self._sender.source, _message_id(self._space, own_id), body.decode())

    def _head(self, kind: str, sent_at: str | None, refused: str) -> bytes:
        return b'{"type":"%s","trusted":%s,"sent_at":%s,%s%s%s"message":' % (
            kind.encode(),
            b"true" if self._sender.is_trusted else b"false",
            _encode(sent_at),
            b'"rules":%s,' % self._sender.rules.encode() if self._sender.rules else b"",
            b'"refused":%s,' % _encode(refused) if refused else b"",
            self._shared,
        )


def _message_id(space: str, own_id: Any) -> str:
    """Return the id by which a repetition is known; a new one if the client gave none.

    ``space`` stands in front: the same id in another space is another message.
    """
    if not isinstance(own_id, str):
        is_number = isinstance(own_id, int | float) and not isinstance(own_id, bool)
        own_id = str(own_id) if is_number else ""
    if not own_id or own_id.isspace():
        own_id = ids.random_id()
    told: str = space + own_id
    if len(told) <= _LONGEST_ID and told.isprintable():
        return told
    digest = hashlib.sha256(own_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{space}sha256-{digest}"


def _time(told: Any) -> str | None:
    return told if isinstance(told, str) and 0 < len(told) <= _LONGEST_TIME else None


def _text(told: Any) -> str:
    return told if isinstance(told, str) else ""
