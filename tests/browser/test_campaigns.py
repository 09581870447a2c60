"""A campaign from its first word to its sending, with scripts and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.browser.world import World
from tests.web import plans

from pusula.campaigns.models import Campaign
from pusula.outbox.models import Message

HTML = (
    "<html><head><style>@media (prefers-color-scheme: dark) {h1 {color: rgb(255, 0, 0)}}</style>"
    "</head><body><h1>Merhaba {{ profile.first_name }}</h1>"
    "<a href='{{ unsubscribe_url }}'>Çık</a></body></html>"
)


@pytest.fixture
def plain(browser, browser_context_args, world: World) -> Page:
    """Return the page of Deniz in a browser that runs no scripts."""
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": world.session, "url": world.url}])
    yield context.new_page()
    context.close()


def write(page: Page, html: str = HTML) -> None:
    page.locator("#id_title").fill("Kış daveti")
    page.get_by_role("group", name="Hedef kitle").get_by_label(
        "Sadık misafirler", exact=True
    ).check()
    page.locator("#id_subject").fill("{{ profile.first_name }}, kış geldi")
    page.locator("#id_html").fill(html)


def send(page: Page) -> int:
    """Save what was written, send it by typing the number of people, and return that number."""
    page.get_by_role("button", name="Taslağı kaydet").click()
    page.get_by_role("link", name="Gönder …").click()
    n = page.locator(".big b").inner_text()
    page.locator("#people").fill(n)
    page.get_by_role("button", name="Şimdi gönder").click()
    return int(n)


def test_the_preview_follows_what_is_typed(desk, world):
    desk.goto(world.url + "/campaigns/+new/")
    write(desk)
    mail = desk.frame_locator("iframe")
    expect(mail.locator("h1")).to_have_text("Merhaba Elif")
    expect(desk.locator("#preview")).to_contain_text("Elif, kış geldi")
    desk.locator("#id_html").fill(HTML.replace("Merhaba", "Selam"))
    expect(mail.locator("h1")).to_have_text("Selam Elif")
    expect(desk.locator("#id_html")).to_be_focused()


def test_the_preview_leads_to_the_next_customer_and_shows_dark_and_narrow(desk, world):
    desk.goto(world.url + "/campaigns/+new/")
    write(desk)
    mail = desk.frame_locator("iframe")
    expect(mail.locator("h1")).to_have_text("Merhaba Elif")
    desk.get_by_role("button", name="Sonraki müşteri").click()
    expect(desk.locator("#preview .person")).not_to_contain_text("Elif Doğan")
    desk.get_by_role("button", name="Önceki müşteri").click()
    expect(mail.locator("h1")).to_have_text("Merhaba Elif")
    expect(mail.locator("h1")).to_have_css("color", "rgb(0, 0, 0)")
    desk.get_by_text("Koyu", exact=True).locator("xpath=../..").click()
    expect(mail.locator("h1")).to_have_css("color", "rgb(255, 0, 0)")
    desk.locator("label", has_text="375").click()
    expect(desk.locator("iframe")).to_have_css("width", "375px")


def test_a_mistake_is_named_while_it_is_typed(desk, world):
    desk.goto(world.url + "/campaigns/+new/")
    write(desk, "<p>{{ profile.ad }}</p>")
    expect(desk.locator("#preview")).to_contain_text("profile.ad")
    expect(desk.locator("#preview .checklist__error")).to_have_count(2)


def test_a_campaign_is_written_and_sent(desk, world):
    desk.goto(world.url + "/campaigns/+new/")
    write(desk)
    n = send(desk)
    expect(desk.locator(".toast")).to_contain_text(f"{n} kişiye gönderim başladı.")
    expect(desk.locator("#progress")).to_contain_text("Bekliyor")
    assert Message.objects.filter(origin=Campaign.objects.get(key="kis-daveti").origin).count() == n


def test_the_progress_becomes_the_result_by_itself(desk, world):
    desk.goto(world.url + "/campaigns/guz/")
    expect(desk.locator("#progress")).to_be_visible()
    plans.settle(Campaign.objects.get(key="guz"))
    expect(desk.locator(".verdict")).to_contain_text("Henüz erken", timeout=10_000)


def test_links_of_a_caught_mail_open_a_new_tab(desk, context, world):
    desk.goto(world.address("/sent-mail/{mail}/"))
    context.route("https://lodos.example/**", lambda route: route.fulfill(body="Lodos"))
    with context.expect_page() as opened:
        desk.frame_locator("iframe").get_by_text("Yerinizi ayırın").click()
    expect(opened.value).to_have_url("https://lodos.example/bahar")
    expect(desk).to_have_url(re.compile("/sent-mail/"))


def test_without_scripts_a_campaign_is_previewed_written_and_sent(plain, world):
    plain.goto(world.url + "/campaigns/+new/")
    write(plain)
    plain.get_by_role("button", name="Sonraki müşteri").click()
    expect(plain.locator("#preview")).to_contain_text("kış geldi")
    expect(plain.locator("#id_title")).to_have_value("Kış daveti")
    plain.get_by_role("button", name="Yenile").click()
    expect(plain.frame_locator("iframe").locator("h1")).to_contain_text("Merhaba")
    n = send(plain)
    expect(plain.locator("#progress")).to_contain_text("Bekliyor")
    assert Message.objects.filter(origin=Campaign.objects.get(key="kis-daveti").origin).count() == n
