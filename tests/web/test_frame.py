"""What every page has: security headers, language, theme, menu, error pages, small requests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from pusula.lib.errors import PusulaError
from pusula.web.middleware import MAIL_POLICY, SpokenErrors, as_framed_mail, policy_line
from pusula.web.templatetags import ui

pytestmark = pytest.mark.django_db
TEMPLATES = Path(__file__).parents[2] / "src/pusula/web/templates"


def test_every_answer_carries_the_policy(deniz):
    for path in ("/", "/login/", "/no-such-page/", "/customers/1/", "/preferences/theme/"):
        headers = deniz.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_what_a_person_sees_is_kept_by_no_browser_or_proxy(deniz, company):
    paths = ("/", "/customers/", f"/customers/{company.elif_.pk}/", "/campaigns/", "/no-such-page/")
    for path in paths:
        assert "no-store" in deniz.get(path).headers["Cache-Control"], path
    posted = deniz.post("/preferences/theme/", {"theme": "dark"})
    assert "no-store" in posted.headers["Cache-Control"]


def test_files_that_are_the_same_for_all_may_be_kept(deniz):
    answer = deniz.get("/static/web/css/app.css")
    answer.close()
    assert answer.status_code == 200
    assert "no-store" not in answer.headers.get("Cache-Control", "")


def test_a_framed_mail_runs_nothing_and_is_framed_by_us_alone():
    answer = as_framed_mail(HttpResponse("<p>Merhaba</p>"))
    policy = answer.headers["Content-Security-Policy"]
    assert policy == policy_line(MAIL_POLICY)
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "frame-ancestors 'self'" in policy


def test_pages_speak_the_companys_language_whatever_the_browser_says(deniz):
    answer = deniz.get("/customers/", headers={"accept-language": "en-US,en"})
    assert '<html lang="tr"' in answer.content.decode()
    assert answer.headers["Content-Language"] == "tr"


def test_a_person_may_choose_the_other_language_and_it_stays(deniz):
    answer = deniz.post("/preferences/language/", {"language": "en", "next": "/customers/?q=a"})
    assert answer.headers["Location"] == "/customers/?q=a"
    page = deniz.get("/customers/").content.decode()
    assert '<html lang="en"' in page
    assert "<h1>Customers</h1>" in page


@pytest.mark.parametrize("language", ["de", "", "../x"])
def test_languages_we_do_not_speak_change_nothing(deniz, language):
    deniz.post("/preferences/language/", {"language": language})
    assert '<html lang="tr"' in deniz.get("/").content.decode()


def test_the_theme_is_the_systems_until_a_person_chooses(deniz):
    assert 'data-theme="auto"' in deniz.get("/").content.decode()
    deniz.post("/preferences/theme/", {"theme": "dark", "next": "/"})
    assert 'data-theme="dark"' in deniz.get("/").content.decode()
    deniz.post("/preferences/theme/", {"theme": "pink", "next": "/"})
    assert 'data-theme="dark"' in deniz.get("/").content.decode()


def test_preferences_work_before_signing_in():
    visitor = Client()
    visitor.post("/preferences/theme/", {"theme": "dark", "next": "/login/"})
    visitor.post("/preferences/language/", {"language": "en", "next": "/login/"})
    page = visitor.get("/login/").content.decode()
    assert 'data-theme="dark"' in page
    assert "<h1>Sign in</h1>" in page


@pytest.mark.parametrize(
    "next_", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_preferences_never_lead_to_another_site(deniz, next_):
    answer = deniz.post("/preferences/theme/", {"theme": "dark", "next": next_})
    assert answer.headers["Location"] == "/"


def test_preferences_take_a_post_with_a_token():
    strict = Client(enforce_csrf_checks=True)
    assert strict.get("/preferences/theme/").status_code == 405
    answer = strict.post("/preferences/theme/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "Bu form eskimiş" in answer.content.decode()


def test_the_menu_marks_the_area_of_the_page(deniz, company):
    for path in ("/customers/", f"/customers/{company.elif_.pk}/"):
        page = deniz.get(path).content.decode()
        assert page.count('aria-current="page" title="Müşteriler"') == 1
        assert page.count('aria-current="page" title=') == 1


def test_the_foot_names_the_user_and_the_company(deniz, settings):
    page = deniz.get("/").content.decode()
    assert "Deniz Kara" in page
    assert settings.PUSULA.name in page


def test_a_missing_page_says_so_in_words(deniz):
    answer = deniz.get("/customers/999999/")
    assert answer.status_code == 404
    assert "Bu adreste bir şey yok" in answer.content.decode()


def test_an_error_of_ours_is_a_page_with_its_sentence_and_status():
    class TooLateError(PusulaError):
        status = 409

    request = RequestFactory().get("/")
    spoken = SpokenErrors(lambda _request: HttpResponse())
    answer = spoken.process_exception(request, TooLateError("The window is over: start again."))
    assert answer.status_code == 409
    assert "The window is over: start again." in answer.content.decode()
    assert spoken.process_exception(request, ValueError("ours alone")) is None


def test_a_bug_is_a_page_without_its_details(deniz, monkeypatch):
    def broken(*_args):
        raise ValueError("secret detail")

    monkeypatch.setattr("pusula.web.overview.period", broken)
    deniz.raise_request_exception = False
    answer = deniz.get("/")
    assert answer.status_code == 500
    page = answer.content.decode()
    assert "Bizde bir şey bozuldu" in page
    assert "secret detail" not in page


def test_htmx_gets_the_part_and_a_browser_the_whole_page(deniz):
    whole = deniz.get("/customers/")
    part = deniz.get("/customers/", headers={"hx-request": "true"})
    back = deniz.get(
        "/customers/", headers={"hx-request": "true", "hx-history-restore-request": "true"}
    )
    assert "<!doctype html>" in whole.content.decode()
    assert "<!doctype html>" not in part.content.decode()
    assert "<!doctype html>" in back.content.decode()
    assert "HX-Request" in part.headers["Vary"]


def test_every_note_of_the_templates_has_a_tone_that_there_is():
    source = "".join(path.read_text("utf-8") for path in TEMPLATES.rglob("*.html"))
    tones = set(re.findall(r'{% note "([^"]*)"', source))
    assert tones
    assert tones <= ui.TONES


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("az çıkardı (p < 0,001).", "az çıkardı (p\u00a0<\u00a00,001)."),
        ("(%95 güvenle 1,5–2,8)", "(%95 güvenle 1,5–\u20602,8)"),
        ("Sizi – özledik", "Sizi – özledik"),
    ],
)
def test_what_is_one_value_stands_on_one_line(sentence, shown):
    assert ui.unbroken(sentence) == shown
