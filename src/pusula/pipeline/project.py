"""The versions of the RFM rules brought into force: limits measured, everybody graded.

From the moment a version is begun whoever is graded is graded by it; everybody else is, in the
order of their numbers, a few thousand in a transaction that also evaluates their segments. Live
steps take their turn between two of them. When all are graded it is published; stopped before, it
goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext

from pusula.journeys.engine import Engine
from pusula.lake import locks
from pusula.lake.turns import is_taken, patient, turn
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.profiles import relations as profiles
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids
from pusula.rfm import actions, queries, versions
from pusula.rfm import live as rfm
from pusula.rfm.live import InForce
from pusula.rfm.models import RfmRun, RfmVersion
from pusula.segments import evaluate
from pusula.segments import queries as segments
from pusula.segments.evaluate import Pass, Shown

CAUSE = "run"  # of moves that new limits bring
_TURN = "rfm.publish"
# Live steps wait for a block: it is made as large as takes about this long.
_BLOCK_S = 0.3
_QUICK_S = 0.001
_FIRST, _MOST = 1_000, 20_000

_NOBODY = np.empty(0, np.int64)

OnProgress = Callable[[RfmVersion], None]


def silent(_version: RfmVersion) -> None:
    """Hear of progress and say nothing."""


def publish(
    asked: RfmVersion | Callable[[], RfmVersion],
    *,
    on_wait: Callable[[], None] = patient,
    on_progress: OnProgress = silent,
) -> RfmVersion:
    """Bring a version that was asked for into force: measure its limits, grade everybody.

    One after another: ``on_wait`` hears of it if another is on its way; what is to be ``asked`` for
    is asked for when its turn has come. A version that cannot be brought into force says why in
    ``error``, and what is in force stays.
    """
    with turn(connection, _TURN, settings.PUSULA_HOME / "run", on_wait):
        version = versions.again(asked if isinstance(asked, RfmVersion) else asked())
        if version.begun_at is None:
            _begin(version)
        _grade_everybody(version, on_progress)
    return version


def is_at_work() -> bool:
    """Return whether somebody brings a version into force now."""
    return is_taken(connection, _TURN, settings.PUSULA_HOME / "run")


def _begin(version: RfmVersion) -> None:
    try:
        if not version.cuts:
            today = clock.day_of(clock.now(), settings.PUSULA.time_zone)
            run = actions.run(today, versions.of(version).rules, tells=False)
            version = versions.measured(version, run)
        by, n_all = InForce.of(version), Profile.objects.count()
        with evaluate.alone():
            versions.begin(version, at=segments.moment(), groups=by.groups, n_all=n_all)
    except PusulaError as error:
        RfmVersion.objects.filter(pk=version.pk, begun_at=None).update(error=error.said(gettext))
        raise


def _grade_everybody(version: RfmVersion, on_progress: OnProgress) -> None:
    """Grade everybody who is not yet, and write down that they are."""
    pass_, size = _Everybody(version), _FIRST
    while version.published_at is None:
        took = pass_.step(size)
        size = min(_MOST, max(_FIRST, round(size * min(2.0, _BLOCK_S / took))))
        on_progress(version)
        if version.published_at is None:
            locks.rest()


class _Everybody:
    """The way of ``version`` through everybody, block by block."""

    def __init__(self, version: RfmVersion) -> None:
        self._version = version
        self._by = InForce.of(version)
        self._shown = Shown()
        self._engine = Engine()

    def step(self, size: int) -> float:
        """Grade the next ``size`` profiles; where there are none, publish.

        Return for how many seconds others had to wait.
        """
        with evaluate.alone():
            began = time.monotonic()
            ids = next(profiles.blocks(size, after=self._version.graded_to), _NOBODY)
            at = segments.moment()
            if len(ids):
                self._grade(ids, at)
            else:
                versions.publish(self._version, at=at, n_graded=queries.n_told())
        return max(time.monotonic() - began, _QUICK_S)

    def _grade(self, ids: Ids, at: int) -> None:
        """Grade ``ids``, bring their segments and journeys up to date, and note how far we are."""
        written = rfm.grade_many(ids, at, self._by)
        changed = np.array(sorted(written.changed), np.int64)
        compiled = self._shown.compiled(at)
        pass_ = Pass(compiled.versions, at, CAUSE, compiled)
        pass_.evaluate_all(changed)
        self._engine.replan(changed.tolist(), at=at)
        to, n_moved = int(ids[-1]), written.n_moved
        versions.go_on(self._version, to=to, n=len(ids), n_moved=n_moved)


def take_up(on_progress: OnProgress = silent) -> Iterator[RfmVersion]:
    """Publish the version that was asked for on the pages, else the one that was stopped."""
    asked = versions.waiting()
    if asked is not None and asked.error:
        asked = versions.under_way()
    if asked is not None:
        yield publish(asked, on_progress=on_progress)


def complete() -> None:
    """Count what pages show of runs that were made before it was kept."""
    for run in queries.runs().filter(figures__isnull=True):
        actions.keep(run)


def rerun() -> RfmRun | None:
    """Measure the limits anew if the day for it has come; take them over if the rules say so."""
    held = versions.current()
    day = versions.next_rerun_on(held) if held else None
    today = clock.day_of(clock.now(), settings.PUSULA.time_zone)
    if held is None or day is None or day > today:
        return None
    project = versions.of(held)
    run = actions.run(today, project.rules)
    if project.rerun.apply == "itself" and versions.proposal() == run:
        publish(lambda: versions.ask_for_run(run, at=clock.now()))
    return run
