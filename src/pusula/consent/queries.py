"""Reads of consent: who agreed to what, and which addresses are closed."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.models import Count, Q, QuerySet

from pusula.consent import digests
from pusula.consent.models import Channel, Consent, ConsentEntry, Scope, Status, Suppression
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


LEDGER = "consent_consententry"
# Asked for everybody who is to be written to.
_DECIDED = """
select profile_id, status from consent_consent
where channel = %s and purpose = %s and profile_id in"""
_SUPPRESSED = f"""
select digest from consent_suppression
where channel = %s and lifted_at is null and (%s or scope = '{Scope.ALL}') and digest in"""


def consent_of(profile_id: int) -> QuerySet[Consent]:
    """Return the decisions of a profile that hold now, by channel and purpose."""
    held = Consent.objects.filter(profile_id=profile_id).select_related("entry")
    return held.order_by("channel", "purpose")


def present(profile_id: int, purpose: str) -> dict[str, Consent]:
    """Return the decisions of a profile for ``purpose`` that hold now, by channel."""
    return {held.channel: held for held in consent_of(profile_id).filter(purpose=purpose)}


def decided(profile_ids: Iterable[int], channel: str, purpose: str) -> dict[int, str]:
    """Return the present status of each profile that decided about ``channel`` for ``purpose``."""
    return dict(rows.select(connection, _DECIDED, profile_ids, given=[channel, purpose]))


def statuses(profile_ids: Iterable[int], purpose: str) -> dict[int, dict[str, str]]:
    """Return the present status by channel of each profile that decided anything."""
    found: dict[int, dict[str, str]] = {}
    for part in rows.parts(profile_ids):
        held = Consent.objects.filter(profile_id__in=part, purpose=purpose)
        for profile_id, channel, status in held.values_list("profile_id", "channel", "status"):
            found.setdefault(profile_id, {})[channel] = status
    return found


def numbers() -> dict[tuple[str, str], dict[str, int]]:
    """Return how many profiles decided how, by purpose and channel."""
    rows = Consent.objects.order_by().values_list("purpose", "channel", "status")
    found: dict[tuple[str, str], dict[str, int]] = {}
    for purpose, channel, status, n in rows.annotate(n=Count("pk")):
        found.setdefault((purpose, channel), {})[status] = n
    return found


def ledger(
    *, address: str = "", profile_ids: Iterable[int] | None = None, **equal: str
) -> QuerySet[ConsentEntry]:
    """Return the decisions of everybody, the newest written down first.

    Those that speak of ``address`` or are of ``profile_ids``, if either is given; ``equal`` narrows
    by channel, purpose, status or source.
    """
    found = ConsentEntry.objects.filter(**equal).select_related("profile").order_by("-pk")
    if profile_ids is None:
        return found
    wanted = Q(profile_id__in=list(profile_ids))
    return found.filter(wanted | Q(address=address) if address else wanted)


def refused_inbox(
    *,
    profile_id: str,
    address: str,
    channel: str,
    purpose: str,
    consents: str = "consent_consent",
    identifiers: str = "profiles_identifier",
    entries: str = LEDGER,
) -> str:
    """Return the SQL condition that an inbox is closed to a profile; arguments are SQL as well.

    It is closed if anybody who holds the address refuses, or whoever held it when refusing by it: a
    system that gives a person a second number does not give the person a second inbox. Only a grant
    with evidence for this address, newer than that refusal, opens it: the profile's own, and the
    one of whoever had refused. ``consents``, ``identifiers`` and ``entries`` are the present
    tables, or what they were: see ``held_as_of`` and ``told_as_of``.
    """
    kinds = " ".join(f"when '{told}' then '{kind}'" for told, kind in ADDRESS_KINDS.items())
    asked = f"refusal.channel = {channel} and refusal.purpose = {purpose}"

    def answered(by: str) -> str:
        """Say that a later grant of one of the profiles ``by`` speaks of this address."""
        return f"""exists(select 1 from {entries} own
      where own.profile_id in ({by}) and own.channel = {channel} and own.purpose = {purpose}
        and own.status = '{Status.GRANTED}' and own.evidence <> ''
        and own.address in ('', {address}) and own.decided_at > refusal.decided_at)"""

    return f"""(exists(select 1 from {identifiers} holder
  join {consents} refusal on refusal.profile_id = holder.profile_id and {asked}
  where holder.kind = case {channel} {kinds} end and holder.value = {address}
    and refusal.status = '{Status.REFUSED}' and not {answered(profile_id)})
  or exists(select 1 from {entries} refusal
  where refusal.address = {address} and refusal.address > '' and {asked}
    and refusal.status = '{Status.REFUSED}'
    and not {answered(f"{profile_id}, refusal.profile_id")}))"""


def covered(
    *, profile_id: str, address: str, channel: str, purpose: str, entries: str = LEDGER
) -> str:
    """Return the SQL condition that a grant of a profile which stands speaks of ``address``.

    A grant for one address opens no other. Arguments are SQL, as those of ``refused_inbox``.
    """
    return f"""exists(select 1 from {entries} given
  where given.profile_id = {profile_id} and given.channel = {channel}
    and given.purpose = {purpose} and given.status = '{Status.GRANTED}'
    and given.address in ('', {address})
    and not exists(select 1 from {entries} refusal
      where refusal.profile_id = given.profile_id and refusal.channel = given.channel
        and refusal.purpose = given.purpose and refusal.status = '{Status.REFUSED}'
        and (refusal.decided_at >= given.decided_at or given.evidence = '')))"""


def told_as_of(as_of: AsOf) -> str:
    """Return SQL for the entries of the ledger that counted as of a moment."""
    return f"""(select * from {LEDGER} told where told.recorded_at <= {as_of.known_at}
  and (told.decided_at < {as_of.at} or told.recorded_at <= {as_of.at}))"""


def held_as_of(as_of: AsOf) -> str:
    """Return SQL for the decisions that held as of a moment, with the columns of ``Consent``.

    As ``actions.record`` derives them: a refusal holds until a later grant with evidence, else
    what was said last does.
    """
    table, no = LEDGER, Status.REFUSED.value

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


def refused_inboxes(
    profile_ids: Iterable[int], channel: str, purpose: str, as_of: AsOf | None = None
) -> set[tuple[int, str]]:
    """Return those pairs of these profiles and their addresses that are, or were, closed."""
    kind = ADDRESS_KINDS.get(Channel(channel))
    if kind is None:
        return set()
    then = {} if as_of is None else {"consents": held_as_of(as_of), "entries": told_as_of(as_of)}
    closed = refused_inbox(
        profile_id="reached.profile_id", address="reached.value", channel="asked.channel",
        purpose="asked.purpose", **then,
    )  # fmt: skip
    return _addresses_where(closed, profile_ids, kind, channel, purpose)


def ledger_of(profile_id: int) -> QuerySet[ConsentEntry]:
    """Return every decision of a profile, the newest first."""
    return ConsentEntry.objects.filter(profile_id=profile_id).order_by("-decided_at", "-id")


def uncovered(
    profile_ids: Iterable[int], channel: str, purpose: str, as_of: AsOf | None = None
) -> set[tuple[int, str]]:
    """Return those pairs of these profiles and their addresses that no grant of theirs means."""
    kind = ADDRESS_KINDS.get(Channel(channel))
    if kind is None:
        return set()
    given = covered(
        profile_id="reached.profile_id", address="reached.value", channel="asked.channel",
        purpose="asked.purpose", entries=LEDGER if as_of is None else told_as_of(as_of),
    )  # fmt: skip
    return _addresses_where(f"not {given}", profile_ids, kind, channel, purpose)


def _addresses_where(
    condition: str, profile_ids: Iterable[int], kind: IdentifierKind, channel: str, purpose: str
) -> set[tuple[int, str]]:
    found: set[tuple[int, str]] = set()
    for part in rows.parts(profile_ids):
        marks = ", ".join(["%s"] * len(part))
        with connection.cursor() as cursor:
            cursor.execute(
                f"""select reached.profile_id, reached.value from profiles_identifier reached
  cross join (select %s as channel, %s as purpose) asked
  where reached.kind = %s and reached.profile_id in ({marks}) and {condition}""",
                [channel, purpose, kind.value, *part],
            )
            found.update(cursor.fetchall())
    return found


def statuses_as_of(
    profile_ids: Iterable[int], channel: str, purpose: str, as_of: AsOf
) -> dict[int, str]:
    """Return what each of these profiles that had decided anything had decided at a moment."""
    found = rows.found(
        connection,
        f"select profile_id, status from {held_as_of(as_of)} then_held"
        " where profile_id in ({marks}) and channel = %s and purpose = %s",
        profile_ids, channel, purpose,
    )  # fmt: skip
    return {row[0]: row[1] for row in found}


def suppressed(
    channel: str,
    addresses: Iterable[str],
    *,
    is_commercial: bool = True,
    as_of: AsOf | None = None,
) -> set[str]:
    """Return those of ``addresses`` that must not be sent to, or were not to be ``as_of``.

    Those of which only the hash is kept are found too. Messages that are not commercial are
    stopped by suppressions of every message alone.
    """
    by_digest = {digests.of(channel, address): address for address in set(addresses)}
    if as_of is None:
        held = rows.select(connection, _SUPPRESSED, by_digest, given=[channel, is_commercial])
        return {by_digest[digest] for (digest,) in held}
    at = min(as_of.at, as_of.known_at)
    then = Suppression.objects.filter(Q(lifted_at=None) | Q(lifted_at__gt=at), since_at__lte=at)
    if not is_commercial:
        then = then.filter(scope=Scope.ALL)
    stood: set[str] = set()
    for part in rows.parts(by_digest):
        stood.update(then.filter(channel=channel, digest__in=part).values_list("digest", flat=True))
    return {by_digest[digest] for digest in stood}


def forgotten(channel: str, addresses: Iterable[str]) -> set[str]:
    """Return those of ``addresses`` that are suppressed by their hash alone; for every turn."""
    by_digest = {digests.of(channel, address): address for address in addresses}
    if not by_digest:
        return set()
    marks = ", ".join(["%s"] * len(by_digest))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""select digest from consent_suppression where channel = %s and address = ''
              and lifted_at is null and digest in ({marks})""",
            [channel, *by_digest],
        )
        return {by_digest[digest] for (digest,) in cursor.fetchall()}


def nameless(channel: str, as_of: AsOf | None = None) -> set[str]:
    """Return the hashes of suppressed addresses of which nothing else is kept."""
    held = Suppression.objects.filter(channel=channel, address="")
    if as_of is None:
        held = held.filter(lifted_at=None)
    else:
        at = min(as_of.at, as_of.known_at)
        held = held.filter(Q(lifted_at=None) | Q(lifted_at__gt=at), since_at__lte=at)
    return set(held.values_list("digest", flat=True))
