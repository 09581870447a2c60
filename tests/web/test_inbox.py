"""Sent mail: what the mail catcher kept."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from pusula.web import mails

pytestmark = pytest.mark.django_db

HTML = (
    "<!doctype html><html><head><style>"
    "@media (prefers-color-scheme: dark) {p {color: red}}</style></head>"
    "<body><p>Merhaba Elif</p><script>alert(1)</script></body></html>"
)


@pytest.fixture
def folder(settings, tmp_path):
    settings.PUSULA_HOME = tmp_path
    (tmp_path / "mailbox").mkdir()
    return tmp_path / "mailbox"


def caught(folder, n: int, to: str = "elif@example.com", subject: str = "Bahar geldi") -> str:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Lodos <l@lodos.example>", to, subject
    message.set_content("Merhaba https://lodos.example/bahar")
    message.add_alternative(HTML, subtype="html")
    key = f"{1_700_000_000_000_000 + n}-{'a' * 22}"
    (folder / f"{key}.eml").write_bytes(message.as_bytes())
    return key


def page(client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def test_without_a_mail_catcher_there_is_no_such_page(deniz, settings, tmp_path):
    settings.PUSULA_HOME = tmp_path
    assert deniz.get("/sent-mail/").status_code == 404
    assert "/sent-mail/" not in page(deniz, "/segments/")


@pytest.mark.parametrize("language", ["tr", "en"])
def test_an_empty_mailbox_says_what_will_come(deniz, folder, language):
    shown = page(deniz, "/sent-mail/", language)
    assert 'class="empty"' in shown
    assert 'href="/sent-mail/" aria-current="page"' in shown


def test_mails_are_listed_the_newest_first(deniz, folder):
    old, new = caught(folder, 1, subject="Önceki"), caught(folder, 2, subject="Sonraki")
    shown = page(deniz, "/sent-mail/")
    assert shown.index(new) < shown.index(old)


def test_mails_are_found_by_address_or_subject_whatever_the_case(deniz, folder):
    key = caught(folder, 1, subject="İndirim başladı")
    other = caught(folder, 2, to="can@example.com")
    shown = page(deniz, "/sent-mail/?q=indirim")
    assert key in shown
    assert other not in shown
    assert other in page(deniz, "/sent-mail/?q=CAN@")
    assert "No such mail" in page(deniz, "/sent-mail/?q=yok")


def test_many_mails_come_in_pages(deniz, folder):
    keys = [caught(folder, n) for n in range(51)]
    shown = page(deniz, "/sent-mail/")
    assert keys[0] not in shown
    assert "?n=100" in shown
    assert keys[0] in page(deniz, "/sent-mail/?n=100")


@pytest.mark.parametrize("language", ["tr", "en"])
def test_a_mail_shows_frame_text_and_headers(deniz, folder, language):
    key = caught(folder, 1)
    shown = page(deniz, f"/sent-mail/{key}/", language)
    assert f'src="/sent-mail/{key}/html/"' in shown
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    assert 'href="https://lodos.example/bahar"' in shown
    assert "Content-Type" in shown


def test_the_frame_runs_nothing_and_its_links_open_a_new_tab(deniz, folder):
    answer = deniz.get(f"/sent-mail/{caught(folder, 1)}/html/")
    policy = answer["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert '<head><base target="_blank">' in answer.content.decode()


def test_a_mail_that_is_not_there_is_404(deniz, folder):
    for key in ("../secret", "x", "1700000000000001-" + "b" * 22):
        assert deniz.get(f"/sent-mail/{key}/").status_code == 404


def test_the_theme_of_a_mail_is_the_one_asked_for():
    dark = mails.framed(HTML, "dark").content.decode()
    light = mails.framed(HTML, "light").content.decode()
    assert "@media (min-width: 0) {p {color: red}}" in dark
    assert "@media (max-width: 0) {p {color: red}}" in light


def test_a_mail_without_a_head_keeps_its_doctype_first():
    assert mails.framed("<p>a</p>").content == b'<base target="_blank"><p>a</p>'
    whole = mails.framed("<!DOCTYPE html>\n<html lang=tr><p>a</p>").content.decode()
    assert whole.startswith('<!DOCTYPE html>\n<html lang=tr><base target="_blank">')
