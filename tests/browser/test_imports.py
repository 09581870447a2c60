"""A file from the desk of a person into the company, with scripts and without."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.world import World

from pusula.web import uploads

REPORT = {
    "import_id": None, "n_rows": 12, "n_new": 9, "n_changed": 1, "n_same": 1, "n_rejected": 1,
    "n_filtered": 0, "notes": [], "reasons": [
        {"column": "Doğum", "reason": "tarih değil", "n": 1, "line": 7, "value": "30.02.1990"}
    ],
}  # fmt: skip


@pytest.fixture(params=["scripts", "no scripts"])
def person(request, browser, browser_context_args, world: World) -> Page:
    has_scripts = request.param == "scripts"
    context = browser.new_context(**browser_context_args, java_script_enabled=has_scripts)
    context.add_cookies([{"name": "sessionid", "value": world.session, "url": world.url}])
    yield context.new_page()
    context.close()


@pytest.fixture
def gate(monkeypatch, world: World, tmp_path: Path) -> Path:
    """Let jobs be a small program that says where it is and ends when ``gate`` is there."""
    gate = tmp_path / "gate"
    script = (
        "import pathlib, sys, time\n"
        "sys.stderr.write('Okunuyor · 40%\\n'); sys.stderr.flush()\n"
        "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.05)\n"
        "sys.stdout.write(sys.argv[2])\n"
    )

    def command(_upload: uploads.Upload, name: str) -> list[str]:
        told = REPORT | {"import_id": world.names["import"] if name == uploads.IMPORT else None}
        return [sys.executable, "-c", script, str(gate), json.dumps(told)]

    monkeypatch.setattr(uploads, "command", command)
    return gate


def until(person: Page, text: str) -> None:
    """Wait for ``text``; without scripts by asking again, as the page says."""
    for _ in range(40):
        if person.get_by_text(text).count():
            return
        person.wait_for_timeout(250)
        again = person.get_by_role("link", name="Son durumu göster")
        if again.count():
            again.click()
    raise AssertionError(text)


def test_a_file_is_checked_shown_and_imported(person: Page, world: World, gate: Path, tmp_path):
    file = tmp_path / "misafirler.csv"
    file.write_text("No;Ad\n1;Elif\n")
    person.goto(world.url + "/imports/")
    person.locator("#file").set_input_files(file)
    person.locator("#mapping").fill('source = "pms"')
    person.get_by_role("button", name="Dosyayı kontrol et").click()
    until(person, "Okunuyor · 40%")
    gate.touch()
    until(person, "İçe aktarma ne yapacak?")
    expect(person.locator("main")).to_contain_text("1 satır reddedildi")
    person.get_by_role("button", name="Geçerli satırları içe aktar").click()
    until(person, "İçe aktarma ne yaptı?")
    expect(person).to_have_url(re.compile(rf"/imports/{world.names['import']}/$"))
