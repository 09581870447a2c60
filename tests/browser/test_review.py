"""Deciding whether two customers are one person, by a key."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.browser.pages import PAGES
from tests.browser.world import World


def test_one_key_decides_and_a_button_takes_it_back(desk: Page, world: World):
    desk.goto(world.address(PAGES["identity-review"]))
    proposed = desk.locator("#h-pair")
    expect(proposed).to_be_visible()
    desk.keyboard.press("n")
    expect(desk.locator(".toast")).to_be_visible()
    expect(proposed).to_have_count(0)
    desk.locator("button[value=reopen]").click()
    expect(proposed).to_be_visible()
