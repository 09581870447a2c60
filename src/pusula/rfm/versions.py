"""The rules of RFM as versions: asked for, measured, published, brought back.

One version is in force; it holds until the next one is published. On its way there it is begun:
from then on whoever is graded is graded by it, and everybody else is, a few thousand at a time
(``pipeline.project``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext

from pusula.lake import locks
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.rfm import config as rules
from pusula.rfm import queries
from pusula.rfm.config import Project
from pusula.rfm.models import RfmRun, RfmVersion
from pusula.rfm.rules import Config, Rerun

SETTINGS, RERUN, RESTORED = "settings", "rerun", "restored"
_NUMBERS = "rfm.versions"  # two who ask at once take turns
_MONTHS = {"month": 1, "quarter": 3}


class VersionError(PusulaError):
    """A version cannot be brought back or taken over."""

    code = "bad_rfm_version"
    status = 409


def current() -> RfmVersion | None:
    """Return the version in force; ``None`` where nobody has set rules."""
    return history().first()


def project() -> Project:
    """Return the rules in force; where nobody has set any, those of the newest run, else ours."""
    held = current()
    if held is not None:
        return of(held)
    newest = queries.latest()
    return Project(queries.config(newest) if newest else Config())


def of(version: RfmVersion) -> Project:
    """Return the rules of ``version``."""
    where = f"RFM version {version.number}"
    return rules.parse_project({**version.config, "rerun": version.rerun}, where)


def history() -> QuerySet[RfmVersion]:
    """Return the versions that were in force, the newest first."""
    found = RfmVersion.objects.filter(published_at__isnull=False)
    return found.select_related("run").order_by("-published_at", "-pk")


def waiting() -> RfmVersion | None:
    """Return the version that was asked for last and is not published yet, failed ones too."""
    newest = RfmVersion.objects.order_by("-number").first()
    return newest if newest is not None and newest.published_at is None else None


def under_way() -> RfmVersion | None:
    """Return the version that was begun and by which not everybody is graded yet."""
    return RfmVersion.objects.filter(published_at=None).exclude(begun_at=None).first()


def ask(project_: Project, *, by: str = "", at: int) -> RfmVersion:
    """Ask for a version with these rules; its limits are measured when it is taken up.

    It takes the place of one that was asked for and is not begun.
    """
    return _ask(at, by, SETTINGS, config=_plain(project_.rules), rerun=_plain(project_.rerun))


def ask_for_run(run: RfmRun, *, by: str = "", at: int) -> RfmVersion:
    """Ask for the limits that ``run`` measured, with the rules it was made by."""
    if not run.cuts:
        said = gettext("The run of %(day)s keeps no limits: make it again.")
        raise VersionError(said % {"day": run.as_of_on.isoformat()})
    rerun = project().rerun
    return _ask(
        at,
        by,
        RERUN,
        config=run.config,
        rerun=_plain(rerun),
        cuts=run.cuts,
        run=run,
        as_of_on=run.as_of_on,
    )


def ask_for_old(number: int, *, by: str = "", at: int) -> RfmVersion:
    """Ask for what was in force under ``number``, rules and limits, as a new version."""
    old = history().filter(number=number).first()
    if old is None:
        said = gettext("There is no version %(number)s that was in force.")
        raise VersionError(said % {"number": number})
    return _ask(
        at,
        by,
        RESTORED,
        config=old.config,
        rerun=old.rerun,
        cuts=old.cuts,
        run=old.run,
        as_of_on=old.as_of_on,
        restored=old.number,
    )


def _ask(at: int, by: str, cause: str, **what: Any) -> RfmVersion:
    with transaction.atomic():
        locks.take(connection, _NUMBERS)
        RfmVersion.objects.filter(begun_at=None).delete()
        last = RfmVersion.objects.aggregate(last=Max("number"))["last"] or 0
        return RfmVersion.objects.create(
            number=last + 1, cause=cause, asked_at=at, asked_by=by, **what
        )


def discard(version: RfmVersion) -> None:
    """Take back what was asked for and is not begun.

    Raises ``VersionError`` for what is: some are graded by it already.
    """
    if not RfmVersion.objects.filter(pk=version.pk, begun_at=None).delete()[0]:
        said = gettext(
            "Version %(number)s is being brought into force: let the former one hold again then."
        )
        raise VersionError(said % {"number": version.number})


def again(version: RfmVersion) -> RfmVersion:
    """Return ``version`` as it is now; raise ``VersionError`` if it was taken back meanwhile."""
    found = RfmVersion.objects.filter(pk=version.pk).first()
    if found is None:
        raise _taken_back(version)
    return found


def _taken_back(version: RfmVersion) -> VersionError:
    said = gettext("Version %(number)s was taken back meanwhile.")
    return VersionError(said % {"number": version.number})


def begin(version: RfmVersion, *, at: int, groups: Sequence[str], n_all: int) -> None:
    """Write down that from ``at`` on whoever is graded is graded by ``version``.

    In a transaction beside which nobody grades. One that was begun before and never published is
    forgotten: nobody stays graded by it. Raises ``VersionError`` if it was taken back meanwhile.
    """
    told = {
        "cuts": version.cuts,
        "run": version.run,
        "as_of_on": version.as_of_on,
        "groups": list(groups),
        "begun_at": at,
        "n_all": n_all,
        "n_moved": 0,
        "error": "",
    }
    if not RfmVersion.objects.filter(pk=version.pk, begun_at=None).update(**told):
        raise _taken_back(version)
    others = RfmVersion.objects.filter(published_at=None).exclude(begun_at=None)
    others.exclude(pk=version.pk).delete()
    version.refresh_from_db()


def go_on(version: RfmVersion, *, to: int, n: int, n_moved: int) -> None:
    """Write down that ``n`` more are graded by ``version``; in the transaction that grades them.

    They go up to the number ``to``; ``n_moved`` of them changed the group.
    """
    version.graded_to = to
    version.n_done += n
    version.n_moved = (version.n_moved or 0) + n_moved
    version.save(update_fields=["graded_to", "n_done", "n_moved"])


def publish(version: RfmVersion, *, at: int, n_graded: int) -> None:
    """Write down that everybody is graded by ``version``: it is in force from ``at`` on."""
    version.published_at, version.n_graded = at, n_graded
    version.save(update_fields=["published_at", "n_graded"])


def measured(version: RfmVersion, run: RfmRun) -> RfmVersion:
    """Give ``version`` the limits that ``run`` measured."""
    version.cuts, version.run, version.as_of_on = run.cuts, run, run.as_of_on
    return version


def next_rerun_on(version: RfmVersion) -> date | None:
    """Return the day on which limits are to be measured anew, if they ever are.

    The first of the month or quarter after the newest run by the same rules.
    """
    every = of(version).rerun.every
    if every not in _MONTHS:
        return None
    last = newest_run(version)
    day = last.as_of_on if last else version.as_of_on
    if day is None:
        day = clock.day_of(version.asked_at, settings.PUSULA.time_zone)
    months = _MONTHS[every]
    begun = day.replace(month=(day.month - 1) // months * months + 1, day=1)
    return clock.add_months(begun, months)


def newest_run(version: RfmVersion) -> RfmRun | None:
    """Return the run of the newest day by the rules of ``version``."""
    key = rules.key(of(version).rules)
    return queries.runs().filter(config_key=key).first()


def proposal(held: RfmVersion | None = None) -> RfmRun | None:
    """Return the run whose limits wait to be taken over: newer than those in force, and others.

    ``held`` is what is in force, where that is known already.
    """
    held = held or current()
    newest = newest_run(held) if held else None
    if held is None or newest is None or not newest.cuts or newest.cuts == held.cuts:
        return None
    return newest if held.as_of_on is None or newest.as_of_on > held.as_of_on else None


def _plain(part: Config | Rerun) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(part)
    return plain
