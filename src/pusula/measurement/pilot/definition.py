"""A pilot as a YAML file: whom, what, for how long, and what will be looked at, said beforehand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from django.conf import settings

from pusula.campaigns.definitions import KEY, Share, convert
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.segments import spoken
from pusula.segments.language.documents import read_yaml
from pusula.segments.language.place import DefinitionError as SegmentError

FLAVOURS = ("hotel", "shop")
_MOST_TEXT = 400
_MOST_TITLE = 120
_UNFIT = frozenset(" \t\r\n\"'<>{}$\\")  # what would end a link, or begin something else
_LIQUID = ("{{", "{%")
_TEXTS = frozenset({"title", "subject", "trust", "value", "proof", "text", "script"})
_AHEAD = timedelta(days=14)  # what is to be done before the first day takes ten


class PilotError(PusulaError):
    """A pilot cannot be read, or not be done as it stands."""

    code = "pilot"
    status = 409


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said in both languages."""

    tr: str
    en: str

    def __post_init__(self) -> None:
        """Refuse silence, essays, and what a template would take for its own language."""
        for said in (self.tr, self.en):
            if not 1 <= len(said.strip()) <= _MOST_TEXT:
                raise ValueError(f"1 to {_MOST_TEXT} characters in each language")
            if any(mark in said for mark in _LIQUID):
                raise ValueError("plain words: no {{ and no {%")

    def of(self, language: str) -> str:
        """Return what is said in ``language`` ("tr"; any other: English)."""
        return self.tr if language == "tr" else self.en


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message: its subject, and a sentence each on trust, value and proof."""

    subject: Words
    trust: Words
    value: Words
    proof: Words


class Button(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the reader is asked to do, and the page of the site it leads to."""

    text: Words
    path: str = "/"

    def __post_init__(self) -> None:
        """Refuse what is no path of the site."""
        if not self.path.startswith("/") or self.path.startswith("//") or _UNFIT & set(self.path):
            raise ValueError("path: begins with one / and holds no spaces or quotes")


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who of a scenario is called by an agent if the messages bring nothing, and what is said."""

    segment: str
    script: Words
    after_days: int = 4

    def __post_init__(self) -> None:
        """Refuse calls at once, and after the pilot."""
        if not 1 <= self.after_days <= 10:  # noqa: PLR2004 - within a fortnight
            raise ValueError("after_days: 1 to 10")


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of the ways that are tried: whom, what is said, by which routes."""

    scenario: Literal["loyalty", "cross_sell", "upsell"]
    title: Words
    audience: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    message: Frame
    button: Button
    routes: tuple[Literal["email", "webpush", "sms", "whatsapp"], ...] = ("email",)
    whatsapp_template: str = ""
    call: Call | None = None
    expected_lift: Share = Share(0.15)

    def __post_init__(self) -> None:
        """Refuse nobody, no route, and WhatsApp without its approved template."""
        if not self.audience:
            raise ValueError("audience: name at least one segment")
        if both := sorted(set(self.audience) & set(self.exclude)):
            raise ValueError(f"{both[0]} is in audience and in exclude")
        if not self.routes or len(set(self.routes)) < len(self.routes):
            raise ValueError("routes: at least one, each once")
        if ("whatsapp" in self.routes) != bool(self.whatsapp_template):
            raise ValueError("whatsapp_template: the name of the approved template, for WhatsApp")
        if self.expected_lift <= 0:
            raise ValueError("expected_lift: more than 0")


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one message or call costs, in the company's currency, and the pilot as such."""

    email: Decimal = Decimal(0)
    webpush: Decimal = Decimal(0)
    sms: Decimal = Decimal(0)
    whatsapp: Decimal = Decimal(0)
    call: Decimal = Decimal(0)
    fixed: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse costs below zero."""
        if min(msgspec.structs.astuple(self)) < 0:
            raise ValueError("a cost is not below 0")


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which shares of the messages sent a scenario must not exceed, whatever it earns."""

    unsubscribed: Share = Share(0.01)
    complained: Share = Share(0.001)


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole pilot. What it will be judged by stands here before anything is sent."""

    pilot: str
    title: Words
    flavour: Literal["hotel", "shop"]
    site: str
    starts_on: date
    days: int = 14
    at: str = "10:00"
    language: Literal["tr", "en"] = "tr"
    holdout: Share = Share(0.2)
    margin: Share = Share(1)
    costs: Costs = Costs()
    limits: Limits = Limits()
    segments: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    scenarios: tuple[Scenario, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be run, or not be measured."""
        if not KEY.fullmatch(self.pilot) or len(self.pilot) > 40:  # noqa: PLR2004 - keys grow from it
            raise ValueError("pilot: lower case letters, digits and hyphens, 40 at most")
        _check_site(self.site)
        if not 7 <= self.days <= 60:  # noqa: PLR2004 - a week at least, two months at most
            raise ValueError("days: 7 to 60")
        if not 0 < self.holdout <= 0.5:  # noqa: PLR2004 - half of them
            raise ValueError("holdout: more than 0, at most 50%: without one nothing is measured")
        if len({one.scenario for one in self.scenarios}) < len(self.scenarios):
            raise ValueError("scenarios: each kind once")
        if not self.scenarios:
            raise ValueError("scenarios: at least one")
        named = {key for one in self.scenarios for key in one.audience}
        if strange := sorted(named - set(self.segments)):
            raise ValueError(f"segments: {strange[0]!r} is an audience and is not listed")

    def used(self) -> Iterator[str]:
        """Yield the keys of all segments that the pilot speaks of, each once."""
        found = [*self.segments, *self.exclude]
        for one in self.scenarios:
            found += [*one.exclude, *([one.call.segment] if one.call else [])]
        yield from dict.fromkeys(found)


