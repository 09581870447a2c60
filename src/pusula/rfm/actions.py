"""Writes of RFM: one run over everybody in the pool."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext

from pusula.lake import locks, rows, statistics
from pusula.lake.turns import turn
from pusula.lib import clock, text
from pusula.lib.errors import PusulaError
from pusula.profiles import holding
from pusula.profiles.actions import note_history
from pusula.profiles.models import Trait, TraitKind
from pusula.rfm import alerts, cuts, figures, live, moves, queries, scoring
from pusula.rfm import config as rules
from pusula.rfm.live import InForce
from pusula.rfm.models import RfmRun, RfmScore
from pusula.rfm.purchases import Purchases, purchases
from pusula.rfm.rules import Config
from pusula.rfm.scoring import Scores

TRAITS = ("rfm_group", "rfm_r", "rfm_f", "rfm_m")
_SCORES = "rfm_rfmscore"
_WRITTEN = 20_000  # scores in one transaction
_SCORE_COLUMNS = (
    "run_id",
    "profile_id",
    "recency_days",
    "frequency",
    "monetary_minor",
    "r",
    "f",
    "m",
    '"group"',  # a word of SQL
)


class DayError(PusulaError):
    """A run was asked for as of a day that has not come."""

    code = "bad_rfm_day"


def run(
    as_of_on: date, config: Config, bought: Purchases | None = None, *, tells: bool = True
) -> RfmRun:
    """Score the pool as of 00:00 of ``as_of_on`` and keep the run, replacing the one it repeats.

    One run after another; outside of any transaction, for scores are written a few thousand at a
    time, between which others write too. Until all are there nobody sees the run. Where nobody has
    set rules to be in force, the traits of the profiles tell the newest run, unless it only
    measures (not ``tells``).
    Raises ``DayError`` for a day after today. ``bought``: what was read elsewhere
    (``lake_purchases``).
    """
    check_day(as_of_on)
    with turn(connection, "rfm.run", settings.PUSULA_HOME / "run"):
        for dead in RfmRun.objects.filter(is_whole=False):  # its process was stopped
            _drop(dead)
        kept = _written(as_of_on, config, bought or purchases(as_of_on, config))
        # What is counted of it now, and asked by pages next, joins its scores with earlier ones.
        statistics.refresh(connection)
        keep(kept)
        for replaced in _shown(kept, tells=tells):
            _drop(replaced)
    return kept


def keep(run: RfmRun) -> None:
    """Count what pages show of ``run``, and keep it."""
    moves.keep(run)
    figures.keep(run)


def check_day(as_of_on: date) -> None:
    """Raise ``DayError`` for a day after today.

    A run of such a day would stay the newest, and hide all that follow, until the day has come.
    """
    today = clock.day_of(clock.now(), settings.PUSULA.time_zone)
    if as_of_on > today:
        said = gettext("%(day)s has not come yet: take %(today)s or an earlier day.")
        raise DayError(said % {"day": as_of_on.isoformat(), "today": today.isoformat()})


def _written(as_of_on: date, config: Config, bought: Purchases) -> RfmRun:
    """Score and write everybody in the pool; what is returned is not seen by others yet."""
    scores = scoring.score(
        bought.keys,
        bought.recency_days,
        bought.frequency,
        bought.monetary_minor,
        config,
        orders_ever=bought.ever,
    )
    limits = cuts.published(
        scores.edges, bought.keys[scores.kept], bought.frequency[scores.kept], config
    )
    kept = RfmRun.objects.create(
        as_of_on=as_of_on,
        config=rules.as_json(config),
        config_key=rules.key(config),
        groups=list(scores.groups),
        edges=msgspec.to_builtins(scores.edges),
        cuts=msgspec.to_builtins(limits),
        drift=_drift(bought, scores, config, live.in_force()),
        warnings=msgspec.to_builtins(scores.warnings),
        n_profiles=len(scores.kept),
        currency=settings.PUSULA.currency,
        created_at=clock.now(),
        is_whole=False,
    )
    for start in range(0, len(scores.kept), _WRITTEN):
        if start:
            locks.rest()
        with transaction.atomic():
            some = _rows(kept, bought, scores, slice(start, start + _WRITTEN))
            rows.insert(connection, _SCORES, _SCORE_COLUMNS, some)
    return kept


def _shown(kept: RfmRun, *, tells: bool) -> list[RfmRun]:
    """Let everybody see a run; return the runs whose place it takes, which are seen no more."""
    with transaction.atomic():
        whole = RfmRun.objects.filter(is_whole=True)
        replaced = list(whole.filter(as_of_on=kept.as_of_on, config_key=kept.config_key))
        RfmRun.objects.filter(pk__in=[run.pk for run in replaced]).update(is_whole=False)
        RfmRun.objects.filter(pk=kept.pk).update(is_whole=True)
        kept.is_whole = True
        if queries.latest() == kept:
            alerts.check(kept)
            if tells and live.version() is None:
                _tell_profiles(kept)
    return replaced


def _drop(run: RfmRun) -> None:
    """Delete a run that nobody sees, its scores first, a few thousand at a time."""
    scores = RfmScore.objects.filter(run=run).order_by("profile_id")
    while some := list(scores.values_list("pk", flat=True)[:_WRITTEN]):
        with transaction.atomic():
            RfmScore.objects.filter(pk__in=some).delete()
        if len(some) == _WRITTEN:
            locks.rest()
    moves.forget(run)
    run.delete()


def _drift(
    bought: Purchases, scores: Scores, config: Config, held: InForce | None
) -> dict[str, Any]:
    """Return who of a run would be in another group by its limits than by those in force."""
    if held is None or held.config != config:
        return {}
    by_held = cuts.grade(
        bought.keys[scores.kept],
        bought.recency_days[scores.kept],
        bought.frequency[scores.kept],
        bought.monetary_minor[scores.kept],
        ever=bought.ever[scores.kept],
        cuts=held.cuts,
        config=config,
    )
    pairs = np.stack([by_held.group, scores.group])
    moved, n = np.unique(pairs[:, pairs[0] != pairs[1]], axis=1, return_counts=True)
    names = scores.groups
    flows = [
        [names[before], names[after], count]
        for before, after, count in zip(*moved.tolist(), n.tolist(), strict=True)
    ]
    return {"version": held.number, "n_moved": int(n.sum()), "flows": flows}


def _rows(
    kept: RfmRun, bought: Purchases, scores: Scores, part: slice
) -> Iterator[tuple[Any, ...]]:
    """Yield a part of the rows of a run, in the transaction that writes them."""
    of = scores.kept[part]
    ids = bought.profile_ids[of]
    columns = (
        ids,
        bought.recency_days[of],
        bought.frequency[of],
        bought.monetary_minor[of],
        scores.r[part],
        scores.f[part],
        scores.m[part],
        scores.group[part],
    )
    # Who was merged while we computed is scored the next time, as whoever they have become.
    there = np.isin(ids, holding.hold_many(ids))
    between = RfmScore.objects.filter(run=kept, profile__gte=int(ids[0]), profile__lte=int(ids[-1]))
    there &= ~np.isin(ids, list(between.values_list("profile_id", flat=True)))
    told = (column[there].tolist() for column in columns)
    for *values, group in zip(*told, strict=True):
        yield (kept.pk, *values, scores.groups[group])


def _tell_profiles(newest: RfmRun) -> None:
    """Make the traits of all profiles say what ``newest`` found; inside its transaction."""
    Trait.objects.filter(name__in=TRAITS).delete()
    now = clock.now()
    insert = (
        "INSERT INTO profiles_trait "
        "(profile_id, name, kind, text, text_fold, number, day, source, updated_at) "
        "SELECT profile_id, %s, %s, {text}, {fold}, {number}, NULL, 'rfm', %s "
        "FROM rfm_rfmscore WHERE run_id = %s"
    )
    with connection.cursor() as cursor:
        for grade in ("r", "f", "m"):
            sql = insert.format(text="''", fold="''", number=grade)
            cursor.execute(sql, [f"rfm_{grade}", TraitKind.NUMBER, now, newest.pk])
        sql = insert.format(text='"group"', fold="%s", number="NULL") + ' AND "group" = %s'
        for group in newest.groups:
            params = ["rfm_group", TraitKind.TEXT, text.fold(group), now, newest.pk, group]
            cursor.execute(sql, params)
    note_history(TRAITS, at=now)
