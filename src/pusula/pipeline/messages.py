"""Messages of the tracking API: what each of them says of whom, or why it says nothing.

Who may say what is explained in docs/tracking.md, "Who a message speaks of".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import msgspec

from pusula.events import vocabulary
from pusula.lib.sayings import Saying
from pusula.lib.text import nfc
from pusula.pipeline import complaints, deals, traits
from pusula.pipeline.deals import Voice
from pusula.pipeline.entries import (
    DEEPEST,
    AliasBody,
    EventBody,
    Told,
    TraitBody,
    check_names,
    check_value,
)
from pusula.pipeline.envelope import Context, Envelope, Message, happened_at, id_of, opened
from pusula.pipeline.queries import Logged
from pusula.pipeline.refusals import RefusedError
from pusula.pipeline.traits import Said

KIND = "message"
PAGE, SCREEN = "Page Viewed", "Screen Viewed"

_PROPERTIES = msgspec.json.Decoder(dict[str, Any])
_LONGEST_ADDRESS = 500
_UTM = ("name", "source", "medium", "term", "content")
_UTM_NAMES = {"name": "campaign"}
_DIRECT = "$direct"  # what one client calls a visit from nowhere


class Company(NamedTuple):
    """What must be known of the company to read a message; ``region`` dials its phone numbers."""

    region: str
    currency: str
    tz: str


@dataclass(frozen=True)
class Reading:
    """What a message says, part by part.

    ``left`` are the reasons why traits or properties were left out, ``problem`` is why the order
    that it speaks of was.
    """

    told: list[Told]
    left: list[Saying | str] = field(default_factory=list)
    problem: Saying | str = ""


def read(entry: Logged, company: Company, *, latest: int) -> Reading:
    """Return what the message in ``entry`` says; raise ``RefusedError`` if that is nothing.

    ``latest`` is the last moment that may be: what claims to be later counts as then.
    """
    envelope = opened(entry)
    context = envelope.context()
    at = happened_at(entry, envelope, company.tz, latest)
    said = _said(envelope, context, company)
    about = _about(entry, envelope, said, at)
    match envelope.type:
        case "identify":
            return _person(about, said)
        case "group":
            return _group(about, envelope, context)
        case "alias":
            return _alias(about, envelope)
    return _event(about, envelope, context, company)


def _said(envelope: Envelope, context: Context, company: Company) -> Said:
    """Return what is said of the person: by a browser only where it identifies somebody."""
    given = envelope.message.traits or context.traits
    if not given or envelope.type == "group":
        return Said()
    if not envelope.trusted and envelope.type != "identify":
        return Said()
    return traits.said(
        given,
        trusted=envelope.trusted,
        protected=envelope.rules.protected_traits,
        region=company.region,
    )


def _about(entry: Logged, envelope: Envelope, said: Said, at: int) -> Told:
    """Return who a message speaks of, with nothing said yet."""
    message, rules = envelope.message, envelope.rules
    user = id_of("userId", message.user_id)
    if not envelope.trusted and rules.browser_users == "ignored":
        user = None
    device = id_of("anonymousId", message.anonymous_id)
    if envelope.type == "alias" and device is None:
        device = id_of("previousId", message.previous_id)
    if not (user or device or said.email or said.phone):
        raise RefusedError(Saying("speaks of nobody: userId or anonymousId is needed"))
    return Told(
        entry=entry,
        kind="trait",
        body=None,
        at=at,
        profile_id=None,
        key=f"{rules.user_ids or entry.source}:{user}" if user else None,
        email=said.email,
        phone=said.phone,
        anonymous=f"{entry.source}:{device}" if device else None,
        trusted=envelope.trusted,
    )


def _person(about: Told, said: Said) -> Reading:
    body = TraitBody(
        first_name=said.first_name,
        last_name=said.last_name,
        email_verified=said.email_verified,
        traits=said.traits,
    )
    return Reading([replace(about, body=body)], said.left)


def _group(about: Told, envelope: Envelope, context: Context) -> Reading:
    message = envelope.message
    given = message.traits or context.traits or {}
    said = traits.of_company(
        given,
        id_of("groupId", message.group_id or context.group_id),
        trusted=envelope.trusted,
        protected=envelope.rules.protected_traits,
    )
    return _person(about, said)


def _alias(about: Told, envelope: Envelope) -> Reading:
    """Return that an earlier id is this user's; that an id is itself says nothing."""
    message = envelope.message
    user, previous = id_of("userId", message.user_id), id_of("previousId", message.previous_id)
    if user is None or previous is None:
        raise RefusedError(Saying("userId and previousId are needed"), "alias")
    if user == previous or about.key is None:
        return Reading([])
    source = about.entry.source
    body = AliasBody(previous=f"{envelope.rules.user_ids or source}:{previous}")
    device = f"{source}:{previous}"
    return Reading([replace(about, kind="alias", body=body, anonymous=device)])


