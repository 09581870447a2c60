"""What one person may choose about messages, and what becomes of the choice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db import transaction

from pusula.consent import actions, purposes, queries, texts
from pusula.consent.models import Channel, Consent, Status
from pusula.profiles import queries as profiles

USUAL = "marketing"
_CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP, Channel.CALL)
_EVIDENCE = "preference page"


@dataclass(frozen=True)
class Reached:
    """A person as a message reached them: by which channel, at which address, for what."""

    profile_id: int
    channel: str
    address: str
    purpose: str


@dataclass(frozen=True)
class Choice:
    """A channel for a purpose; ``name`` is how a form calls it."""

    purpose: str
    channel: str
    is_on: bool
    may_turn_on: bool

    @property
    def name(self) -> str:
        """Return the value of its box."""
        return f"{self.purpose}:{self.channel}"


@dataclass(frozen=True)
class Row:
    """A purpose with its channels, and the words that a person agrees to."""

    purpose: str
    title: str
    text: str
    choices: list[Choice]


def choices(person: Reached, language: str) -> list[Row]:
    """Return what ``person`` may choose: the purposes that concern them, each by channel."""
    held = {(one.purpose, one.channel): one for one in queries.consent_of(person.profile_id)}
    offered = {USUAL, person.purpose, *(purpose for purpose, _channel in held)}
    kinds = {one.kind for one in profiles.identifiers_of(person.profile_id)}
    channels = [one for one in _CHANNELS if queries.ADDRESS_KINDS[one] in kinds]
    closed = _closed(person, offered)
    known = purposes.known()
    rows = []
    for slug in sorted(offered, key=lambda one: (one != USUAL, one)):
        row = [
            Choice(
                slug,
                channel.value,
                _is_on(held.get((slug, channel.value)), (slug, channel.value) in closed),
                channel == person.channel,
            )
            for channel in channels
        ]
        title = str(known[slug].title) if slug in known else slug
        rows.append(Row(slug, title, texts.shown(slug, person.channel, language), row))
    return rows


def _is_on(held: Consent | None, is_closed: bool) -> bool:
    return held is not None and held.status == Status.GRANTED and not is_closed


def _closed(person: Reached, offered: Iterable[str]) -> set[tuple[str, str]]:
    """Return where the address itself is closed, whatever the person once agreed to."""
    found = set()
    for purpose in offered:
        pair = (person.profile_id, person.address)
        if pair in queries.refused_inboxes([person.profile_id], person.channel, purpose):
            found.add((purpose, person.channel))
    return found


def choose(
    person: Reached,
    wanted: set[str],
    language: str,
    proof: Mapping[str, str],
    *,
    source: str,
    at: int,
    shown: set[str] | None = None,
) -> int:
    """Let hold what is ``wanted`` (names of choices) and nothing else; return how many changed.

    ``shown`` are those that the person saw ticked: what they left as they saw it is no choice of
    theirs, and what was decided meanwhile stays. A refusal counts for everybody who holds the
    address; a grant for this person at this address. One record for each purpose and channel, with
    the words that were shown. One transaction.
    """
    n = 0
    with transaction.atomic():
        for choice in _all(person, language):
            if shown is not None and (choice.name in shown) == (choice.name in wanted):
                continue
            if choice.is_on and choice.name not in wanted:
                n += len(_refuse(person, choice, proof, source, at).new)
            elif not choice.is_on and choice.name in wanted and choice.may_turn_on:
                granted = _grant(person, choice, {**proof, **_text(choice, language)}, source, at)
                n += len(actions.record([granted], at=at).new)
    return n


def _all(person: Reached, language: str) -> Iterator[Choice]:
    for row in choices(person, language):
        yield from row.choices


def _refuse(
    person: Reached, choice: Choice, proof: Mapping[str, str], source: str, at: int
) -> actions.Recorded:
    return actions.refuse(
        [person.profile_id],
        channel=choice.channel,
        purpose=choice.purpose,
        source=source,
        evidence=_EVIDENCE,
        at=at,
        addresses=[person.address] if choice.channel == person.channel else [],
        proof=proof,
    )


def _grant(
    person: Reached, choice: Choice, proof: Mapping[str, str], source: str, at: int
) -> actions.Decision:
    return actions.Decision(
        profile_id=person.profile_id,
        channel=choice.channel,
        purpose=choice.purpose,
        status=Status.GRANTED,
        source=source,
        decided_at=at,
        evidence=_EVIDENCE,
        address=person.address,
        proof=proof,
    )


def _text(choice: Choice, language: str) -> dict[str, str]:
    return texts.proof_of(choice.purpose, choice.channel, language)
