"""What every answer goes through: security headers, the person's language, spoken errors."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext

from pusula.lib.errors import PusulaError

# Nothing runs, loads or frames that is not served by this installation; no inline style or script.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
# A mail shown inside a page: its own styles, no scripts, no forms, and a frame of ours around it.
MAIL_POLICY = {
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",
    "img-src": "'self' https: data:",
    "frame-ancestors": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "sandbox": "allow-popups allow-popups-to-escape-sandbox",
}
HEADERS = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

GetResponse = Callable[[HttpRequest], HttpResponse]


def policy_line(policy: dict[str, str]) -> str:
    """Return ``policy`` as the value of a Content-Security-Policy header."""
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def as_framed_mail(response: HttpResponse) -> HttpResponse:
    """Return ``response``, a whole mail, so that a page may show it in a frame and nothing more."""
    response["Content-Security-Policy"] = policy_line(MAIL_POLICY)
    response["Cache-Control"] = "private, no-store"
    return response


class SecurityHeaders:
    """Set the security headers that an answer does not set itself.

    What is answered to somebody who has signed in is kept nowhere: the next person at the same
    computer must not find it by going back. Their cookie tells, so that no answer costs a query.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer ``request`` with the headers added."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy_line(POLICY))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        is_kept = "no-store" not in response.headers.get("Cache-Control", "")
        if is_kept and settings.SESSION_COOKIE_NAME in request.COOKIES:
            response.headers["Cache-Control"] = "private, no-store"
        return response


class SpokenErrors:
    """Show an error that a person can act on as a page that says what to do."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer ``request``."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer with the error's own sentence and status; leave all others alone."""
        if not isinstance(error, PusulaError):
            return None
        return render(request, "web/error.html", {"text": error.said(gettext)}, status=error.status)


class Language:
    """Speak the language of the person's cookie, else the company's.

    The browser's own wish is not asked: the computers of a Turkish reception desk speak English.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer ``request`` in its language."""
        wanted = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = wanted if wanted in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response
