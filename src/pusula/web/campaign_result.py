"""A campaign's result as the page shows it: effects on a zero line, and figures."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, pgettext

from pusula.measurement.experiments.analysis import Course
from pusula.measurement.experiments.verdict import Verdict, variant_verdict, verdict
from pusula.measurement.results.campaign import ArmResult, Counted, Effect, Phase, Result
from pusula.outbox.models import ReceiptKind
from pusula.web import formats
from pusula.web.charts.effect import Effect as Bar
from pusula.web.charts.effect import effect as effect_chart
from pusula.web.charts.figure import Figure


@dataclass(frozen=True)
class Row:
    """One way of being treated, or the control group, as a row of figures."""

    name: str
    n: int
    n_conversions: int
    rate: float
    revenue_minor: int
    per_head_minor: int
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Figured:
    """One of the large figures: its name, its value, and how sure or of what it is."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Shown:
    """What the result page says; without an overall effect there is nothing to compare."""

    result: Result
    verdict: Verdict
    is_ready: bool
    conversions: str  # what the people did: bookings, orders, or an event's name
    figures: list[Figured]
    rows: list[Row]
    rates: Figure | None
    revenue: Figure | None
    receipts: list[tuple[str, int]]
    details: list[tuple[str, str]]


def shown(result: Result, course: Course | None = None) -> Shown:
    """Return ``result`` ready for the page; with the looks so far if it is still running."""
    is_ready = result.phase is Phase.READY
    overall = result.overall if is_ready else None
    return Shown(
        result=result,
        verdict=verdict(result, course),
        is_ready=is_ready,
        conversions=conversions(result),
        figures=_large_figures(result, overall) if overall else [],
        rows=_rows(result) if is_ready else [],
        rates=_rates(result, overall) if overall else None,
        revenue=_revenue(result, overall) if overall else None,
        receipts=_receipts(result),
        details=_details(result, overall) if overall else [],
    )


def conversions(result: Result) -> str:
    """Return what is counted, as the head of a column."""
    if result.counted is Counted.EVENT:
        return result.campaign.conversion_event
    return gettext("Bookings") if result.counted is Counted.BOOKING else gettext("Orders")


def points(difference: float) -> str:
    """Return a difference of shares as points with its sign: ``+2,1 puan``."""
    number = formats.number(abs(difference) * 100, 1)
    sign = "" if number.strip("0.,") == "" else ("+" if difference > 0 else "−")
    return gettext("%(n)s points") % {"n": f"{sign}{number}"}


def _large_figures(result: Result, overall: Effect) -> list[Figured]:
    gained, currency = overall.gained, result.campaign.currency

    def money(minor: float) -> str:
        return formats.amount(round(minor), currency)

    def interval(low: str, high: str) -> str:
        return gettext("95%% interval %(low)s to %(high)s") % {"low": low, "high": high}

    more = overall.incremental_interval
    revenue = gained.interval
    has_roi = gained.roi is not None
    return [
        Figured(
            gettext("%(what)s, additional") % {"what": conversions(result)},
            formats.number(overall.n_incremental),
            interval(formats.number(more.low), formats.number(more.high)),
        ),
        Figured(
            gettext("Net revenue, additional"),
            money(gained.revenue),
            interval(
                formats.short_amount(round(revenue.low), currency),
                formats.short_amount(round(revenue.high), currency),
            ),
        ),
        Figured(
            gettext("Cost"),
            money(gained.cost),
            gettext("without the messages: no price is set for this channel")
            if result.unpriced
            else gettext("margin %(share)s") % {"share": formats.percent(gained.margin, 0)},
        ),
        Figured(
            gettext("Profit after cost"),
            money(gained.profit),
            gettext("margin × additional revenue − cost"),
        ),
        Figured(
            gettext("Return on cost"),
            formats.NOTHING if gained.roi is None else formats.percent(gained.roi, 0),
            gettext("profit ÷ cost") if has_roi else gettext("it cost nothing"),
        ),
    ]


