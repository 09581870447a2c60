"""The doors at which providers tell what became of messages: each verified, each told once.

Only the provider that the settings name for a channel has a door; the others, and reports that are
not signed by it, change nothing. What closes an address is committed before the answer.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from pusula.channels.email import bounces, hearing
from pusula.channels.outbound import Answer, CallError
from pusula.channels.port import ForgedError, Report
from pusula.channels.setup import Given
from pusula.channels.sms import verimor
from pusula.channels.whatsapp import approvals as whatsapp
from pusula.channels.whatsapp import webhook
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.outbox import approvals, providers, returns
from pusula.outbox import reports as outbox

LARGEST = 2 * 2**20
_log = logging.getLogger("pusula.reports")
_certificates: dict[str, bytes] = {}


@dataclass(frozen=True)
class Heard:
    """A request at a door; names of ``headers`` in lower case."""

    given: Given
    headers: Mapping[str, str]
    body: bytes
    key: str
    at: int


Door = Callable[[Heard], Iterable[Report]]


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "POST"])
@sensitive_variables("key")
def told(request: HttpRequest, channel: str, provider: str, key: str = "") -> HttpResponse:
    """Take reports over; a provider that is not set up has no door here."""
    door = _DOORS.get((channel, provider))
    given = providers.told(channel)
    if door is None or given.told.get("provider", provider) != provider or not given.told:
        return _error("not_found", "no such door", 404)
    if request.method == "GET":
        return _challenge(request, given) if provider == "whatsapp" else _error("method", "", 405)
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > LARGEST:
        return _error("too_large", f"at most {LARGEST:,} bytes, with Content-Length", 413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return _applied(door, Heard(given, headers, request.body, key, clock.now()), channel)


def _applied(door: Door, heard: Heard, channel: str) -> HttpResponse:
    try:
        done = outbox.apply(list(door(heard)), channel=channel, at=heard.at)
    except ForgedError as error:
        _log.warning("a report at %s was refused: %s", heard.given.place, error.message)
        return _error(error.code, error.message, error.status)
    except DatabaseError:
        response = _error("busy", "cannot be kept now: send it again", 503)
        response["Retry-After"] = "30"
        return response
    except PusulaError as error:
        _log.warning("reports at %s cannot be read: %s", heard.given.place, error.message)
        return _error(error.code, "the door is not set up", 503)
    return JsonResponse({"n_new": done.n_new, "n_same": done.n_same, "n_unknown": done.n_unknown})


def _challenge(request: HttpRequest, given: Given) -> HttpResponse:
    """Answer Meta's question whether this address is ours."""
    told_token = request.GET.get("hub.verify_token", "")
    try:
        wanted = given.secret("verify_token")
    except PusulaError as error:
        return _error(error.code, "the door is not set up", 503)
    if not hmac.compare_digest(told_token.encode(), wanted.encode()):
        return _error("forged", "the verify token is another", 403)
    echo = request.GET.get("hub.challenge", "")
    return HttpResponse(echo if echo.isalnum() else "", content_type="text/plain")


def _whatsapp(heard: Heard) -> Iterable[Report]:
    """Return what Meta tells of messages; what it tells of our templates is kept at once."""
    webhook.verify(heard.headers, heard.body, heard.given.secret("app_secret"))
    account_id = heard.given.text("account_id", "")
    approvals.apply(whatsapp.changes(heard.body, account_id=account_id), at=heard.at)
    return webhook.reports(heard.body)


def _verimor(heard: Heard) -> Iterable[Report]:
    _check_key(heard)
    return verimor.from_push(heard.body)


def _ses(heard: Heard) -> Iterable[Report]:
    topic = heard.given.text("topic")
    message = hearing.verified_sns(heard.body, topic=topic, fetch=_certificate, at=heard.at)
    if where := hearing.confirmation(message):
        _got(where)
        return []
    return hearing.ses(message, returns.tokens())


def _sendgrid(heard: Heard) -> Iterable[Report]:
    public_key = heard.given.text("public_key")
    hearing.verify_sendgrid(heard.headers, heard.body, public_key, at=heard.at)
    return hearing.sendgrid(heard.body, returns.tokens())


def _mailgun(heard: Heard) -> Iterable[Report]:
    key = heard.given.secret("report_key")
    event = hearing.verified_mailgun(heard.body, key, at=heard.at)
    return hearing.mailgun(event, returns.tokens())


def _postmark(heard: Heard) -> Iterable[Report]:
    _check_key(heard)
    return hearing.postmark(heard.body)


def _mailbox(heard: Heard) -> Iterable[Report]:
    """Take over a whole mail that came to the bounce address, from a mail server."""
    _check_key(heard)
    recipient = heard.headers.get("x-envelope-to", "")
    return bounces.reports(heard.body, returns.tokens(), recipient=recipient)


def _check_key(heard: Heard) -> None:
    """Raise ``ForgedError`` unless the address holds our secret: nothing else says who speaks."""
    wanted = heard.given.secret("report_key")
    if not hmac.compare_digest(heard.key.encode(), wanted.encode()):
        raise ForgedError("the address does not hold the key of this door")


_DOORS: Mapping[tuple[str, str], Door] = {
    ("whatsapp", "whatsapp"): _whatsapp,
    ("sms", "verimor"): _verimor,
    ("email", "ses"): _ses,
    ("email", "sendgrid"): _sendgrid,
    ("email", "mailgun"): _mailgun,
    ("email", "postmark"): _postmark,
    ("email", "mailbox"): _mailbox,
}


def _certificate(url: str) -> bytes:
    """Return the certificate at ``url``, which is one of Amazon's; got once."""
    found = _certificates.get(url)
    if found is None:
        answer = _got(url)
        if not answer.is_good or not answer.is_whole:
            raise PusulaError(f"the certificate of SNS cannot be got ({answer.status})")
        if len(_certificates) > 20:  # noqa: PLR2004 - Amazon changes it once a year
            _certificates.clear()
        found = _certificates[url] = answer.body
    return found


def _got(url: str) -> Answer:
    out = providers.outbound()
    try:
        return out.call("GET", url)
    except CallError as error:
        raise PusulaError(f"SNS cannot be asked: {error.message}") from error
    finally:
        out.close()


def _error(code: str, message: str, status: int) -> JsonResponse:
    told_ = {"error": {"code": code, "message": message, "fields": {}}}
    return JsonResponse(told_, status=status)
