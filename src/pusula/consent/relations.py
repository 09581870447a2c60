"""Present consents as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.db.models import Count, Max, Sum

from pusula.consent import digests, purposes
from pusula.consent.iys import queries as iys
from pusula.consent.models import Channel, ConsentEntry, Scope, Status, Suppression
from pusula.consent.queries import (
    ADDRESS_KINDS,
    LEDGER,
    covered,
    held_as_of,
    nameless,
    refused_inbox,
    told_as_of,
)  # fmt: skip
from pusula.lake.as_of import AsOf, Span
from pusula.profiles import relations as profiles

_SCHEMA = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("channel", pa.string()),
        ("purpose", pa.string()),
        ("status", pa.string()),
    ]
)


_REACH = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("channel", pa.string()),
        ("purpose", pa.string()),
        ("state", pa.string()),
    ]
)


def rows(ids: profiles.Ids) -> pa.Table:
    """Return the consents of ``ids`` that hold now: profile_id, channel, purpose, status."""
    return profiles.fetch("consent_consent", _SCHEMA.names, _SCHEMA, ids)


# A refusal gives way only to a later grant with evidence: where there is a refusal or a grant with
# evidence, the last of these holds; else any grant. At the same moment a refusal wins.
_LEDGER = f"""(select e.*, case when status = '{Status.REFUSED.value}' or evidence <> ''
  then 1 else 0 end as strength from consent_consententry e) e"""


def rows_during(ids: profiles.Ids, span: Span) -> pa.Table:
    """Return the consents of ``ids`` that held at the moments of ``span``, as ``rows`` does.

    Behind these columns stand those of the spans in which a decision held.
    """
    return profiles.fetch_versions(
        _LEDGER,
        _SCHEMA.names,
        _SCHEMA,
        ids,
        span,
        of=("profile_id", "channel", "purpose"),
        order=("strength", "decided_at", "status", "id"),
        changed="decided_at",
    )


_ADDRESSES = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("id", pa.int64()),
        ("recorded_at", pa.int64()),
        ("value", pa.string()),
        ("is_suppressed", pa.int64()),
        ("is_open", pa.int64()),
    ]
)
# What `reach` says of a profile, by its number.
_STATES = ("no_address", "suppressed", "no_consent", "reachable", "not_in_iys")


def reach(
    ids: profiles.Ids, pairs: Sequence[tuple[str, str]], as_of: AsOf | None = None
) -> pa.Table:
    """Return whether messages would reach ``ids`` (ascending): profile_id, channel, purpose, state.

    One row for each profile and pair of channel and purpose. As where campaigns choose whom to
    address, of several addresses the newest that is not suppressed counts, and an inbox that
    somebody else's refusal closes is no way in. Without an address nobody asks for consent:
    ``no_address`` and ``suppressed`` come before ``no_consent``, and that before ``not_in_iys``: a
    commercial message that İYS, where it is asked, holds no approval for. ``as_of`` a moment: with
    the decisions and suppressions of then, and with the addresses that were known.
    """
    parts = [
        pa.table(
            {
                "profile_id": ids,
                "channel": pa.repeat(pa.scalar(channel), len(ids)),
                "purpose": pa.repeat(pa.scalar(purpose), len(ids)),
                "state": pa.DictionaryArray.from_arrays(
                    _reached(ids, channel, purpose, as_of), pa.array(_STATES)
                ).cast(pa.string()),
            },
            schema=_REACH,
        )
        for channel, purpose in pairs
    ]
    return pa.concat_tables(parts) if parts else _REACH.empty_table()


def _reached(
    ids: profiles.Ids, channel: str, purpose: str, as_of: AsOf | None
) -> npt.NDArray[np.int8]:
    """Return the number of each profile's state."""
    states = np.zeros(len(ids), np.int8)
    kind = ADDRESS_KINDS.get(Channel(channel))
    if kind is None or not len(ids):
        return states
    name, tables = Channel(channel).value, _Tables.of(as_of)
    asked = {
        "profile_id": "i.profile_id", "address": "i.value", "channel": f"'{name}'",
        "purpose": "asked.purpose", "entries": tables.entries,
    }  # fmt: skip
    closed = refused_inbox(**asked, consents=tables.consents, identifiers=tables.identifiers)
    is_commercial = purposes.is_commercial(purpose)
    registered = (
        iys.registered(channel=name, address="i.value", profile_id="i.profile_id", as_of=as_of)
        if is_commercial and iys.is_enforced()
        else "1 = 1"
    )
    scopes = "" if is_commercial else f"and stop.scope = '{Scope.ALL.value}'"
    addresses = f"""(select i.profile_id, i.id, i.recorded_at, i.value,
    case when exists(select 1 from consent_suppression stop where stop.channel = '{name}'
      and stop.address = i.value and {tables.standing} {scopes}) then 1 else 0 end as is_suppressed,
    case when own.status <> '{Status.GRANTED.value}' or own.status is null
        or not (proof.address in ('', i.value) or {covered(**asked)}) or {closed} then 0
      when {registered} then 1 else 2 end as is_open
  from {tables.identifiers} i
  cross join (select cast(%s as text) as purpose) asked
  left join {tables.consents} own on own.profile_id = i.profile_id
    and own.channel = '{name}' and own.purpose = asked.purpose
  left join {LEDGER} proof on proof.id = own.entry_id
  where i.kind = '{kind.value}') reached"""
    hashes = nameless(channel, as_of)
    columns = _ADDRESSES if hashes else _ADDRESSES.remove(_ADDRESSES.get_field_index("value"))
    found = profiles.fetch(addresses, columns.names, columns, ids, table_params=[purpose])
    if hashes:
        found = _with_nameless(found, channel, hashes)
    found = found.sort_by(
        [("is_suppressed", "descending"), ("recorded_at", "ascending"), ("id", "ascending")]
    )
    is_suppressed, is_open = (
        found[name].to_numpy().astype(np.int8) for name in ("is_suppressed", "is_open")
    )
    # Later rows overwrite earlier ones: the newest address that is not suppressed stands last.
    places = np.searchsorted(ids, found["profile_id"].to_numpy())
    states[places] = np.where(is_suppressed, 1, 2 + is_open)
    return states


