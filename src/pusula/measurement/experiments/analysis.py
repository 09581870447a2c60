"""An experiment analysed from what its people did: looks, adjustments, segments, the return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pusula.lib import clock
from pusula.measurement import stats
from pusula.measurement.experiments.people import Bools, Doings, Ints, People
from pusula.measurement.stats import (
    Amounts,
    Cuped,
    Interaction,
    MeanTest,
    Pairs,
    Rate,
    RateTest,
    RatioTest,
    Seen,
    Winsorised,
)

Floats = npt.NDArray[np.float64]

MOST_LOOKS = 60  # of one course; more days than that are looked at every few days
FEWEST = 2  # people in an arm; one person does not vary
# With fewer buyers in an arm Welch's interval of money is too narrow: with 10 of them in a small
# control group it misses the truth 10 to 15 times in 100, with 50 some 7 to 9 times.
ENOUGH_BUYERS = 50
_FEWEST_CONVERSIONS = 5  # in both arms together before a first look means anything
_FEWEST_IN_GROUP = 50  # people of an arm in a segment


@dataclass(frozen=True)
class Done:
    """What everybody did in the window, one number per person."""

    is_treated: Bools
    converted: Floats  # 0 or 1
    orders: Floats
    revenue_minor: Floats
    before_minor: Floats

    def rates(self, mask: Bools | None = None) -> tuple[Rate, Rate]:
        """Return the shares of converters: treated, control."""
        ours, theirs = self._arms(mask)
        return _rate(self.converted[ours]), _rate(self.converted[theirs])

    def amounts(self, mask: Bools | None = None) -> tuple[Amounts, Amounts]:
        """Return what was spent: treated, control."""
        ours, theirs = self._arms(mask)
        return Amounts.of(self.revenue_minor[ours]), Amounts.of(self.revenue_minor[theirs])

    def _arms(self, mask: Bools | None) -> tuple[Bools, Bools]:
        if mask is None:
            return self.is_treated, ~self.is_treated
        return self.is_treated & mask, ~self.is_treated & mask


@dataclass(frozen=True)
class Course:
    """What may be said at each look, however often one looked: parallel, in order of time."""

    moments: tuple[int, ...]
    n_people: tuple[int, ...]  # whom each look sees
    rates: tuple[Seen, ...]
    means: tuple[Seen, ...]  # minor units per head

    @property
    def last(self) -> tuple[Seen, Seen] | None:
        """What may be said now of rates and means; ``None`` before the first look."""
        return (self.rates[-1], self.means[-1]) if self.moments else None


NO_COURSE = Course((), (), (), ())


@dataclass(frozen=True)
class GroupEffect:
    """The effect on the people of one segment as it was when they were assigned."""

    segment_id: int
    rates: RateTest
    means: MeanTest
    p: float  # of the share; paid for asking of all segments
    differs: Interaction  # from the effect on those outside of the segment
    p_differs: float  # paid for as well


@dataclass(frozen=True)
class Analysis:
    """Both arms compared in full, by everybody whose window is over or (a campaign) as it is."""

    rates: RateTest
    means: MeanTest
    cuped: Cuped
    winsorised: Winsorised
    per_order: RatioTest | None  # net revenue per order
    groups: tuple[GroupEffect, ...]
    course: Course

    @property
    def n_buyers(self) -> int:
        """How many people bought in the arm where fewer did."""
        return min(self.rates.treated.x, self.rates.control.x)

    @property
    def has_few_buyers(self) -> bool:
        """Whether intervals of money are to be distrusted."""
        return self.n_buyers < ENOUGH_BUYERS


def analyse(
    people: People, course: Course, segments: Mapping[int, Bools], *, window: int
) -> Analysis | None:
    """Return the full comparison; ``None`` where an arm has fewer than two people."""
    done = doings(people, window)
    n_treated = int(done.is_treated.sum())
    if min(n_treated, len(people) - n_treated) < FEWEST:
        return None
    ours, theirs = done.is_treated, ~done.is_treated
    revenue, before, orders = done.revenue_minor, done.before_minor, done.orders
    return Analysis(
        rates=stats.compare_rates(*done.rates()),
        means=stats.compare_means(*done.amounts()),
        cuped=stats.cuped(
            Pairs.of(revenue[ours], before[ours]), Pairs.of(revenue[theirs], before[theirs])
        ),
        winsorised=stats.winsorised(revenue[ours], revenue[theirs]),
        per_order=stats.compare_ratios(
            Pairs.of(revenue[ours], orders[ours]), Pairs.of(revenue[theirs], orders[theirs])
        ),
        groups=_groups(done, segments),
        course=course,
    )


def doings(people: People, window: int) -> Done:
    """Return what everybody did within ``window`` microseconds of their assignment."""
    n = len(people)
    orders, conversions = people.orders.within(window), people.conversions.within(window)
    placed = orders.places[orders.net_minor >= 0]
    return Done(
        is_treated=people.is_treated,
        converted=np.minimum(np.bincount(conversions.places, minlength=n), 1).astype(np.float64),
        orders=np.bincount(placed, minlength=n).astype(np.float64),
        revenue_minor=_revenue(orders, n),
        before_minor=people.before_minor.astype(np.float64),
    )


def course_of_days(people: People, *, window_days: int, days: int) -> Course:
    """Return the looks at the same people day after day, up to ``days`` after the assignment.

    The spread of the mixture is what the first look with something to see shows, for both metrics:
    known when the first word is said, and never changed.
    """
    step = max(1, -(-window_days // MOST_LOOKS))
    looked = sorted({*range(step, days + 1, step), *([days] if days else [])})
    first_at = int(people.at.min()) if len(people) else 0
    moments, rates, means = [], [], []
    for day in looked:
        done = doings(people, day * clock.DAY)
        if done.converted.sum() < _FEWEST_CONVERSIONS:
            continue
        rate = stats.look_at_rates(*done.rates())
        mean = stats.look_at_means(*done.amounts())
        if rate is None or mean is None:
            continue
        moments.append(first_at + day * clock.DAY)
        rates.append(rate)
        means.append(mean)
    if not moments:
        return NO_COURSE
    return Course(
        moments=tuple(moments),
        n_people=(len(people),) * len(moments),
        rates=tuple(stats.growing_days(rates)),
        means=tuple(stats.growing_days(means)),
    )


def course_of_people(people: People, *, window: int, at: int) -> Course:
    """Return the looks at more and more people, each seen once their window is over.

    ``people`` are only those whose window is over at ``at``.
    """
    if not len(people):
        return NO_COURSE
    done, ripe_at = doings(people, window), people.at + window
    first, span = int(ripe_at.min()), at - int(ripe_at.min())
    step = max(clock.DAY, -(-span // (MOST_LOOKS * clock.DAY)) * clock.DAY)
    ends = [*range(first + step, at, step), at]
    order = np.argsort(ripe_at, kind="stable")
    counts = np.searchsorted(ripe_at[order], np.array(ends), side="right")
    sums = _running(done, order, counts)
    looks = []
    for end, n, arms in zip(ends, counts.tolist(), sums, strict=True):
        (ours, theirs), amounts = arms
        if min(ours.n, theirs.n) < FEWEST or ours.x + theirs.x < _FEWEST_CONVERSIONS:
            continue
        rate, mean = stats.look_at_rates(ours, theirs), stats.look_at_means(*amounts)
        if rate is not None and mean is not None:
            looks.append((end, n, rate, mean))
    if not looks:
        return NO_COURSE
    moments, n_people, rates, means = zip(*looks, strict=True)
    return Course(
        moments,
        n_people,
        rates=tuple(stats.growing_people(rates, n_people)),
        means=tuple(stats.growing_people(means, n_people)),
    )


def _running(
    done: Done, order: Ints, counts: Ints
) -> list[tuple[tuple[Rate, Rate], tuple[Amounts, Amounts]]]:
    """Return both arms' sums over the first ``counts`` people in ``order``."""
    arms = []
    for arm in (done.is_treated[order], ~done.is_treated[order]):
        revenue = done.revenue_minor[order] * arm
        columns = (arm, done.converted[order] * arm, revenue, revenue**2)
        arms.append([np.concatenate([[0], np.cumsum(column)])[counts] for column in columns])
    rows = []
    for i in range(len(counts)):
        sums = [[column[i] for column in arm] for arm in arms]
        rates = tuple(Rate(int(n), int(x)) for n, x, _, _ in sums)
        amounts = tuple(Amounts(int(n), float(s), float(q)) for n, _, s, q in sums)
        rows.append(((rates[0], rates[1]), (amounts[0], amounts[1])))
    return rows


