"""What the ledger of consents holds as codes, in words: who told of a decision, and its proof."""

from __future__ import annotations

import re

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pusula.privacy import sentences

# Sources that are no system of the company; the others go by the name the company gave them.
_SOURCES: dict[str, str | Promise] = {
    "operator": _("Written down by hand"),
    "pusula": _("Pusula, from the person"),
}
# How our own doors put their evidence; what systems and people wrote stands as it came.
_EVIDENCE: tuple[tuple[re.Pattern[str], str | Promise], ...] = (
    (re.compile(r"unsubscribe link, message (?P<number>\S+)"),
     _("unsubscribe link, message %(number)s")),
    (re.compile(r"preference page"), _("preference page")),
    (re.compile(r"said on the phone to (?P<who>\S+), call (?P<number>\S+)"),
     _("said on the phone to %(who)s, call %(number)s")),
    (re.compile(r"form (?P<form>\S+), confirmed by mail"),
     _("form %(form)s, confirmed by mail")),
)  # fmt: skip
_WAYS: dict[str, str | Promise] = {
    "HS_WEB": _("Website"),
    "HS_MOBIL": _("Mobile application"),
    "HS_CAGRI_MERKEZI": _("Call centre"),
    "HS_FIZIKSEL_ORTAM": _("On paper"),
    "HS_ISLAK_IMZA": _("Signature by hand"),
    "HS_EORTAM": _("Electronic means"),
    "HS_EPOSTA": _("E-mail"),
    "HS_MESAJ": _("SMS"),
    "HS_SOSYAL_MEDYA": _("Social media"),
    "HS_ETKINLIK": _("Event, fair"),
    "HS_ATM": _("Cash machine"),
    "HS_2015": _("Given before 1 May 2015"),
    "HS_KARAR": _("Decision of the company"),
}


def source(slug: str) -> str:
    """Return who told of a decision; a system goes by its own name."""
    return str(_SOURCES.get(slug, slug))


def evidence(text: str) -> str:
    """Return the evidence of a decision; what none of our doors wrote stands as it is."""
    for pattern, sentence in _EVIDENCE:
        if found := pattern.fullmatch(text):
            return str(sentence) % found.groupdict()
    return text


def part(name: str, value: str) -> str:
    """Return the part ``name`` of a proof."""
    if name == "iys_source" and value in _WAYS:
        return f"{_WAYS[value]} ({value})"
    if name == "operator":
        return sentences.actor(value)
    return evidence(value) if name == "form" else value
