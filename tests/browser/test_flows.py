"""What people do on the pages, with scripts and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.world import World
from tests.web import company as made_up

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def plain(browser, browser_context_args, world: World) -> Page:
    """Return the page of Deniz in a browser that runs no scripts."""
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": world.session, "url": world.url}])
    yield context.new_page()
    context.close()


# ------------------------------------------------------------------------------- with scripts --


def test_customers_are_found_while_typing_and_the_address_keeps_the_search(desk, world):
    desk.goto(world.url + "/customers/")
    desk.keyboard.press("Control+k")
    desk.keyboard.type("dogan")
    expect(desk.locator("#results tbody tr")).to_have_count(1)
    expect(desk.locator("#results")).to_contain_text("Elif Doğan")
    expect(desk).to_have_url(re.compile(r"\?q=dogan$"))
    expect(desk.locator("#say")).to_contain_text("1 müşteri")
    expect(desk.locator("#q")).to_be_focused()
    desk.reload()
    expect(desk.locator("#results tbody tr")).to_have_count(1)


def test_the_search_of_the_top_bar_leads_to_customers_from_anywhere(desk, world):
    desk.goto(world.url + "/rfm/")
    desk.keyboard.press("/")
    desk.keyboard.type("0532 123 45 41")
    desk.keyboard.press("Enter")
    expect(desk.locator("#results tbody tr")).to_have_count(1)


def test_the_timeline_changes_in_place_and_back_returns(desk, world):
    desk.goto(world.address("/customers/{elif}/"))
    desk.get_by_role("link", name="Konaklama", exact=True).click()
    expect(desk).to_have_url(re.compile("show=orders"))
    expect(desk.locator("#timeline")).not_to_contain_text("Otel aradı")
    desk.go_back()
    expect(desk.locator("#timeline")).to_contain_text("Otel aradı")


def test_contacts_are_shown_on_request_without_leaving_the_page(desk, world):
    desk.goto(world.address("/customers/{elif}/"))
    expect(desk.locator("#contacts")).to_contain_text("0532 ••• •• 41")
    desk.get_by_role("button", name="Göster").click()
    expect(desk.locator("#contacts")).to_contain_text("0532 123 45 41")
    expect(desk).to_have_url(re.compile(r"/customers/\d+/$"))


def test_an_answer_that_fails_keeps_what_is_there_and_offers_to_try_again(page, context, world):
    context.add_cookies([{"name": "sessionid", "value": world.session, "url": world.url}])
    page.goto(world.url + "/customers/")
    page.route("**/customers/?q=*", lambda route: route.abort())
    page.locator("#q").fill("dogan")
    expect(page.get_by_text("Yanıt gelmedi.")).to_be_visible()
    expect(page.locator("#results tbody tr")).to_have_count(50)


def test_the_theme_changes_at_once_and_stays(desk, context: BrowserContext, world):
    desk.emulate_media(color_scheme="light")
    desk.goto(world.url + "/")
    light = ground(desk)
    desk.get_by_role("button", name="Koyu tema").click()
    assert ground(desk) != light
    expect(desk.get_by_role("button", name="Açık tema")).to_be_focused()
    desk.reload()
    assert ground(desk) != light
    assert {c["name"]: c["value"] for c in context.cookies()}["theme"] == "dark"


def ground(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_on_a_phone_the_menu_opens_leads_on_and_closes(desk, world):
    desk.set_viewport_size(PHONE)
    desk.goto(world.url + "/")
    menu = desk.get_by_role("complementary", name="Ana menü")
    expect(menu).to_be_hidden()
    desk.get_by_role("button", name="Menü", exact=True).click()
    expect(menu).to_be_visible()
    desk.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    desk.get_by_role("button", name="Menü", exact=True).click()
    menu.get_by_role("link", name="Segmentler").click()
    expect(desk).to_have_url(re.compile("/segments/$"))
    expect(menu).to_be_hidden()


def test_a_chart_is_read_with_the_arrow_keys(desk, world):
    desk.goto(world.url + "/?days=91")
    drawing = desk.locator(".chart svg:visible").first
    drawing.focus()
    desk.keyboard.press("ArrowLeft")
    tip = desk.locator(".chart__tip").first
    expect(tip).to_contain_text("Kas 2026")
    last = tip.text_content()
    desk.keyboard.press("ArrowLeft")
    expect(tip).not_to_have_text(last)
    desk.get_by_text("Tablo olarak göster").first.click()
    expect(desk.get_by_role("group", name="Grafiğin sayıları").first).to_be_visible()


def test_a_long_list_of_days_is_picked_by_typing(desk, world):
    desk.goto(world.url + "/rfm/")
    pick = desk.locator("ps-select button").first
    pick.focus()
    desk.keyboard.press("ArrowDown")
    box = desk.get_by_role("combobox")
    expect(box).to_be_focused()
    box.fill("eki")
    expect(desk.get_by_role("option")).to_have_count(1)
    desk.keyboard.press("Enter")
    expect(pick).to_contain_text("2 Eki 2026")
    expect(pick).to_be_focused()
    pick.click()
    desk.get_by_role("combobox").fill("xyz")
    expect(desk.get_by_role("listbox")).to_contain_text("O güne ait hesaplama yok")
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("listbox")).to_have_count(0)


def test_the_first_stop_of_the_tab_key_skips_the_menu(desk, world):
    desk.goto(world.url + "/customers/")
    desk.keyboard.press("Tab")
    skip = desk.get_by_role("link", name="İçeriğe geç")
    expect(skip).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.locator("#main")).to_be_focused()


@pytest.mark.parametrize("letter", "ğĞşŞıİçÇöÖüÜ₺")
def test_the_font_of_the_pages_has_each_turkish_letter(desk, world, letter):
    desk.goto(world.url + "/login/")
    widths = desk.evaluate(
        """async (letter) => {
            await document.fonts.load("40px Inter", letter);
            const pen = document.createElement("canvas").getContext("2d");
            return ["Inter, monospace", "Inter, serif", "monospace", "serif"].map((family) => {
                pen.font = `40px ${family}`;
                return pen.measureText(letter.repeat(20)).width;
            });
        }""",
        letter,
    )
    assert widths[0] == widths[1]
    assert widths[0] not in widths[2:]


# ---------------------------------------------------------------------------- without scripts --


def test_without_scripts_one_signs_in_by_link(browser, browser_context_args, world):
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = context.new_page()
    page.goto(world.url + "/customers/")
    expect(page).to_have_url(re.compile(r"/login/\?next=/customers/$"))
    page.goto(world.address("/login/link/{link}/"))
    page.get_by_role("button", name="Oturum aç").click()
    expect(page.get_by_role("heading", name="Genel bakış")).to_be_visible()
    page.get_by_role("button", name="Oturumu kapat").click()
    expect(page).to_have_url(re.compile("/login/$"))
    context.close()


def test_without_scripts_customers_are_found_and_paged(plain, world):
    plain.goto(world.url + "/customers/")
    plain.get_by_role("link", name="Sonraki sayfa").click()
    expect(plain.locator("#results tbody tr")).to_have_count(36)
    plain.locator("#q").fill("0 532 1234541")
    plain.get_by_role("button", name="Ara", exact=True).click()
    expect(plain.locator("#results tbody tr")).to_have_count(1)


def test_without_scripts_the_card_filters_and_shows_contacts(plain, world):
    plain.goto(world.address("/customers/{elif}/"))
    plain.get_by_role("link", name="İletişim", exact=True).click()
    expect(plain.locator("#timeline")).to_contain_text("İzin verdi: E-posta")
    expect(plain.locator("#timeline")).not_to_contain_text("Otel aradı")
    plain.get_by_role("button", name="Göster").click()
    expect(plain.locator("#contacts")).to_contain_text("0532 123 45 41")
    plain.get_by_role("link", name="Web", exact=True).click()
    expect(plain).to_have_url(re.compile(r"/customers/\d+/\?show=web$"))


def test_without_scripts_theme_and_language_change(plain, world):
    plain.goto(world.url + "/customers/?q=elif")
    plain.get_by_role("button", name="Koyu tema").click()
    expect(plain.locator("html")).to_have_attribute("data-theme", "dark")
    plain.get_by_role("button", name="EN English").click()
    expect(plain.get_by_role("heading", name="Customers", exact=True)).to_be_visible()
    expect(plain).to_have_url(re.compile(r"\?q=elif$"))


def test_without_scripts_a_phone_opens_the_menu(plain, world):
    plain.set_viewport_size(PHONE)
    plain.goto(world.url + "/")
    plain.get_by_role("button", name="Menü", exact=True).click()
    plain.get_by_role("complementary").get_by_role("link", name="RFM").click()
    expect(plain).to_have_url(re.compile("/rfm/$"))


def test_the_clock_of_the_server_is_the_tests_own(desk, world):
    desk.goto(world.url + "/")
    expect(desk.locator("main")).to_contain_text("21 Kas 2026 dahil")
    assert made_up.TODAY.isoformat() == "2026-11-22"