@dataclass(frozen=True)
class _Tables:
    """The tables as they are, or as SQL of what they were."""

    consents: str
    identifiers: str
    entries: str
    standing: str  # condition that a suppression ``stop`` stands

    @classmethod
    def of(cls, as_of: AsOf | None) -> _Tables:
        identifiers = "profiles_identifier"
        if as_of is None:
            return cls("consent_consent", identifiers, LEDGER, "stop.lifted_at is null")
        at = min(as_of.at, as_of.known_at)
        return cls(
            held_as_of(as_of),
            f"(select * from {identifiers} where recorded_at <= {as_of.known_at})",
            told_as_of(as_of),
            f"stop.since_at <= {at} and (stop.lifted_at is null or stop.lifted_at > {at})",
        )


def _with_nameless(found: pa.Table, channel: str, hashes: set[str]) -> pa.Table:
    """Return ``found`` with those addresses suppressed of which only the hash is kept."""
    known = [digests.of(channel, address) in hashes for address in found["value"].to_pylist()]
    is_suppressed = np.where(known, 1, found["is_suppressed"].to_numpy())
    place = found.column_names.index("is_suppressed")
    return found.set_column(place, "is_suppressed", pa.array(is_suppressed, pa.int64()))


def version() -> tuple[int, ...]:
    """Return numbers of which one grows whenever a suppression ends or İYS says something new."""
    lifted = Suppression.objects.aggregate(at=Max("lifted_at"))["at"]
    return (lifted or 0, *iys.version())


def marks(first: int, last: int) -> dict[str, tuple[int, ...]]:
    """Return by relation what changes whenever the rows of the profiles ``first``..``last`` do.

    Whom a message reaches also changes with what others refused for an inbox they share.
    """
    consents = profiles.summary("consent_consent", ["id", "entry_id"], first, last)
    everywhere = Suppression.objects.filter(lifted_at=None).aggregate(n=Count("pk"), sum=Sum("pk"))
    newest = ConsentEntry.objects.aggregate(newest=Max("pk"))["newest"]
    return {
        "consents": consents,
        "reach": (
            *consents,
            *profiles.summary("profiles_identifier", ["id"], first, last),
            *(everywhere["n"], everywhere["sum"] or 0, newest or 0),
            *iys.version(),
        ),
    }
