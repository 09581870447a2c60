"""A file from the desk of a person into the company and out again, with scripts and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.browser.world import World

from pusula.orders.models import Order
from pusula.sources import jobs, worker

FILE = """No;Misafir No;Durum;Tarih;Tutar
Y1;10;Ayrıldı;03.04.2025;1.234,50
Y2;11;Kapora;05.06.2025;99,00
Y3;12;İptal;30.02.2025;5,00
"""


@pytest.fixture(params=["scripts", "no scripts"])
def person(request, browser, browser_context_args, world: World) -> Page:
    has_scripts = request.param == "scripts"
    context = browser.new_context(**browser_context_args, java_script_enabled=has_scripts)
    context.add_cookies([{"name": "sessionid", "value": world.session, "url": world.url}])
    yield context.new_page()
    context.close()


@pytest.fixture(autouse=True)
def _no_limit(monkeypatch) -> None:
    monkeypatch.setattr(worker.limits, "apply", lambda: None)  # it would limit the tests


def work(person: Page, shows: str) -> None:
    """Do what waits, as the worker does, and wait for the page to show ``shows``."""
    while (job := jobs.take()) is not None:
        worker.run_job(job.pk)
    for _ in range(40):
        if person.locator(shows).count():
            return
        again = person.locator("#newest")
        if again.count():
            again.click()
        person.wait_for_timeout(250)
    raise AssertionError(shows)


def test_a_file_is_mapped_checked_imported_and_taken_back(person: Page, world: World, tmp_path):
    file = tmp_path / "rezervasyonlar.csv"
    file.write_text(FILE)
    person.goto(world.url + "/imports/")
    person.locator("input[name=kind][value=orders]").check(force=True)
    person.locator("#file").set_input_files(file)
    person.locator("form .btn--primary").click()
    work(person, "#mapping")

    expect(person.locator("#h-dates-0")).to_contain_text("03.04.2025")
    person.locator("#word-status-1").select_option("pending")
    person.locator("#dates-0-month").check(force=True)
    expect(person.locator("#dates-0-month")).to_be_checked()
    person.locator("#dates-0-day").check(force=True)
    person.locator("button[name=check]").click()
    work(person, "#h-would")
    expect(person.locator("#h-rejected")).to_contain_text("1")
    expect(person.locator("#job")).to_contain_text("30.02.2025")

    person.locator("form[action$='/import/'] button").click()
    work(person, "#h-did")
    expect(person).to_have_url(re.compile(r"/imports/\d+/$"))
    assert Order.objects.get(source_id="Y2").status == "pending"

    person.locator("form[action$='/undo/'] button").click()
    work(person, "button[name=undo]")
    person.locator("button[name=undo]").click()
    work(person, "#h-undone")
    assert not Order.objects.filter(source_id__in=["Y1", "Y2"]).exists()
