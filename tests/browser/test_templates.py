"""The editor of templates in a browser: the preview follows, fields are inserted."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.browser.world import World


def test_the_preview_follows_what_is_typed_and_a_click_inserts_a_field(desk: Page, world: World):
    desk.goto(world.address("/templates/{template}/"))
    subject = desk.locator("[name=subject]")
    subject.fill("Bahar: ")
    desk.locator("details:has([data-insert-list]) > summary").click()
    desk.locator("[data-insert-list] button", has_text="profile.first_name").first.click()
    expect(subject).to_have_value("Bahar: {{ profile.first_name }}")
    expect(desk.locator(".inbox-row__subject")).to_have_text("Bahar: Elif")


def test_the_frame_shows_the_mail_and_follows_the_chosen_width(desk: Page, world: World):
    desk.goto(world.address("/templates/{template}/"))
    frame = desk.locator("iframe[name=mail-frame]")
    expect(frame.content_frame.locator("h1")).to_have_text("Elif")
    desk.locator("input[name=width][value='375']").check(force=True)
    expect(frame).to_have_css("width", "375px")


def test_without_scripts_the_frame_is_filled_by_its_button(desk: Page, world: World):
    context = desk.context.browser.new_context(java_script_enabled=False)
    context.add_cookies(desk.context.cookies())
    page = context.new_page()
    page.goto(world.address("/templates/{template}/"))
    page.locator("[data-preview]").click()
    expect(page.frame_locator("iframe[name=mail-frame]").locator("h1")).to_have_text("Elif")
    page.locator("button[name=to]:not([disabled])").first.click()
    expect(page.locator(".person")).not_to_contain_text("Elif")
    context.close()
