"""What is done every night: erasures ended, old data deleted, the end of the audit log signed."""

from __future__ import annotations

from dataclasses import dataclass

from pusula.lib import clock
from pusula.pipeline import erasure as log
from pusula.privacy import audit, erasure, ledger, retention, seals
from pusula.privacy.models import AuditHead


@dataclass(frozen=True)
class Tended:
    """What a night did."""

    n_back: int  # people whom a restored copy had brought back
    n_erased: int
    n_unfinished: int  # erasures that cannot be ended yet
    n_blanked: int  # refused entries of erased people that still said something
    n_deleted: int  # by age


def tend() -> Tended:
    """Do it once; each part can be stopped and done again."""
    back = erasure.replay(actor=audit.SYSTEM) if ledger.missing() else []
    n_blanked = log.clear_up()
    n_erased, n_unfinished = erasure.resume()
    counts = retention.run(actor=audit.SYSTEM)
    head = AuditHead.objects.filter(pk=1).first()
    if head is not None:
        seals.seal(head.n, head.digest, clock.now(), is_now=True)
    return Tended(len(back), n_erased, n_unfinished, n_blanked, sum(counts.values()))
