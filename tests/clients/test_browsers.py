"""The libraries of web pages, unmodified, in Chromium on a site of another origin."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.clients import trouble
from tests.clients.conftest import STORY, need_modules
from tests.clients.installation import Installation, Keys, Told
from tests.clients.trouble import Trouble

from pusula.lib import clock

# What each library can say of the story: its page view, and the calls of its page.
N_TOLD = {
    "segment": 6 + STORY["n_views"],  # page, alias, group, identify, search, screen
    "rudder": 5 + STORY["n_views"],
    "jitsu": 4 + STORY["n_views"],
}
# The search is of before the page view: only those that let a page say so.
SAYS_WHEN = {"segment", "rudder"}
BAD_LINE = (trouble.REFUSE, trouble.LOSE, trouble.TWICE)


@pytest.fixture(autouse=True, scope="module")
def _modules() -> None:
    need_modules()


def visit(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("h1[data-told]")).to_have_count(1)


def check(installation: Installation, source: Keys, name: str) -> None:
    """Look whether the story arrived, each part of it once."""
    told = installation.arrived(source.slug, N_TOLD[name])
    assert len(told) == N_TOLD[name]
    assert len({one.message_id for one in told}) == N_TOLD[name]
    assert not any(one.envelope["trusted"] for one in told)
    assert installation.quarantined(source.slug) == []
    events = installation.events(source.slug)
    views = [one for one in events if one.name == "Stay Viewed"]
    assert sorted(one.properties["position"] for one in views) == list(range(STORY["n_views"]))
    (searched,) = (one for one in events if one.name == "Stay Searched")
    assert searched.properties.items() >= STORY["search"].items()
    age = heard_at(told, "Stay Searched") - searched.at
    expected = STORY["earlier_s"] * clock.SECOND if name in SAYS_WHEN else 0
    assert abs(age - expected) < 60 * clock.SECOND
    (guest,) = installation.leads_to("key", f"{source.slug}:{STORY['guest']}")
    assert {one.profile_id for one in events} == {guest}  # what the visitor did before, too
    traits = installation.traits(guest)
    assert (traits["city"], traits["nights_a_year"]) == ("İzmir", 9)
    assert "Page Viewed" in {one.name for one in events}


def heard_at(told: list[Told], event: str) -> int:
    (found,) = (one for one in told if one.message.get("event") == event)
    return found.recorded_at


@pytest.mark.parametrize("name", N_TOLD)
def test_what_a_library_says_arrives(  # noqa: PLR0917 - fixtures
    name, page, errors, shop, installation, source
):
    visit(page, shop.page(name, url=installation.url, key=source.write))
    check(installation, source, name)
    assert errors == []


@pytest.mark.parametrize("name", ["segment", "rudder"])
def test_a_bad_line_makes_a_library_repeat_and_each_part_counts_once(  # noqa: PLR0917 - fixtures
    name, page, errors, shop, installation, source
):
    with Trouble(installation.url, BAD_LINE).open() as line:
        visit(page, shop.page(name, url=line.url, key=source.write))
        check(installation, source, name)
    assert set(line.met) >= set(BAD_LINE)
    # The browser itself says on the console that a request failed; nothing else may stand there.
    assert [one for one in errors if "Failed to load resource" not in one] == []


def test_what_reaches_us_twice_of_a_library_that_repeats_nothing_counts_once(
    page, errors, shop, installation, source
):
    with Trouble(installation.url, [trouble.TWICE] * 40).open() as line:
        visit(page, shop.page("jitsu", url=line.url, key=source.write))
        check(installation, source, "jitsu")
    assert line.met[trouble.TWICE] >= 1
    assert errors == []


def test_a_page_of_a_site_that_is_not_on_the_list_is_refused(page, shop, installation, source):
    installation.allow(source.write, "https://www.example.com")
    with page.expect_response("**/v1/t") as answered:
        visit(page, shop.page("segment", url=installation.url, key=source.write))
    assert answered.value.status == 403
    assert installation.told(source.slug) == []
