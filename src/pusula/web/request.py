"""What views ask of a request: who is it, what does it say, does it want a fragment, where to."""

from __future__ import annotations

import re
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

MOST_WORDS, MOST_LETTERS = 10, 200  # of a search: each word is a condition
_WHOLE = re.compile(r"-?[0-9]{1,18}")  # what a column of whole numbers can hold
_WORDS = re.compile(rf"(?:\S+\s*){{0,{MOST_WORDS}}}")


class HtmxRequest(HttpRequest):
    """A request as ``HtmxMiddleware`` passes it on."""

    htmx: HtmxDetails


def signed_in(request: HttpRequest) -> User:
    """Return the user of a request that ``LoginRequiredMiddleware`` has let through."""
    if not isinstance(request.user, User):
        raise TypeError("this view is open to people who have not signed in")
    return request.user


def whole(text: str) -> int | None:
    """Return the whole number ``text`` is; ``None`` if it is none, or longer than any of ours."""
    return int(text) if _WHOLE.fullmatch(text) else None


def plain(text: str) -> str:
    """Return ``text`` without the NUL characters that no database compares."""
    return text.replace("\0", "")


def asked(request: HttpRequest, name: str) -> str:
    """Return what the address says of ``name``; empty if nothing."""
    return plain(request.GET.get(name, ""))


def asked_all(request: HttpRequest, name: str) -> list[str]:
    """Return everything that the address says of ``name``, each once, in its order."""
    return list(dict.fromkeys(map(plain, request.GET.getlist(name))))


def searched(request: HttpRequest) -> str:
    """Return what the address searches (``q``): at most ``MOST_WORDS``, ``MOST_LETTERS`` long."""
    found = _WORDS.match(asked(request, "q").strip()[:MOST_LETTERS])
    return found[0].strip() if found else ""


def draw(
    request: HttpRequest, page: str, fragment: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Return ``page``, or to htmx only its part ``fragment``: the same address serves both."""
    htmx = cast("HtmxRequest", request).htmx
    wants_part = htmx and not htmx.history_restore_request
    response = render(request, fragment if wants_part else page, context, status=status)
    patch_vary_headers(response, ["HX-Request", "HX-History-Restore-Request"])
    return response


def next_address(request: HttpRequest) -> str:
    """Return the address of ours that the form's ``next`` names, else the overview's."""
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else reverse("overview")
