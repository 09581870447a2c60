"""The files of the pages: no inline code, icons that exist, a font that knows Turkish."""

from __future__ import annotations

import gzip
import re
from importlib import resources
from pathlib import Path

import lucide
import pytest
from django.template.loader import get_template

WEB = Path(__file__).parents[2] / "src/pusula/web"
TEMPLATES = sorted(WEB.glob("templates/**/*.html"))
SCRIPTS = sorted(WEB.glob("static/web/js/*.js"))
SOURCES = sorted(WEB.glob("**/*.py"))
CSS = WEB / "static/web/css/app.css"
# Sets of characters that the two files of the font must draw between them.
ALPHABET = "abcçdefgğhıijklmnoöprsştuüvyzABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZâîûÂÎÛ₺€0123456789“”’–—…·•×−"
BUDGET_JS = 35_000
BUDGET_CSS = 20_000


def short(path: Path) -> str:
    return str(path.relative_to(WEB))


@pytest.mark.parametrize("template", TEMPLATES, ids=short)
def test_templates_hold_no_inline_script_style_or_handler(template):
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son\w+=|hx-on|hx-vars|javascript:", text)


@pytest.mark.parametrize("template", TEMPLATES, ids=short)
def test_templates_compile(template):
    get_template(str(template.relative_to(WEB / "templates")))


@pytest.mark.parametrize("template", TEMPLATES, ids=short)
def test_every_post_form_carries_a_token(template):
    text = template.read_text(encoding="utf-8")
    forms = re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL)
    assert all("{% csrf_token %}" in form for form in forms)


@pytest.mark.parametrize("template", TEMPLATES, ids=short)
def test_words_stand_in_the_catalogue_not_in_the_template(template):
    text = template.read_text(encoding="utf-8")
    text = re.sub(r"{%\s*blocktranslate.*?endblocktranslate\s*%}", "", text, flags=re.DOTALL)
    text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", " ", text, flags=re.DOTALL)
    text = re.sub(r"<(code|kbd)[^>]*>.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL)
    words = set(re.findall(r"[^\W\d_]{2,}", text))
    assert words <= {"Pusula", "TR", "EN", "lt", "gt", "amp"}, template


def icons() -> set[str]:
    named = set()
    for template in TEMPLATES:
        text = template.read_text(encoding="utf-8")
        named |= set(re.findall(r'{% (?:icon|empty) "([\w-]+)"', text))
        named |= set(re.findall(r'{% note "\w*" "([\w-]+)"', text))
    calls = r'\b(?:Fact|Concern|Area|icon)\(\s*"([a-z0-9-]+)"'
    for source in SOURCES:
        named |= set(re.findall(calls, source.read_text(encoding="utf-8")))
    return named


@pytest.mark.parametrize("name", sorted(icons()))
def test_icons_exist(name):
    lucide._load_icon(name)


def test_icons_of_titles_exist():
    titles = resources.files("pusula.web").joinpath("titles.py").read_text(encoding="utf-8")
    for name in re.findall(r'\("([a-z0-9-]+)", _\(', titles):
        lucide._load_icon(name)


def test_scripts_fit_the_budget_with_htmx():
    htmx = resources.files("django_htmx").joinpath("static/django_htmx/htmx-2.min.js").read_bytes()
    sizes = [len(gzip.compress(code)) for code in (htmx, *(file.read_bytes() for file in SCRIPTS))]
    assert sum(sizes) <= BUDGET_JS


def test_the_stylesheet_fits_the_budget():
    assert len(gzip.compress(CSS.read_bytes())) <= BUDGET_CSS


@pytest.mark.parametrize("script", SCRIPTS, ids=short)
def test_scripts_hold_no_words_and_no_eval(script):
    code = re.sub(r"//.*", "", script.read_text(encoding="utf-8"))
    assert not re.search(
        r"\beval\(|new Function|innerHTML|\.style\.cssText|setAttribute\(\"style", code
    )
    strings = re.findall(r'"([^"\n]*)"', code)
    assert not [s for s in strings if re.search(r"[A-ZÇĞİÖŞÜ][a-zçğıöşü]+ [a-zçğıöşü]+", s)]


def test_the_font_draws_every_turkish_letter():
    ranges = re.findall(r"unicode-range:([^;]+);", CSS.read_text(encoding="utf-8"))
    assert len(ranges) == 2
    covered: list[tuple[int, int]] = []
    for part in ",".join(ranges).replace("U+", "").split(","):
        first, _, last = part.strip().partition("-")
        covered.append((int(first, 16), int(last or first, 16)))
    for letter in ALPHABET:
        assert sum(low <= ord(letter) <= high for low, high in covered) == 1, letter


def used_words() -> str:
    files = [*TEMPLATES, *SCRIPTS, *SOURCES]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_every_class_of_the_stylesheet_is_used():
    css = re.sub(r"/\*.*?\*/|url\([^)]*\)", "", CSS.read_text(encoding="utf-8"), flags=re.DOTALL)
    classes = set(re.findall(r"\.([a-z][\w-]*)", css))
    text = used_words()
    # Families are put together in code: swatch--{{ tone }}, btn{% if … %}--primary{% endif %}.
    families = tuple(set(re.findall(r"([\w-]+(?:--|__)|\bq)\{", text)))
    unused = [
        name
        for name in sorted(classes)
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
        and not name.startswith(families)
    ]
    assert unused == ["htmx-request"]  # htmx puts it on by itself
