"""An experiment as its page shows it: the verdict, effects on a zero line, looks, and segments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext, ngettext, pgettext

from pusula.lib import clock
from pusula.measurement.experiments.analysis import ENOUGH_BUYERS, Analysis, Course
from pusula.measurement.experiments.overall import Overall
from pusula.measurement.experiments.queries import Experiment, Found
from pusula.measurement.experiments.verdict import Verdict, experiment_verdict
from pusula.measurement.results.campaign import Counted, Phase
from pusula.measurement.stats import Interval
from pusula.web import campaign_result, formats, journey_returns
from pusula.web import experiment_rows as rows
from pusula.web.campaign_result import Figured
from pusula.web.charts.band import Banded, band
from pusula.web.charts.effect import Effect as Bar
from pusula.web.charts.effect import effect as effect_chart
from pusula.web.charts.figure import Figure
from pusula.web.experiment_rows import ArmRow, Other, SegmentRow, money, points, spanned

_MOST_SEGMENTS = 12
_TWO = 2  # points that a line needs
_TICK_DIGITS_BELOW = 0.02  # and the ticks of an axis that reaches no farther


@dataclass(frozen=True)
class Page:
    """What the page of an experiment says."""

    verdict: Verdict
    is_ready: bool
    conversions: str
    range: str  # what may be said at any look
    caution: str  # why the money is to be distrusted
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
    segments = rows.segments(compared) if compared and is_ready else []
    return Page(
        verdict=experiment_verdict(found),
        is_ready=is_ready,
        conversions=conversions(experiment),
        range=_range(found.course),
        caution=_caution(compared),
        figures=shown.figures if shown else _figures(found),
        rates=shown.rates if shown else _rates(found),
        revenue=shown.revenue if shown else _revenue(found),
        course=_course(found.course, in_days=is_campaign),
        arms=rows.arms(found, compared),
        others=rows.others(compared, experiment.currency) if compared and is_ready else [],
        segments=segments[:_MOST_SEGMENTS],
        n_segments=len(segments),
        may_look_back=is_ready and compared is not None and not with_history,
        details=shown.details if shown else rows.details(found),
    )


def conversions(experiment: Experiment) -> str:
    """Return what is counted, as the head of a column."""
    if experiment.counted is Counted.EVENT:
        return experiment.event
    return gettext("Bookings") if experiment.counted is Counted.BOOKING else gettext("Orders")


def _axis_points(*ends: float) -> Callable[[float], str]:
    """Return how an axis that reaches ``ends`` tells points: each tick with the same digits."""
    digits = 2 if max(map(abs, ends)) < _TICK_DIGITS_BELOW else 1

    def form(share: float) -> str:
        number = formats.number(abs(share) * 100, digits)
        sign = "" if number.strip("0.,") == "" else ("+" if share > 0 else "−")
        return gettext("%(n)s points") % {"n": f"{sign}{number}"}

    return form


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


def _caution(compared: Analysis | None) -> str:
    """Return what to think of the money where hardly anybody bought."""
    if compared is None or not compared.has_few_buyers:
        return ""
    form = ngettext(
        "Only %(n)s person of the smaller side ordered. With fewer than %(most)s the intervals of "
        "money are too narrow; those of the share of people who order hold.",
        "Only %(n)s people of the smaller side ordered. With fewer than %(most)s the intervals of "
        "money are too narrow; those of the share of people who order hold.",
        compared.n_buyers,
    )
    words = {"n": formats.number(compared.n_buyers), "most": formats.number(ENOUGH_BUYERS)}
    return form % words


def _figures(found: Found) -> list[Figured]:
    """Return the large figures of a journey: what it caused among those it let through."""
    compared, last = found.analysis, found.course.last
    if found.earned is None or compared is None or last is None:
        return []
    rate, n = last[0], compared.rates.treated.n
    more = rate.interval.scaled(n)
    return [
        Figured(
            gettext("%(what)s, additional") % {"what": conversions(found.experiment)},
            formats.number(rate.difference * n),
            _interval(formats.number(more.low), formats.number(more.high)),
        ),
        *journey_returns.figures(found.earned),
        Figured(
            gettext("People measured"),
            formats.number(found.n_people),
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
    form = _axis_points(bar.low, bar.high)
    return effect_chart([bar], sentence=said, head=_head(gettext("Difference")), form=form)


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
    form = _axis_points(*(one.low for one in looks), *(one.high for one in looks))
    return band(looks, sentence=said, head=_head(gettext("Look")), form=form)
