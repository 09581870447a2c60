"""What ``bench/ingest.py`` is compared with: an insert for each request, as one would write it.

``BESIDE=django`` is an async view of Django, ``BESIDE=fastapi`` an endpoint of FastAPI with its
model; both insert one row and commit before they answer, on SQLite with ``synchronous=FULL`` or on
PostgreSQL. Each thread keeps its connection.
"""

# ruff: noqa: PLC0415 - each of them is there only where it is asked for

from __future__ import annotations

import json
import os
import sqlite3
import threading
from typing import Any

URL = os.environ["BESIDE_DATABASE"]
TABLE = "beside (message_id varchar(200) primary key, event text, body text)"
_local = threading.local()


def insert(told: dict[str, Any]) -> None:
    """Write one event and commit."""
    row = (told["messageId"], told.get("event", ""), json.dumps(told))
    if URL.startswith("postgres"):
        _postgres().execute("insert into beside values (%s, %s, %s) on conflict do nothing", row)
        return
    connection = _sqlite()
    with connection:
        connection.execute("insert or ignore into beside values (?, ?, ?)", row)


def _postgres() -> Any:
    if not hasattr(_local, "connection"):
        import psycopg

        _local.connection = psycopg.connect(URL, autocommit=True)
    return _local.connection


def _sqlite() -> sqlite3.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(URL, timeout=60)
        _local.connection.executescript("pragma journal_mode=wal; pragma synchronous=full")
    connection: sqlite3.Connection = _local.connection
    return connection


def prepare() -> None:
    """Make the table."""
    if URL.startswith("postgres"):
        _postgres().execute(f"create table if not exists {TABLE}")
    else:
        _sqlite().execute(f"create table if not exists {TABLE}")


def django() -> Any:
    """Return an async view of Django without any middleware."""
    from asgiref.sync import sync_to_async
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import HttpRequest, JsonResponse
    from django.urls import path

    async def track(request: HttpRequest) -> JsonResponse:
        await sync_to_async(insert, thread_sensitive=False)(json.loads(request.body))
        return JsonResponse({"success": True})

    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="bench")  # noqa: S106
    globals()["urlpatterns"] = [path("v1/track", track)]
    return get_asgi_application()


def fastapi() -> Any:
    """Return an endpoint of FastAPI with its model."""
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Event(BaseModel):
        """What is told."""

        type: str
        event: str
        messageId: str  # noqa: N815 - the client's name
        anonymousId: str  # noqa: N815
        timestamp: str
        properties: dict[str, Any]
        context: dict[str, Any]

    app = FastAPI()

    def track(event: Event) -> dict[str, bool]:
        insert(event.model_dump())
        return {"success": True}

    track.__annotations__ = {"event": Event, "return": dict[str, bool]}
    app.post("/v1/track")(track)
    return app


prepare()
application = django() if os.environ["BESIDE"] == "django" else fastapi()
