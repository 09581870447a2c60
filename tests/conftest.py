"""What all tests share: where the real data is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from django.utils import translation
from hypothesis import settings as made_up
from pytest_django.plugin import DjangoDbBlocker

# The same examples in every run, and as long as the machine takes.
made_up.register_profile("same", deadline=None, derandomize=True)
made_up.load_profile("same")
_WITH_COMMITS = pytest.mark.django_db(transaction=True)
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
