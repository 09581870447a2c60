"""Large requests stopped at the door: only who is signed in may bring a file.

Django keeps a whole body, on disk if it is large, before any view is asked. So this stands in front
of it and looks at sizes as they come.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

LARGEST_FILE = 2 * 2**30

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class BoundedBodies:
    """Passes requests on to ``app``; refuses with 413 those that are larger than their sender may.

    Whoever is not signed in may send what Django would read of a form.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if await _is_too_large(scope, _told_length(scope)):
            await _refuse(send)
            return
        body = _Counted(scope, receive, send)
        await self._app(scope, body.receive, body.send)
        if body.is_too_large and not body.is_answered:
            await _refuse(send)


class _Counted:
    """A body whose length was not told, counted as it comes."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._n = 0
        self._next_look = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        self.is_too_large = False
        self.is_answered = False

    async def receive(self) -> Mapping[str, Any]:
        """Return the next part; one too many is told to Django as if the sender had hung up."""
        message = await self._receive()
        self._n += len(message.get("body", b""))
        if self._n > self._next_look:
            self.is_too_large = await _is_too_large(self._scope, self._n)
            if self.is_too_large:
                return {"type": "http.disconnect"}
            self._next_look = LARGEST_FILE
        return message

    async def send(self, message: Mapping[str, Any]) -> None:
        """Pass a part of the answer on."""
        self.is_answered = True
        await self._send(message)


def _told_length(scope: Scope) -> int:
    told = dict(scope["headers"]).get(b"content-length", b"")
    return int(told[:20]) if told.isdigit() else 0


async def _is_too_large(scope: Scope, n: int) -> bool:
    if n <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return False
    return n > LARGEST_FILE or not await sync_to_async(_is_signed_in)(scope)


def _is_signed_in(scope: Scope) -> bool:
    told = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    try:
        session = SimpleCookie(told.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return False
    if session is None:
        return False
    try:
        return SESSION_KEY in SessionStore(session.value)
    finally:
        connection.close()  # no request of Django's is under way that would look after it


async def _refuse(send: Send) -> None:
    words = "This is larger than may be sent here. Whoever brings a file has to be signed in."
    body = json.dumps({"error": {"code": "too_large", "message": words}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
