"""A nursery for the tests that kill senders: a database of its own, like the one under test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.outbox.nursery import Nursery, environment, nursery


@pytest.fixture
def senders(tmp_path: Path) -> Iterator[Nursery]:
    """Return a nursery on an empty database: SQLite, or PostgreSQL where the tests run on it."""
    url = os.environ.get("PUSULA_DATABASE_URL", "")
    if not url.startswith("postgres"):
        with nursery(environment(tmp_path, "")) as running:
            running.ask("migrate")
            yield running
        return
    name = f"pusula_nursery_{uuid.uuid4().hex[:12]}"
    server = urlsplit(url)
    admin = server._replace(path="/postgres").geturl()
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    try:
        with nursery(environment(tmp_path, server._replace(path=f"/{name}").geturl())) as running:
            running.ask("migrate")
            yield running
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def web(senders: Nursery) -> Iterator[Nursery]:
    """Return a process that answers pages on the database of ``senders``."""
    with nursery(senders.environment) as running:
        yield running
