"""The versions of the RFM rules brought into force: limits measured, everybody graded, at once.

The traits of all customers change in one transaction, in turn with live steps; then segments
follow, as after an import.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from django.conf import settings
from django.db import connection

from pusula.lake.turns import turn
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.pipeline import live
from pusula.pipeline.grading import BLOCK
from pusula.profiles import relations as profiles
from pusula.profiles.models import Trait
from pusula.profiles.relations import Ids
from pusula.rfm import actions, versions
from pusula.rfm import live as rfm
from pusula.rfm.live import InForce
from pusula.rfm.models import RfmRun, RfmVersion
from pusula.segments import evaluate
from pusula.segments import queries as segments
from pusula.segments.actions import owe

CAUSE = "run"  # of moves that new limits bring


def publish(version: RfmVersion) -> RfmVersion:
    """Bring ``version``, which was asked for, into force: measure its limits, grade everybody.

    Readers see everybody by the old version or by the new. One that cannot be says why in
    ``error``, and what is in force stays.
    """
    with turn(connection, "rfm.publish", settings.PUSULA_HOME / "run"):
        try:
            if not version.cuts:
                today = clock.day_of(clock.now(), settings.PUSULA.time_zone)
                run = actions.run(today, versions.of(version).rules, tells=False)
                version = versions.measured(version, run)
            ids, debt = _bring_into_force(version)
        except PusulaError as error:
            RfmVersion.objects.filter(pk=version.pk).update(error=error.message)
            raise
    live.refresh(ids, cause=CAUSE, pays=debt)
    return version


def _bring_into_force(version: RfmVersion) -> tuple[Ids, int]:
    """Grade everybody and write down who was moved, in one transaction."""
    by = InForce.of(version)
    changed = [np.empty(0, np.int64)]
    with evaluate.alone():
        before = _groups()
        at = segments.moment()
        changed += [
            np.array(sorted(rfm.grade(ids, at, by)), np.int64) for ids in profiles.blocks(BLOCK)
        ]
        after = _groups()
        moved = before.items() ^ after.items()
        versions.publish(
            version,
            at=at,
            groups=by.groups,
            n_graded=len(after),
            n_moved=len({profile_id for profile_id, _group in moved}),
        )
        debt = owe(f"rfm version {version.number}", at)
    return np.concatenate(changed), debt


def _groups() -> dict[int, str]:
    rows = Trait.objects.filter(name=rfm.GROUP).values_list("profile_id", "text")
    return dict(rows.iterator(10_000))


def take_up() -> Iterator[RfmVersion]:
    """Publish the version that was asked for on the pages, if there is one."""
    asked = versions.waiting()
    if asked is not None and not asked.error:
        yield publish(asked)


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
        publish(versions.ask_for_run(run, at=clock.now()))
    return run
