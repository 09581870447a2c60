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

from pusula.lake import rows
from pusula.lib import clock, text
from pusula.lib.errors import PusulaError
from pusula.profiles import holding
from pusula.profiles.actions import note_history
from pusula.profiles.models import Trait, TraitKind
from pusula.rfm import alerts, cuts, figures, live, queries, scoring
from pusula.rfm import config as rules
from pusula.rfm.live import InForce
from pusula.rfm.models import RfmRun
from pusula.rfm.purchases import Purchases, purchases
from pusula.rfm.rules import Config
from pusula.rfm.scoring import Scores

TRAITS = ("rfm_group", "rfm_r", "rfm_f", "rfm_m")
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

    Where nobody has set rules to be in force, the traits of the profiles tell the newest run,
    unless it only measures (not ``tells``).
    Raises ``DayError`` for a day after today: such a run would stay the newest, and hide all that
    follow, until the day has come. ``bought``: what was read elsewhere (``lake_purchases``).
    """
    today = clock.day_of(clock.now(), settings.PUSULA.time_zone)
    if as_of_on > today:
        said = gettext("%(day)s has not come yet: take %(today)s or an earlier day.")
        raise DayError(said % {"day": as_of_on.isoformat(), "today": today.isoformat()})
    bought = bought or purchases(as_of_on, config)
    scores = scoring.score(
        bought.keys,
        bought.recency_days,
        bought.frequency,
        bought.monetary_minor,
        config,
        orders_ever=bought.ever,
    )
    held = live.in_force()
    limits = cuts.published(
        scores.edges, bought.keys[scores.kept], bought.frequency[scores.kept], config
    )
    with transaction.atomic():
        RfmRun.objects.filter(as_of_on=as_of_on, config_key=rules.key(config)).delete()
        kept = RfmRun.objects.create(
            as_of_on=as_of_on,
            config=rules.as_json(config),
            config_key=rules.key(config),
            groups=list(scores.groups),
            edges=msgspec.to_builtins(scores.edges),
            cuts=msgspec.to_builtins(limits),
            drift=_drift(bought, scores, config, held),
            warnings=msgspec.to_builtins(scores.warnings),
            n_profiles=len(scores.kept),
            currency=settings.PUSULA.currency,
            created_at=clock.now(),
        )
        rows.insert(connection, "rfm_rfmscore", _SCORE_COLUMNS, _rows(kept, bought, scores))
        figures.keep(kept)
        if queries.latest() == kept:
            alerts.check(kept)
            if tells and held is None:
                _tell_profiles(kept)
    return kept


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


def _rows(kept: RfmRun, bought: Purchases, scores: Scores) -> Iterator[tuple[Any, ...]]:
    columns = (
        bought.profile_ids[scores.kept],
        bought.recency_days[scores.kept],
        bought.frequency[scores.kept],
        bought.monetary_minor[scores.kept],
        scores.r,
        scores.f,
        scores.m,
        scores.group,
    )
    # Who was merged while we computed is scored the next time, as whoever they have become.
    there = np.isin(columns[0], holding.hold_many(columns[0]))
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
