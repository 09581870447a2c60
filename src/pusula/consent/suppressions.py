"""The list of addresses that nobody writes to: found, exported, taken over from other systems."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q, QuerySet

from pusula.consent import digests
from pusula.consent.actions import suppress, suppress_digest
from pusula.consent.models import Channel, Reason, Scope, Suppression
from pusula.consent.queries import ADDRESS_KINDS
from pusula.lib.sayings import Saying
from pusula.lib.spreadsheets import bare, guarded
from pusula.profiles import contacts
from pusula.profiles.contacts import ContactError
from pusula.profiles.models import IdentifierKind

HEAD = ("channel", "address", "digest", "reason", "scope", "since_at")
_DIGEST = 43


@dataclass
class TakenOver:
    """What became of a list."""

    n_new: int = 0
    n_same: int = 0
    n_bad: int = 0


def spelled(channel: str, address: str) -> str:
    """Return ``address`` as identifiers spell it; raise ``ContactError`` if it is none."""
    if ADDRESS_KINDS.get(Channel(channel)) == IdentifierKind.EMAIL:
        found = contacts.email(address)
    else:
        found = contacts.phone(address, settings.PUSULA.phone_region)
    if not found:
        raise ContactError(Saying("not the address of a person"))
    return found


def find(channel: str, address: str) -> Suppression | None:
    """Return the suppression of ``address`` that stands, if one does."""
    try:
        digest = digests.of(channel, spelled(channel, address))
    except ContactError:
        return None
    return Suppression.objects.filter(channel=channel, digest=digest, lifted_at=None).first()


def search(text: str) -> QuerySet[Suppression]:
    """Return suppressions, the newest first: all, or those of the address that ``text`` is."""
    found = Suppression.objects.order_by("lifted_at", "-since_at", "-pk")
    if not text:
        return found.filter(lifted_at=None)
    wanted = Q(address__startswith=text.lower())
    for channel in ADDRESS_KINDS:
        try:
            digest = digests.of(channel, spelled(channel, text))
        except ContactError:
            continue
        wanted |= Q(channel=channel, digest=digest)
    return found.filter(wanted)


def exported() -> Iterator[tuple[str, ...]]:
    """Yield the rows of an export: a head, then what stands; of erased people only the hash."""
    yield HEAD
    standing = Suppression.objects.filter(lifted_at=None).order_by("pk")
    for one in standing.iterator():
        yield (
            one.channel,
            guarded(one.address),
            one.digest,
            one.reason,
            one.scope,
            str(one.since_at),
        )


def take_over(lines: Iterable[str], channel: str, *, at: int) -> TakenOver:
    """Suppress what ``lines`` name: an export of ours, or an address each, for ``channel``.

    Nothing is ever lifted by a list.
    """
    done = TakenOver()
    rows = csv.reader(line.replace("\0", "") for line in lines)
    for row in rows:
        if not row or tuple(row) == HEAD:
            continue
        is_ours = len(row) == len(HEAD) and row[0] in Channel.values
        try:
            is_new = _ours(row, at) if is_ours else _plain(row[0], channel, at)
        except ContactError:
            done.n_bad += 1
            continue
        done.n_new += is_new
        done.n_same += not is_new
    return done


def _ours(row: list[str], at: int) -> bool:
    channel, address, digest, reason, scope, _since_at = row
    told = reason if reason in Reason.values else Reason.IMPORTED.value
    if address:
        how_far = scope if scope in Scope.values else Scope.ALL.value
        spelled_so = spelled(channel, bare(address))
        return suppress(channel, spelled_so, reason=told, scope=how_far, at=at)
    if len(digest) != _DIGEST:
        raise ContactError(Saying("neither an address nor a hash"))
    return suppress_digest(channel, digest, reason=told, at=at)


def _plain(text: str, channel: str, at: int) -> bool:
    return suppress(channel, spelled(channel, text), reason=Reason.IMPORTED, at=at)
