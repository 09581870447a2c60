"""What every channel is to the rest: finished messages in, outcomes out, reports later.

A provider is one folder or module that speaks to one company. It knows no database: it is given
what leaves and yields one outcome for each, in the provider's own words. What it cannot tell is
``DOUBT``, which nobody ever sends again by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from pusula.lib.errors import PusulaError

MAX_WORDS = 400
# Halves of characters too: what is left of bytes that are no UTF-8, which no database takes.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class ChannelError(PusulaError):
    """A channel is set up wrongly, or a message cannot be put on its wire."""

    code = "channel"


class ForgedError(PusulaError):
    """A report is not signed by whom it claims to be from, or too old to be believed."""

    code = "forged"
    status = 403


class Result(StrEnum):
    """What the next hop made of a message."""

    ACCEPTED = "accepted"
    LATER = "later"  # nothing was taken: the same may be tried again
    BAD_ADDRESS = "bad_address"  # there is nobody at this address, for good
    REJECTED = "rejected"  # this message, for good; says nothing about the address
    POLICY = "policy"  # it is us they refuse: whoever is next will be refused too
    CONTENT = "content"  # what is said is refused: whoever else gets the same will be refused too
    OPTED_OUT = "opted_out"  # the person told the provider that they want no more of this
    DOUBT = "doubt"  # the request left, and no answer tells what became of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message ready for its wire. ``token`` is its opaque name, also towards the provider.

    ``details`` is what only this channel has: the template of WhatsApp, the link of a push.
    """

    id: int
    token: str
    address: str
    text: str = ""
    title: str = ""
    sender: str = ""  # whom it is from, where the channel shows one; empty: as configured
    details: Mapping[str, Any] = field(default_factory=dict)
    is_commercial: bool = True
    not_after_at: int = 0  # worthless later than this; 0: never


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the message ``id``; ``after_s`` is how long a ``LATER`` asks to wait."""

    id: int
    result: Result
    provider_id: str = ""
    words: str = ""
    after_s: int | None = None


class ReportKind(StrEnum):
    """What may become of a message after it was accepted."""

    SENT = "sent"  # proof that the provider has it, and nothing more
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    BOUNCED = "bounced"  # there is nobody at this address, for good
    SOFT_BOUNCED = "soft_bounced"  # full, too large, out of reach: may be different tomorrow
    REJECTED = "rejected"  # this message; says nothing about the address
    POLICY = "policy"  # it is us they refuse
    COMPLAINED = "complained"
    OPTED_OUT = "opted_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Something a provider tells of a message, the same for every provider.

    The message is named by ``token``, else by ``provider_id``. ``key`` is the same whenever the
    same is told again. ``at`` is a moment (UTC microseconds), 0 if the provider does not say.
    """

    kind: ReportKind
    key: str
    token: str = ""
    provider_id: str = ""
    address: str = ""
    at: int = 0
    words: str = ""
    url: str = ""
    is_machine: bool = False


class Provider(Protocol):
    """Speaks to one company about one channel."""

    @property
    def channel(self) -> str:
        """The channel it serves, as consents call it."""

    @property
    def name(self) -> str:
        """The company, as the settings call it."""

    @property
    def largest_batch(self) -> int:
        """How many messages go at once; all of them are in doubt together."""

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        """Hand ``batch`` over and yield one outcome for each of it; never raises for one."""

    def close(self) -> None:
        """Close what is open; it opens again when it is needed."""


class Asked(Protocol):
    """A provider that has to be asked what became of messages."""

    def ask(self, provider_ids: Sequence[str]) -> Iterator[Report]:
        """Yield what is known of messages it accepted; raises ``outbound.CallError``."""


Builder = Callable[..., Provider]


def words(text: object) -> str:
    """Return what a provider said on one line, safe to store and show."""
    return _CONTROL.sub(" ", str(text)).strip()[:MAX_WORDS]


def storable(report: Report) -> Report:
    """Return ``report`` as any database takes it; what it is known by stays the same each time."""
    return replace(
        report,
        key=_CONTROL.sub(" ", report.key),
        token=_CONTROL.sub(" ", report.token),
        provider_id=_CONTROL.sub(" ", report.provider_id),
        words=words(report.words),
        url=_CONTROL.sub(" ", report.url),
    )


def all_of(
    batch: Sequence[Outgoing], result: Result, said: object = "", *, after_s: int | None = None
) -> Iterator[Outcome]:
    """Yield the same outcome for each of ``batch``."""
    for one in batch:
        yield Outcome(one.id, result, words=words(said), after_s=after_s)
