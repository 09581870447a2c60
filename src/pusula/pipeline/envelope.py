"""What a program sent through the tracking API, unwrapped: who is spoken of, and when it was."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from pusula.lib import clock, money
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.lib.text import nfc
from pusula.pipeline import complaints
from pusula.pipeline.entries import FIRST_AT, LAST_AT, TOO_LONG, is_name
from pusula.pipeline.queries import Logged
from pusula.pipeline.refusals import RefusedError

TYPES = ("track", "identify", "page", "screen", "group", "alias")
OWN, NONE = "own", "none"

_LONGEST_ID = 200
# What programs write where they mean nobody.
_NOBODY = re.compile(
    r"[0-]*|-1|null|nil|none|undefined|nan|anonymous|unknown|guest|\[object object\]|true|false",
    re.IGNORECASE,
)
_MILLISECONDS = 10**11  # a larger number of seconds is behind the year 5000
_SLUG = r"^[A-Za-z0-9-]{1,40}$"
Slug = Annotated[str, Meta(pattern=_SLUG)]


class BadRulesError(PusulaError):
    """The tracking settings of a source cannot be used."""

    code = "bad_tracking_settings"


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the messages of a source are understood, as the source's settings say under ``tracking``.

    ``user_ids``: the system whose numbers its user ids are; empty: a system of their own.
    ``browser_users``: whether a user id is believed without a server key. ``protected_traits`` are
    left to server keys beside those that always are. ``orders``: whether purchases that it tells
    are orders of its own, none at all, or those that another source has told. ``time_zone`` is that
    of times without one, ``rates`` what one unit of a currency is worth in the company's,
    ``sells``: ``stays`` reads the events of shops as those of hotels.
    """

    user_ids: Slug | Literal[""] = ""
    browser_users: Literal["followed", "ignored"] = "followed"
    protected_traits: frozenset[str] = frozenset()
    orders: Slug = OWN
    time_zone: str = ""
    rates: dict[str, Decimal] = {}
    sells: Literal["goods", "stays"] = "goods"


def check_rules(settings: Mapping[str, object]) -> Rules:
    """Return the rules that ``settings`` (the part ``tracking`` of a source's) hold.

    Raises ``BadRulesError``, which names the setting.
    """
    try:
        rules = msgspec.convert(settings, Rules, strict=False)
        if rules.time_zone:
            clock.zone(rules.time_zone)
        for code in rules.rates:
            money.currency(code)
    except (msgspec.ValidationError, ValueError, OSError, LookupError, PusulaError) as error:
        raise BadRulesError(f"tracking: {error}") from error
    if low := [code for code, rate in rules.rates.items() if not rate > 0]:
        raise BadRulesError(f"tracking: rates: that of {low[0]} is above 0")
    if wrong := [name for name in rules.protected_traits if not is_name(name)]:
        raise BadRulesError(f"tracking: protected_traits: {wrong[0]!r} is no name of a trait")
    return rules


class Campaign(msgspec.Struct, frozen=True):
    """Where a visit came from; see ``Context``."""

    name: Any = None
    source: Any = None
    medium: Any = None
    term: Any = None
    content: Any = None


class Page(msgspec.Struct, frozen=True):
    """The page a browser was on; see ``Context``."""

    path: Any = None
    referrer: Any = None
    title: Any = None
    url: Any = None


class Context(msgspec.Struct, rename="camel", frozen=True):
    """What we read of the circumstances of a message."""

    traits: dict[str, Any] | None = None
    campaign: Campaign | None = None
    page: Page | None = None
    group_id: Any = None


class Batch(msgspec.Struct, frozen=True):
    """What stands above the messages of a batch, for all of them."""

    context: Context | None = None


class Message(msgspec.Struct, rename="camel", frozen=True):
    """A message as sent; what may have several forms is looked at when it is used."""

    user_id: Any = None
    anonymous_id: Any = None
    previous_id: Any = None
    group_id: Any = None
    event: Any = None
    name: Any = None
    category: Any = None
    timestamp: Any = None
    original_timestamp: Any = None
    sent_at: Any = None
    traits: dict[str, Any] | None = None
    properties: msgspec.Raw = msgspec.Raw()
    context: Context | None = None


