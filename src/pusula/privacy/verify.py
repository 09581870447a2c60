"""The audit log checked: the chain entry by entry, its end, and its signed heads."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.utils.translation import gettext as _

from pusula.privacy import audit, seals
from pusula.privacy.models import AuditEntry, AuditHead
from pusula.privacy.seals import Seal


@dataclass(frozen=True)
class Broken:
    """The first place at which the log is not what was written: its entry's number, and why."""

    n: int
    why: str


@dataclass(frozen=True)
class Verified:
    """What a check found: how many entries and signed heads it read, and the first broken place."""

    n_entries: int
    n_seals: int
    broken: Broken | None


def verify() -> Verified:
    """Check all that is kept of the log; a single pass in the order of the entries."""
    head = AuditHead.objects.filter(pk=1).first()
    sealed = seals.seals()
    if head is None:
        empty = AuditHead(n=0, digest=audit.START, kept_after=0, kept_after_digest=audit.START)
        n, broken = _walk(empty, sealed)
    else:
        n, broken = _walk(head, sealed)
    return Verified(n, len(sealed), broken)


def _walk(head: AuditHead, sealed: list[Seal]) -> tuple[int, Broken | None]:
    """Return how many entries were read, and the first broken place."""
    heads = {seal.n: seal for seal in sealed if seal.is_signed}
    last, digest, n_read = head.kept_after, head.kept_after_digest, 0
    forgotten = 0
    for entry in AuditEntry.objects.order_by("id").iterator():
        n_read += 1
        if entry.pk != last + 1:
            return n_read, Broken(last + 1, _missing(last + 1, entry.pk - 1))
        if audit.digest(entry, digest) != entry.digest:
            return n_read, Broken(entry.pk, _("it was changed, or what stood before it"))
        if entry.pk in heads and heads[entry.pk].digest != entry.digest:
            return n_read, Broken(entry.pk, _differs(heads[entry.pk]))
        last, digest = entry.pk, entry.digest
        if entry.verb == audit.FORGOTTEN:
            told = json.loads(entry.detail)
            is_same = told["digest"] == head.kept_after_digest
            forgotten = told["up_to"] if is_same else forgotten
    return n_read, _end(head, sealed, last, digest, forgotten)


def _end(
    head: AuditHead, sealed: list[Seal], last: int, digest: str, forgotten: int
) -> Broken | None:
    """Return what is wrong with the beginning or the end of a chain that holds by itself."""
    if head.kept_after != forgotten:
        words = _("what stood before it is gone, and no entry says that it was forgotten by age")
        return Broken(head.kept_after + 1, words)
    if head.n > last or (head.n == last and head.digest != digest):
        return Broken(last + 1, _missing(last + 1, head.n))
    if head.n < last:
        return Broken(head.n + 1, _("it was not written by the program"))
    for seal in sealed:
        if not seal.is_signed:
            return Broken(seal.n, _("a line of the signed heads has no valid signature"))
        if seal.n > last:
            return Broken(last + 1, _missing(last + 1, seal.n))
    return None


def _missing(first: int, last: int) -> str:
    return _("entries %(first)d to %(last)d are missing") % {"first": first, "last": last}


def _differs(seal: Seal) -> str:
    words = {"day": seal.day}
    return _("it is not the one that was signed on %(day)s: the chain was written anew") % words