def _check_site(site: str) -> None:
    parts = urlsplit(site)
    if parts.scheme not in {"http", "https"} or not parts.hostname or _UNFIT & set(site):
        raise ValueError("site: an address such as https://www.example.com")


def read(file: Path) -> Definition:
    """Return the pilot in ``file``; raise ``PusulaError`` with the place of what is wrong."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PilotError(
            Saying("%(file)s: cannot be read: %(why)s", {"file": file, "why": error.strerror})
        ) from error
    except UnicodeDecodeError as error:
        raise PilotError(Saying("%(file)s: is not UTF-8 text", {"file": file})) from error
    return parse(text, str(file))


def parse(text: str, where: str) -> Definition:
    """Return the pilot that a YAML text describes; ``where`` begins an error."""
    try:
        told: Any = read_yaml(text)
    except SegmentError as error:
        raise PilotError(
            Saying("%(where)s: %(why)s", {"where": where, "why": error.saying})
        ) from error
    return convert(_in_both(told), Definition, where)


def _in_both(told: Any) -> Any:
    """Return what a file says with each text that stands alone said in both languages."""
    if isinstance(told, list):
        return [_in_both(each) for each in told]
    if not isinstance(told, dict):
        return told
    return {
        word: {"tr": part, "en": part} if word in _TEXTS and isinstance(part, str)
        else _in_both(part)
        for word, part in told.items()
    }  # fmt: skip


def kit(flavour: str) -> str:
    """Return the file to begin with, for hotels or shops, in the reader's language alone.

    Its first day is so far ahead that all can be done before it.
    """
    if flavour not in FLAVOURS:
        raise PilotError(
            Saying(
                "there is no kit %(flavour)s: %(known)s",
                {"flavour": f"{flavour!r:.40}", "known": ", ".join(FLAVOURS)},
            )
        )
    language = spoken.language()
    file = resources.files("pusula.measurement.pilot") / "kits" / f"{flavour}.{language}.yaml"
    first = clock.day_of(clock.now(), settings.PUSULA.time_zone) + _AHEAD
    return Template(file.read_text(encoding="utf-8")).substitute(first=first)


def plain(definition: Definition) -> dict[str, Any]:
    """Return a pilot as JSON has it; ``restored`` reads it back."""
    told: dict[str, Any] = msgspec.to_builtins(definition, enc_hook=float)
    return told


def restored(told: Any) -> Definition:
    """Return the pilot that ``plain`` wrote down."""
    return convert(told, Definition, "pilot")


def digest(definition: Definition) -> str:
    """Return what changes with anything that was said beforehand."""
    said = msgspec.json.encode(plain(definition), order="deterministic")
    return hashlib.sha256(said).hexdigest()
