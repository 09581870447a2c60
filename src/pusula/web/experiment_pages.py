"""An experiment as its page shows it: the verdict, effects on a zero line, looks, and segments."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext, pgettext

from pusula.lib import clock
from pusula.measurement.analysis import Analysis, Course
from pusula.measurement.experiments import Experiment, Found
from pusula.measurement.overall import Overall
from pusula.measurement.result import Counted, Phase
from pusula.measurement.stats import ALPHA, Interval
from pusula.measurement.verdict import Verdict, experiment_verdict
from pusula.segments.models import Segment
from pusula.web import campaign_result, formats, titles
from pusula.web.campaign_result import Figured
from pusula.web.charts.band import Banded, band
from pusula.web.charts.effect import Effect as Bar
from pusula.web.charts.effect import effect as effect_chart
from pusula.web.charts.figure import Figure

_MOST_SEGMENTS = 12
_SMALL_P = 0.001
_TWO = 2  # points that a line needs
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


@dataclass(frozen=True)
class Page:
    """What the page of an experiment says."""

    verdict: Verdict
    is_ready: bool
    conversions: str
    range: str  # what may be said at any look
    figures: list[Figured]
    rates: Figure | None
    revenue: Figure | None
    course: Figure | None
    arms: list[ArmRow]
    others: list[Other]
    segments: list[SegmentRow]
    n_segments: int
    may_look_back: bool  # whether segments younger than the campaign may be worked out
    details: list[tuple[str, str]]


def page(found: Found, *, with_history: bool = False) -> Page:
    """Return a measured experiment ready for its page; ``with_history`` as it was measured.

    Before the planned end of a campaign only the looks are there. A journey has no end: its looks
    are its result.
    """
    experiment = found.experiment
    is_campaign = experiment.campaign is not None
    is_ready = is_campaign and experiment.phase is Phase.READY
    is_open = is_ready or (not is_campaign and found.analysis is not None)
    compared = found.analysis if is_open else None
    shown = campaign_result.shown(found.result) if found.result and is_ready else None
    segments = _segments(compared) if compared and is_ready else []
    return Page(
        verdict=experiment_verdict(found),
        is_ready=is_ready,
        conversions=conversions(experiment),
        range=_range(found.course),
        figures=shown.figures if shown else _figures(found),
        rates=shown.rates if shown else _rates(found),
        revenue=shown.revenue if shown else _revenue(found),
        course=_course(found.course, in_days=is_campaign),
        arms=_arms(found, compared),
        others=_others(compared, experiment.currency) if compared and is_ready else [],
        segments=segments[:_MOST_SEGMENTS],
        n_segments=len(segments),
        may_look_back=is_ready and compared is not None and not with_history,
        details=shown.details if shown else _details(found),
    )


def conversions(experiment: Experiment) -> str:
    """Return what is counted, as the head of a column."""
    if experiment.counted is Counted.EVENT:
        return experiment.event
    return gettext("Bookings") if experiment.counted is Counted.BOOKING else gettext("Orders")


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


def monthly(found: Overall) -> Figure | None:
    """Return what all messages caused month by month, as bars on a zero line."""
    bars = [
        Bar(
            formats.month(month.first_on),
            month.gained_interval.low,
            month.gained,
            month.gained_interval.high,
        )
        for month in found.months
    ]
    if not bars or found.whole is None:
        return None
    currency = found.currency

    def short(minor: float) -> str:
        return ("+" if minor > 0 else "") + formats.short_amount(round(minor), currency)

    whole = found.whole.gained_interval
    said = gettext(
        "Net revenue that all messages caused by month; over all months %(low)s to %(high)s."
    ) % {"low": short(whole.low), "high": short(whole.high)}
    return effect_chart(bars, sentence=said, head=_head(gettext("Month")), form=short)


def _head(what: str) -> tuple[str, str, str, str]:
    return (
        what,
        pgettext("of an interval", "Lower end"),
        gettext("Estimate"),
        pgettext("of an interval", "Upper end"),
    )


def _range(course: Course) -> str:
    if course.last is None:
        return ""
    interval = course.last[0].interval
    return spanned(points(interval.low), points(interval.high))


def _figures(found: Found) -> list[Figured]:
    """Return the large figures of a journey: what it caused among those it let through."""
    compared, last = found.analysis, found.course.last
    if found.experiment.campaign is not None or compared is None or last is None:
        return []
    rate, mean = last
    n, currency = compared.rates.treated.n, found.experiment.currency
    more, revenue = rate.interval.scaled(n), mean.interval.scaled(n)
    return [
        Figured(
            gettext("%(what)s, additional") % {"what": conversions(found.experiment)},
            formats.number(rate.difference * n),
            _interval(formats.number(more.low), formats.number(more.high)),
        ),
        Figured(
            gettext("Net revenue, additional"),
            formats.amount(round(mean.difference * n), currency),
            _interval(
                formats.short_amount(round(revenue.low), currency),
                formats.short_amount(round(revenue.high), currency),
            ),
        ),
        Figured(
            gettext("People measured"),
            formats.number(len(found.people)),
            gettext("came in, and their days since are over"),
        ),
    ]


def _interval(low: str, high: str) -> str:
    return gettext("95%% interval %(low)s to %(high)s") % {"low": low, "high": high}


def _rates(found: Found) -> Figure | None:
    last = found.course.last
    if last is None:
        return None
    bar = _bar(conversions(found.experiment), last[0].interval, last[0].difference)
    said = gettext(
        "Difference of the shares that converted: %(point)s, 95%% interval %(low)s to %(high)s."
    ) % {"point": points(bar.point), "low": points(bar.low), "high": points(bar.high)}
    return effect_chart([bar], sentence=said, head=_head(gettext("Difference")), form=points)


def _revenue(found: Found) -> Figure | None:
    last, currency = found.course.last, found.experiment.currency
    if last is None:
        return None

    def form(minor: float) -> str:
        return money(minor, currency)

    bar = _bar(gettext("Net revenue per person"), last[1].interval, last[1].difference)
    said = gettext(
        "Difference of net revenue per person: %(point)s, 95%% interval %(low)s to %(high)s."
    ) % {"point": form(bar.point), "low": form(bar.low), "high": form(bar.high)}
    return effect_chart([bar], sentence=said, head=_head(gettext("Difference")), form=form)


def _bar(name: str, interval: Interval, point: float) -> Bar:
    return Bar(name, interval.low, point, interval.high)


def _course(course: Course, *, in_days: bool) -> Figure | None:
    """Return the looks so far as a band; none before there are two."""
    if len(course.moments) < _TWO:
        return None
    zone = settings.PUSULA.time_zone
    looks = []
    for at, n, seen in zip(course.moments, course.n_people, course.rates, strict=True):
        day = clock.day_of(at, zone)
        name = formats.day(day)
        if not in_days:
            people = gettext("%(day)s, %(n)s people") % {"day": name, "n": formats.number(n)}
            name = people
        looks.append(
            Banded(
                formats.short_day(day), name,
                seen.interval.low, seen.difference, seen.interval.high,
            )
        )  # fmt: skip
    last = looks[-1]
    said = gettext(
        "The difference at each look, inside the interval that holds however often one looks; "
        "at the last look %(low)s to %(high)s."
    ) % {"low": points(last.low), "high": points(last.high)}
    return band(looks, sentence=said, head=_head(gettext("Look")), form=points)


def _arms(found: Found, compared: Analysis | None) -> list[ArmRow]:
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


def _others(compared: Analysis, currency: str) -> list[Other]:
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


def _segments(compared: Analysis) -> list[SegmentRow]:
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
                p=p_value(one.p),
                is_sure=one.p < ALPHA,
                differs=gettext("differs (p = %(p)s)") % {"p": p_value(one.p_differs)}
                if one.p_differs < ALPHA
                else gettext("not told apart"),
            )
        )
    return rows


def _details(found: Found) -> list[tuple[str, str]]:
    rows = []
    if found.split_p is not None:
        rows.append((gettext("p-value of the planned split"), p_value(found.split_p)))
    if found.course.last is not None:
        rows.append((gettext("Always-valid p-value"), p_value(found.course.last[0].p)))
        rows.append((gettext("Looks so far"), formats.number(len(found.course.moments))))
    return rows


def p_value(value: float) -> str:
    """Return a p-value as it is read."""
    if value < _SMALL_P:
        return f"< {formats.number(_SMALL_P, 3)}"
    return formats.number(value, 3)
