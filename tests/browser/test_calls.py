"""The agent's page in a browser: one key notes a call, and only outside of text boxes."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.browser.world import World

from pusula.journeys.models import Attempt, Task


def test_a_key_notes_the_call_and_the_next_one_comes_but_not_while_somebody_types(
    desk: Page, world: World
):
    mine = Task.objects.get(holder="deniz")
    desk.goto(world.address("/tasks/"))
    box = desk.locator("#note")
    box.fill("Oda 1")
    box.press("2")
    expect(box).to_have_value("Oda 12")
    assert not Attempt.objects.filter(task=mine).exists()
    desk.locator("h1").click()
    with desk.expect_navigation():
        desk.keyboard.press("2")
    expect(desk.locator("#note")).to_have_value("")
    attempt = Attempt.objects.get(task=mine)
    assert (attempt.result, attempt.note) == ("thinking", "Oda 12")
    assert Task.objects.get(holder="deniz") != mine


def test_enter_behind_a_moment_means_call_back_then(desk: Page, world: World):
    mine = Task.objects.get(holder="deniz")
    desk.goto(world.address("/tasks/"))
    desk.locator("#again").fill("2026-11-23T10:30")
    with desk.expect_navigation():
        desk.locator("#again").press("Enter")
    assert Attempt.objects.get(task=mine).result == "call_back"


def test_a_page_that_is_open_keeps_the_call_and_one_that_lost_it_shows_so(desk: Page, world: World):
    desk.goto(world.address("/tasks/"))
    held = Task.objects.get(holder="deniz")
    assert desk.evaluate("Boolean(window.htmx)")
    form = desk.locator("form[hx-post$='/keep/']")
    expect(form).to_have_attribute("hx-trigger", "every 60s")
    Task.objects.filter(pk=held.pk).update(holder="", held_until_at=None)
    with desk.expect_navigation():
        desk.evaluate(
            "htmx.ajax('POST', document.querySelector(\"form[hx-post$='/keep/']\")"
            ".getAttribute('hx-post'), {source: \"form[hx-post$='/keep/']\", swap: 'none'})"
        )
    expect(desk.locator("form[hx-post$='/keep/']")).to_have_count(0)