def _rows(result: Result) -> list[Row]:
    treated = Row(gettext("Sent to"), *_figures(result.treated))
    held_out = Row(gettext("Control group"), *_figures(result.holdout))
    variants = [
        Row(effect.arm.name, *_figures(effect.arm), verdict=variant_verdict(result, effect))
        for effect in result.variants
    ]
    return [treated, *variants, held_out]


def _figures(arm: ArmResult) -> tuple[int, int, float, int, int]:
    return arm.n, arm.n_conversions, arm.rate.value, arm.revenue_minor, round(arm.amounts.mean)


def _rates(result: Result, overall: Effect) -> Figure:
    effects = [(gettext("Everybody sent to"), overall)]
    effects += [(effect.arm.name, effect) for effect in result.variants]
    bars = [
        Bar(name, e.rates.interval.low, e.rates.difference, e.rates.interval.high)
        for name, e in effects
    ]
    said = gettext(
        "Difference of the shares that converted: %(point)s, 95%% interval %(low)s to %(high)s."
    ) % {
        "point": points(overall.rates.difference),
        "low": points(overall.rates.interval.low),
        "high": points(overall.rates.interval.high),
    }
    return effect_chart(bars, sentence=said, head=_effect_head(), form=points)


def _revenue(result: Result, overall: Effect) -> Figure:
    currency = result.campaign.currency

    def per_head(minor: float) -> str:
        sign = "+" if minor > 0 else ""
        return sign + formats.amount(round(minor), currency)

    means = overall.means
    bar = Bar(
        gettext("Net revenue per person"), means.interval.low, means.difference, means.interval.high
    )
    said = gettext(
        "Difference of net revenue per person: %(point)s, 95%% interval %(low)s to %(high)s."
    ) % {
        "point": per_head(means.difference),
        "low": per_head(means.interval.low),
        "high": per_head(means.interval.high),
    }
    return effect_chart([bar], sentence=said, head=_effect_head(), form=per_head)


def _effect_head() -> tuple[str, str, str, str]:
    return (
        gettext("Difference"),
        pgettext("of an interval", "Lower end"),
        gettext("Estimate"),
        pgettext("of an interval", "Upper end"),
    )


def _receipts(result: Result) -> list[tuple[str, int]]:
    """Return what people did with their messages; empty where none were sent from here."""
    if result.campaign.is_adopted:
        return []
    words = {
        ReceiptKind.OPENED: gettext("Opened"),
        ReceiptKind.CLICKED: gettext("Clicked"),
        ReceiptKind.UNSUBSCRIBED: gettext("Unsubscribed"),
        ReceiptKind.BOUNCED: gettext("Bounced"),
        ReceiptKind.COMPLAINED: gettext("Complained"),
    }
    return [(word, result.receipts.get(kind.value, 0)) for kind, word in words.items()]


def _details(result: Result, overall: Effect) -> list[tuple[str, str]]:
    """Return what an analyst asks for, name and value."""
    rates, means = overall.rates, overall.means
    test = gettext("Fisher's exact test") if rates.is_exact else gettext("z-test of two shares")
    pairs = [
        (gettext("p-value of the shares"), f"{formats.p_value(overall.p)} ({test})"),
        (
            gettext("p-value of revenue per person"),
            f"{formats.p_value(means.p)} ({gettext('Welch')})",
        ),
        (gettext("Sample"), _sample(result)),
    ]
    if rates.lift is not None and rates.lift_interval is not None:
        lift = gettext("%(lift)s (95%% interval %(low)s to %(high)s)") % {
            "lift": formats.percent(rates.lift),
            "low": formats.percent(rates.lift_interval.low),
            "high": formats.percent(rates.lift_interval.high),
        }
        pairs.append((gettext("Relative lift of the shares"), lift))
    if overall.detectable is not None:
        least = formats.number(overall.detectable * 100, 1)
        smallest = gettext("%(n)s points") % {"n": least}
        pairs.append((gettext("Smallest difference such a test mostly shows"), smallest))
    if result.split_p is not None:
        pairs.append((gettext("p-value of the planned split"), formats.p_value(result.split_p)))
    return pairs


def _sample(result: Result) -> str:
    return gettext("%(treated)s sent to, %(holdout)s control group") % {
        "treated": formats.number(result.treated.n),
        "holdout": formats.number(result.holdout.n),
    }
