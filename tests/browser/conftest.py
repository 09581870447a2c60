"""The browser: Debian's Chromium, a server of its own, and a test that fails on any error line."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer
from tests.browser.world import World, build
from tests.web import company as made_up

from pusula.lib import clock
from pusula.pipeline.router import LOG

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
HERE = Path(__file__).parent
PATIENCE_S = 10.0
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder; keep it in one process, which has one server and one browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # What a test writes is undone after it.
            item.add_marker(pytest.mark.django_db(databases=["default", "log"]))
            item.add_marker(pytest.mark.xdist_group("browser"))
            if CHROMIUM is None:
                item.add_marker(
                    pytest.mark.skip(reason="Chromium is missing: apt-get install chromium")
                )


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    # Playwright keeps an event loop in this thread from now on; Django must not take our
    # ordinary code for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": ARGUMENTS}


@pytest.fixture(scope="session")
def base_url() -> None:
    """Take the place of the plugin's own, which pytest 9 warns of; our addresses are whole."""


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {
        **browser_context_args,
        "locale": "tr-TR",
        "timezone_id": "Europe/Istanbul",
        "viewport": {"width": 1440, "height": 1000},
        "reduced_motion": "reduce",
    }


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, browser) -> Iterator[World]:
    """Return the company behind a running server, at the tests' fixed moment.

    Server and tests share one connection, so that all of it is undone at the end.
    """
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        if connection.vendor != "sqlite":
            pytest.skip("browsers look at SQLite; the pages are the same on PostgreSQL")
        patch.setattr(clock, "now", lambda: made_up.NOW)
        patch.setattr(settings, "PUSULA_SMTP_URL", "smtp://127.0.0.1:1")  # nobody sends here
        cache.clear()
        with transaction.atomic(), transaction.atomic(using=LOG):
            server = LiveServer("127.0.0.1:0")
            yield build(server.url)
            _wait_for_answers()
            server.stop()
            transaction.set_rollback(True)
            transaction.set_rollback(True, using=LOG)


def _wait_for_answers() -> None:
    """Let the server's threads end while the connection is still theirs as well."""
    end = time.monotonic() + PATIENCE_S
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(max(0.0, end - time.monotonic()))


@pytest.fixture
def _signed_in(context: BrowserContext, world: World) -> None:
    context.add_cookies([{"name": "sessionid", "value": world.session, "url": world.url}])


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """Return a page whose test fails on any error in the console, CSP reports among them."""
    errors: list[str] = []
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


@pytest.fixture
def desk(watched: Page, _signed_in: None) -> Page:
    """Return the page of Deniz, who has signed in."""
    return watched
