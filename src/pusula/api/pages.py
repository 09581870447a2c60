"""The few pages that people reach from outside: no menu, no script, no cookie, one style."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

LANGUAGES = ("tr", "en")


def language_of(request: HttpRequest) -> str:
    """Return the language that the address asks for, else the person's device, else ours."""
    asked = request.GET.get("lang", "")
    wished = [
        part.split(";")[0].strip().lower()[:2]
        for part in request.headers.get("Accept-Language", "").split(",")
    ]
    found = (one for one in (asked, *wished) if one in LANGUAGES)
    return next(found, settings.PUSULA.language)


def answer(
    request: HttpRequest, template: str, status: int = 200, **context: object
) -> HttpResponse:
    """Return a page in the person's language, kept nowhere and told to nobody."""
    with translation.override(language_of(request)):
        told = {
            "company": settings.PUSULA.name,
            "language": translation.get_language(),
            "other_language": next(one for one in LANGUAGES if one != translation.get_language()),
            **context,
        }
        # Without the request: these pages need nothing of sessions, users or menus.
        body = render_to_string(template, told)
    response = HttpResponse(body, status=status)
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"  # the address speaks for a person
    response["X-Robots-Tag"] = "noindex"
    return response
