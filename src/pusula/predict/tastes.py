"""What each customer may like next, as the runs of predictions make it: lists, traits, cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

import numpy as np
from django.conf import settings

from pusula.lib import clock
from pusula.predict import bought
from pusula.predict.bought import Kind
from pusula.predict.cards import Card, Metric, Note, Window
from pusula.predict.history import Past
from pusula.predict.taste import baskets, choice, methods, ranking
from pusula.predict.taste.choice import Lists, Trial
from pusula.predict.taste.lines import Lines
from pusula.predict.training import Recommended, Trained, TraitValues
from pusula.profiles import objections

MODELS = tuple(kind.model for kind in bought.KINDS)
# Metrics of the card, and which figure of a validation each is. Where there are hardly more things
# than a list holds, a list of ten is always right: then only the first counts, and the order.
_OF_MANY = {"recall_at_10": "recall", "ndcg_at_10": "ndcg", "hit_rate_at_10": "hit_rate"}
_OF_FEW = {"first_right": "first", "ndcg_at_10": "ndcg"}
_FEW = 2 * ranking.AT
_AVOID = ("single_person", "cause", "new_things")


def train(_past: Past, as_of_on: date) -> Iterator[Trained]:
    """Yield what each kind of thing that this company sells leads to; of others nothing."""
    as_of_at = clock.start_of(as_of_on, settings.PUSULA.time_zone)
    for kind in bought.KINDS:
        past = bought.remembered(kind)
        if len(past(as_of_at)):
            yield _trained(kind, past, as_of_at, as_of_on)


def _trained(kind: Kind, past: choice.Past, as_of_at: int, as_of_on: date) -> Trained:
    lines = past(as_of_at)
    found = choice.trial(past, as_of_at, kind.scope)
    if found is None:
        return _withheld(kind, lines, as_of_on)
    made = _without_objectors(choice.lists(lines, as_of_at, found.chosen, kind.scope))
    names = kind.names()
    codes = tuple(made.codes[i] for i in made.things.tolist())
    first = made.ranks == 1
    told = np.array([names.get(code, code) for code in codes], object)[first]
    return Trained(
        model=kind.model,
        parameters=_parameters(found, kind),
        card=_card(kind, found, lines, as_of_on),
        traits=(TraitValues(kind.model, "text", made.people[first], told),),
        recommended=Recommended(
            profile_ids=made.people,
            ranks=made.ranks,
            codes=codes,
            reasons=tuple(made.codes[i] if i >= 0 else "" for i in made.reasons.tolist()),
            scores=made.scores,
            companions=tuple(baskets.companions(baskets.counted(lines))),
            names=names,
        ),
    )


def _without_objectors(made: Lists) -> Lists:
    """Return lists without those of people who object to being profiled."""
    objecting = objections.objectors(np.unique(made.people).tolist())
    kept = ~np.isin(made.people, np.fromiter(objecting, np.int64, len(objecting)))
    return replace(
        made,
        people=made.people[kept],
        ranks=made.ranks[kept],
        things=made.things[kept],
        reasons=made.reasons[kept],
        scores=made.scores[kept],
    )


def _withheld(kind: Kind, lines: Lines, as_of_on: date) -> Trained:
    """Return a training without any result: too few people tell whether lists are any good."""
    note = Note("few_choices", {"least": choice.LEAST_PEOPLE})
    card = Card(
        model=kind.model,
        method=methods.POPULARITY,
        baseline=methods.POPULARITY,
        as_of_on=as_of_on,
        n_trained=len(np.unique(lines.people)),
        horizon_days=kind.scope.horizon_days,
        avoid=_AVOID,
        withheld=note,
    )
    nobody = TraitValues(kind.model, "text", np.empty(0, np.int64), np.empty(0, object))
    return Trained(kind.model, {}, card, traits=(nobody,))


def _card(kind: Kind, found: Trial, lines: Lines, as_of_on: date) -> Card:
    zone = settings.PUSULA.time_zone
    days = round((found.until_at - found.from_at) / clock.DAY)
    model, baseline = found.held[found.chosen], found.held[methods.POPULARITY]
    is_plain = found.chosen == methods.POPULARITY
    return Card(
        model=kind.model,
        method=found.chosen,
        baseline=methods.POPULARITY,
        as_of_on=as_of_on,
        n_trained=len(np.unique(lines.people)),
        horizon_days=days,
        window=Window(clock.day_of(found.from_at, zone), as_of_on),
        n_validated=model.n_people,
        metrics=tuple(
            Metric(name, getattr(model, attribute), getattr(baseline, attribute), "higher")
            for name, attribute in _figures(found).items()
        ),
        avoid=_AVOID,
        notes=(Note("popularity_wins"),) if is_plain else (),
    )


def _parameters(found: Trial, kind: Kind) -> dict[str, object]:
    return {
        "n_things": found.n_things,
        "n_known": found.n_known,
        "sold_within_days": kind.scope.sold_within_days,
        "least_owners": kind.scope.least_owners,
        "methods": {
            method: {name: getattr(quality, at) for name, at in _figures(found).items()}
            for method, quality in found.held.items()
        },
    }


def _figures(found: Trial) -> Mapping[str, str]:
    return _OF_FEW if found.n_things <= _FEW else _OF_MANY
