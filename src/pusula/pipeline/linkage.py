"""Those who changed compared with everybody; what it proposes is for people to decide.

What is found of some thousand people is written together with the note that they were compared.
Whoever is stopped goes on there the next time, and what nobody changed is not looked at again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from django.conf import settings
from django.db import connection, transaction

from pusula.lake.turns import turn
from pusula.lib import clock
from pusula.pipeline import proposals as deciding
from pusula.profiles import candidates, compared, proposals
from pusula.profiles.linkage import model, records, training
from pusula.profiles.linkage.engine import BUCKET
from pusula.profiles.linkage.scoring import Scorer
from pusula.profiles.models import Comparison

# What was measured on so many people, or so long ago, is measured anew.
_GROWN = 1.5
_GOOD_FOR = 30 * clock.DAY

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Outcome:
    """What a comparison brought: how many are open now, what changed, who was looked at."""

    n_open: int
    n_new: int
    n_stale: int
    n_changed: int
    n_profiles: int


def propose(
    *,
    memory: str = "512MB",
    everybody: bool = False,
    on_progress: OnProgress = lambda _done, _all: None,
    bucket: int = BUCKET,
) -> Outcome:
    """Compare whose record changed with everybody and write what is proposed; nobody is merged.

    ``everybody``: measure anew how often people agree, and compare all. DuckDB takes at most
    ``memory``; so many people as ``bucket`` says are looked at, and written, at once.
    """
    deciding.tell_again()
    folder = Path(settings.PUSULA_HOME) / "run"
    with (
        turn(connection, "identity.linkage", folder),
        TemporaryDirectory(prefix="pusula-linkage-") as place,
        records.opened(memory, Path(place)) as db,
    ):
        records.collect(db, candidates.parts())
        return _Comparing(db, bucket, on_progress).run(everybody=everybody)


class _Comparing:
    """One comparison under way."""

    def __init__(self, db: duckdb.DuckDBPyConnection, bucket: int, on_progress: OnProgress) -> None:
        self.db = db
        self.bucket = bucket
        self.on_progress = on_progress
        self.columns = records.clean(db)
        self.n_profiles = records.n_people(db)
        records.digests(db, self.columns, _salt())
        self.n_changed = 0

    def run(self, *, everybody: bool) -> Outcome:
        """Compare; write; say what came of it."""
        at = clock.now()
        told, is_new = self._model(at, everybody=everybody)
        held = compared.begin(at=at, n_profiles=self.n_profiles, model=told if is_new else None)
        known = compared.known()
        compared.forget(records.gone(self.db, known))
        self.n_changed = records.mark_changed(self.db, known)
        n_new = n_stale = 0
        if model.blocks(self.columns) and self.n_changed:
            n_new, n_stale = self._compare(held, told["settings"], at)
        n_stale += proposals.give_up()
        proposals.regroup()
        n_open = proposals.open_now()
        compared.finish(held, at=clock.now(), n_open=n_open)
        return Outcome(n_open, n_new, n_stale, self.n_changed, self.n_profiles)

    def _model(self, at: int, *, everybody: bool) -> tuple[dict[str, Any], bool]:
        """Return how often people agree, as measured before if that is good still."""
        made_of = training.fingerprint(self.columns)
        newest = compared.newest_model()
        if newest is not None and not everybody:
            said = newest.model
            is_near = said["n"] / _GROWN <= self.n_profiles <= said["n"] * _GROWN
            is_fresh = at < newest.started_at + _GOOD_FOR
            if is_near and is_fresh and said["made_of"] == made_of:
                return said, False
        measured = {"made_of": made_of, "n": self.n_profiles, "settings": {}}
        if model.blocks(self.columns) and self.n_profiles > 1:
            measured["settings"] = training.trained(self.db, self.columns, self.n_profiles)
        return measured, True

    def _compare(self, held: Comparison, settings_: dict[str, Any], at: int) -> proposals.Counts:
        if not settings_:  # there was nobody to compare with
            return proposals.Counts(0, 0)
        scorer = Scorer(self.db, self.columns, settings_)
        n_new = n_stale = done = 0
        for digests in records.buckets(self.db, self.bucket):
            known = proposals.open_among(digests)
            pairs = list(scorer.pairs(digests, known, least=model.PROPOSED))
            with transaction.atomic():
                counts = proposals.write(pairs, digests, at=at)
                compared.keep(digests)
                done += len(digests)
                compared.came_to(held, n_changed=self.n_changed, n_compared=done)
            n_new, n_stale = n_new + counts.n_new, n_stale + counts.n_stale
            self.on_progress(done, self.n_changed)
        return proposals.Counts(n_new, n_stale)


def _salt() -> str:
    """Return what stands before each record in its digest: nobody guesses a record by it."""
    return hashlib.sha256(f"{settings.SECRET_KEY}\x1fpusula.pipeline.linkage".encode()).hexdigest()
