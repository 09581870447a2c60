"""Every page in light, dark and on a phone: accessible, no sideways scrolling, small."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from tests.browser.pages import DOORS, PAGES
from tests.browser.world import World

CSS = Path(__file__).parents[2] / "src/pusula/web/static/web/css/app.css"
LOOKS = {
    "light": ({"width": 1440, "height": 1000}, "light"),
    "dark": ({"width": 1440, "height": 1000}, "dark"),
    "phone": ({"width": 360, "height": 780}, "dark"),
}
MOST_BYTES = 40_000  # of page and stylesheet, as sent
AXE = Axe()


@pytest.fixture(params=LOOKS)
def look(request, watched: Page) -> str:
    size, scheme = LOOKS[request.param]
    watched.set_viewport_size(size)
    watched.emulate_media(color_scheme=scheme)
    return request.param


@pytest.mark.usefixtures("look")
@pytest.mark.parametrize("name", PAGES)
def test_pages(desk: Page, world: World, name: str):
    check(desk, world.address(PAGES[name]))


@pytest.mark.usefixtures("look")
@pytest.mark.parametrize("name", DOORS)
def test_doors(watched: Page, world: World, name: str):
    check(watched, world.address(DOORS[name]))


def check(page: Page, address: str) -> None:
    """Open ``address`` and look for what must never be wrong."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 200
    page.locator("main").wait_for()
    if page.locator(".chart:visible").count():
        assert page.locator(".chart:visible svg:visible").count() >= 1
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sent = len(gzip.compress(answer.body())) + len(gzip.compress(CSS.read_bytes()))
    assert sent <= MOST_BYTES
    found = AXE.run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [390, 700, 1000, 1200, 1920])
@pytest.mark.parametrize("name", ["overview", "card", "rfm", "campaign-result"])
def test_no_width_between_scrolls_sideways(desk: Page, world: World, name: str, width: int):
    desk.set_viewport_size({"width": width, "height": 900})
    desk.goto(world.address(PAGES[name]))
    assert desk.evaluate("document.documentElement.scrollWidth") <= width
    for chart in desk.locator(".chart:visible").all():
        assert chart.locator("svg:visible").count() == 1
