"""Who will not buy again: the chance of no order within the business's own horizon.

Examples are customers as they were known at the start of a day, with what came in the days after.
The newest such period is kept aside: what was learned on earlier ones is judged there, beside the
honest baseline that looks at the days since the last order alone. Then it is learned anew with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from pusula.predict import quality
from pusula.predict.cards import Card, Metric, Note, Row, Window
from pusula.predict.learning import examples, scorecard
from pusula.predict.learning.examples import Examples
from pusula.predict.learning.scorecard import Scorecard
from pusula.predict.quality import Quality
from pusula.predict.rhythm import gaps
from pusula.predict.rhythm.horizon import horizon
from pusula.predict.training import History, Scores, Trained, day_number

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MODEL = "churn"
SCORECARD, RECENCY, BASE_RATE = "scorecard", "recency", "base_rate"
LEAST_BUYERS = 300
LEAST_OF_A_KIND = 50
_AVOID = ("single_person", "comes_by_itself")
# Shares of two periods further apart than this: a season, or a business that changes.
_FAR_APART = 0.05
_TENTHS = 10


@dataclass(frozen=True)
class Judged:
    """What the period kept aside said: the chances told there in each way, and what came."""

    chances: dict[str, Floats]
    qualities: dict[str, Quality]
    stayed_away: Bools

    @property
    def method(self) -> str:
        """The better way of the two that look at people."""
        return min((SCORECARD, RECENCY), key=lambda way: self.qualities[way].log_loss)

    @property
    def baseline(self) -> str:
        """What stands beside it: the wait alone, or where that is the better way, the share."""
        return RECENCY if self.method == SCORECARD else BASE_RATE

    @property
    def is_worth_it(self) -> bool:
        """Whether it beats telling everybody the same."""
        return self.qualities[self.method].log_loss < self.qualities[BASE_RATE].log_loss


def train(history: History, as_of_on: date) -> Iterable[Trained]:
    """Return the model as of a day, its card, and the risk of everybody who ever bought."""
    seen = gaps.of_orders(history.orders())
    n_buyers = len(np.unique(seen.customers))
    days = horizon(seen, day_number(as_of_on))
    if n_buyers < LEAST_BUYERS:
        said = Note("too_few_buyers", {"n": n_buyers, "least": LEAST_BUYERS})
        return (_withheld(as_of_on, n_buyers, said),)
    earlier = examples.earlier_periods(history, days) if days else []
    if not earlier:
        return (_withheld(as_of_on, n_buyers, Note("history_too_short")),)
    learned = examples.together([examples.of_period(history, day, days) for day in earlier])
    start = as_of_on - timedelta(days=days)
    test = examples.of_period(history, start, days)
    rarer = min(_rarer(learned.stayed_away), _rarer(test.stayed_away))
    if rarer < LEAST_OF_A_KIND:
        said = Note("too_few_of_a_kind", {"n": rarer, "least": LEAST_OF_A_KIND})
        return (_withheld(as_of_on, n_buyers, said),)
    judged = judge(learned, test)
    card = _card(judged, as_of_on, start, days, learned)
    if not judged.is_worth_it:
        return (Trained(MODEL, {}, card),)
    everything = examples.together([test, learned])
    model = learn(everything, judged.method)
    now = examples.known_on(history, as_of_on, days)
    parameters = {
        "horizon_days": days,
        "method": judged.method,
        "scorecard": scorecard.as_json(model),
    }
    return (Trained(MODEL, parameters, card, Scores(now.customers, model.chance(now.features))),)


def learn(of: Examples, method: str) -> Scorecard:
    """Return what ``of`` teaches, by all features or by the wait alone."""
    features = of.only(("waited",)) if method == RECENCY else of.features
    return scorecard.fit(features, of.stayed_away)


def judge(learned: Examples, test: Examples) -> Judged:
    """Learn from some examples and try it on others, which came later."""
    away = test.stayed_away
    chances = {way: learn(learned, way).chance(test.features) for way in (SCORECARD, RECENCY)}
    chances[BASE_RATE] = np.full(len(away), learned.stayed_away.mean())
    qualities = {way: quality.quality(chance, away) for way, chance in chances.items()}
    return Judged(chances, qualities, away)


def _card(judged: Judged, as_of_on: date, start: date, days: int, learned: Examples) -> Card:
    model, baseline = (judged.qualities[way] for way in (judged.method, judged.baseline))
    return Card(
        model=MODEL,
        method=judged.method,
        baseline=judged.baseline,
        as_of_on=as_of_on,
        n_trained=len(learned.stayed_away),
        horizon_days=days,
        window=Window(start, as_of_on),
        n_validated=len(judged.stayed_away),
        metrics=metrics(model, baseline),
        calibration=tuple(quality.calibration(judged.chances[judged.method], judged.stayed_away)),
        rows_by="tenth",
        backtest=tenths(
            judged.chances[judged.method], judged.chances[judged.baseline], judged.stayed_away
        ),
        avoid=_AVOID,
        notes=(Note("churn_horizon", {"days": days}), *_cautions(judged, learned)),
        withheld=None if judged.is_worth_it else Note("no_better_than_guessing"),
    )


def metrics(model: Quality, baseline: Quality) -> tuple[Metric, ...]:
    """Return the figures of a model of chances beside those of its baseline, for a card."""
    return (
        Metric("auc", model.auc, baseline.auc, "higher"),
        Metric("log_loss", model.log_loss, baseline.log_loss),
        Metric("brier", model.brier, baseline.brier),
        Metric("calibration_error", model.error, baseline.error),
        Metric("lift", model.lift, baseline.lift, "higher"),
    )


def tenths(chance: Floats, baseline: Floats, came: Bools) -> tuple[Row, ...]:
    """Return what came in each tenth of customers by ``chance``, the highest first."""
    order = np.argsort(-chance, kind="stable")
    return tuple(
        Row(
            name=str(nth),
            n=len(part),
            observed=float(came[part].mean()),
            model=float(chance[part].mean()),
            baseline=float(baseline[part].mean()),
        )
        for nth, part in enumerate(np.array_split(order, _TENTHS), 1)
        if len(part)
    )


def _cautions(judged: Judged, learned: Examples) -> Iterable[Note]:
    before, then = float(learned.stayed_away.mean()), float(judged.stayed_away.mean())
    if abs(before - then) > _FAR_APART:
        yield Note("share_moved", {"before": round(100 * before), "then": round(100 * then)})
    if judged.method == RECENCY:
        yield Note("wait_alone_is_better")


def _rarer(came: Bools) -> int:
    n = int(came.sum())
    return min(n, len(came) - n)


def _withheld(as_of_on: date, n_buyers: int, reason: Note) -> Trained:
    card = Card(
        model=MODEL,
        method=SCORECARD,
        baseline=RECENCY,
        as_of_on=as_of_on,
        n_trained=n_buyers,
        avoid=_AVOID,
        withheld=reason,
    )
    return Trained(MODEL, {}, card)
