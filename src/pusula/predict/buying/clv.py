"""The trainer of customer lifetime value: three models from one fit, each with its card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from pusula.predict.buying import soundness
from pusula.predict.buying.learned import Learned, learn_from
from pusula.predict.buying.summary import kept_share, purchases, summarise
from pusula.predict.buying.validation import (
    Validation,
    brier,
    by_prediction,
    by_repeats,
    errors,
    validate,
)
from pusula.predict.cards import Card, Note
from pusula.predict.training import Floats, History, Scores, Trained

HORIZON = 365  # days
MODELS = ("clv_12m", "p_alive", "expected_orders_12m")
_VALIDATED_SHARE = 3  # the last third of the history, at most a horizon
_MONTHS = 12


@dataclass(frozen=True)
class _Found:
    """What the three cards share."""

    as_of_on: date
    learned: Learned
    validation: Validation | None
    kept: float
    purchases_withheld: Note | None
    value_withheld: Note | None


def train(history: History, as_of_on: date) -> Iterable[Trained]:
    """Return the models of value, of being a customer still, and of orders to come."""
    orders = history.orders(as_of_on)
    bought = purchases(orders)
    seen = summarise(bought, as_of_on)
    withheld, validation, learned = soundness.too_little(seen), None, Learned(seen)
    if withheld is None:
        learned = learn_from(seen)
        days = min(seen.days // _VALIDATED_SHARE, HORIZON)
        from_on = as_of_on - timedelta(days=days)
        validation = validate(purchases(history.orders(from_on)), bought, from_on, as_of_on)
        withheld = soundness.degenerate(learned) or soundness.off(validation)
    found = _Found(
        as_of_on,
        learned,
        validation,
        kept_share(orders),
        withheld,
        withheld or soundness.degenerate_values(learned),
    )
    return (_value(found), _alive(found), _orders(found))


def _orders(found: _Found) -> Trained:
    checked, more = found.validation, {}
    if checked is not None:
        came = checked.came.astype(float)
        more = {
            "metrics": errors(checked.expected, checked.naive, came),
            "calibration": by_prediction(checked.expected, came),
            "backtest": by_repeats(
                checked.learned.summary.x, checked.expected, checked.naive, came
            ),
        }
    withheld = found.purchases_withheld
    card = _card(found, "expected_orders_12m", "bg_nbd", withheld, **more)
    values = None if withheld else found.learned.expected(HORIZON)
    return _trained(found, card, values)


def _alive(found: _Found) -> Trained:
    """Return the model of being a customer still.

    The model takes everybody who came once as alive, so those have no score.
    """
    checked, more = found.validation, {}
    if checked is not None:
        again = checked.learned.summary.x > 0
        came = (checked.came > 0).astype(float)[again]
        model = checked.learned.p_some(checked.days)[again]
        naive = -np.expm1(-checked.naive[again])
        more = {
            "metrics": (brier(model, naive, came),),
            "calibration": by_prediction(model, came),
            "backtest": by_repeats(checked.learned.summary.x[again], model, naive, came),
        }
    withheld = found.purchases_withheld
    card = _card(found, "p_alive", "bg_nbd", withheld, Note("once_only"), **more)
    values = None if withheld else found.learned.p_alive()
    return _trained(found, card, values, only=found.learned.summary.x > 0)


def _value(found: _Found) -> Trained:
    checked, more = found.validation, {}
    if checked is not None and not soundness.degenerate_values(checked.learned):
        seen = checked.learned.summary
        model = checked.expected * checked.learned.mean_value()
        naive = checked.naive * seen.value
        more = {
            "metrics": errors(model, naive, checked.came_value),
            "calibration": by_prediction(model, checked.came_value),
            "backtest": by_repeats(seen.x, model, naive, checked.came_value),
        }
    withheld = found.value_withheld
    card = _card(found, "clv_12m", "gamma_gamma", withheld, **more)
    values = None if withheld else found.learned.lifetime_value(_MONTHS, margin=found.kept)
    return _trained(found, card, values)


def _card(
    found: _Found, model: str, method: str, withheld: Note | None, *notes: Note, **more: Any
) -> Card:
    learned, checked = found.learned, found.validation
    metrics = more.get("metrics", ())
    worse = any(metric.name in {"rmse", "brier"} and not metric.is_better for metric in metrics)
    return Card(
        model=model,
        method=method,
        baseline="same_rate",
        as_of_on=found.as_of_on,
        n_trained=len(learned.summary),
        horizon_days=HORIZON,
        window=checked.window if checked else None,
        n_validated=len(checked.learned.summary) if checked else 0,
        rows_by="repeats",
        avoid=("single_person", "other_business"),
        notes=(
            *soundness.cautions(learned.summary, found.kept, HORIZON),
            *((leaning,) if (leaning := soundness.leaning(checked)) else ()),
            *((Note("naive_is_nearer"),) if worse else ()),
            *notes,
        ),
        withheld=withheld,
        **more,
    )


def _trained(
    found: _Found, card: Card, values: Floats | None, only: np.ndarray[Any, Any] | None = None
) -> Trained:
    scores = None
    if values is not None:
        those = slice(None) if only is None else only
        scores = Scores(found.learned.summary.profile_ids[those], values[those])
    return Trained(card.model, parameters(found.learned), card, scores)


def parameters(learned: Learned) -> dict[str, Any]:
    """Return the numbers of the models as plain values; times in weeks, values in major units."""
    told: dict[str, Any] = {}
    if learned.model is not None and learned.fit is not None:
        names = ("r", "alpha", "a", "b")
        told["bg_nbd"] = dict(zip(names, astuple(learned.model), strict=True))
        told["bg_nbd"]["log_likelihood"] = learned.fit.log_likelihood
    if learned.values is not None and learned.values_fit is not None:
        names_of_values = ("p", "q", "gamma")
        told["gamma_gamma"] = dict(zip(names_of_values, astuple(learned.values), strict=True))
        told["gamma_gamma"]["log_likelihood"] = learned.values_fit.log_likelihood
        told["gamma_gamma"]["correlation"] = learned.correlation
    return told
