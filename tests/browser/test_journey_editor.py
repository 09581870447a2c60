"""A journey written by hand: by keyboard, on a phone, without scripts, and published."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.browser.world import World

from pusula.journeys.models import Journey

AXE = Axe()
PHONE = {"width": 360, "height": 780}
KINDS = ".course__row .course__open b"


def settled(page: Page) -> None:
    """Wait until the page has its answer."""
    expect(page.locator(".htmx-request")).to_have_count(0)


@pytest.fixture
def editor(desk: Page, world: World) -> Page:
    """Return the editor with the journey of those who stopped booking."""
    desk.goto(world.url + "/journeys/abandoned/edit/")
    settled(desk)
    yield desk
    settled(desk)


def opened(page: Page, name: str) -> None:
    """Open the step called ``name`` in the sentences."""
    page.locator(".course__open", has_text=name).first.click()
    expect(page.locator(".sheet")).to_be_visible()
    settled(page)


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
@pytest.mark.parametrize("step", ["Mesaj gönder: SMS “Merhaba”", "Rezervasyon"])
def test_open_sheets_are_accessible_and_fit(editor, look, step):
    editor.emulate_media(color_scheme="light" if look == "light" else "dark")
    if look == "phone":
        editor.set_viewport_size(PHONE)
    opened(editor, step)
    found = AXE.run(editor)
    assert found.violations_count == 0, found.generate_report()
    width = editor.viewport_size["width"]
    assert editor.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_typed_is_said_in_words_at_once(editor):
    opened(editor, "30 dakika")
    editor.locator(".sheet input[inputmode=decimal]").fill("45")
    expect(editor.locator(".course__words", has_text="45 dakika")).to_have_count(1)
    expect(editor.locator("#result")).to_contain_text("45 dakika")
    editor.locator(".sheet input[inputmode=decimal]").fill("")
    expect(editor.locator(".part__problem:not(:empty)").first).to_be_visible()


def test_a_step_is_added_moved_and_taken_back_by_keyboard_alone(editor):
    before = editor.locator(KINDS).all_inner_texts()
    editor.locator("[id='plus:steps:1']").focus()
    editor.keyboard.press("Enter")
    expect(editor.locator(".plus__choice:focus")).to_have_count(1)
    editor.keyboard.press("Tab")
    editor.keyboard.press("Enter")
    expect(editor.locator("#sheet-title:focus")).to_have_count(1)
    expect(editor.locator(KINDS)).to_have_count(len(before) + 1)
    editor.keyboard.press("Alt+ArrowUp")
    settled(editor)
    expect(editor.locator(KINDS)).to_have_count(len(before) + 1)
    editor.locator("h2#h-steps").click()
    editor.keyboard.press("Control+z")
    expect(editor.locator(KINDS).nth(2)).to_have_text(before[2])
    settled(editor)
    editor.keyboard.press("Control+z")
    expect(editor.locator(KINDS)).to_have_count(len(before))


def test_a_condition_is_counted_while_it_is_typed(editor):
    editor.locator(".course__lead button.course__open").first.click()
    expect(editor.locator("#c-n1 b")).to_be_visible()
    before = editor.locator("#c-n1 b").inner_text()
    editor.locator("[id='n1.v']").fill("1")
    expect(editor.locator("#c-n1 b")).not_to_have_text(before)


def test_everything_works_without_scripts(world: World, browser):
    plain = browser.new_context(java_script_enabled=False, locale="tr-TR", viewport=PHONE)
    plain.add_cookies([{"name": "sessionid", "value": world.session, "url": world.url}])
    page = plain.new_page()
    page.goto(world.url + "/journeys/season/edit/")
    n = page.locator(KINDS).count()
    page.locator("[id='plus:steps:0']").click()
    page.locator(".plus__choice").nth(1).click()
    page.locator(".sheet input[inputmode=decimal]").fill("3")
    page.locator(".sheet [value=close]").click()
    assert page.locator(KINDS).count() == n + 1
    page.locator("[data-save]").click()
    assert page.url.endswith("/journeys/season/publish/")
    page.locator("[name=decision][value=publish]").click()
    assert page.url.endswith("/journeys/season/")
    plain.close()
    assert Journey.objects.get(key="season").state == "live"
