"""What the tracking API answers: one success, one shape of errors, CORS on all of them."""

from __future__ import annotations

from typing import Any

import msgspec

from pusula.lib.errors import PusulaError

JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")
_VARY = (b"vary", b"Origin")
# The star is for those that clients will think of next; it does not stand for Authorization.
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Content-Encoding, AnonymousId, SentAt, X-Write-Key,"
    " X-Retry-Count, *"
)
_PREFLIGHT_S = b"86400"
SUCCESS = b'{"success":true}'


class RefusedError(PusulaError):
    """A request is not taken over; ``retry_after_s`` says when it may be."""

    def __init__(
        self, status: int, code: str, message: str, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s


class Answer:
    """The two ASGI messages of a whole answer."""

    __slots__ = ("body", "start")

    def __init__(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        length = (b"content-length", str(len(body)).encode())
        self.start: dict[str, Any] = {
            "type": "http.response.start",
            "status": status,
            "headers": [length, *headers],
        }
        self.body: dict[str, Any] = {"type": "http.response.body", "body": body}


_SUCCESS = Answer(200, SUCCESS, [JSON])


def success(origin: bytes | None) -> Answer:
    """Return the answer to what is on disk: status 200, as some clients take no other."""
    return Answer(200, SUCCESS, [JSON, *cors(origin)]) if origin else _SUCCESS


def found(document: Any, origin: bytes | None, *, with_body: bool) -> Answer:
    """Return ``document`` as JSON; without its body to who asked for the head only."""
    answer = Answer(200, msgspec.json.encode(document), [JSON, _NO_STORE, *cors(origin)])
    if not with_body:
        answer.body["body"] = b""
    return answer


def refused(error: RefusedError, origin: bytes | None) -> Answer:
    """Return why a request is not taken over, and when to come again if that may help."""
    headers = [JSON, _NO_STORE, *cors(origin)]
    if error.retry_after_s is not None:
        seconds = str(error.retry_after_s).encode()
        headers += [(b"retry-after", seconds), (b"x-ratelimit-reset", seconds)]
    told = {"success": False, "error": {"code": error.code, "message": error.message}}
    return Answer(error.status, msgspec.json.encode(told), headers)


def wrong_method(allowed: str, origin: bytes | None) -> Answer:
    """Return that the address is called in other ways."""
    error = RefusedError(405, "method", f"this address answers {allowed}")
    answer = refused(error, origin)
    answer.start["headers"].append((b"allow", allowed.encode()))
    return answer


def preflight(allowed: str, origin: bytes | None) -> Answer:
    """Return to a browser that asks: every page may try; the key says from where it is taken."""
    headers = [
        *cors(origin),
        (b"allow", allowed.encode()),
        (b"access-control-allow-methods", allowed.encode()),
        (b"access-control-allow-headers", ALLOWED_HEADERS.encode()),
        (b"access-control-max-age", _PREFLIGHT_S),
    ]
    return Answer(204, b"", headers)


def cors(origin: bytes | None) -> list[tuple[bytes, bytes]]:
    """Return the headers that let a page at ``origin`` read the answer.

    Beacons are sent with credentials; there are none that these addresses would look at.
    """
    if not origin:
        return []
    return [
        _VARY,
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"Retry-After"),
    ]
