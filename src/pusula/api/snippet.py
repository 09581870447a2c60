"""Our own snippet for web pages and the worker for web pushes, as other sites load them."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

_FOLDER = Path(__file__).parent / "static" / "api"
# The address without a version is in pages for years: browsers ask again after an hour.
_STABLE = "public, max-age=3600, stale-while-revalidate=86400"
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Script:
    """A script as it is sent, and the version that its contents make."""

    body: bytes
    packed: bytes
    version: str


@cache
def script(name: str) -> Script:
    """Return the script called ``name`` (without ``.js``)."""
    body = (_FOLDER / f"{name}.js").read_bytes()
    version = hashlib.sha256(body).hexdigest()[:12]
    return Script(body, gzip.compress(body, 9, mtime=0), version)


@login_not_required
@require_safe
def newest(request: HttpRequest) -> HttpResponse:
    """Answer the snippet, to be asked for again after an hour."""
    return _answer(request, script("pusula"), _STABLE)


@login_not_required
@require_safe
def pinned(request: HttpRequest, version: str) -> HttpResponse:
    """Answer the snippet of this version for ever; another version leads to the newest."""
    held = script("pusula")
    if version != held.version:
        return _open(HttpResponseRedirect(reverse("snippet"), headers={"Cache-Control": _STABLE}))
    return _answer(request, held, _FOR_EVER)


@login_not_required
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Answer the service worker that a site's own worker file imports."""
    return _answer(request, script("pusula-sw"), _STABLE)


def _answer(request: HttpRequest, held: Script, caching: str) -> HttpResponse:
    tag = f'"{held.version}"'
    if request.headers.get("If-None-Match") == tag:
        response: HttpResponse = HttpResponseNotModified()
    elif "gzip" in request.headers.get("Accept-Encoding", ""):
        response = HttpResponse(held.packed, headers={"Content-Encoding": "gzip"})
    else:
        response = HttpResponse(held.body)
    response["Content-Type"] = "text/javascript; charset=utf-8"
    response["Cache-Control"] = caching
    response["ETag"] = tag
    patch_vary_headers(response, ["Accept-Encoding"])
    return _open(response)


def _open(response: HttpResponse) -> HttpResponse:
    """Let pages of other sites load ``response``, also with a check of its digest."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
