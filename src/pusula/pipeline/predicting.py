"""Predictions made: every trainer in its turn learns from the past, and scores are published."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.pipeline import reactions
from pusula.predict import actions, queries, recommendations, tastes
from pusula.predict.buying import clv
from pusula.predict.history import Past
from pusula.predict.learning import churn
from pusula.predict.models import ModelVersion
from pusula.predict.rhythm import coming_back, hours
from pusula.predict.training import Trained
from pusula.segments.actions import owe

_log = logging.getLogger(__name__)
DAILY = 20 * clock.HOUR  # a night's run that starts a little earlier than the last still counts


class NoModelError(PusulaError):
    """No trainer makes the model that was asked for, or a day that has not come was asked for."""

    code = "no_model"


class TrainingError(PusulaError):
    """Something broke while models were trained; those before and after it were not touched."""

    code = "training_failed"
    status = 500


@dataclass(frozen=True)
class Trainer:
    """Makes ``models`` together, because they share what is learned."""

    models: tuple[str, ...]
    train: Callable[[Past, date], Iterable[Trained]]


TRAINERS = (
    Trainer(("clv_12m", "p_alive", "expected_orders_12m"), clv.train),
    Trainer((churn.MODEL,), churn.train),
    Trainer((coming_back.NEXT_ORDER, coming_back.LIFECYCLE), coming_back.train),
    Trainer(reactions.PROPENSITIES, reactions.learn_channels),
    Trainer((hours.MODEL,), reactions.learn_hours),
    Trainer(tastes.MODELS, tastes.train),
)


def is_due() -> bool:
    """Say whether predictions are to be made again: the last time was not since yesterday."""
    last = queries.last_made_at()
    return last is None or last <= clock.now() - DAILY


def today() -> date:
    """Return the day it is in the company's time zone."""
    return clock.day_of(clock.now(), settings.PUSULA.time_zone)


def train(as_of_on: date, model: str | None = None) -> Iterable[tuple[Trained, ...]]:
    """Yield what each trainer learned before 00:00 of a day; nothing is kept.

    Only those that make ``model``, if one is named. Raises ``NoModelError``.
    """
    trainers, past = _asked_for(as_of_on, model), Past(as_of_on)
    return (tuple(one.train(past, as_of_on)) for one in trainers)


def run(as_of_on: date, model: str | None = None) -> list[ModelVersion]:
    """Train, and publish what came of it: versions, scores, traits.

    A trainer that breaks leaves its models as they were and keeps no other from its turn; then
    ``TrainingError`` is raised in the end. Segments are owed an evaluation afterwards:
    ``batch.run``, or ``live.refresh``.
    """
    made: list[ModelVersion] = []
    broken: list[str] = []
    past = Past(as_of_on)
    for one in _asked_for(as_of_on, model):
        try:
            together = tuple(one.train(past, as_of_on))
            made += [_publish(trained, as_of_on) for trained in together]
        except PusulaError:
            raise
        except Exception:  # noqa: BLE001 - the other models are trained all the same
            _log.exception("training of %s", ", ".join(one.models))
            broken += one.models
    if broken:
        said = gettext("These models could not be trained; the log says why: %(models)s.")
        raise TrainingError(said % {"models": ", ".join(broken)})
    return made


def _asked_for(as_of_on: date, model: str | None) -> list[Trainer]:
    if as_of_on > today():
        said = gettext("%(day)s has not come yet: take %(today)s or an earlier day.")
        raise NoModelError(said % {"day": as_of_on.isoformat(), "today": today().isoformat()})
    trainers = [one for one in TRAINERS if model is None or model in one.models]
    if not trainers:
        known = ", ".join(sorted(name for one in TRAINERS for name in one.models))
        said = gettext("There is no model %(model)s; those there are: %(known)s.")
        raise NoModelError(said % {"model": model, "known": known})
    return trainers


def _publish(trained: Trained, as_of_on: date) -> ModelVersion:
    """Keep one model and what it gave people, and owe the segments an evaluation."""
    at = clock.now()
    with transaction.atomic():
        version = actions.publish(
            trained.model,
            as_of_on=as_of_on,
            parameters=trained.parameters,
            card=trained.card,
            at=at,
        )
        if trained.scores is not None and not trained.card.withheld:
            actions.score(version, trained.scores.profile_ids, trained.scores.values, at=at)
        for told in trained.traits:
            actions.tell(told, at=at)
        recommendations.keep(version, trained.recommended)
        owe("predict", at)
    return version
