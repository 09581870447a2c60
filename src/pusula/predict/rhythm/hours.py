"""At which hour of the day each person acts: their own hours, as far as they have shown them.

What a person did is counted by hour; everybody's hours stand in for what is not known, with a
weight that was found on the newest days. A person of whom too little is known has no hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pusula.predict.cards import Card, Metric, Note, Row, Window
from pusula.predict.training import Trained, TraitValues, day_number

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MODEL = "send_hour"
METHOD, BASELINE = "own_hours", "common_hours"
HOURS = 24
# Of one person, on different days: fewer are chance.
LEAST_ACTS = 5
LEAST_PEOPLE = 300
LEAST_JUDGED = 500  # acts on the days kept aside
TEST_DAYS = 28
# Everybody's hours count like so many acts of one's own.
WEIGHTS = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
# An act says something of the hours beside it, too.
_BESIDE = 0.25
_AVOID = ("night", "comes_by_itself")
# On how many days people had acted: the classes of the backtest, the last is "and more".
_DAYS = (5, 10, 20, 40)


@dataclass(frozen=True)
class Acts:
    """What people did, each hour of a day counted once: parallel arrays ordered by person.

    ``days`` since 1970 and ``hours`` (0 to 23) on the clock where the person lives.
    """

    people: Ints
    days: Ints
    hours: Ints

    def only(self, chosen: Bools) -> Acts:
        """Return some of them."""
        return Acts(self.people[chosen], self.days[chosen], self.hours[chosen])


@dataclass(frozen=True)
class Habits:
    """One row per person, ascending: how many acts by hour, and on how many days."""

    people: Ints
    counts: Floats  # people × 24
    n_days: Ints

    def shares(self, common: Floats, weight: float) -> Floats:
        """Return how likely the next act falls in each hour: people × 24, rows add up to 1."""
        pulled = spread(self.counts) + weight * common
        return np.asarray(pulled / pulled.sum(axis=1, keepdims=True), np.float64)


def acts(people: Ints, days: Ints, hours: Ints) -> Acts:
    """Return acts in any order and number as each hour of a day once."""
    rows = np.unique(np.stack([people, days, hours], axis=1), axis=0)
    return Acts(rows[:, 0], rows[:, 1], rows[:, 2])


def habits(of: Acts) -> Habits:
    """Return what each person did by hour."""
    people, who = np.unique(of.people, return_inverse=True)
    counts = np.bincount(who * HOURS + of.hours, minlength=len(people) * HOURS)
    days = np.unique(np.stack([who, of.days], axis=1), axis=0)[:, 0]
    return Habits(
        people,
        counts.reshape(len(people), HOURS).astype(np.float64),
        np.bincount(days, minlength=len(people)),
    )


def common(of: Acts) -> Floats:
    """Return the share of each hour in the acts of all, every person counting the same."""
    known = habits(of)
    own = known.counts / known.counts.sum(axis=1, keepdims=True)
    return spread(own.mean(axis=0) + 1 / (HOURS * len(own)))


def spread(counts: Floats) -> Floats:
    """Return ``counts`` by hour, a part of each given to the hours beside it; 23 is beside 0."""
    beside = np.roll(counts, 1, axis=-1) + np.roll(counts, -1, axis=-1)
    return np.asarray((1 - 2 * _BESIDE) * counts + _BESIDE * beside, np.float64)


def train(of: Acts, as_of_on: date) -> Iterable[Trained]:
    """Return the hour of each person of whom enough is known, learned from acts before a day."""
    start_on = as_of_on - timedelta(days=TEST_DAYS)
    start = day_number(start_on)
    before, after = of.only(of.days < start), of.only(of.days >= start)
    known = _settled(before)
    n_people = len(known.people)
    judged = after.only(np.isin(after.people, known.people))
    if n_people < LEAST_PEOPLE:
        reason = Note("too_few_with_acts", {"n": n_people, "least": LEAST_PEOPLE})
        return (_nobody(as_of_on, n_people, reason),)
    if len(judged.people) < LEAST_JUDGED:
        reason = Note("too_few_acts", {"n": len(judged.people), "least": LEAST_JUDGED})
        return (_nobody(as_of_on, n_people, reason),)
    weight = _weight(of, start)
    card = _card(known, judged, common(before), weight, as_of_on, Window(start_on, as_of_on))
    if card.withheld:
        return (Trained(MODEL, {}, card, traits=(_none(),)),)
    everybody = common(of)
    now = _settled(of)
    told = now.shares(everybody, weight).argmax(axis=1).astype(np.float64)
    parameters = {"common": everybody.tolist(), "weight": weight}
    trait = TraitValues(MODEL, "number", now.people, told)
    return (Trained(MODEL, parameters, card, traits=(trait,)),)


def _settled(of: Acts) -> Habits:
    """Return those of whom enough is known."""
    known = habits(of)
    enough = known.n_days >= LEAST_ACTS
    return Habits(known.people[enough], known.counts[enough], known.n_days[enough])


def _weight(of: Acts, start: int) -> float:
    """Return how much everybody's hours count: what foretells best the days before ``start``.

    Those kept aside, from ``start`` on, stay unseen.
    """
    is_late = of.days >= start - TEST_DAYS
    before = of.only(~is_late)
    known = _settled(before)
    after = of.only(is_late & (of.days < start) & np.isin(of.people, known.people))
    if not len(after.people):
        return WEIGHTS[-1]
    everybody = common(before)
    return min(WEIGHTS, key=lambda weight: _loss(known.shares(everybody, weight), known, after))


def _loss(shares: Floats, known: Habits, after: Acts) -> float:
    """Return the mean of minus the log of the share told for the hour in which people acted."""
    told = shares[np.searchsorted(known.people, after.people), after.hours]
    return float(-np.log(told).mean())


def _card(  # noqa: PLR0917 - what is known, in order
    known: Habits, judged: Acts, everybody: Floats, weight: float, as_of_on: date, window: Window
) -> Card:
    """Return the card: how well own hours foretell the days kept aside, beside everybody's."""
    at = np.searchsorted(known.people, judged.people)
    own = known.shares(everybody, weight)
    same = np.broadcast_to(everybody / everybody.sum(), own.shape)
    hits, hits_same = (_near(shares.argmax(axis=1)[at], judged.hours) for shares in (own, same))
    loss, loss_same = (_loss(shares, known, judged) for shares in (own, same))
    return Card(
        model=MODEL,
        method=METHOD,
        baseline=BASELINE,
        as_of_on=as_of_on,
        n_trained=len(known.people),
        window=window,
        n_validated=len(judged.hours),
        metrics=(
            Metric("within_an_hour", float(hits.mean()), float(hits_same.mean()), "higher"),
            Metric("log_loss", loss, loss_same),
        ),
        rows_by="acts",
        backtest=_by_acts(known.n_days[at], hits, hits_same),
        avoid=_AVOID,
        notes=(Note("hours_follow_sending"), Note("least_acts", {"least": LEAST_ACTS})),
        withheld=Note("no_better_than_common_hours") if loss >= loss_same else None,
    )


