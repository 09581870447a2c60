"""What Meta tells of the templates it has approved: status, category and quality, each as it came.

They come by the same signed webhook as statuses of messages, may come twice and in any order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pusula.channels.port import words
from pusula.lib import clock

STATUS, CATEGORY, QUALITY = "status", "category", "quality"
# What a template must not be for a message to leave with it. A word that is not here says nothing
# against it: Meta itself refuses what does not go, and that holds its campaign or journey.
BLOCKED = frozenset(
    {
        "PENDING", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "PENDING_DELETION", "DELETED",
        "ARCHIVED", "LIMIT_EXCEEDED", "LOCKED",
    }
)  # fmt: skip
MARKETING = "MARKETING"
_FIELDS = {
    "message_template_status_update": (STATUS, "event"),
    "template_category_update": (CATEGORY, "new_category"),
    "message_template_quality_update": (QUALITY, "new_quality_score"),
}
_LONGEST_LANGUAGE, _LONGEST_WORD = 15, 30
_NO_REASON = ("", "NONE")


@dataclass(frozen=True, slots=True)
class Change:
    """Something Meta told of a template: ``what`` is ``word`` since ``at``.

    ``reason`` says why in Meta's words, ``following`` which category it gets next.
    """

    name: str
    language: str
    what: str
    word: str
    at: int
    reason: str = ""
    following: str = ""


def changes(body: bytes, *, account_id: str) -> list[Change]:
    """Return what a webhook tells of our templates; what is of another kind is left out.

    An app hears of every account it serves, all signed alike, and templates of two accounts may
    have the same name: only ``account_id`` is ours.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return list(_changes(told, account_id))


def _changes(told: Any, account_id: str) -> Iterator[Change]:
    for entry in _listed(told, "entry"):
        if not account_id or entry.get("id") != account_id:
            continue
        at = entry.get("time")
        moment = at * clock.SECOND if isinstance(at, int) and 0 < at < 10**11 else 0
        for change in _listed(entry, "changes"):
            found = _FIELDS.get(str(change.get("field")))
            value = change.get("value")
            if found is None or not isinstance(value, dict):
                continue
            what, field = found
            name = words(value.get("message_template_name") or "")
            language = words(value.get("message_template_language") or "")
            word = words(value.get(field) or "").upper()
            if not (name and language and word):
                continue
            yield Change(
                name=name,
                language=language[:_LONGEST_LANGUAGE],
                what=what,
                word=word[:_LONGEST_WORD],
                at=moment,
                reason=_reason(value),
                following=words(value.get("correct_category") or "").upper()[:_LONGEST_WORD],
            )


def _reason(value: dict[str, Any]) -> str:
    """Return why, as Meta puts it in one of several places."""
    more = value.get("other_info")
    parts = [value.get("reason"), more.get("description") if isinstance(more, dict) else ""]
    return words(" ".join(str(part) for part in parts if str(part or "") not in _NO_REASON))


def _listed(told: Any, name: str) -> list[dict[str, Any]]:
    found = told.get(name) if isinstance(told, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
