"""A segment built by hand: by keyboard, on a phone, without scripts, and published."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.browser.world import World

from pusula.segments.publishing import publication

PHONE = {"width": 360, "height": 780}


def big(page: Page) -> int:
    return int(page.locator("#big b").inner_text().replace(".", ""))


def settled(page: Page) -> None:
    """Wait until every panel has its answer."""
    expect(page.locator("#sample .table, #sample .prose")).to_have_count(1)
    expect(page.locator("#overlap .skeleton, #past-sizes .skeleton")).to_have_count(0)
    expect(page.locator(".htmx-request")).to_have_count(0)


@pytest.fixture
def builder(desk: Page, world: World) -> Page:
    """Return the builder with the conditions of the repeat guests."""
    desk.goto(world.url + "/segments/repeat-guests/edit/")
    settled(desk)
    yield desk
    settled(desk)


def test_the_count_follows_what_is_typed(builder):
    before = big(builder)
    builder.locator("[id='n1.v']").fill("3")
    expect(builder.locator("#big b")).not_to_have_text(str(before))
    assert 0 < big(builder) < before
    expect(builder.locator("#c-n1 b")).to_have_text(builder.locator("#big b").inner_text())
    expect(builder.locator("#say")).to_contain_text(builder.locator("#big b").inner_text())
    builder.locator("[id='n1.v']").fill("")
    expect(builder.locator("#c-n1 .count__missing")).to_be_visible()


def test_a_condition_is_added_picked_and_undone_by_keyboard_alone(builder):
    before = big(builder)
    builder.locator("[id='n1.v']").focus()
    builder.keyboard.press("Alt+n")
    expect(builder.locator("[data-node=n2] .combo:focus")).to_have_count(1)
    builder.keyboard.press("ArrowDown")
    builder.keyboard.type("son konaklama")
    builder.keyboard.press("Enter")
    expect(builder.locator("[id='n2.op']")).to_be_visible()
    expect(builder.locator("#big b")).not_to_have_text(str(before))
    builder.locator("[data-node=n2] .combo").first.focus()
    builder.keyboard.press("Alt+ArrowUp")
    expect(builder.locator("[data-group=inc] > li").first).to_have_attribute("data-node", "n2")
    expect(builder.locator("[data-node=n2] .combo:focus")).to_have_count(1)
    builder.keyboard.press("Control+z")
    expect(builder.locator("[data-group=inc] > li").first).to_have_attribute("data-node", "n1")
    builder.keyboard.press("Control+z")
    expect(builder.locator("[id='n2.op']")).to_have_count(0)
    builder.keyboard.press("Control+z")
    expect(builder.locator("[data-node=n2]")).to_have_count(0)
    expect(builder.locator("#big b")).to_have_text(str(before))


def test_a_trait_is_chosen_from_the_picker_and_its_values_are_ticked(builder):
    before = big(builder)
    builder.locator("button[value='add:inc']").click()
    expect(builder.locator("[data-node=n2] .combo:focus")).to_have_count(1)
    builder.keyboard.press("ArrowDown")
    expect(builder.locator(".pop--list input:focus")).to_have_count(1)
    builder.keyboard.type("il")
    builder.locator(".pop--list [role=option]", has_text=re.compile(r"^İl(?!k)")).first.click()
    expect(builder.locator("[id='n2.op']")).to_be_visible()
    builder.locator("[id='n2.v.many'] > summary").press("Enter")
    builder.get_by_label("Bursa", exact=True).check()
    expect(builder.locator("#big b")).not_to_have_text(str(before))
    assert 0 < big(builder) < before
    builder.keyboard.press("Escape")
    expect(builder.locator("[id='n2.v.many']")).not_to_have_attribute("open", "")


def test_groups_menus_and_yaml_lead_to_each_other(builder):
    builder.locator("#b-n1").click()
    builder.locator("#m-n1 button[value='wrap:n1']").click()
    expect(builder.locator(".group [data-node=n1]")).to_have_count(1)
    builder.locator("button[value=yaml]").click()
    expect(builder.locator("#yaml")).to_have_value(re.compile(r"any:\n +- orders:"))
    builder.locator("#yaml").fill("trait: {town: {is: Bursa}}")
    builder.locator("button[value=form]").click()
    expect(builder.locator("#builder .note--bad")).to_contain_text("where.trait.town")
    builder.locator("#yaml").fill("trait: {city: {is: Bursa}}")
    builder.locator("button[value=form]").click()
    expect(builder.locator("[id='n1.v.many'] [data-chosen]")).to_have_text("Bursa")


def test_a_failed_count_keeps_the_form(page, context, world):
    context.add_cookies([{"name": "sessionid", "value": world.session, "url": world.url}])
    page.goto(world.url + "/segments/repeat-guests/edit/")
    settled(page)
    page.route("**/+build/count/", lambda route: route.abort())
    page.locator("[id='n1.v']").fill("4")
    expect(page.locator("[data-error-of=result]")).to_be_visible()
    expect(page.locator("[id='n1.v']")).to_have_value("4")


def test_it_works_on_a_phone(builder):
    builder.set_viewport_size(PHONE)
    builder.locator("button[value='group:inc']").click()
    expect(builder.locator(".group")).to_have_count(1)
    assert builder.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    builder.locator("#b-n1").click()
    expect(builder.locator("#m-n1")).to_be_visible()
    builder.keyboard.press("Escape")


def test_a_segment_is_saved_previewed_and_published(desk, world):
    desk.goto(world.url + "/segments/+new/")
    desk.locator("#title_tr").fill("Bursa misafirleri")
    desk.locator("button[value=yaml]").click()
    desk.locator("#yaml").fill("trait: {city: {is: Bursa}}")
    desk.keyboard.press("Control+Enter")
    expect(desk).to_have_url(re.compile("/segments/bursa-misafirleri/change/"))
    assert publication.work_once("browser")
    expect(desk.locator("#change .kpis")).to_be_visible()
    desk.locator("button[value=publish]").click()
    expect(desk.locator("#change progress")).to_be_visible()
    assert publication.work_once("browser")
    expect(desk).to_have_url(re.compile("/segments/bursa-misafirleri/$"))
    expect(desk.locator("h1")).to_have_text("Bursa misafirleri")
    assert int(desk.locator(".big b").first.inner_text()) > 0


def test_all_of_it_works_without_scripts(browser, browser_context_args, world):
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": world.session, "url": world.url}])
    page = context.new_page()
    page.goto(world.url + "/segments/repeat-guests/edit/")
    before = big(page)
    page.locator("[id='n1.v']").fill("3")
    page.locator("[id='n1.v']").press("Enter")
    assert 0 < big(page) < before
    page.locator("button[value='add:exc']").click()
    page.locator("[id='n2.k']").select_option("consent")
    page.locator("[id='n1.v']").press("Enter")
    assert page.locator("[id='n2.channel']").input_value() == "email"
    page.locator("button[value=undo]").click()
    assert page.locator("[id='n2.k']").input_value() == ""
    context.close()