def _event(about: Told, envelope: Envelope, context: Context, company: Company) -> Reading:
    left: list[Saying | str] = []
    message = envelope.message
    given = _given(message)
    match envelope.type:
        case "track":
            name = _event_name(message)
        case "page":
            name, given = PAGE, _page(message, context, given)
        case _:
            name, given = SCREEN, _titled(message) | given
    known = vocabulary.known(name)
    if known is not None and known.stay and (
        envelope.rules.sells == "stays" or deals.has_arrival(given)
    ):  # fmt: skip
        known = vocabulary.known(known.stay)
    name = name if known is None else known.name
    problem: Saying | str = ""
    told = [replace(about, kind="event", body=EventBody(name=name, properties=_kept(given, left)))]
    if known is not None and known.deal and given:
        source = about.entry.source
        voice = Voice(source, about.trusted, envelope.rules, about.at, company.currency)
        try:
            dealt = deals.dealt(known, message.properties, voice)
        except RefusedError as error:
            problem = error.saying
        else:
            if dealt is not None:
                order = replace(about, kind="order", body=dealt.body, said=dealt.said)
                told.append(replace(order, items=dealt.items, deal=dealt.deal))
    return Reading(told, left, problem)


def _event_name(message: Message) -> str:
    if not isinstance(message.event, str):
        told = {"given": f"{message.event!r:.60}"}
        raise RefusedError(Saying("the name of what happened, not %(given)s", told), "event")
    name = nfc(message.event)
    check_names("event", [name])
    return name


def _given(message: Message) -> dict[str, Any]:
    if bytes(message.properties) in {b"", b"null"}:
        return {}
    try:
        return _PROPERTIES.decode(message.properties)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise RefusedError(complaints.why(error), "properties") from error


def _kept(given: Mapping[str, Any], left: list[Saying | str]) -> dict[str, Any]:
    """Return the properties that can be kept; the others are ``left``, each with its reason."""
    kept = {}
    for name, value in given.items():
        try:
            check_names("properties", [name])
            check_value(f"properties.{name}", value, DEEPEST)
        except RefusedError as error:
            left.append(error.saying)
        else:
            kept[name] = value
    return kept


def _titled(message: Message) -> dict[str, Any]:
    return _texts(message, "name", "category")


def _texts(given: object, *names: str) -> dict[str, Any]:
    """Return the fields ``names`` of ``given`` that hold some text."""
    return {
        name: value
        for name in names
        if isinstance(value := getattr(given, name, None), str) and value
    }


def _page(message: Message, context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a page; addresses lose what stands behind ``?`` and ``#``.

    Queries carry tokens, e-mail addresses and what people typed; campaigns come in the context.
    """
    found = _texts(context.page, "url", "path", "referrer", "title")
    found |= _titled(message) | dict(given)
    found.pop("search", None)
    for name in ("url", "referrer"):
        if isinstance(address := found.get(name), str):
            found[name] = "" if address == _DIRECT else _plain(address)
            if not found[name]:
                del found[name]
    for name, value in _texts(context.campaign, *_UTM).items():
        found.setdefault(f"utm_{_UTM_NAMES.get(name, name)}", value)
    return found


def _plain(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))[:_LONGEST_ADDRESS]
    except ValueError:
        return ""
