"""What models say of one customer, as sentences that lead to the model's card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from django.urls import reverse
from django.utils.translation import gettext, ngettext

from pusula.predict import outlook, queries, recommendations, words
from pusula.predict.models import ModelVersion, Recommendation
from pusula.predict.rhythm.coming_back import LIFECYCLE, NEXT_ORDER
from pusula.profiles.models import Score
from pusula.web import formats, life, prediction_words, titles

_TOP = 10  # the decile of the highest scores
_SHOWN = 3  # things of a list
_PROPENSITY = "propensity_"


@dataclass(frozen=True)
class Foretold:
    """A sentence of a model, the address of its card, and (of a list) what stands behind it."""

    icon: str
    text: str
    address: str
    things: tuple[tuple[str, str], ...] = ()  # name and why


def foretold(profile_id: int) -> list[Foretold]:
    """Return what the current versions of the models say of a profile, the most useful first."""
    scores = queries.scores_of(profile_id)
    current = {version.model: version for version in queries.currents()}
    held = {
        model: score
        for model, score in scores.items()
        if model in current and score.scored_at == current[model].scored_at
    }
    lists = recommendations.of_profile(profile_id)
    return [*_life(profile_id), *_scored(held, current), *_channels(held), *_listed(lists)]


def _life(profile_id: int) -> Iterator[Foretold]:
    told = outlook.today(profile_id)
    if told is not None:
        yield Foretold("activity", life.stage(told), _address(LIFECYCLE))
        if told.next_order is not None:
            yield Foretold("calendar-range", life.interval(told.next_order), _address(NEXT_ORDER))


def _scored(held: dict[str, Score], current: dict[str, ModelVersion]) -> Iterator[Foretold]:
    forms: dict[str, tuple[str, Callable[[Score], str]]] = {
        "clv_12m": ("wallet", _worth),
        "p_alive": ("heart-pulse", _alive),
        "churn": ("user-x", partial(_churn, version=current.get("churn"))),
        "next_order_days": ("calendar-clock", _next),
        "expected_orders_12m": ("repeat", _orders),
    }
    for model, (icon, say) in forms.items():
        if model in held:
            yield Foretold(icon, say(held[model]), _address(model))


def _worth(score: Score) -> str:
    worth = prediction_words.amount(score.value)
    if score.decile == _TOP:
        said = gettext("Expected net revenue in the coming 12 months: %(worth)s, the top tenth.")
    else:
        said = gettext("Expected net revenue in the coming 12 months: %(worth)s.")
    return said % {"worth": worth}


def _alive(score: Score) -> str:
    said = gettext("Still a customer with a probability of %(share)s.")
    return said % {"share": formats.percent(score.value, 0)}


def _churn(score: Score, version: ModelVersion | None) -> str:
    words_ = {"share": formats.percent(score.value, 0)}
    days = queries.card(version).horizon_days if version else None
    if days is None:
        return gettext("Probability of no further order: %(share)s.") % words_
    form = ngettext(
        "Probability of no order in the coming %(n)s day: %(share)s.",
        "Probability of no order in the coming %(n)s days: %(share)s.",
        days,
    )
    return form % {**words_, "n": formats.number(days)}


def _next(score: Score) -> str:
    n = max(0, round(score.value))
    if not n:
        return gettext("The next order is due about now.")
    form = ngettext(
        "The next order is due in about %(n)s day.",
        "The next order is due in about %(n)s days.",
        n,
    )
    return form % {"n": formats.number(n)}


def _orders(score: Score) -> str:
    said = gettext("Expected in the coming 12 months: %(n)s orders.")
    return said % {"n": formats.number(score.value, 1)}


def _channels(held: dict[str, Score]) -> Iterator[Foretold]:
    """Say on which channel an answer is most likely, where more than one could be compared."""
    found = {
        model.removeprefix(_PROPENSITY): score
        for model, score in held.items()
        if model.startswith(_PROPENSITY) and model.removeprefix(_PROPENSITY) in titles.CHANNELS
    }
    if found:
        best = max(found, key=lambda name: found[name].value)
        icon, title = titles.channel(best)
        said = gettext("Most likely to answer by %(channel)s: %(share)s.")
        words_ = {"channel": title, "share": formats.percent(found[best].value, 0)}
        yield Foretold(icon, said % words_, _address(_PROPENSITY + best))


def _listed(lists: dict[str, list[Recommendation]]) -> Iterator[Foretold]:
    icons = {"next_best_item": "gift", "next_best_hotel": "hotel", "next_best_region": "map-pin"}
    for model, found in lists.items():
        things = tuple((one.name, _because(one)) for one in found[:_SHOWN])
        yield Foretold(icons.get(model, "sparkles"), words.title(model), _address(model), things)


def _because(one: Recommendation) -> str:
    if not one.reason_name:
        return ""
    return gettext("goes with: %(thing)s") % {"thing": one.reason_name}


def _address(model: str) -> str:
    return reverse("prediction", args=[model])
