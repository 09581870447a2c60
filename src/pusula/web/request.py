"""What views ask of a request: who is it, does it want a fragment, where does it lead next."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """A request as ``HtmxMiddleware`` passes it on."""

    htmx: HtmxDetails


def signed_in(request: HttpRequest) -> User:
    """Return the user of a request that ``LoginRequiredMiddleware`` has let through."""
    if not isinstance(request.user, User):
        raise TypeError("this view is open to people who have not signed in")
    return request.user


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
