"""One running installation for all clients; each test has a source of its own on it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.clients.installation import Installation, Keys
from tests.clients.shop import Shop

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
OLDEST_NODE = 20
STORY = json.loads((HERE / "story.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def node() -> str:
    """Return the program that runs the Node clients; skip where it or they are missing."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node is missing: apt-get install nodejs npm")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(said.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node {OLDEST_NODE} or newer is needed, this is {said.strip()}")
    need_modules()
    return found


def need_modules() -> None:
    """Skip where the packages of other people's clients are not installed."""
    if not (MODULES / "@segment").is_dir():
        pytest.skip("the clients of others are missing: npm ci --ignore-scripts in tests/clients")


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return an installation that serves; on PostgreSQL where the tests run there."""
    server = os.environ.get("PUSULA_DATABASE_URL", "")
    made = Installation(
        tmp_path_factory.mktemp("clients") / "home",
        server if server.startswith("postgres") else "",
    )
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def source(request: pytest.FixtureRequest, installation: Installation) -> Keys:
    """Return the keys of a source that only this test tells something to."""
    name = request.node.name.lower()
    own = hashlib.sha256(name.encode()).hexdigest()[:8]
    words = re.sub(r"[^a-z0-9]+", "-", name)[-30:].strip("-")
    return installation.source(f"{words}-{own}")


@pytest.fixture(scope="session")
def shop() -> Iterator[Shop]:
    """Return a web site of another origin."""
    with Shop(HERE / "pages", MODULES, STORY).open() as site:
        yield site


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    only_here = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    return {
        **browser_type_launch_args, "executable_path": CHROMIUM, "args": [*ARGUMENTS, only_here],
    }  # fmt: skip


@pytest.fixture(scope="session")
def base_url() -> None:
    """Take the place of the plugin's own, which pytest 9 warns of; our addresses are whole."""


@pytest.fixture
def errors(page: Page) -> list[str]:
    """Return the list of what a page's console reported, and of requests to strangers."""
    found: list[str] = []

    def look(request: Request) -> None:
        if not re.match(r"(https?://(127\.0\.0\.1|localhost)[:/]|data:|blob:)", request.url):
            found.append(f"went out: {request.url}")

    page.on("request", look)
    page.on("console", lambda line: found.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser; keep this folder in one process, which has one installation."""
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.xdist_group("clients"))
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                reason = "Chromium is missing: apt-get install chromium"
                item.add_marker(pytest.mark.skip(reason=reason))
