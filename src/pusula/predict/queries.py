"""Reads of predictions: versions of models, their cards, scores of people."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Avg, Count, Max, Min, QuerySet

from pusula.predict import cards
from pusula.predict.cards import Card
from pusula.predict.models import ModelVersion
from pusula.profiles.models import Score


def current(model: str) -> ModelVersion | None:
    """Return the newest version of a model, published or withheld."""
    return ModelVersion.objects.filter(model=model, is_current=True).first()


def currents() -> list[ModelVersion]:
    """Return the newest version of every model, by the model's name."""
    return list(ModelVersion.objects.filter(is_current=True).order_by("model"))


def versions(model: str) -> QuerySet[ModelVersion]:
    """Return the versions of a model that are kept, the newest first."""
    return ModelVersion.objects.filter(model=model).order_by("-number")


def card(version: ModelVersion) -> Card:
    """Return the card of a version."""
    return cards.parse(version.card)


def last_made_at() -> int | None:
    """Return when the last version of any model was made."""
    made_at: int | None = ModelVersion.objects.aggregate(last=Max("made_at"))["last"]
    return made_at


def scores_of(profile_id: int) -> dict[str, Score]:
    """Return the newest score of a profile by each model."""
    ascending = Score.objects.filter(profile_id=profile_id).order_by("scored_at")
    return {score.model: score for score in ascending}


def scored(version: ModelVersion) -> QuerySet[Score]:
    """Return the scores of a version as long as they are kept, the highest first."""
    if version.scored_at is None:
        return Score.objects.none()
    rows = Score.objects.filter(model=version.model, scored_at=version.scored_at)
    return rows.order_by("-value", "profile_id")


@dataclass(frozen=True)
class Tenth:
    """The profiles of one decile, and from which value to which they go."""

    decile: int
    n: int
    mean: float
    low: float
    high: float


def tenths(version: ModelVersion) -> list[Tenth]:
    """Return the deciles of a version that have people, the highest first."""
    grouped = (
        scored(version)
        .order_by("-decile")
        .values("decile")
        .annotate(n=Count("pk"), mean=Avg("value"), low=Min("value"), high=Max("value"))
    )
    return [Tenth(**row) for row in grouped]
