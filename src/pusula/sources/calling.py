"""Calls to the systems of others: with time limits, bounded answers, and errors that say when next.

Nothing waits in here: an answer that asks for patience becomes a ``LaterError``, and the source is
asked again later from where it stood.
"""

from __future__ import annotations

import email.utils
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed
from pusula.pipeline.appender import Entry

TIMEOUT_S = 30.0
LARGEST = 32 * 2**20  # bytes of one answer
_LONGEST_WAIT_S = 3_600


class CallError(PusulaError):
    """A system answered with an error, or with what is no answer."""

    code = "source_call"
    status = 502
    answer = b""  # what the system said, for its adapter to read; never shown, never logged


class LaterError(CallError):
    """A system asks for patience; ``after_s``: how much, if it says."""

    code = "source_busy"
    status = 503

    def __init__(self, message: Saying | str, after_s: int | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class ExpiredError(CallError):
    """The token is not taken any more; a new one may be."""

    code = "source_token"


class TooMuchError(CallError):
    """The system could not answer so much at once; half may do."""

    code = "source_too_much"


# What reading an answer of an unknown shape raises.
SHAPES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def reason(error: Exception) -> Saying | str:
    """Return why a record could not be taken over; the record's own words may be personal."""
    if isinstance(error, PusulaError):
        return error.saying
    return Saying("a value of an unknown shape (%(name)s)", {"name": type(error).__name__})


class Page(NamedTuple):
    """What one call brought: entries for the log, and how far the source has now been read.

    ``problems`` are records that could not be taken over, with their reasons.
    """

    entries: Sequence[Entry]
    cursor: Mapping[str, Any]
    problems: Sequence[Saying | str] = ()


@dataclass(frozen=True)
class Caller:
    """Calls one system; ``name`` stands in its errors. Addresses come from settings alone."""

    name: str
    client: httpx.Client

    def send(self, method: str, url: str, **told: Any) -> Any:
        """Return the JSON answer to a call.

        Raises ``LaterError`` (429, 5xx, silence), ``ExpiredError`` (401), ``TooMuchError`` (408,
        413) or ``CallError``; no message quotes what was sent.
        """
        place = f"{self.name}: {method} {httpx.URL(url).path}"
        try:
            with self.client.stream(method, url, **told) as answer:
                body = _bounded(answer, place)
        except httpx.HTTPError as error:
            why = Saying("no answer (%(name)s)", {"name": type(error).__name__})
            raise LaterError(placed(place, why)) from error
        try:
            _check(answer, place)
        except CallError as error:
            error.answer = body
            raise
        try:
            return json.loads(body) if body else None
        except (ValueError, RecursionError) as error:
            raise CallError(placed(place, Saying("the answer is no JSON"))) from error


def client() -> httpx.Client:
    """Return what calls go through: no redirects, since secrets go along."""
    return httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)


def _bounded(answer: httpx.Response, place: str) -> bytes:
    parts, size = [], 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > LARGEST:
            why = Saying("the answer is larger than %(n)s bytes", {"n": f"{LARGEST:,}"})
            raise CallError(placed(place, why))
        parts.append(part)
    return b"".join(parts)


def _check(answer: httpx.Response, place: str) -> None:
    status = answer.status_code
    if answer.is_success:
        return
    told = {"status": status}
    if status == httpx.codes.UNAUTHORIZED:
        why = Saying("%(status)s, the key or password is not taken", told)
        raise ExpiredError(placed(place, why))
    if status in {httpx.codes.REQUEST_TIMEOUT, httpx.codes.REQUEST_ENTITY_TOO_LARGE}:
        why = Saying("%(status)s, too much was asked at once", told)
        raise TooMuchError(placed(place, why))
    if status == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
        after_s = _seconds(answer.headers.get("Retry-After", ""))
        why = Saying("%(status)s, it asks for patience", told)
        raise LaterError(placed(place, why), after_s)
    raise CallError(placed(place, str(status)))


def _seconds(told: str) -> int | None:
    """Return how long ``Retry-After`` asks to wait; it is a number of seconds or a date."""
    if told.strip().isdecimal():
        return min(int(told), _LONGEST_WAIT_S)
    try:
        until = email.utils.parsedate_to_datetime(told)
    except ValueError:
        return None
    wait = clock.from_datetime(until) - clock.now()
    return min(max(0, -(-wait // clock.SECOND)), _LONGEST_WAIT_S)
