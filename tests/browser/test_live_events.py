"""The live debugger in the browser: it goes on by itself, and stands still when told."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from tests.browser.world import World


def test_the_list_asks_for_itself_until_it_is_paused(desk: Page, world: World):
    with desk.expect_response(lambda answer: "hx-request" in answer.request.headers) as asked:
        desk.goto(world.url + "/sources/+live/?source=web")
    assert asked.value.status == 200
    assert "source=web" in asked.value.url
    expect(desk.locator("#entries tbody tr")).to_have_count(6)
    desk.locator("#pause").click()
    expect(desk).to_have_url(re.compile("pause=1"))
    expect(desk.locator("#entries[hx-trigger]")).to_have_count(0)
    desk.locator("#pause").click()
    expect(desk.locator("#entries[hx-trigger]")).to_have_count(1)


def test_an_entry_leads_to_its_customer_and_shows_itself_in_full_when_asked(desk, world):
    desk.goto(world.url + "/sources/+live/?type=identify&pause=1")
    desk.locator("#entries tbody th a").click()
    expect(desk.locator("pre")).not_to_contain_text("e@a.example")
    desk.get_by_role("button", name="Tümünü göster").click()
    expect(desk.locator("pre")).to_contain_text("e@a.example")
    desk.locator("dl a").first.click()
    expect(desk).to_have_url(re.compile(r"/customers/\d+/$"))


def test_a_source_is_added_and_its_key_is_shown_without_scripts(browser, world):
    context = browser.new_context(java_script_enabled=False, locale="tr-TR")
    context.add_cookies([{"name": "sessionid", "value": world.session, "url": world.url}])
    page = context.new_page()
    page.goto(world.url + "/sources/+new/")
    page.locator("#id_title").fill("Rezervasyon motoru")
    page.locator("#id_slug").fill("engine")
    page.locator("#id_kind").select_option("server")
    page.locator("main form button").click()
    expect(page.locator("#fresh-key")).to_have_text(re.compile("^sk_"))
    page.goto(world.url + "/sources/engine/")
    expect(page.locator("#fresh-key")).to_have_count(0)
    context.close()
