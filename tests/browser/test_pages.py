"""Every page in light, dark and on a phone, in both languages: accessible, narrow enough, small."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Page
from tests.browser.pages import DOORS, PAGES
from tests.browser.world import World
from tests.web import company as made_up

from pusula.events.models import Event
from pusula.lib import clock

CSS = Path(__file__).parents[2] / "src/pusula/web/static/web/css/app.css"
LOOKS = {
    "light": ({"width": 1440, "height": 1000}, "light", "en"),
    "dark": ({"width": 1440, "height": 1000}, "dark", "tr"),
    "phone": ({"width": 360, "height": 780}, "dark", "tr"),  # the longer words on the narrower page
}
MOST_BYTES = 40_000  # of page and stylesheet, as sent
AXE = Axe()


@pytest.fixture(params=LOOKS)
def look(request, watched: Page, world: World) -> str:
    size, scheme, language = LOOKS[request.param]
    watched.context.add_cookies(
        [{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": world.url}]
    )
    watched.set_viewport_size(size)
    watched.emulate_media(color_scheme=scheme)
    return language


@pytest.mark.parametrize("name", PAGES)
def test_pages(desk: Page, world: World, look: str, name: str):
    check(desk, world.address(PAGES[name]))
    assert desk.locator("html").get_attribute("lang") == look


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


def test_on_a_phone_the_calendar_lists_only_the_days_that_have_something(desk: Page, world: World):
    desk.set_viewport_size({"width": 360, "height": 780})
    desk.goto(world.address(PAGES["calendar-holidays"]))
    assert desk.locator(".calendar td:visible").count() >= 1
    assert desk.locator(".calendar__empty:visible").count() == 0


def test_on_a_phone_the_suggestion_stands_above_the_facts(desk: Page, world: World):
    at = made_up.NOW - clock.DAY
    Event.objects.create(
        profile_id=world.names["elif"], name="Booking Abandoned", at=at, recorded_at=at,
        dedupe_key="left", source="web", properties={},
    )  # fmt: skip
    desk.set_viewport_size({"width": 360, "height": 780})
    desk.goto(world.address(PAGES["card"]))
    suggestion, facts = (desk.locator(name).bounding_box() for name in ("#h-next", "#h-facts"))
    assert suggestion["y"] < facts["y"]
    desk.set_viewport_size({"width": 1440, "height": 900})
    suggestion, facts = (desk.locator(name).bounding_box() for name in ("#h-next", "#h-facts"))
    assert suggestion["x"] > facts["x"]
    assert abs(suggestion["y"] - facts["y"]) < 8
