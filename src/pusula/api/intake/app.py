"""The ASGI application of the tracking API."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.db import DatabaseError

from pusula.api.intake import answers, keyring, messages, openapi, paths, settings_for
from pusula.api.intake.answers import Answer, RefusedError
from pusula.api.intake.bodies import Body, GoneError, Headers, Receive
from pusula.api.intake.keyring import Keyring
from pusula.api.intake.limits import LARGEST_BATCH, LARGEST_EVENT, Held, Patience, Quotas
from pusula.api.intake.line import Line
from pusula.api.intake.messages import Sender
from pusula.api.intake.paths import Address, Does
from pusula.lib.errors import PusulaError
from pusula.pipeline.appender import BusyError
from pusula.sources.keys import GoodKey

_log = logging.getLogger(__name__)
Scope = Mapping[str, Any]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
_COME_AGAIN_S = 2
# A message comes with a little around it: its key, when it was sent.
_LARGEST_ONE = LARGEST_EVENT + 4 * 1024


class Intake:
    """Takes messages over: 200 when they are on disk, else why not.

    One per process: it holds the keys, the quotas and the line of those who wait.
    """

    def __init__(
        self,
        *,
        keys: Keyring | None = None,
        line: Line | None = None,
        quotas: Quotas | None = None,
        held: Held | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.keys = keys or Keyring()
        self.line = line or Line()
        self.quotas = quotas or Quotas()
        self.held = held or Held()
        self.patience = patience or Patience()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        try:
            answer = await self._answer(scope, receive, headers)
        except RefusedError as error:
            answer = answers.refused(error, origin)
        except GoneError:
            return
        except BusyError as error:
            told = RefusedError(503, "busy", error.message, error.seconds)
            answer = answers.refused(told, origin)
        except PusulaError as error:
            answer = answers.refused(RefusedError(error.status, error.code, error.message), origin)
        except DatabaseError:
            # Which disk or server is out of order is not the client's business: it keeps what
            # it has and tells it again.
            _log.exception("the database cannot be written or read")
            words = f"nothing was taken over: try again in {_COME_AGAIN_S} s"
            answer = answers.refused(RefusedError(503, "database", words, _COME_AGAIN_S), origin)
        await send(answer.start)
        await send(answer.body)

    async def _answer(self, scope: Scope, receive: Receive, headers: Headers) -> Answer:
        address = paths.find(scope["path"])
        if address is None:
            raise RefusedError(404, "not_found", "there is nothing at this address")
        method, origin = scope["method"], headers.get(b"origin")
        if method == "OPTIONS":
            return answers.preflight(address.methods, origin)
        if method not in address.methods.split(", "):
            return answers.wrong_method(address.methods, origin)
        if address.does in {Does.ONE, Does.MANY}:
            await self._take(scope, receive, address, headers)
            return answers.success(origin)
        told = await self._tell(scope, address, headers)
        return answers.found(told, origin, with_body=method == "GET")

    async def _take(
        self, scope: Scope, receive: Receive, address: Address, headers: Headers
    ) -> None:
        """Append what a request tells.

        1. Who speaks, if that stands in the headers: nobody else's bodies are kept. 2. The body.
        3. Who speaks, if that stands in the body. 4. May they, from here, so many. 5. Append.
        """
        origin = headers.get(b"origin")
        told = keyring.in_request(headers, scope["query_string"])
        body = Body(self.held, self.patience)
        try:
            key = await self._known(told, body, receive, headers) if told else None
            is_one = address.does == Does.ONE
            largest = _LARGEST_ONE if is_one else LARGEST_BATCH
            raw = await body.read(receive, headers, largest)
            request = messages.read_one(raw, address.type) if is_one else messages.read_many(raw)
            if key is None:
                told = request.key
                key = await self._key(told)
            if not key.is_taken_from(None if origin is None else origin.decode("latin-1")):
                raise RefusedError(403, "origin", "this key is not taken from this origin")
            bare = told.rpartition(":")[2]
            entries = request.entries(Sender(key.source, key.may_set_all, bare, key.rules))
            self.quotas.take(key, request.cost)
            await self.line.append(entries)
        finally:
            body.free()

    async def _known(self, told: str, body: Body, receive: Receive, headers: Headers) -> GoodKey:
        try:
            return await self._key(told)
        except RefusedError:
            await body.forget(receive, headers)
            raise

    async def _key(self, told: str) -> GoodKey:
        if self.keys.is_stale:
            await self.keys.refresh()
        key = self.keys.find(told)
        if key is None:
            # Not 410: some clients try that again for ever.
            raise RefusedError(
                401, "key", "a good write key is needed: none was found, or it ended"
            )
        return key

    async def _tell(self, scope: Scope, address: Address, headers: Headers) -> Any:
        """Return the document that a client asks for."""
        if address.does == Does.OPENAPI:
            return openapi.document()
        told = (
            paths.key_in(scope["path"])
            if address.does == Does.SETTINGS
            else keyring.in_request(headers, scope["query_string"])
        )
        key = await self._key(told)
        if key.may_set_all:
            raise RefusedError(401, "key", "a server key is a secret and has no place in a page")
        if address.does == Does.SETTINGS:
            return settings_for.segment(told, scope, headers)
        return settings_for.rudderstack(told, key)