def _groups(done: Done, segments: Mapping[int, Bools]) -> tuple[GroupEffect, ...]:
    """Return the effect in every segment with people enough inside and outside, most first."""
    found: list[tuple[int, RateTest, MeanTest, Interaction]] = []
    for segment_id, mask in segments.items():
        inside, outside = done.rates(mask), done.rates(~mask)
        if min(arm.n for arm in (*inside, *outside)) < _FEWEST_IN_GROUP:
            continue
        test = stats.compare_rates(*inside)
        effects = [_plain(*inside), _plain(*outside)]
        means = stats.compare_means(*done.amounts(mask))
        found.append((segment_id, test, means, stats.interaction(effects)))
    paid = stats.holm([test.p for _, test, _, _ in found])
    paid_differs = stats.holm([differs.p for _, _, _, differs in found])
    rows = [
        GroupEffect(segment_id, test, means, p, differs, p_differs)
        for (segment_id, test, means, differs), p, p_differs in zip(
            found, paid, paid_differs, strict=True
        )
    ]
    return tuple(sorted(rows, key=lambda row: -(row.rates.treated.n + row.rates.control.n)))


def _plain(ours: Rate, theirs: Rate) -> tuple[float, float]:
    return ours.value - theirs.value, ours.variance + theirs.variance


def _rate(converted: Floats) -> Rate:
    return Rate(len(converted), int(converted.sum()))


def _revenue(orders: Doings, n: int) -> Floats:
    return np.bincount(orders.places, weights=orders.net_minor, minlength=n).astype(np.float64)


def judged(seen: Seen, test: RateTest) -> RateTest:
    """Return ``test`` with the interval and the p-value that hold at every look."""
    return RateTest(**(vars(test) | {"interval": seen.interval, "p": seen.p}))
