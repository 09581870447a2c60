"""Writes of predictions: versions of models, scores, and the traits that predictions set."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from pusula.lake import locks, rows
from pusula.lib import clock, text
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.predict import cards, queries
from pusula.predict.cards import Card
from pusula.predict.models import ModelVersion
from pusula.predict.training import Floats, Ints, TraitValues
from pusula.profiles import holding
from pusula.profiles.actions import note_history
from pusula.profiles.models import Score, Trait

SOURCE = "predict"  # of the traits that predictions set
HISTORY_MONTHS = 13  # for how many months the last scoring and version of a month are kept
_LOCK = "predict.versions"
_TENTHS = 10
_SCORES = "profiles_score"
_COLUMNS = ("profile_id", "model", "value", "decile", "scored_at")
_TRAIT_COLUMNS = (
    "profile_id",
    "name",
    "kind",
    "text",
    "text_fold",
    "number",
    "source",
    "updated_at",
)
# Whoever has no score any more has none in the past either: the newest of a person counts.
_FORGET = """
DELETE FROM profiles_score WHERE model = %s AND NOT EXISTS (
  SELECT 1 FROM profiles_score newest
  WHERE newest.profile_id = profiles_score.profile_id AND newest.model = profiles_score.model
    AND newest.scored_at = %s
)
"""


class OldDayError(PusulaError):
    """A model is to be published as of a day before that of its newest version."""

    code = "old_prediction_day"


def publish(
    model: str, *, as_of_on: date, parameters: dict[str, Any], card: Card, at: int
) -> ModelVersion:
    """Keep a training as the current version of ``model`` at the moment ``at``.

    Scores are written apart (``score``); until then those of the version before stand. If the card
    says why they would mislead, these are taken away as well: they would pass for today's. Raises
    ``OldDayError`` for a day before that of the current version: its scores would replace newer.
    """
    with transaction.atomic():
        locks.take(connection, _LOCK)
        current = queries.current(model)
        if current is not None and as_of_on < current.as_of_on:
            raise OldDayError(
                Saying(
                    "%(model)s: the newest version is of %(as_of_on)s; take that day or a later "
                    "one, or only look: pusula predict train",
                    {"model": model, "as_of_on": current.as_of_on},
                )
            )
        number = ModelVersion.objects.filter(model=model).aggregate(last=Max("number"))["last"]
        ModelVersion.objects.filter(model=model, is_current=True).update(is_current=False)
        version = ModelVersion.objects.create(
            model=model,
            number=(number or 0) + 1,
            as_of_on=as_of_on,
            parameters=parameters,
            card=cards.as_json(card),
            withheld=card.withheld.code if card.withheld else "",
            made_at=at,
        )
        _thin_versions(version)
        if card.withheld:
            score(version, np.empty(0, np.int64), np.empty(0), at=at)
    return version


def score(version: ModelVersion, profile_ids: Ints, values: Floats, *, at: int) -> None:
    """Write the scores of a version: ``profile_ids`` ascending and each once, finite ``values``.

    Of earlier scorings the last of each month stays, for those who are scored now; who was merged
    or erased meanwhile is left out. Deciles are of all who are given.
    """
    with transaction.atomic():
        there = np.isin(profile_ids, holding.hold_many(profile_ids))
        told = (profile_ids[there], values[there], deciles(values)[there])
        _thin_scores(version.model, at)
        rows.insert(
            connection,
            _SCORES,
            _COLUMNS,
            (
                (profile_id, version.model, value, decile, at)
                for profile_id, value, decile in zip(*(c.tolist() for c in told), strict=True)
            ),
        )
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, [version.model, at])
        version.scored_at, version.n_scored = at, int(there.sum())
        version.save(update_fields=["scored_at", "n_scored"])


def deciles(values: Floats) -> Ints:
    """Return the tenth each value falls in, 10 the highest.

    Decile d says that at least (d - 1) tenths of all have a lower value. Equal values share one, so
    a decile of a model that gives many the same value may be empty.
    """
    below = np.searchsorted(np.sort(values), values, side="left")
    tenths: Ints = 1 + below * _TENTHS // max(len(values), 1)
    return tenths


def tell(told: TraitValues, *, at: int) -> Ints:
    """Make a computed trait of everybody say ``told``; return whose trait changed, ascending."""
    with transaction.atomic():
        there = np.isin(told.profile_ids, holding.hold_many(told.profile_ids))
        is_text = told.kind == "text"
        column = "text" if is_text else "number"
        wanted = dict(
            zip(told.profile_ids[there].tolist(), told.values[there].tolist(), strict=True)
        )
        held = Trait.objects.filter(name=told.name).values_list("profile_id", "kind", column)
        present = {
            profile_id: value if kind == told.kind else None
            for profile_id, kind, value in held.iterator(10_000)
        }
        gone = present.keys() - wanted.keys()
        changed = [i for i, value in wanted.items() if present.get(i) != value]
        for part in rows.parts([*gone, *(present.keys() & set(changed))]):
            Trait.objects.filter(name=told.name, profile_id__in=part).delete()
        rows.insert(
            connection,
            "profiles_trait",
            _TRAIT_COLUMNS,
            (
                (
                    profile_id,
                    told.name,
                    told.kind,
                    wanted[profile_id] if is_text else "",
                    text.fold(wanted[profile_id]) if is_text else "",
                    None if is_text else wanted[profile_id],
                    SOURCE,
                    at,
                )
                for profile_id in changed
            ),
        )
        if gone or changed:
            note_history([told.name], at=at)
    return np.array(sorted({*gone, *changed}), np.int64)


def _thin_scores(model: str, at: int) -> None:
    """Delete the scorings that make room for one at ``at``: those of its month, and very old."""
    scored = Score.objects.filter(model=model)
    scored.filter(scored_at__gte=_month_of(at)).delete()
    scored.filter(scored_at__lt=_month_of(at, -HISTORY_MONTHS)).delete()


def _thin_versions(newest: ModelVersion) -> None:
    """Keep of each month only the last of the older versions, as of their scores."""
    older = ModelVersion.objects.filter(model=newest.model, number__lt=newest.number)
    zone, month = settings.PUSULA.time_zone, None
    kept: list[int] = []
    for pk, made_at in older.order_by("-number").values_list("pk", "made_at"):
        day = clock.day_of(made_at, zone)
        if (day.year, day.month) != month:
            kept.append(pk)
        month = (day.year, day.month)
    older.exclude(pk__in=kept[:HISTORY_MONTHS]).delete()


def _month_of(moment: int, months: int = 0) -> int:
    """Return when the month of ``moment`` began, or the one so many ``months`` later."""
    zone = settings.PUSULA.time_zone
    first = clock.day_of(moment, zone).replace(day=1)
    return clock.start_of(clock.add_months(first, months), zone)
