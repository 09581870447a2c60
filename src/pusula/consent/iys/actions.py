"""Writes of what passes between us and İYS: the account, what was told, what was heard."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from pusula.consent import actions as consents
from pusula.consent.iys import queries, queue, rules
from pusula.consent.models import (
    Consent,
    IysAccount,
    IysRecord,
    IysState,
    IysStatus,
    IysSubmission,
)  # fmt: skip
from pusula.lake import rows
from pusula.profiles import unheard
from pusula.profiles.models import IdentifierKind

_TRIES = 5  # of a record that İYS refuses without saying which one it means
_BACKLOG = 5_000

Key = tuple[str, str, str]  # recipient, type, recipient type


@dataclass(frozen=True, slots=True)
class Heard:
    """What İYS says of a recipient."""

    type: str
    recipient: str
    recipient_type: str
    status: str
    source: str
    decided_at: int
    created_at: int
    transaction_id: str = ""

    @property
    def key(self) -> Key:
        """Whom it is about."""
        return (self.recipient, self.type, self.recipient_type)


def open_account(slug: str, *, at: int, **told: Any) -> IysAccount:
    """Keep how the company stands to İYS; ``told`` are fields of ``IysAccount``."""
    account, _is_new = IysAccount.objects.update_or_create(
        slug=slug, defaults=told, create_defaults={**told, "created_at": at}
    )
    return account


def take_up(*, at: int) -> int:
    """Put in line what was decided before there was an account; return how many records.

    İYS takes approvals of the last three business days, and those from before the law; for the
    others the people must be asked again. They are listed as rejected, with that reason.
    """
    n, last = 0, 0
    while True:
        held = Consent.objects.filter(pk__gt=last, channel__in=list(rules.TYPES))
        page = list(held.select_related("entry").order_by("pk")[:_BACKLOG])
        if not page:
            return n
        last = page[-1].pk
        n += queue.put({one.entry.dedupe_key: _decision(one) for one in page}, at=at)


def _decision(held: Consent) -> consents.Decision:
    entry = held.entry
    return consents.Decision(
        profile_id=held.profile_id,
        channel=held.channel,
        purpose=held.purpose,
        status=held.status,
        source=entry.source,
        decided_at=held.decided_at,
        address=entry.address,
        proof=entry.proof,
    )


def next_to_tell(limit: int, *, at: int) -> list[IysSubmission]:
    """Return up to ``limit`` submissions that wait, one for each recipient, the most urgent first.

    Approvals that have become too old are rejected here: İYS would not take them.
    """
    pending = IysSubmission.objects.filter(state=IysState.PENDING)
    old = pending.filter(status=IysStatus.APPROVED, due_at__lte=at)
    old.exclude(source=rules.BEFORE_2015).update(
        state=IysState.REJECTED, code="too_old", settled_at=at
    )
    page = list(pending.order_by("decided_at", "pk")[: 2 * limit])
    newer = _decided_at(page)
    found: dict[Key, IysSubmission] = {}
    for one in page:
        key = (one.recipient, one.type, one.recipient_type)
        if newer.get(key, one.decided_at) > one.decided_at:
            IysSubmission.objects.filter(pk=one.pk).update(
                state=IysState.NOT_NEEDED, code="overtaken", settled_at=at
            )
        else:
            found.setdefault(key, one)
    return sorted(found.values(), key=lambda one: (one.due_at, one.pk))[:limit]


def _decided_at(told: Iterable[IysSubmission]) -> dict[Key, int]:
    """Return when what İYS holds of each recipient was decided."""
    found: dict[Key, int] = {}
    for part in rows.parts({one.recipient for one in told}):
        for one in IysRecord.objects.filter(recipient__in=part):
            found[one.recipient, one.type, one.recipient_type] = one.decided_at
    return found


def submitted(told: Sequence[IysSubmission], request_id: str) -> None:
    """Write that ``told`` went out together, in this order."""
    with transaction.atomic():
        for position, one in enumerate(told):
            IysSubmission.objects.filter(pk=one.pk, state=IysState.PENDING).update(
                state=IysState.SUBMITTED, request_id=request_id, position=position
            )


def registered(one: IysSubmission, transaction_id: str, created_at: int, *, at: int) -> bool:
    """Write that İYS holds a submission now; return whether that changed what it holds."""
    with transaction.atomic():
        waiting = IysSubmission.objects.filter(pk=one.pk).exclude(state=IysState.REGISTERED)
        waiting.update(
            state=IysState.REGISTERED, transaction_id=transaction_id, code="", settled_at=at
        )
        heard = Heard(
            one.type, one.recipient, one.recipient_type, one.status, one.source,
            one.decided_at, created_at, transaction_id,
        )  # fmt: skip
        return bool(hear([heard], at=at))


def rejected(one: IysSubmission, code: str, detail: str, *, at: int) -> None:
    """Write that İYS does not take a submission, and why."""
    IysSubmission.objects.filter(pk=one.pk).update(
        state=IysState.REJECTED, code=code[:40], detail=detail[:400], settled_at=at
    )


def turned_back(told: Iterable[IysSubmission], code: str, detail: str, *, at: int) -> None:
    """Write that a batch was refused as a whole: tried again, and given up in the end."""
    for one in told:
        if one.n_attempts + 1 >= _TRIES:
            rejected(one, code, detail, at=at)
        else:
            IysSubmission.objects.filter(pk=one.pk).update(
                n_attempts=one.n_attempts + 1, code=code[:40], detail=detail[:400]
            )


def lost(request_id: str) -> None:
    """Put in line again what went with a batch that İYS does not know any more."""
    gone = IysSubmission.objects.filter(request_id=request_id, state=IysState.SUBMITTED)
    gone.update(state=IysState.PENDING, request_id="")


def hear(told: Sequence[Heard], *, at: int) -> set[str]:
    """Keep what İYS says; return the recipients of whom it says something new.

    The later consent date counts, then the later creation date.
    """
    changed: set[str] = set()
    with transaction.atomic():
        held = _held(told)
        for one in sorted(told, key=lambda one: (one.decided_at, one.created_at)):
            known = held.get(one.key)
            values = {
                "source": one.source, "decided_at": one.decided_at, "created_at": one.created_at,
                "transaction_id": one.transaction_id, "confirmed_at": at,
            }  # fmt: skip
            if known is None:
                held[one.key] = IysRecord.objects.create(
                    type=one.type, recipient=one.recipient, recipient_type=one.recipient_type,
                    status=one.status, since_at=at, **values,
                )  # fmt: skip
                changed.add(one.recipient)
            elif (one.decided_at, one.created_at) >= (known.decided_at, known.created_at):
                if known.status != one.status:
                    values |= {"status": one.status, "since_at": at}
                    changed.add(one.recipient)
                IysRecord.objects.filter(pk=known.pk).update(**values)
                for name, value in values.items():
                    setattr(known, name, value)
        _tell_holders(changed, at)
    return changed


def _tell_holders(recipients: Collection[str], at: int) -> None:
    """Have the next live step look at whoever holds an address of which İYS says something new.

    As long as nobody asks it, what it says reaches nobody's segments.
    """
    if recipients and queries.is_enforced():
        for kind in (IdentifierKind.EMAIL, IdentifierKind.PHONE):
            unheard.tell(unheard.sharing(kind, recipients), at=at)


def _held(told: Sequence[Heard]) -> dict[Key, IysRecord]:
    found: dict[Key, IysRecord] = {}
    for part in rows.parts({one.recipient for one in told}):
        for one in IysRecord.objects.select_for_update().filter(recipient__in=part):
            found[one.recipient, one.type, one.recipient_type] = one
    return found


def compared(
    type_: str, recipient_type: str, asked: Iterable[str], approved: Mapping[str, int], *, at: int
) -> set[str]:
    """Keep which of ``asked`` İYS holds an approval of; return of whom that is news.

    ``approved`` are those, with the date of their approval if it is told, else 0. One without a
    date looks no newer than what was known: a decision of ours that waits is told all the same, and
    the date counts once İYS says it. An approval that İYS does not know of is none.
    """
    changed: set[str] = set()
    with transaction.atomic():
        for part in rows.parts(asked):
            known = IysRecord.objects.select_for_update().filter(
                type=type_, recipient_type=recipient_type, recipient__in=part
            )
            held = {one.recipient: one for one in known}
            for recipient in part:
                one = held.get(recipient)
                if recipient in approved:
                    if one is not None and one.status == IysStatus.APPROVED:
                        IysRecord.objects.filter(pk=one.pk).update(confirmed_at=at)
                        continue
                    decided_at = approved[recipient] or (one.decided_at if one else 0)
                    IysRecord.objects.update_or_create(
                        type=type_, recipient_type=recipient_type, recipient=recipient,
                        defaults={
                            "status": IysStatus.APPROVED, "decided_at": decided_at,
                            "created_at": at, "since_at": at, "confirmed_at": at,
                        },
                    )  # fmt: skip
                    changed.add(recipient)
                elif one is not None and one.status == IysStatus.APPROVED:
                    one.delete()
                    changed.add(recipient)
        _tell_holders(changed, at)
    return changed