def _near(told: Ints, hours: Ints) -> Bools:
    """Return which of ``hours`` are the one told or beside it, around the clock."""
    apart = np.abs(told - hours)
    near: Bools = np.minimum(apart, HOURS - apart) <= 1
    return near


def _by_acts(n_days: Ints, hits: Bools, hits_same: Bools) -> tuple[Row, ...]:
    """Return the share of hits by on how many days people had acted before."""
    group = np.searchsorted(np.array(_DAYS), n_days, side="right") - 1
    names = [f"{low}–{high - 1}" for low, high in pairwise(_DAYS)] + [f"{_DAYS[-1]}+"]
    return tuple(
        Row(
            name=names[nth],
            n=int(is_in.sum()),
            observed=float(hits[is_in].mean()),
            model=float(hits[is_in].mean()),
            baseline=float(hits_same[is_in].mean()),
        )
        for nth in range(len(_DAYS))
        if (is_in := group == nth).any()
    )


def _none() -> TraitValues:
    return TraitValues(MODEL, "number", np.empty(0, np.int64), np.empty(0))


def _nobody(as_of_on: date, n_people: int, reason: Note) -> Trained:
    card = Card(
        model=MODEL,
        method=METHOD,
        baseline=BASELINE,
        as_of_on=as_of_on,
        n_trained=n_people,
        avoid=_AVOID,
        withheld=reason,
    )
    return Trained(MODEL, {}, card, traits=(_none(),))
