"""When each customer comes next, and where in their life with the business they stand.

Both are read off the same model of rhythm, and judged on the newest days, which it had not seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from pusula.predict.cards import Bin, Card, Metric, Note, Row, Window
from pusula.predict.rhythm import gaps, renewal, stages
from pusula.predict.rhythm.gaps import Rhythms, Visits
from pusula.predict.rhythm.horizon import horizon
from pusula.predict.rhythm.renewal import Own, Renewal
from pusula.predict.training import History, Scores, Trained, TraitValues, day_number

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEXT_ORDER = "next_order_days"
LIFECYCLE = "lifecycle"
METHOD, SAME_DAYS, SAME_LIMITS = "own_rhythm", "same_days", "same_limits"
LEAST_BUYERS = 300
LEAST_CAME = 50
INTERVAL = (0.1, 0.9)
# How far the interval's share of hits may be from what it promises.
_MOST_OFF = 0.12
_BINS = 10
_AVOID_NEXT = ("single_person", "who_never_returns")
_AVOID_LIFE = ("forecast", "comes_by_itself")
# Of how many visits the classes of the backtest are: the last is "and more".
_VISITS = (1, 2, 3, 4, 7)
_NOBODY = TraitValues(LIFECYCLE, "text", np.empty(0, np.int64), np.empty(0, np.str_))


@dataclass(frozen=True)
class Trial:
    """A fit as of an earlier day, and what came in the ``horizon`` days after it.

    ``came``: who came at all; ``after``: in how many days (of who did not: 0). ``ended``: all gaps
    that ended then, in days; ``ended_of``: the positions of their customers.
    """

    rhythms: Rhythms
    model: Renewal
    horizon: int
    same_days: float  # the middle of what it took those who came in the period before
    came: Bools
    after: Ints
    ended: Ints
    ended_of: Ints

    @property
    def own(self) -> Own:
        """What was told of each customer on that day."""
        return self.model.own(self.rhythms)


def train(history: History, as_of_on: date) -> Iterable[Trained]:
    """Return the days until the next order, and the lifecycle stage, of everybody as of a day."""
    day = day_number(as_of_on)
    seen = gaps.of_orders(history.orders())
    days = horizon(seen, day)
    reason = _too_little(seen, days)
    if reason is not None:
        return _withheld(as_of_on, seen, reason)
    start_on = as_of_on - timedelta(days=days)
    test = trial(gaps.of_orders(history.orders(start_on)), seen, day_number(start_on), days)
    if int(test.came.sum()) < LEAST_CAME:
        few = Note("too_few_came_back", {"n": int(test.came.sum()), "least": LEAST_CAME})
        return _withheld(as_of_on, seen, few)
    now = gaps.rhythms(seen, day)
    model = renewal.fit(now)
    window = Window(start_on, as_of_on)
    return (
        _next_order(model, now, next_card(test, as_of_on, window)),
        _lifecycle(model, life_card(test, as_of_on, window)),
    )


def trial(known: Visits, seen: Visits, start: int, days: int) -> Trial:
    """Return what ``known`` (before ``start``) made us tell, with what ``seen`` says came then."""
    rhythms = gaps.rhythms(known, start)
    inside = (seen.days >= start) & (seen.days < start + days)
    next_day = _next_days(rhythms.customers, seen, start, days)
    before = _next_days(rhythms.customers, known, start - days, days)
    took = before[before >= 0] - (start - days)
    ends = inside[1:] & (seen.customers[1:] == seen.customers[:-1])
    ends &= np.isin(seen.customers[1:], rhythms.customers)
    return Trial(
        rhythms=rhythms,
        model=renewal.fit(rhythms),
        horizon=days,
        same_days=float(np.median(took)) + 0.5 if len(took) else days / 2,
        came=next_day >= 0,
        after=np.where(next_day >= 0, next_day - start, 0),
        ended=np.diff(seen.days)[ends],
        ended_of=np.searchsorted(rhythms.customers, seen.customers[1:][ends]),
    )


def _next_days(customers: Ints, of: Visits, start: int, days: int) -> Ints:
    """Return the first day with a visit from ``start`` on for so many ``days``; -1: none came.

    Only of those who had come before.
    """
    inside = (of.days >= start) & (of.days < start + days)
    known = of.customers[of.days < start]
    first = np.full(len(customers), -1)
    at = np.searchsorted(customers, of.customers[inside][::-1])
    is_here = (at < len(customers)) & np.isin(of.customers[inside][::-1], known)
    first[at[is_here]] = of.days[inside][::-1][is_here]  # backwards: the first day is written last
    return first


def next_card(test: Trial, as_of_on: date, window: Window) -> Card:
    """Return the card of the days until the next order.

    Judged on those who came within the horizon, against the middle of what was expected of those
    who do; beside the same days for everybody: the middle of what it took in the period before.
    """
    own, came = test.own, test.came
    real = np.asarray(test.after[came] + 0.5, np.float64)  # somewhere in that day
    told = own.until_next(0.5, test.horizon)[came]
    naive = np.full(len(real), test.same_days)
    stands = own.share_within(np.asarray(test.after + 0.5, np.float64), test.horizon)[came]
    inside = float(((stands >= INTERVAL[0]) & (stands <= INTERVAL[1])).mean())
    promised = INTERVAL[1] - INTERVAL[0]
    mae, mae_naive = (float(np.abs(days - real).mean()) for days in (told, naive))
    withheld = None
    if mae >= mae_naive:
        withheld = Note("no_better_than_same_days")
    elif abs(inside - promised) > _MOST_OFF:
        withheld = Note("interval_misses", {"inside": round(100 * inside)})
    return Card(
        model=NEXT_ORDER,
        method=METHOD,
        baseline=SAME_DAYS,
        as_of_on=as_of_on,
        n_trained=len(test.rhythms),
        horizon_days=test.horizon,
        window=window,
        n_validated=int(came.sum()),
        metrics=(
            Metric("mae_days", mae, mae_naive),
            Metric(
                "median_error_days",
                float(np.median(np.abs(told - real))),
                float(np.median(np.abs(naive - real))),
            ),
            Metric("inside_interval", promised, None, "near", inside),
        ),
        calibration=_in_bins(told, real),
        rows_by="visits",
        backtest=_by_visits(test.rhythms.n_gaps[came] + 1, real, told, naive),
        avoid=_AVOID_NEXT,
        notes=(Note("judged_on_returned", {"days": test.horizon}),),
        withheld=withheld,
    )


def life_card(test: Trial, as_of_on: date, window: Window) -> Card:
    """Return the card of the stages: how many of each came back, and how often they cry wolf.

    A gap that ends although its customer was at risk by then was a false alarm. Limits of their own
    give the frequent and the rare about as many; limits that are the same for everybody, and give
    as many in all, do not.
    """
    lives = stages.lives(test.model, test.rhythms)
    stage = lives.stages()
    expected = test.own.returns_within(test.horizon)
    rows = tuple(
        Row(
            name=name,
            n=int(is_in.sum()),
            observed=float(test.came[is_in].mean()),
            model=float(expected[is_in].mean()),
            baseline=float(test.came.mean()),
        )
        for name in stages.STAGES
        if (is_in := stage == name).any()
    )
    limits = lives.limits[test.ended_of, 0]
    false = test.ended >= limits
    common = test.ended >= np.quantile(test.ended, 1 - false.mean())
    usual = lives.usual[test.ended_of]
    longer = 1 - test.model.own(test.rhythms.only(test.ended_of)).share_of_gaps(limits)
    return Card(
        model=LIFECYCLE,
        method=METHOD,
        baseline=SAME_LIMITS,
        as_of_on=as_of_on,
        n_trained=len(test.rhythms),
        horizon_days=test.horizon,
        window=window,
        n_validated=len(test.ended),
        metrics=(
            Metric("false_alarms", float(longer.mean()), None, "near", float(false.mean())),
            Metric("uneven_alarms", _uneven(false, usual), _uneven(common, usual)),
        ),
        rows_by="stage",
        backtest=rows,
        avoid=_AVOID_LIFE,
        notes=(Note("stage_limits"),),
    )


def _uneven(alarms: Bools, usual: Floats) -> float:
    """Return how much the share of alarms differs between thirds, from frequent to rare."""
    third = np.searchsorted(np.quantile(usual, [1 / 3, 2 / 3]), usual)
    shares = [float(alarms[third == nth].mean()) for nth in range(3) if (third == nth).any()]
    return max(shares) - min(shares)


def _next_order(model: Renewal, now: Rhythms, card: Card) -> Trained:
    """Return the days of all whose wait is not out of their own rhythm: of others nobody knows."""
    rank = (now.waited[:, None] >= stages.lives(model, now).limits).sum(axis=1)
    expected = now.only(rank <= 1)
    days = model.own(expected).until_next(0.5)
    parameters = {"rhythm": renewal.as_json(model), "interval": list(INTERVAL)}
    return Trained(NEXT_ORDER, parameters, card, Scores(expected.customers, days))


def _lifecycle(model: Renewal, card: Card) -> Trained:
    """Return the rhythm by which stages are told: as of now, and not of the day of training."""
    return Trained(LIFECYCLE, {"rhythm": renewal.as_json(model)}, card)


def _in_bins(told: Floats, real: Floats) -> tuple[Bin, ...]:
    """Return groups of like predictions: the middle of days told, of days it took, how many."""
    parts = np.array_split(np.argsort(told, kind="stable"), _BINS)
    return tuple(
        Bin(float(np.median(told[part])), float(np.median(real[part])), len(part))
        for part in parts
        if len(part)
    )


def _by_visits(n_visits: Ints, real: Floats, told: Floats, naive: Floats) -> tuple[Row, ...]:
    """Return the middle of days by visits before: what it took, and what both ways told."""
    found = np.searchsorted(np.array(_VISITS), n_visits, side="right") - 1
    return tuple(
        Row(
            name=_span(nth),
            n=int(is_in.sum()),
            observed=float(np.median(real[is_in])),
            model=float(np.median(told[is_in])),
            baseline=float(np.median(naive[is_in])),
        )
        for nth in range(len(_VISITS))
        if (is_in := found == nth).any()
    )


def _span(nth: int) -> str:
    first = _VISITS[nth]
    if nth + 1 == len(_VISITS):
        return f"{first}+"
    last = _VISITS[nth + 1] - 1
    return str(first) if first == last else f"{first}–{last}"


def _too_little(seen: Visits, days: int) -> Note | None:
    """Return why nothing can be learned of ``seen``, if so."""
    n_buyers = len(np.unique(seen.customers))
    if n_buyers < LEAST_BUYERS:
        return Note("too_few_buyers", {"n": n_buyers, "least": LEAST_BUYERS})
    if not days:
        return Note("history_too_short")
    n_gaps = len(gaps.gaps(seen))
    if n_gaps < renewal.LEAST_GAPS:
        return Note("too_few_came_back", {"n": n_gaps, "least": renewal.LEAST_GAPS})
    return None


def _withheld(as_of_on: date, seen: Visits, reason: Note) -> Iterable[Trained]:
    """Return both models without scores, for one reason."""
    n = len(np.unique(seen.customers))
    for model, baseline, avoid in (
        (NEXT_ORDER, SAME_DAYS, _AVOID_NEXT),
        (LIFECYCLE, SAME_LIMITS, _AVOID_LIFE),
    ):
        card = Card(
            model=model,
            method=METHOD,
            baseline=baseline,
            as_of_on=as_of_on,
            n_trained=n,
            avoid=avoid,
            withheld=reason,
        )
        yield Trained(model, {}, card, traits=(_NOBODY,) if model == LIFECYCLE else ())