class Envelope(msgspec.Struct, frozen=True):
    """A message with what was known where it came in."""

    type: Literal["track", "identify", "page", "screen", "group", "alias"]
    message: Message
    trusted: bool = False
    sent_at: Any = None
    batch: Batch | None = None
    rules: Rules = Rules()
    refused: Literal[""] = ""

    def context(self) -> Context:
        """Return the circumstances: those of the message, else those of its batch."""
        own, shared = self.message.context, self.batch.context if self.batch else None
        if own is None or shared is None:
            return own or shared or _NO_CONTEXT
        return Context(
            own.traits if own.traits is not None else shared.traits,
            own.campaign or shared.campaign,
            own.page or shared.page,
            own.group_id or shared.group_id,
        )


class Refused(msgspec.Struct, frozen=True):
    """A message that was found wrong where it came in, kept to be looked at."""

    refused: str = ""


_NO_CONTEXT = Context()
_DECODER = msgspec.json.Decoder(Envelope)
_REFUSED = msgspec.json.Decoder(Refused)


def opened(entry: Logged) -> Envelope:
    """Return what ``entry`` holds; raise ``RefusedError`` where that is no message."""
    if entry.body is None:
        raise RefusedError(TOO_LONG, "body")
    try:
        return _DECODER.decode(entry.body)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        if said := _reason(entry.body):
            raise RefusedError(complaints.known(said)) from error
        raise RefusedError(complaints.why(error), "body") from error


def _reason(body: str) -> str:
    """Return why a message was refused where it came in; empty if it was not."""
    try:
        return _REFUSED.decode(body).refused
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return ""


def no_number(given: object) -> Saying:
    """Return why what was given is no number of anything, as sources give them."""
    return Saying("a text or a whole number, not %(given)s", {"given": f"{given!r:.60}"})


def id_of(place: str, given: object) -> str | None:
    """Return an id as sent; ``None`` where it names nobody ("", null, "undefined", "000")."""
    match given:
        case None | bool():
            return None
        case int():
            text = str(given)
        case str():
            text = nfc(given)
        case _:
            raise RefusedError(no_number(given), place)
    if not text or _NOBODY.fullmatch(text):
        return None
    if len(text) > _LONGEST_ID or not text.isprintable():
        raise RefusedError(Saying("at most %(n)s visible characters", {"n": _LONGEST_ID}), place)
    return text


def happened_at(entry: Logged, envelope: Envelope, tz: str, latest: int) -> int:
    """Return when what the message says was, never later than we heard of it.

    A device's clock may be wrong: what counts is how long before its sending it happened, back from
    the moment it was heard. Without a time of sending the time is taken as told.
    """
    message = envelope.message
    heard_at = min(entry.recorded_at, latest)
    # Where both stand, the first is what the caller said, the other when the call was made.
    given = message.timestamp or message.original_timestamp
    if given is None or given == "":
        return heard_at
    tz = envelope.rules.time_zone or tz
    at = _moment("timestamp", given, tz)
    sent = envelope.sent_at or message.sent_at
    if sent:
        at = entry.recorded_at - (_moment("sentAt", sent, tz) - at)
    if not FIRST_AT <= at <= LAST_AT:
        raise RefusedError(
            Saying("by the clock of its sender in no year that can be meant"), "timestamp"
        )
    return min(at, heard_at)


def _moment(place: str, given: object, tz: str) -> int:
    """Return the moment that ``given`` says: ISO 8601 text, or seconds or milliseconds of Unix."""
    if isinstance(given, str):
        found = _read(given, tz)
        if found is not None:
            return found
    elif isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < 10**15:
        seconds = given / 1_000 if abs(given) > _MILLISECONDS else given
        return round(seconds * clock.SECOND)
    told = {"given": f"{given!r:.40}"}
    raise RefusedError(Saying("%(given)s is no time: write 2026-05-31T10:00:00Z", told), place)


@lru_cache(maxsize=4_096)  # a batch has one time of sending
def _read(text: str, tz: str) -> int | None:
    try:
        return clock.from_datetime(datetime.fromisoformat(text.strip()), tz)
    except (ValueError, OverflowError):
        return None
