"""The erasure of a person: one job over all stores, resumed until every step of it is done."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from pusula.lake.turns import turn
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.privacy import audit, ledger, requests, stores
from pusula.privacy.models import Erasure, ErasureStep, Request, RequestKind
from pusula.privacy.stores import STORES, Work
from pusula.profiles import erased
from pusula.profiles.merging import everyone_in
from pusula.profiles.models import Erased, Profile

_log = logging.getLogger(__name__)
_TURN = "privacy.erase"


class UnknownPersonError(PusulaError):
    """There is nobody with this number to be erased."""

    code = "unknown_person"
    status = 404


def begin(profile_id: int, *, actor: str, request: Request | None = None) -> Erasure:
    """Write down that a person is to be erased, and by whom; ``run`` does it.

    From here on they are merged with nobody, nor parted. One under way is returned as it is.
    ``request`` is what it answers; else the one of the person that waits. Raises
    ``UnknownPersonError`` if there is no such profile, and ``RequestError`` if the request is not
    one of theirs to be erased.
    """
    with transaction.atomic():
        under_way = Erasure.objects.filter(profile_id=profile_id, finished_at=None).first()
        if under_way is not None:
            return under_way
        if not Profile.objects.select_for_update().filter(pk=profile_id).exists():
            raise UnknownPersonError(_("There is no customer number %(n)s.") % {"n": profile_id})
        everyone = everyone_in(profile_id)
        made = Erasure.objects.create(
            profile_id=profile_id,
            merged_ids=sorted(everyone - {profile_id}),
            request=requests.taken_up(RequestKind.ERASE, everyone, request, actor=actor),
            asked_by=actor,
            asked_at=clock.now(),
        )
        ErasureStep.objects.bulk_create(
            ErasureStep(erasure=made, position=position, store=store)
            for position, store in enumerate(STORES)
        )
        erased.enter(erased.numbers([profile_id]).values(), at=made.asked_at)
        audit.record(actor, "erasure.begun", f"erasure:{made.pk}", profile=profile_id)
    return made


def run(erasure: Erasure) -> bool:
    """Do what is left of an erasure; return whether it is done.

    A step that cannot be done keeps its reason and stops the rest; it is tried again by the next
    run. Stopped anywhere, the steps that were done stay done and the others are done again.
    """
    with turn(connection, _TURN, settings.PUSULA_HOME / "run"):
        work = Work(erasure)
        for step in erasure.steps.filter(finished_at=None).order_by("position"):
            ErasureStep.objects.filter(pk=step.pk).update(started_at=clock.now(), error="")
            try:
                n = STORES[step.store](work, step)
            except (PusulaError, DatabaseError, OSError) as error:
                _log.warning("erasure %d stops at %s: %s", erasure.pk, step.store, error)
                told = str(error) if isinstance(error, PusulaError) else type(error).__name__
                ErasureStep.objects.filter(pk=step.pk).update(error=told[:400])
                return False
            ErasureStep.objects.filter(pk=step.pk).update(
                n=F("n") + n, finished_at=clock.now(), error=""
            )
        _finish(erasure)
    return True


def resume() -> tuple[int, int]:
    """Go on with every erasure that is not done; return how many are done now, and how many not."""
    waiting = list(Erasure.objects.filter(finished_at=None).order_by("pk"))
    done = sum(run(erasure) for erasure in waiting)
    return done, len(waiting) - done


def replay(*, actor: str) -> list[Erasure]:
    """Erase again whom a restored copy brought back; return the erasures, which ``run`` does.

    The ledger's file is the truth: what the database does not know of it is entered first, so that
    nobody comes in by it meanwhile.
    """
    gone = ledger.missing()
    with transaction.atomic():
        for digest, at in gone.items():
            Erased.objects.update_or_create(
                digest=digest, defaults={"erased_at": at, "lifted_at": None}
            )
    found = ledger.people(ledger.standing())
    begun = [begin(profile_id, actor=actor) for profile_id in found]
    if gone or begun:
        audit.record(actor, "erasure.replayed", n=len(begun), hashes=len(gone))
    return begun


def readmit(
    pairs: Iterable[tuple[str, str]], *, actor: str, reason: str, at: int | None = None
) -> int:
    """Let identifiers be known again whose person registered anew; return how many were refused.

    For a registration of their own (``at`` a moment, else now): seen by a person, or proved by the
    inbox itself. No source does it by itself, and what was before that moment stays refused.
    """
    at = clock.now() if at is None else at
    digests = {stores.digest(*pair) for pair in pairs}
    ledger.write(digests, at=at, is_lifted=True)
    with transaction.atomic():
        n = stores.lift(digests, at=at)
        audit.record(actor, "erasure.readmitted", n=n, reason=reason)
    return n


def _finish(erasure: Erasure) -> None:
    at = clock.now()
    with transaction.atomic():
        done = Erasure.objects.filter(pk=erasure.pk, finished_at=None)
        if not done.update(finished_at=at):
            return
        # All that the person asked for in this: one person may have written twice.
        asked = requests.waiting(RequestKind.ERASE, erasure.numbers)
        requests.carried_out(asked, actor=erasure.asked_by, at=at, erasure=erasure.pk)
        audit.record(audit.SYSTEM, "erasure.done", f"erasure:{erasure.pk}")
