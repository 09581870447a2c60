"""What every page is drawn with: menu, theme, languages, the company."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, get_language_info

from pusula.web import navigation, sending_note, source_notes

THEME_COOKIE = "theme"
THEMES = ("light", "dark")


def shell(request: HttpRequest) -> dict[str, object]:
    """Return the variables of ``web/base.html``."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "company": settings.PUSULA,
        "menu": SimpleLazyObject(lambda: navigation.menu(request)),
        "other_languages": [
            get_language_info(code) for code, _ in settings.LANGUAGES if code != get_language()
        ],
        "sending_note": SimpleLazyObject(lambda: sending_note.note(request)),
        "source_notes": SimpleLazyObject(lambda: source_notes.notes(request)),
        "theme": theme if theme in THEMES else "auto",
    }
