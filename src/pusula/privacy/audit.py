"""The audit log: one chain of what was changed or disclosed, by whom.

Each entry's digest covers the digest before it, so that an entry edited, removed or moved breaks
the chain at a place that can be named. What is cut off at the end shows against the signed heads
(``seals``), which stand apart from the database.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import re
from collections.abc import Mapping

from django.db import transaction

from pusula.lib import clock
from pusula.privacy import seals
from pusula.privacy.models import AuditEntry, AuditHead

SYSTEM = "system"
FORGOTTEN = "audit.forgotten"
START = "0" * 64  # the digest before the first entry
_ACTOR, _VERB, _OBJECT, _TEXT = 170, 60, 120, 300  # the most characters of each
# What looks like a person's address or number has no place in a log that nothing is erased from.
_PERSONAL = re.compile(r"[^\s@,;<>\"']+@[^\s@,;<>\"']+|\+\d[\d ]{8,}\d|\b0?5\d{9}\b")
_HIDDEN = "•••"


def record(actor: str, verb: str, object: str = "", **detail: object) -> None:  # noqa: A002 - its word
    """Write that ``actor`` did ``verb`` to ``object``, in the caller's transaction.

    ``actor`` is a login, ``cli:`` and a user of the machine, or ``SYSTEM``; ``verb`` is a word of
    ``sentences``; ``detail`` holds what JSON can: numbers of profiles, never names, addresses or
    text of persons. Whoever records holds the end of the chain until their transaction ends, so
    record last, and never before long work.
    """
    with transaction.atomic():
        head = AuditHead.objects.select_for_update().get_or_create(
            pk=1, defaults={"n": 0, "digest": START, "kept_after_digest": START}
        )[0]
        entry = AuditEntry(
            id=head.n + 1,
            at=clock.now(),
            actor=actor.replace("\0", "")[:_ACTOR],
            verb=verb[:_VERB],
            object=_impersonal(object)[:_OBJECT],
            detail=canonical(_clean(detail)),
        )
        entry.digest = digest(entry, head.digest)
        entry.save(force_insert=True)
        head.n, head.digest = entry.pk, entry.digest
        head.save(update_fields=["n", "digest"])
    transaction.on_commit(lambda: seals.seal(entry.pk, entry.digest, entry.at))


def operator() -> str:
    """Return the actor of a command: whoever runs it on this machine."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name, as in some containers
        return "cli:"


def forget(before_at: int) -> int:
    """Delete the entries older than ``before_at``; return how many.

    The chain stays checkable: the last digest forgotten is kept, and an entry says it was done.
    """
    with transaction.atomic():
        head = AuditHead.objects.select_for_update().filter(pk=1).first()
        old = AuditEntry.objects.filter(at__lt=before_at, id__lt=head.n if head else 0)
        young = AuditEntry.objects.exclude(at__lt=before_at).order_by("id").first()
        last = (old.filter(id__lt=young.pk) if young else old).order_by("-id").first()
        if head is None or last is None:
            return 0
        head.kept_after, head.kept_after_digest = last.pk, last.digest
        head.save(update_fields=["kept_after", "kept_after_digest"])
        n = AuditEntry.objects.filter(id__lte=last.pk).delete()[0]
        record(SYSTEM, FORGOTTEN, up_to=last.pk, digest=last.digest, n=n)
        return n


def digest(entry: AuditEntry, before: str) -> str:
    """Return what the digest of ``entry`` has to be behind one whose digest is ``before``."""
    told = [before, entry.pk, entry.at, entry.actor, entry.verb, entry.object, entry.detail]
    return hashlib.sha256(canonical(told).encode()).hexdigest()


def canonical(value: object) -> str:
    """Return ``value`` as the one JSON text that stands for it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _clean(value: object) -> object:
    """Return ``value`` as JSON can hold it, without what looks like a person's address."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(each) for each in value]
    return _impersonal(str(value))[:_TEXT]


def _impersonal(text: str) -> str:
    return _PERSONAL.sub(_HIDDEN, text.replace("\0", ""))
