"""What came in, as the debugger shows it: rows of the list, and a body with personal values hidden.

Whoever looks for a fault needs names and shapes, not people: personal values show their form alone
until somebody asks for them, which is written down.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from pusula.lib import clock
from pusula.pipeline import recent
from pusula.pipeline.recent import Seen, State
from pusula.profiles import queries as profiles
from pusula.web import formats, masking, titles

STATES: dict[str, tuple[str, str | Promise]] = {
    State.ACCEPTED: ("good", pgettext_lazy("state of what came in", "Taken over")),
    State.WAITING: ("info", pgettext_lazy("state of what came in", "Waiting")),
    State.PARTLY: ("warn", pgettext_lazy("state of what came in", "Taken over in part")),
    State.QUARANTINED: ("bad", pgettext_lazy("state of what came in", "Put aside")),
}
KINDS: dict[str, str | Promise] = {
    "event": _("Event"),
    "order": _("Order"),
    "trait": _("Traits"),
    "consent": _("Consent"),
    "merge": _("Merge"),
    "unmerge": _("Un-merge"),
    recent.ERASED: _("Erased"),
}
ICONS = {
    "track": "activity",
    "identify": "user-round-check",
    "page": "file-text",
    "screen": "smartphone",
    "group": "users",
    "alias": "link",
    "event": "activity",
    "order": "receipt",
    "trait": "tag",
    "consent": "shield-check",
    "merge": "git-merge",
    "unmerge": "git-branch",
}
# What is told below these names is personal, however it is spelled.
_PERSONAL = frozenset((
    "email", "phone", "mobile", "gsm", "firstname", "lastname", "fullname", "name", "surname",
    "address", "street", "postalcode", "birthday", "birthdate", "dateofbirth", "avatar", "username",
    "identityno", "nationalid", "tckn", "passport", "ip", "useragent",
    "endpoint", "auth", "p256dh", "keys",
))  # fmt: skip
_PEOPLE = frozenset(("traits", "guest", "guests", "customer", "externalids"))
_EMAIL = re.compile(r"[^\s@\"'<>,;:/?=&]+(?:@|%40)[^\s@\"'<>,;:/?=&]+\.[^\s@\"'<>,;:/?=&]+")
_PHONE = re.compile(r"(?<![\w.-])\+?\d[\d ()-]{8,17}\d(?![\w.-])")
_SHORT = 3
_LEAST_DIGITS = 10


@dataclass(frozen=True)
class Row:
    """An entry in the list."""

    seen: Seen
    time: str
    icon: str
    kind: str
    tone: str
    state: str
    whom: str
    late_s: int | None  # how long before it was heard it happened
    took_s: float | None  # how long it waited for the step


def rows(entries: Sequence[Seen]) -> list[Row]:
    """Return ``entries`` as the list shows them."""
    ids = {one.profile_id for one in entries if one.profile_id is not None}
    names = {each.pk: each.name for each in profiles.everybody().filter(pk__in=ids)}
    return [_row(one, names) for one in entries]


def _row(one: Seen, names: dict[int, str]) -> Row:
    tone, state = STATES[one.state]
    local = clock.to_datetime(one.recorded_at, settings.PUSULA.time_zone)
    day = "" if local.date() == formats.today() else f"{formats.short_day(local.date())} "
    whom = titles.customer(names[one.profile_id]) if one.profile_id in names else ""
    return Row(
        seen=one,
        time=f"{day}{local:%H:%M:%S}",
        icon=ICONS.get(one.type, "circle-help"),
        kind=kind(one.type),
        tone=tone,
        state=str(state),
        whom=whom,
        late_s=_seconds(one.at, one.recorded_at),
        took_s=None if one.taken_at is None else (one.taken_at - one.recorded_at) / clock.SECOND,
    )


def _seconds(earlier: int | None, later: int) -> int | None:
    return None if earlier is None else max(0, later - earlier) // clock.SECOND


def kind(name: str) -> str:
    """Return what a kind of entries is called; types of messages are called as programs do."""
    return str(KINDS.get(name, name))


def kinds() -> list[tuple[str, str]]:
    """Return what can be asked for, each with its name."""
    return [(name, kind(name)) for name in (*recent.TYPES, *recent.KINDS)]


def pretty(body: str, *, is_disclosed: bool) -> str:
    """Return a body to be read, personal values hidden unless ``is_disclosed``."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return body if is_disclosed else _hidden(body)
    shown = told if is_disclosed else _masked(told, is_person=False)
    return json.dumps(shown, ensure_ascii=False, indent=2)


def _masked(value: object, *, is_person: bool, name: str = "") -> object:
    if isinstance(value, dict):
        return {
            key: _masked(
                held, is_person=is_person or _plain(key) in _PEOPLE, name=_plain(key)
            )
            for key, held in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [_masked(held, is_person=is_person, name=name) for held in value]
    if value is None or isinstance(value, bool):
        return value
    # "name" alone is a page's or an event's name; of a person only where persons are spoken of.
    if name in _PERSONAL and (is_person or name != "name"):
        return _formed(str(value))
    return _hidden(value) if isinstance(value, str) else value


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _formed(text: str) -> str:
    """Return a personal value as far as its form may be seen."""
    if _EMAIL.fullmatch(text) and "@" in text:
        return masking.mask_email(text)
    if _PHONE.fullmatch(text):
        return masking.mask_phone(text, settings.PUSULA.phone_region)
    return text[:1] + masking.DOTS * 3 if len(text) > _SHORT else masking.DOTS * 3


def _hidden(text: str) -> str:
    """Return ``text`` without the addresses and numbers of people inside it."""
    return _PHONE.sub(_number, _EMAIL.sub(_address, text))


def _address(found: re.Match[str]) -> str:
    return _formed(found.group())


def _number(found: re.Match[str]) -> str:
    """Return what may be seen of digits; a day (2027-07-04) has too few to be a phone."""
    told = found.group()
    is_phone = sum(c.isdigit() for c in told) >= _LEAST_DIGITS
    return _formed(told) if is_phone else told
