"""Reads of what İYS holds, what it has not been told yet, and where the two of us disagree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Max, QuerySet, Sum

from pusula.consent.iys import queue, rules
from pusula.consent.models import (
    Channel,
    IysAccount,
    IysRecord,
    IysState,
    IysStatus,
    IysSubmission,
    RecipientType,
    Status,
)  # fmt: skip
from pusula.lake.as_of import AsOf
from pusula.lib import clock

_OPEN = (IysState.PENDING, IysState.SUBMITTED)


def account() -> IysAccount | None:
    """Return how the company stands to İYS; ``None`` if it has nothing to do with it."""
    return IysAccount.objects.order_by("pk").first()


def is_enforced() -> bool:
    """Say whether commercial messages need an approval in İYS."""
    return IysAccount.objects.filter(is_enforced=True).exists()


def registered(
    *,
    channel: str,
    address: str,
    profile_id: str,
    as_of: AsOf | None = None,
) -> str:
    """Return the SQL condition that İYS lets a commercial message through; arguments are SQL.

    A consumer needs an approval, a merchant must not have refused. Channels that İYS does not know
    need nothing. ``channel`` is the name of one. How fresh the answer is, is the gate's to ask.
    """
    type_ = rules.TYPES.get(Channel(channel))
    if type_ is None:
        return "1 = 1"
    known = f"and held.since_at <= {min(as_of.at, as_of.known_at)}" if as_of else ""

    def held(who: RecipientType, status: IysStatus) -> str:
        return f"""exists(select 1 from consent_iysrecord held where held.recipient = {address}
      and held.type = '{type_.value}' and held.recipient_type = '{who.value}'
      and held.status = '{status.value}' {known})"""

    merchant = f"""exists(select 1 from profiles_trait trade where trade.profile_id = {profile_id}
      and trade.name = '{queue.MERCHANT}' and trade.number = 1)"""
    return f"""({held(RecipientType.PERSON, IysStatus.APPROVED)}
    or ({merchant} and not {held(RecipientType.MERCHANT, IysStatus.REFUSED)}))"""


def closed(
    letters: Sequence[tuple[int, int, str, str]], *, at: int, is_past: bool = False
) -> set[int]:
    """Return those of ``letters`` that İYS, as far as we know at ``at``, does not let through.

    A letter is its id, profile, channel and address. An answer older than the account allows is
    none: neither the approval nor the list of changes since was heard lately. Of the past nobody
    knows any more when an answer was heard again: there its age does not count.
    """
    asked = IysAccount.objects.filter(is_enforced=True).first()
    if asked is None:
        return set()
    oldest_at = at - asked.fresh_days * clock.DAY
    is_current = is_past or (asked.read_at is not None and asked.read_at >= oldest_at)
    recipients = {address for _id, _profile, _channel, address in letters}
    held = {
        (one.recipient, one.type, one.recipient_type): one
        for one in IysRecord.objects.filter(recipient__in=recipients)
        if one.since_at <= at or not is_past
    }
    merchants = queue.merchants([profile_id for _id, profile_id, _channel, _address in letters])
    found = set()
    for id_, profile_id, channel, address in letters:
        type_ = rules.TYPES.get(Channel(channel))
        if type_ is None:
            continue
        trade = held.get((address, type_, RecipientType.MERCHANT))
        if profile_id in merchants and (trade is None or trade.status != IysStatus.REFUSED):
            continue
        person = held.get((address, type_, RecipientType.PERSON))
        is_open = person is not None and person.status == IysStatus.APPROVED
        if not (is_open and person and (is_current or person.confirmed_at >= oldest_at)):
            found.add(id_)
    return found


def version() -> tuple[int, ...]:
    """Return numbers of which one changes whenever İYS says something new."""
    told = IysRecord.objects.aggregate(n=Count("pk"), newest=Max("since_at"))
    switched = IysAccount.objects.filter(is_enforced=True).aggregate(sum=Sum("pk"))["sum"]
    return (told["n"], told["newest"] or 0, switched or 0)


def waiting() -> QuerySet[IysSubmission]:
    """Return what İYS has not answered yet, the most urgent first."""
    return IysSubmission.objects.filter(state__in=_OPEN).order_by("due_at", "pk")


def late(at: int) -> QuerySet[IysSubmission]:
    """Return what must be told within a business day, or is too late already."""
    day = clock.day_of(at, rules.ZONE)
    horizon = clock.start_of(rules.later(day, 1), rules.ZONE) + clock.DAY
    return waiting().filter(due_at__lte=horizon)


def overdue(at: int) -> QuerySet[IysSubmission]:
    """Return what İYS should have been told by ``at``, and has not answered."""
    return waiting().filter(due_at__lte=at)


def rejected() -> QuerySet[IysSubmission]:
    """Return what İYS, or a rule of it, did not take, the newest first."""
    return IysSubmission.objects.filter(state=IysState.REJECTED).order_by("-settled_at", "-pk")


def states() -> dict[str, int]:
    """Return how many decisions are how far on their way."""
    rows = IysSubmission.objects.order_by().values_list("state").annotate(n=Count("pk"))
    found = dict(rows)
    return {state: found.get(state, 0) for state in IysState.values}


def records() -> dict[str, dict[str, int]]:
    """Return how many recipients İYS holds by type and status."""
    rows = IysRecord.objects.order_by().values_list("type", "status").annotate(n=Count("pk"))
    found: dict[str, dict[str, int]] = {}
    for type_, status, n in rows:
        found.setdefault(type_, {})[status] = n
    return found


@dataclass(frozen=True)
class Disagreement:
    """A recipient of whom we hold one thing and İYS another; ``theirs`` is empty: nothing."""

    profile_id: int
    channel: str
    recipient: str
    ours: str
    theirs: str


_DIFFERENT = f"""
from consent_consent c
join profiles_identifier i on i.profile_id = c.profile_id and i.kind = %s
left join consent_iysrecord r on r.recipient = i.value and r.type = %s
  and r.recipient_type = '{RecipientType.PERSON.value}'
where c.channel = %s and c.purpose = 'marketing' and (
  (c.status = '{Status.GRANTED.value}' and coalesce(r.status, '') <> '{IysStatus.APPROVED.value}')
  or (c.status = '{Status.REFUSED.value}' and r.status = '{IysStatus.APPROVED.value}'))
"""


def disagreements(limit: int) -> Iterator[Disagreement]:
    """Yield up to ``limit`` disagreements of each channel: about marketing, of consumers."""
    for type_, channel in rules.CHANNELS.items():
        kind = "email" if channel == Channel.EMAIL else "phone"
        with connection.cursor() as cursor:
            cursor.execute(
                f"select c.profile_id, i.value, c.status, coalesce(r.status, '') {_DIFFERENT}"
                " order by c.profile_id, i.id limit %s",
                [kind, type_.value, channel.value, limit],
            )
            for profile_id, recipient, ours, theirs in cursor.fetchall():
                yield Disagreement(profile_id, channel.value, recipient, ours, theirs)


def n_disagreements() -> dict[tuple[str, str, str], int]:
    """Return how many disagreements there are by channel, what we hold, and what İYS holds."""
    found: dict[tuple[str, str, str], int] = {}
    for type_, channel in rules.CHANNELS.items():
        kind = "email" if channel == Channel.EMAIL else "phone"
        with connection.cursor() as cursor:
            cursor.execute(
                f"select c.status, coalesce(r.status, ''), count(*) {_DIFFERENT} group by 1, 2",
                [kind, type_.value, channel.value],
            )
            for ours, theirs, n in cursor.fetchall():
                found[channel.value, ours, theirs] = n
    return found
