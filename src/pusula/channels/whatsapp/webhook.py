"""What Meta tells: statuses of messages, signed with the secret of the app."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pusula.channels.port import ForgedError, Report, ReportKind, words
from pusula.channels.whatsapp import codes
from pusula.lib import clock

_PREFIX = "sha256="
_KINDS = {
    "sent": ReportKind.SENT,
    "delivered": ReportKind.DELIVERED,
    "read": ReportKind.OPENED,
    "played": ReportKind.OPENED,
}


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Raise ``ForgedError`` unless ``body`` is signed with the app's ``secret``.

    Names of ``headers`` in lower case. There is no time in it: a status that is told again changes
    nothing, since each is taken once.
    """
    told = headers.get("x-hub-signature-256", "")
    good = _PREFIX + hmac.new(secret.encode(), body, "sha256").hexdigest()
    if not secret or not hmac.compare_digest(told.encode(), good.encode()):
        raise ForgedError("the status is not signed by Meta for this app")


def reports(body: bytes) -> list[Report]:
    """Return what a webhook tells of messages; what is of another kind is left out."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return [report for status in _statuses(told) if (report := _report(status))]


def _statuses(told: Any) -> Iterator[dict[str, Any]]:
    for entry in _list(told, "entry"):
        for change in _list(entry, "changes"):
            value = change.get("value") if change.get("field") == "messages" else None
            yield from _list(value, "statuses")


def _list(told: Any, name: str) -> list[dict[str, Any]]:
    found = told.get(name) if isinstance(told, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _report(told: dict[str, Any]) -> Report | None:
    number, status = str(told.get("id") or ""), str(told.get("status") or "")
    kind = _KINDS.get(status)
    said = status
    if status == "failed":
        code, said = _failure(told)
        kind = codes.kind(code)
    if kind is None or not number:
        return None
    return Report(
        kind=kind, key=f"whatsapp:{number}:{status}",
        token=str(told.get("biz_opaque_callback_data") or "")[:32], provider_id=number[:120],
        at=_moment(told.get("timestamp")), words=words(said),
    )  # fmt: skip


def _failure(told: dict[str, Any]) -> tuple[int, str]:
    error = next(iter(_list(told, "errors")), {})
    code = error.get("code")
    said = f"failed {code} {error.get('title') or error.get('message') or ''}"
    return (code if isinstance(code, int) else -1), said


def _moment(told: object) -> int:
    text = str(told)
    return int(text) * clock.SECOND if text.isdecimal() and len(text) < 12 else 0  # noqa: PLR2004
