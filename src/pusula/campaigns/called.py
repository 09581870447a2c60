"""What people call templates: by what they say, as somebody reads it of whom nothing is known."""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from functools import lru_cache

from django.db.models.fields.json import KT

from pusula.campaigns.models import Template
from pusula.content import template as content
from pusula.content.language import RenderError, TemplateError

_LONGEST = 60
# What a message says of the order it is about, where there is no message.
_OPEN = {"message": {"order": "…"}}
_LOOSE = " :,;.–-"  # what is left at the beginning when a name before it is missing


def templates(language: str, names: Collection[str] | None = None) -> dict[str, str]:
    """Return the subject of each template, or how its text begins, by its name.

    In ``language`` where it speaks it. One that says nothing by itself, such as a WhatsApp template
    of which only the name is known here, is called by its name.
    """
    found = Template.objects.all() if names is None else Template.objects.filter(name__in=names)
    rows = found.values_list(
        "name",
        "subject",
        "text",
        KT(f"languages__{language}__subject"),
        KT(f"languages__{language}__text"),
    )
    return {
        name: beginning(its_subject or "") or beginning(its_text or "") or beginning(subject)
        or beginning(text) or name
        for name, subject, text, its_subject, its_text in rows
    }  # fmt: skip


@lru_cache(maxsize=4096)
def beginning(source: str) -> str:
    """Return how a text in Liquid begins for somebody of whom nothing is known, in one line."""
    try:
        said = content.line(source, _OPEN).lstrip(_LOOSE)
    except (RenderError, TemplateError):
        return ""
    return textwrap.shorten(said, _LONGEST, placeholder=" …")
