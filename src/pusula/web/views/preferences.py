"""Language and theme, kept in cookies so that they hold before anybody signs in."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from pusula.web.context import THEME_COOKIE, THEMES
from pusula.web.request import next_address

_YEAR_SECONDS = 365 * 24 * 60 * 60


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Speak the language of the form's ``language`` from now on; ignore one we do not speak."""
    wanted = request.POST.get("language", "")
    known = [code for code, _ in settings.LANGUAGES]
    return _with_cookie(request, settings.LANGUAGE_COOKIE_NAME, wanted, known)


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Wear the theme of the form's ``theme`` from now on (theme.js does it without a request)."""
    return _with_cookie(request, THEME_COOKIE, request.POST.get("theme", ""), THEMES)


def _with_cookie(
    request: HttpRequest, name: str, value: str, allowed: list[str] | tuple[str, ...]
) -> HttpResponse:
    response = redirect(next_address(request))
    if value in allowed:
        response.set_cookie(
            name,
            value,
            max_age=_YEAR_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )
    return response
