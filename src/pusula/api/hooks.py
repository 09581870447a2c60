"""The doors at which systems of hotels and call centres knock: OTA XML, Mews, call records.

Each address holds the slug of a source and a server key of it; OTA senders may give the key as the
password of Basic authorization instead. Nobody learns which sources there are: without a good key
the answer is always the same.
"""

from __future__ import annotations

import base64
import binascii
import csv
import json
import logging
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from xml.etree.ElementTree import Element

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, joined, placed
from pusula.pipeline import appender
from pusula.pipeline.appender import BusyError
from pusula.sources import health, keys, needs, polling
from pusula.sources.calling import SHAPES, reason
from pusula.sources.calls import read as calls
from pusula.sources.mews.read import MewsSettings
from pusula.sources.models import Source, SourceKind
from pusula.sources.ota import answer, document
from pusula.sources.ota import read as ota

LARGEST_HINT = 256 * 2**10  # bytes of a webhook
LARGEST_RECORDS = 2 * 2**20
_MOST_RECORDS = 5_000
_SOME_PROBLEMS = 3
_log = logging.getLogger("pusula.sources")
_XML = "text/xml; charset=utf-8"

Door = Callable[[HttpRequest, Source, bytes], HttpResponse]


def _door(kind: SourceKind, largest: int) -> Callable[[Door], Callable[..., HttpResponse]]:
    """Return what makes a view of a door: POST, a good key, a bounded body."""

    def make(door: Door) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @login_not_required
        @require_POST
        @wraps(door)
        def view(request: HttpRequest, slug: str, key: str = "") -> HttpResponse:
            source = _source(slug, key or _password(request), kind)
            if source is None:
                return JsonResponse(_error("unauthorized", "no such source and key"), status=401)
            length = request.headers.get("Content-Length", "")
            if not length.isdecimal():
                return JsonResponse(_error("length", "Content-Length is needed"), status=411)
            if int(length) > largest:
                return JsonResponse(_error("too_large", f"more than {largest:,} bytes"), status=413)
            with translation.override("en"):  # programs read the answer, and what is kept of it
                return door(request, source, request.body)

        return view

    return make


@_door(SourceKind.OTA, document.LARGEST)
@sensitive_variables("body")
def bookings(request: HttpRequest, source: Source, body: bytes) -> HttpResponse:  # noqa: ARG001
    """Take over a notification of bookings; answered with Success only when the log holds them.

    Nothing of the document is kept but the fields of bookings that we know; its cards are cut out
    before anything is read.
    """
    at = clock.now()
    root: Element | None = None
    try:
        root = document.parse(body)
        read = list(ota.bookings(root, source, at))
        appender.append([entry for one in read for entry in one.entries])
    except (BusyError, DatabaseError):
        _log.warning("source %s: the log does not take entries now", source.slug)
        told = answer.refused(root, "cannot be kept now: send it again", at, answer.TROUBLE)
        response = HttpResponse(told, content_type=_XML, status=503)
        response["Retry-After"] = "30"
        return response
    except PusulaError as error:
        health.failed(source, error.saying, at)
        return HttpResponse(answer.refused(root, error.message, at), content_type=_XML)
    problems = [placed(one.number, one.error) for one in read if one.error]
    n_good = len(read) - len(problems)
    health.heard(source, at, n_new=n_good, problem=_some(problems))
    return HttpResponse(answer.taken(root, read, at), content_type=_XML)


@_door(SourceKind.MEWS, LARGEST_HINT)
def mews(request: HttpRequest, source: Source, body: bytes) -> HttpResponse:  # noqa: ARG001
    """Take a webhook as a hint: it holds ids alone, and may be lost; Mews is asked at once."""
    told = _json(body)
    if not isinstance(told, dict) or not isinstance(told.get("Events"), list):
        return JsonResponse(_error("bad_webhook", "Events: a list is needed"), status=400)
    enterprise = needs.told(source, MewsSettings).enterprise
    if enterprise and told.get("EnterpriseId") != enterprise:
        return JsonResponse(_error("bad_webhook", "EnterpriseId: is not ours"), status=400)
    polling.hint(source, clock.now())
    return HttpResponse("OK", content_type="text/plain")


@_door(SourceKind.CALLS, LARGEST_RECORDS)
def call_records(request: HttpRequest, source: Source, body: bytes) -> HttpResponse:
    """Take over call records: one as an object, several as a list, or a CSV file."""
    at = clock.now()
    try:
        records = _records(request, body)
    except PusulaError as error:
        return JsonResponse(_error(error.code, error.message), status=400)
    if len(records) > _MOST_RECORDS:
        words = f"more than {_MOST_RECORDS:,} records: send them in parts"
        return JsonResponse(_error("too_large", words), status=413)
    entries, problems = [], []
    for n, record in enumerate(records, 1):
        try:
            entries.append(calls.entry(record, source))
        except (PusulaError, *SHAPES) as error:
            problems.append((n, reason(error)))
    try:
        done = appender.append(entries)
    except (BusyError, DatabaseError):
        return JsonResponse(_error("busy", "cannot be kept now: send it again"), status=503)
    said = _some([placed(str(n), why) for n, why in problems])
    health.heard(source, at, n_new=len(entries), problem=said)
    told = {
        "n_new": done.n_new,
        "n_same": done.n_same,
        "problems": [{"record": n, "message": str(why)} for n, why in problems],
    }
    return JsonResponse(told, status=200 if entries or not problems else 400)


def _some(problems: Sequence[Saying]) -> Saying | str:
    return joined(problems[:_SOME_PROBLEMS]) if problems else ""


def _source(slug: str, key: str, kind: SourceKind) -> Source | None:
    good = keys.good(clock.now()).get(keys.digest(key)) if key else None
    if good is None or not good.may_set_all or good.source != slug:
        return None
    return Source.objects.filter(slug=slug, kind=kind, is_enabled=True).first()


def _password(request: HttpRequest) -> str:
    """Return the password of Basic authorization; empty if there is none."""
    scheme, _space, told = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(told, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _records(request: HttpRequest, body: bytes) -> list[dict[str, Any]]:
    if request.content_type == "text/csv":
        try:
            return [dict(row) for row in calls.records(body.decode("utf-8-sig"))]
        except UnicodeDecodeError as error:
            raise calls.CallRecordError("the file is not UTF-8") from error
        except csv.Error as error:
            raise calls.CallRecordError("the file cannot be read as a table") from error
    told = _json(body)
    rows = told if isinstance(told, list) else [told]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise calls.CallRecordError("a call record, or a list of them, is needed")
    return rows


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "fields": {}}}
