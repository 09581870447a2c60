"""Reads of consent: who agreed to what, and which addresses are closed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.models import QuerySet

from pusula.consent.models import Channel, Consent, ConsentEntry, Status, Suppression
from pusula.lake import rows
from pusula.lake.as_of import AsOf
from pusula.profiles.models import IdentifierKind

# What kind of identifier a channel's address is.
ADDRESS_KINDS = {
    Channel.EMAIL: IdentifierKind.EMAIL,
    Channel.SMS: IdentifierKind.PHONE,
    Channel.WHATSAPP: IdentifierKind.PHONE,
    Channel.CALL: IdentifierKind.PHONE,
}


def granted_profiles(channel: str, purpose: str) -> npt.NDArray[np.int64]:
    """Return the ids of the profiles whose present decision is a grant, ascending."""
    held = Consent.objects.filter(channel=channel, purpose=purpose, status=Status.GRANTED)
    ids = held.order_by("profile_id").values_list("profile_id", flat=True)
    return np.fromiter(ids.iterator(), np.int64)


def n_granted(channel: str, purpose: str) -> int:
    """Return how many profiles may be reached on ``channel``."""
    held = Consent.objects.filter(channel=channel, purpose=purpose, status=Status.GRANTED)
    return held.count()


def consent_of(profile_id: int) -> QuerySet[Consent]:
    """Return the decisions of a profile that hold now, by channel and purpose."""
    held = Consent.objects.filter(profile_id=profile_id).select_related("entry")
    return held.order_by("channel", "purpose")


def present(profile_id: int, purpose: str) -> dict[str, Consent]:
    """Return the decisions of a profile for ``purpose`` that hold now, by channel."""
    return {held.channel: held for held in consent_of(profile_id).filter(purpose=purpose)}


def statuses(profile_ids: Iterable[int], purpose: str) -> dict[int, dict[str, str]]:
    """Return the present status by channel of each profile that decided anything."""
    found: dict[int, dict[str, str]] = {}
    for part in rows.parts(profile_ids):
        held = Consent.objects.filter(profile_id__in=part, purpose=purpose)
        for profile_id, channel, status in held.values_list("profile_id", "channel", "status"):
            found.setdefault(profile_id, {})[channel] = status
    return found


def refused_inbox(
    *,
    profile_id: str,
    address: str,
    channel: str,
    purpose: str,
    consents: str = "consent_consent",
    identifiers: str = "profiles_identifier",
) -> str:
    """Return the SQL condition that an inbox is closed to a profile; arguments are SQL as well.

    It is closed if anybody who holds the address refuses: a system that gives a person a second
    number does not give the person a second inbox. Only the profile's own grant opens it, if it
    has evidence and is newer than that refusal. ``consents`` and ``identifiers`` are the present
    tables, or what they were: see ``held_as_of``.
    """
    kinds = " ".join(f"when '{told}' then '{kind}'" for told, kind in ADDRESS_KINDS.items())
    return f"""exists(select 1 from {identifiers} holder
  join {consents} refusal on refusal.profile_id = holder.profile_id
    and refusal.channel = {channel} and refusal.purpose = {purpose}
  where holder.kind = case {channel} {kinds} end and holder.value = {address}
    and refusal.status = '{Status.REFUSED}'
    and not exists(select 1 from {consents} own
      join consent_consententry proof on proof.id = own.entry_id
      where own.profile_id = {profile_id} and own.channel = {channel}
        and own.purpose = {purpose} and own.status = '{Status.GRANTED}'
        and proof.evidence <> '' and own.decided_at > refusal.decided_at))"""


def held_as_of(as_of: AsOf) -> str:
    """Return SQL for the decisions that held as of a moment, with the columns of ``Consent``.

    As ``actions.record`` derives them: a refusal holds until a later grant with evidence, else
    what was said last does.
    """
    table, no = "consent_consententry", Status.REFUSED.value

    def told(name: str) -> str:
        """Say that the entry was known, and had been made or was believed already."""
        return f"""{name}.recorded_at <= {as_of.known_at}
      and ({name}.decided_at < {as_of.at} or {name}.recorded_at <= {as_of.at})"""

    def after(name: str, other: str) -> str:
        """Say that the entry of the same subject stands behind another."""
        return f"""{name}.profile_id = e.profile_id and {name}.channel = e.channel
      and {name}.purpose = e.purpose and {told(name)}
      and ({name}.decided_at, {name}.status, {name}.id)
        > ({other}.decided_at, {other}.status, {other}.id)"""

    return f"""(select e.profile_id, e.channel, e.purpose, e.status, e.decided_at, e.id as entry_id
  from {table} e where {told("e")}
    and not exists(select 1 from {table} later where {after("later", "e")}
      and (e.status <> '{no}' or later.status = '{no}' or later.evidence <> ''))
    and (e.status = '{no}' or e.evidence <> '' or not exists(select 1 from {table} refusal
      where refusal.profile_id = e.profile_id and refusal.channel = e.channel
        and refusal.purpose = e.purpose and refusal.status = '{no}' and {told("refusal")}
        and not exists(select 1 from {table} proof where {after("proof", "refusal")}
          and proof.status <> '{no}' and proof.evidence <> ''))))"""


def refused_inboxes(profile_ids: Iterable[int], channel: str, purpose: str) -> set[tuple[int, str]]:
    """Return those pairs of these profiles and their addresses that are closed by a refusal."""
    kind = ADDRESS_KINDS.get(Channel(channel))
    if kind is None:
        return set()
    closed = refused_inbox(
        profile_id="reached.profile_id", address="reached.value", channel="asked.channel",
        purpose="asked.purpose",
    )  # fmt: skip
    found: set[tuple[int, str]] = set()
    for part in rows.parts(profile_ids):
        marks = ", ".join(["%s"] * len(part))
        with connection.cursor() as cursor:
            cursor.execute(
                f"""select reached.profile_id, reached.value from profiles_identifier reached
  cross join (select %s as channel, %s as purpose) asked
  where reached.kind = %s and reached.profile_id in ({marks}) and {closed}""",
                [channel, purpose, kind.value, *part],
            )
            found.update(cursor.fetchall())
    return found


def ledger_of(profile_id: int) -> QuerySet[ConsentEntry]:
    """Return every decision of a profile, the newest first."""
    return ConsentEntry.objects.filter(profile_id=profile_id).order_by("-decided_at", "-id")


def suppressed(channel: str, addresses: Iterable[str]) -> set[str]:
    """Return those of ``addresses`` that must not be sent to."""
    found: set[str] = set()
    for part in rows.parts(set(addresses)):
        held = Suppression.objects.filter(channel=channel, address__in=part)
        found.update(held.values_list("address", flat=True))
    return found
