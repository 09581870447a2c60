"""The figures of an experiment as rows of its page: arms, other ways to look, segments, details."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from pusula.measurement.experiments.analysis import Analysis
from pusula.measurement.experiments.queries import Found
from pusula.measurement.stats import ALPHA, Interval
from pusula.segments.models import Segment
from pusula.web import formats, titles

_POINT_DIGITS_BELOW = 0.01  # shares closer than a point are told with two decimals


@dataclass(frozen=True)
class ArmRow:
    """One arm as a row of figures."""

    name: str
    n: int
    n_conversions: int
    rate: float
    revenue_minor: int
    per_head_minor: int


@dataclass(frozen=True)
class Other:
    """Another way to look at the same money, as a row."""

    name: str
    difference: str
    interval: str
    note: str


@dataclass(frozen=True)
class SegmentRow:
    """The effect on the people of one segment."""

    key: str
    title: str
    n: int
    difference: str
    interval: str
    p: str
    is_sure: bool
    differs: str  # whether it differs from the others' effect


def points(share: float) -> str:
    """Return a difference of shares as points with its sign, with the digits that it needs."""
    digits = 2 if 0 < abs(share) < _POINT_DIGITS_BELOW else 1
    number = formats.number(abs(share) * 100, digits)
    sign = "" if number.strip("0.,") == "" else ("+" if share > 0 else "−")
    return gettext("%(n)s points") % {"n": f"{sign}{number}"}


def money(minor: float, currency: str) -> str:
    """Return an amount with its sign."""
    return ("+" if minor > 0 else "") + formats.amount(round(minor), currency)


def spanned(low: str, high: str) -> str:
    """Return an interval as words."""
    return gettext("%(low)s to %(high)s") % {"low": low, "high": high}


def arms(found: Found, compared: Analysis | None) -> list[ArmRow]:
    """Return both groups; nothing where they may not be compared yet."""
    if compared is None:
        return []
    rates, means = compared.rates, compared.means
    names = gettext("Sent to") if found.experiment.campaign else gettext("Came in")
    pairs = (
        (names, rates.treated, means.treated),
        (gettext("Control group"), rates.control, means.control),
    )
    return [
        ArmRow(name, rate.n, rate.x, rate.value, round(amounts.total), round(amounts.mean))
        for name, rate, amounts in pairs
    ]


def others(compared: Analysis, currency: str) -> list[Other]:
    """Return the same money seen with less noise, without the largest amounts, and per order."""

    def row(name: str, difference: float, interval: Interval, note: str) -> Other:
        ends = spanned(money(interval.low, currency), money(interval.high, currency))
        return Other(name, money(difference, currency), ends, note)

    means, cuped, cut = compared.means, compared.cuped, compared.winsorised
    rows = [
        row(
            gettext("Net revenue per person, as it is"),
            means.difference, means.interval, gettext("Welch; this one decides"),
        ),
        row(
            gettext("Less what the person spent in the year before"),
            cuped.test.difference, cuped.test.interval,
            gettext("CUPED; takes %(share)s of the variance away")
            % {"share": formats.percent(cuped.reduction)},
        ),
        row(
            gettext("With the largest amounts cut"),
            cut.test.difference, cut.test.interval,
            gettext("nobody counts for more than %(most)s; %(n)s people cut")
            % {"most": formats.amount(round(cut.most), currency), "n": formats.number(cut.n_cut)},
        ),
    ]  # fmt: skip
    if compared.per_order is not None:
        ratio = compared.per_order
        rows.append(
            row(
                gettext("Net revenue per order"), ratio.difference, ratio.interval,
                gettext("delta method; people are drawn, not orders"),
            )
        )  # fmt: skip
    return rows


def segments(compared: Analysis) -> list[SegmentRow]:
    """Return the effect in each segment, the largest first."""
    found = Segment.objects.in_bulk([one.segment_id for one in compared.groups])
    rows = []
    for one in compared.groups:
        segment = found[one.segment_id]
        interval = one.rates.interval
        rows.append(
            SegmentRow(
                key=segment.key,
                title=titles.segment_title(segment),
                n=one.rates.treated.n + one.rates.control.n,
                difference=points(one.rates.difference),
                interval=spanned(points(interval.low), points(interval.high)),
                p=formats.p_value(one.p),
                is_sure=one.p < ALPHA,
                differs=gettext("differs (p = %(p)s)") % {"p": formats.p_value(one.p_differs)}
                if one.p_differs < ALPHA
                else gettext("not told apart"),
            )
        )
    return rows


def details(found: Found) -> list[tuple[str, str]]:
    """Return what an analyst asks for of the looks, name and value."""
    rows = []
    if found.split_p is not None:
        rows.append((gettext("p-value of the planned split"), formats.p_value(found.split_p)))
    if found.course.last is not None:
        rows.append((gettext("Always-valid p-value"), formats.p_value(found.course.last[0].p)))
        rows.append((gettext("Looks so far"), formats.number(len(found.course.moments))))
    return rows
