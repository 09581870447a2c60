"""Consents as their pages show them: numbers, rows of the ledger, what İYS says in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pusula.consent import purposes, queries
from pusula.consent.iys.queries import Disagreement
from pusula.consent.models import (
    Channel,
    ConsentEntry,
    IysState,
    IysStatus,
    IysSubmission,
    Reason,
    Scope,
    Status,
    Suppression,
)  # fmt: skip
from pusula.web import consent_words, masking, titles

# What the badges of states look like.
IYS_TONES = {
    IysState.PENDING: "info", IysState.SUBMITTED: "info", IysState.REGISTERED: "good",
    IysState.REJECTED: "bad", IysState.NOT_NEEDED: "mute",
}  # fmt: skip
# Our own codes; those of İYS stand as they came, with its words behind them.
IYS_CODES: dict[str, str | Promise] = {
    "recipient_phone": _("no phone number of Turkey"),
    "recipient_length": _("the address is too short or too long for İYS"),
    "recipient_letters": _("the address has letters that İYS does not take"),
    "too_old": _("told more than three business days later: void"),
    "first_refusal": _("İYS holds no approval that could be refused"),
    "overtaken": _("İYS knows of a later decision"),
}
PARTS: dict[str, str | Promise] = {
    "text": _("text"),
    "network": _("network"),
    "form": _("form"),
    "recording": _("recording"),
    "operator": _("written down by"),
    "note": _("note"),
    "iys_source": _("way given, as İYS calls it"),
    "transaction": _("number in the registry"),
}


@dataclass(frozen=True)
class Cell:
    """How many granted and refused a purpose on a channel."""

    n_granted: int
    n_refused: int


@dataclass(frozen=True)
class Line:
    """A purpose with its numbers by channel."""

    title: str
    is_commercial: bool
    cells: list[Cell]


@dataclass(frozen=True)
class Entry:
    """A decision of the ledger."""

    row: ConsentEntry
    name: str
    icon: str
    channel: str
    purpose: str
    address: str  # masked
    source: str
    evidence: str
    proof: list[tuple[str, str]]


@dataclass(frozen=True)
class Blocked:
    """A suppressed address."""

    row: Suppression
    icon: str
    channel: str
    address: str  # masked; of an erased person there is none
    reason: str
    scope: str


def channels() -> list[tuple[str, str]]:
    """Return icon and title of each channel, in their order."""
    return [titles.channel(channel) for channel in titles.CHANNELS]


def lines() -> list[Line]:
    """Return the purposes that somebody decided about, and marketing."""
    held = queries.numbers()
    known = purposes.known()
    used = [slug for slug in known if slug == "marketing" or any(slug == p for p, _c in held)]
    return [
        Line(
            str(known[slug].title),
            known[slug].is_commercial,
            [_cell(held.get((slug, channel), {})) for channel in titles.CHANNELS],
        )
        for slug in used
    ]


def _cell(statuses: dict[str, int]) -> Cell:
    return Cell(statuses.get(Status.GRANTED, 0), statuses.get(Status.REFUSED, 0))


def entries(rows: Iterable[ConsentEntry]) -> Iterator[Entry]:
    """Yield the rows of the ledger as they are shown."""
    known = purposes.known()
    for row in rows:
        icon, channel = titles.channel(row.channel)
        yield Entry(
            row=row,
            name=titles.customer(row.profile.name),
            icon=icon,
            channel=channel,
            purpose=str(known[row.purpose].title) if row.purpose in known else row.purpose,
            address=masked(row.address),
            source=consent_words.source(row.source),
            evidence=consent_words.evidence(row.evidence),
            proof=[
                (str(title), consent_words.part(part, str(row.proof[part])))
                for part, title in PARTS.items()
                if row.proof.get(part)
            ],
        )


def blocked(rows: Iterable[Suppression]) -> Iterator[Blocked]:
    """Yield suppressions as they are shown."""
    reasons, scopes = dict(Reason.choices), dict(Scope.choices)
    for row in rows:
        icon, channel = titles.channel(row.channel)
        reason = str(reasons.get(row.reason, row.reason))
        yield Blocked(row, icon, channel, masked(row.address), reason, str(scopes[row.scope]))


def masked(address: str) -> str:
    """Return a contact point with most of it hidden."""
    if "@" in address:
        return masking.mask_email(address)
    return masking.mask_phone(address, settings.PUSULA.phone_region) if address else ""


@dataclass(frozen=True)
class Submission:
    """A decision on its way to İYS."""

    row: IysSubmission
    recipient: str  # masked
    type: str
    status: str
    state: str
    tone: str
    why: str


def submissions(rows: Iterable[IysSubmission]) -> Iterator[Submission]:
    """Yield submissions as they are shown."""
    for row in rows:
        code = IYS_CODES.get(row.code)
        why = str(code) if code else f"{row.code} {row.detail}".strip()
        yield Submission(
            row, masked(row.recipient), row.get_type_display(), row.get_status_display(),
            row.get_state_display(), IYS_TONES[IysState(row.state)], why,
        )  # fmt: skip


def disagreement(one: Disagreement) -> tuple[Disagreement, str, str, str, str]:
    """Return a disagreement with its channel, recipient, and what either of us holds, in words."""
    ours = gettext("Consent given") if one.ours == Status.GRANTED else gettext("Refused")
    theirs = dict(IysStatus.choices).get(one.theirs)
    return (
        one,
        titles.channel(Channel(one.channel))[1],
        masked(one.recipient),
        ours,
        str(theirs) if theirs else gettext("nothing"),
    )
