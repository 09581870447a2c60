"""The messages of packs: a few words each, set into a frame that mail programs understand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import Any

LANGUAGES = ("tr", "en")
EMAIL = "email"
_NAMELESS = {
    ("hotel", "tr"): "değerli misafirimiz", ("hotel", "en"): "dear guest",
    ("shop", "tr"): "değerli müşterimiz", ("shop", "en"): "dear customer",
}  # fmt: skip
_GREETING = {"tr": "Merhaba", "en": "Hello"}
_SIGNED = {"tr": "{{ company.name }} ekibi", "en": "The team of {{ company.name }}"}
_FOOT = {
    "tr": (
        "Bu e-postayı {{ company.name }} iletilerine izin verdiğiniz için aldınız.",
        "Listeden ayrılın",
        "Tercihlerinizi değiştirin",
    ),
    "en": (
        "You get this e-mail because you agreed to messages of {{ company.name }}.",
        "Unsubscribe",
        "Change your preferences",
    ),
}
_OUT = {"tr": "Ret: {{ unsubscribe_url }}", "en": "Stop: {{ unsubscribe_url }}"}
_PARAGRAPH = Template("        <mj-text>$text</mj-text>")


@dataclass(frozen=True, slots=True)
class Said:
    """What a template says in one language; ``url`` is where a push leads."""

    subject: str
    preheader: str = ""
    text: str = ""
    html: str = ""  # MJML
    url: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A template of a pack: one channel, all languages."""

    name: str
    channel: str
    said: Mapping[str, Said]


def letter(name: str, told: Mapping[str, Any], flavour: str, site: str) -> Letter:
    """Return the template called ``name`` that says what ``told`` has in each language."""
    channel = told.get("channel", EMAIL)
    made = {
        language: _mail(told[language], flavour, language, site)
        if channel == EMAIL
        else _short(told[language], channel, language, site)
        for language in LANGUAGES
    }
    return Letter(name, channel, made)


def _short(words: Mapping[str, str], channel: str, language: str, site: str) -> Said:
    text = Template(words["text"]).substitute(site=site)
    if channel == "sms":
        return Said("", text=f"{text} {_OUT[language]}")
    return Said(words["title"], text=text, url=site)


def _mail(words: Mapping[str, str], flavour: str, language: str, site: str) -> Said:
    why, leave, choose = _FOOT[language]
    name = "profile.first_name | tr_title" if language == "tr" else "profile.first_name"
    called = f'{{{{ {name} | default: "{_NAMELESS[flavour, language]}" }}}}'
    paragraphs = (part.strip() for part in words["body"].strip().split("\n\n"))
    html = _frame().substitute(
        language=language,
        heading=words["heading"],
        greeting=f"{_GREETING[language]} {called},",
        body="\n".join(_PARAGRAPH.substitute(text=one) for one in paragraphs),
        button=words["button"],
        site=site,
        signed=_SIGNED[language],
        why=why,
        leave=leave,
        choose=choose,
    )
    return Said(words["subject"], words["preview"], html=html)


@cache
def _frame() -> Template:
    file = resources.files("pusula.journeys.packs") / "frame.mjml"
    return Template(file.read_text(encoding="utf-8"))
