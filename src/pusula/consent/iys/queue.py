"""Decisions put in line for İYS, in the transaction that writes them to the ledger."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from pusula.consent import purposes
from pusula.consent.iys import rules
from pusula.consent.models import (
    Channel,
    IysAccount,
    IysRecord,
    IysState,
    IysStatus,
    IysSubmission,
    IysType,
    RecipientType,
    Status,
)  # fmt: skip
from pusula.lake import rows
from pusula.profiles.models import Identifier, IdentifierKind, Trait

MERCHANT = "is_merchant"  # the trait of those who may be written to until they refuse


class Decided(Protocol):
    """What of a decision matters to İYS."""

    @property
    def profile_id(self) -> int:
        """Who decided."""

    @property
    def channel(self) -> str:
        """About which channel."""

    @property
    def purpose(self) -> str:
        """For what."""

    @property
    def status(self) -> str:
        """How."""

    @property
    def source(self) -> str:
        """Who says so."""

    @property
    def address(self) -> str:
        """About which contact point; empty: about all of theirs."""

    @property
    def proof(self) -> Mapping[str, str]:
        """Its proof in parts."""

    @property
    def decided_at(self) -> int:
        """When."""


def put(decisions: Mapping[str, Decided], *, at: int) -> int:
    """Put ``decisions``, by their dedupe key, in line for İYS; return how many records that makes.

    Nothing is put without an account, for what İYS has no channel for, for messages that are not
    commercial, and of what it told us itself.
    """
    account = IysAccount.objects.order_by("pk").first() if decisions else None
    if account is None:
        return 0
    told = {
        key: one
        for key, one in decisions.items()
        if one.channel in rules.TYPES
        and one.source != account.slug
        and purposes.is_commercial(one.purpose)
    }
    ids = {one.profile_id for one in told.values()}
    held, traders = _held(ids), merchants(ids)
    made = []
    for key, one in told.items():
        kind = _kind(one.channel)
        who = RecipientType.MERCHANT if one.profile_id in traders else RecipientType.PERSON
        recipients = [one.address] if one.address else held[one.profile_id, kind]
        made += [_submission(account, key, one, to=to, who=who, at=at) for to in recipients]
    IysSubmission.objects.bulk_create(_possible(made, at), ignore_conflicts=True)
    return len(made)


def _submission(
    account: IysAccount, key: str, one: Decided, *, to: str, who: RecipientType, at: int
) -> IysSubmission:
    type_ = rules.TYPES[Channel(one.channel)]
    status = rules.STATUSES[Status(one.status)]
    wanted = one.proof.get("iys_source") or account.sources.get(one.source, "")
    said = f"{key}\x1f{type_.value}\x1f{to}"
    return IysSubmission(
        dedupe_key=hashlib.sha256(said.encode()).hexdigest(),
        type=type_,
        recipient=to,
        recipient_type=who,
        status=status,
        source=rules.source_of(wanted, status, one.decided_at, account.default_source),
        decided_at=one.decided_at,
        due_at=rules.due_at(one.decided_at),
        created_at=at,
    )


def _possible(made: list[IysSubmission], at: int) -> Iterator[IysSubmission]:
    """Yield ``made``, those settled already that İYS could not take."""
    approved = _approved(made)
    for one in made:
        key = (one.recipient, one.type, one.recipient_type)
        if code := rules.trouble_with(one.type, one.recipient):
            _settle(one, IysState.REJECTED, code, at)
        elif one.status == IysStatus.APPROVED:
            approved.add(key)
            if one.source != rules.BEFORE_2015 and one.due_at <= at:
                _settle(one, IysState.REJECTED, "too_old", at)
        elif key not in approved:
            # The first record of a recipient may not be a refusal, and nothing is there to refuse.
            _settle(one, IysState.NOT_NEEDED, "first_refusal", at)
        yield one


def _settle(one: IysSubmission, state: IysState, code: str, at: int) -> None:
    one.state, one.code, one.settled_at = state, code, at


def _approved(made: Iterable[IysSubmission]) -> set[tuple[str, str, str]]:
    """Return for whom İYS holds, or is about to hold, an approval or a refusal."""
    found: set[tuple[str, str, str]] = set()
    for part in rows.parts({one.recipient for one in made}):
        columns = ("recipient", "type", "recipient_type")
        found.update(IysRecord.objects.filter(recipient__in=part).values_list(*columns))
        told = IysSubmission.objects.filter(recipient__in=part, status=IysStatus.APPROVED)
        told = told.exclude(state__in=[IysState.REJECTED, IysState.NOT_NEEDED])
        found.update(told.values_list(*columns))
    return found


def _kind(channel: str) -> str:
    is_email = rules.TYPES[Channel(channel)] == IysType.EMAIL
    return (IdentifierKind.EMAIL if is_email else IdentifierKind.PHONE).value


def _held(ids: Iterable[int]) -> dict[tuple[int, str], list[str]]:
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    kinds = [IdentifierKind.EMAIL, IdentifierKind.PHONE]
    for part in rows.parts(ids):
        held = Identifier.objects.filter(profile_id__in=part, kind__in=kinds).order_by("pk")
        for profile_id, kind, value in held.values_list("profile_id", "kind", "value"):
            found[profile_id, kind].append(value)
    return found


def merchants(ids: Iterable[int]) -> set[int]:
    """Return those of ``ids`` who are known to be merchants."""
    found: set[int] = set()
    for part in rows.parts(ids):
        held = Trait.objects.filter(profile_id__in=part, name=MERCHANT, number=1)
        found.update(held.values_list("profile_id", flat=True))
    return found
