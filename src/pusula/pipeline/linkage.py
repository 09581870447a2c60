"""Everybody compared with everybody; what it proposes is for people to decide."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from pusula.lib import clock
from pusula.profiles import candidates, proposals
from pusula.profiles.linkage.engine import link
from pusula.profiles.proposals import Outcome


def propose(*, memory: str = "1GB") -> Outcome:
    """Compare everybody and write what is proposed; nobody is merged."""
    started_at = clock.now()
    everybody = candidates.everybody()
    with TemporaryDirectory(prefix="pusula-linkage-") as folder:
        pairs = list(link(everybody, memory=memory, folder=Path(folder)))
    outcome = proposals.write(pairs, at=started_at)
    proposals.note(started_at, clock.now(), everybody.num_rows, outcome.n_open)
    return outcome
