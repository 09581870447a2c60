"""A nursery for the tests that kill senders: a database of its own, like the one under test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.outbox.nursery import Nursery, nursery, nursery_of_its_own


@pytest.fixture
def senders(tmp_path: Path) -> Iterator[Nursery]:
    """Return a nursery on an empty database: SQLite, or PostgreSQL where the tests run on it."""
    with nursery_of_its_own(tmp_path) as running:
        yield running


@pytest.fixture
def web(senders: Nursery) -> Iterator[Nursery]:
    """Return a process that answers pages on the database of ``senders``."""
    with nursery(senders.environment) as running:
        yield running
