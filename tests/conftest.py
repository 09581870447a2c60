"""What all tests share: where the real data is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, connections
from django.utils import translation
from hypothesis import settings as made_up
from pytest_django.plugin import DjangoDbBlocker

# The same examples in every run, and as long as the machine takes.
made_up.register_profile("same", deadline=None, derandomize=True)
made_up.load_profile("same")
_WITH_COMMITS = pytest.mark.django_db(transaction=True)
_SEQUENCES = """
    select quote_ident(sequencename)::regclass as name, last_value
    from pg_sequences where schemaname = current_schema()
"""
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data sets; skip where it is not at hand."""
    default = ROOT.parent / "shared" / "data"
    folder = Path(os.environ.get("PUSULA_TEST_DATA", default))
    if not (folder / "online_retail.parquet").exists():
        pytest.skip("the real data sets are not here; name their folder in PUSULA_TEST_DATA")
    return folder


@pytest.fixture(autouse=True)
def _no_mark_of_another_database() -> Iterator[None]:
    """Forget what the home remembers of the database: the next test has another one."""
    yield
    (Path(os.environ["PUSULA_HOME"]) / "run" / "anchor.json").unlink(missing_ok=True)


@pytest.fixture(scope="session")
def _first_numbers(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> list[tuple[str, int]]:
    """Where PostgreSQL's sequences that have told a number stand before the first test."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"select name, last_value from ({_SEQUENCES}) s where last_value > 0")
        return cursor.fetchall()


@pytest.fixture(autouse=True)
def _same_numbers(request: pytest.FixtureRequest) -> None:
    """Let every test on PostgreSQL number its rows from where the first one did, as on SQLite.

    Sequences outlive a rollback, and numbers decide who is held out and which row comes first:
    without this, what a test sees would depend on the tests before it.
    """
    if not request.node.get_closest_marker("django_db") or connection.vendor != "postgresql":
        return
    first = dict(request.getfixturevalue("_first_numbers"))
    request.getfixturevalue("_django_db_helper")
    with connection.cursor() as cursor:
        cursor.execute(
            "select setval(name, coalesce((%s::jsonb ->> name::text)::bigint, 1),"
            f" %s::jsonb ? name::text) from ({_SEQUENCES}) s where last_value > 0",
            [json.dumps(first)] * 2,
        )


@pytest.fixture
def english() -> Iterator[None]:
    """Speak the source language: for tests that compare sentences word by word."""
    with translation.override("en"):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Close the log's own connection in the end, or PostgreSQL keeps the tests' database."""
    yield
    with django_db_blocker.unblock():
        for connection in connections.all(initialized_only=True):
            connection.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that has a database by a fixture, so that both databases get all of them."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("django_db"):
            continue
        if fixtures & {"db", "transactional_db", "live_server"}:
            item.add_marker("django_db" if "db" in fixtures else _WITH_COMMITS)
