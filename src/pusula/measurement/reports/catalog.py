"""The reports by name: a question as JSON in, what it says as JSON out.

Because both are JSON, an answer can be kept, mailed and printed for a program alike. Names of
campaigns and segments are not in it: they are found when it is shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.measurement.attribution import calibration
from pusula.measurement.attribution import queries as attribution
from pusula.measurement.attribution.queries import Credit
from pusula.measurement.reports import cohort, funnel, kpi, measured, rates, rules
from pusula.measurement.reports.period import Period
from pusula.segments import queries as segments
from pusula.segments.models import Segment

Question = dict[str, Any]
Result = dict[str, Any]


class QuestionError(PusulaError):
    """A question that no report answers."""

    code = "report_question"
    status = 422


def made(kind: str, question: Question) -> Result:
    """Return what the report ``kind`` says to ``question``. Raises ``PusulaError``."""
    if kind not in REPORTS:
        raise QuestionError(
            Saying(
                "there is no report %(kind)r; there are: %(known)s",
                {"kind": kind, "known": ", ".join(REPORTS)},
            )
        )
    return {
        "report": kind,
        "currency": settings.PUSULA.currency,
        "time_zone": settings.PUSULA.time_zone,
        "question": question,
        **REPORTS[kind](question),
    }


def of_period(period: Period) -> Question:
    """Return the part of a question that names its days."""
    return {"from": period.from_on.isoformat(), "until": period.until_on.isoformat()}


def period_of(question: Mapping[str, Any]) -> Period:
    """Return the days of a question."""
    return Period(dt.date.fromisoformat(question["from"]), dt.date.fromisoformat(question["until"]))


def segment_of(key: str) -> Segment | None:
    """Return the segment that a question narrows to; none for the empty key."""
    if not key:
        return None
    found = segments.by_key(key)
    if found is None:
        raise QuestionError(Saying("there is no segment %(key)r in use", {"key": key}))
    return found


def asked_rates(question: Question) -> rates.Asked:
    """Return which messages a question about rates means."""
    return rates.Asked(
        period_of(question).span,
        origin=question.get("origin", ""),
        step=question.get("step", ""),
        channel=question.get("channel", ""),
        content_id=question.get("content_id", 0),
        segment=segment_of(question.get("segment", "")),
        conversion_days=question.get("conversion_days", rates.USUAL_CONVERSION_DAYS),
    )


def _kpi(question: Question) -> Result:
    period = period_of(question)
    found = kpi.kpi(period, rules.parsed(question["rules"]))
    days = period.columns
    return {
        "now": found.now.plain(),
        "before": found.before.plain(),
        "columns": [
            {
                "from": first.isoformat(),
                "until": after.isoformat(),
                "n": one.n,
                "net": one.net_minor,
            }
            for first, after, one in zip(days, days[1:], found.turnovers, strict=False)
        ],
    }


def _attribution(question: Question) -> Result:
    period, given = period_of(question), rules.parsed(question["rules"])
    segment = segment_of(question.get("segment", ""))
    found = attribution.attributed(period.span, given, segment=segment)
    sent = rates.rates(rates.Asked(period.span, segment=segment), ("origin", "step", "channel"))
    by_origin = found.by("origin")
    at = clock.now()
    lifts = {} if segment else calibration.lifts(set(by_origin), given, at=at)
    keys = dict(segments.active().values_list("pk", "key"))
    return {
        "n_orders": found.n_orders,
        "net_minor": found.net_minor,
        "n_touched": found.n_touched,
        "credited": _plain(found.total),
        "by": {
            "origin": [
                _row(credit, origin=origin, n_sent=_n_sent(sent, origin=origin))
                | _lift(lifts.get(origin), credit)
                for origin, credit in _ranked(by_origin)
            ],
            "message": [
                _row(credit, origin=key[0], step=key[1],
                     n_sent=_n_sent(sent, origin=key[0], step=key[1]))
                for key, credit in _ranked(found.by("message"))
            ],
            "trigger": [
                _row(credit, origin=key[0], trigger=key[1])
                for key, credit in _ranked(found.by("trigger"))
                if key[1]
            ],
            "channel": [
                _row(credit, channel=channel, n_sent=_n_sent(sent, channel=channel))
                for channel, credit in _ranked(found.by("channel"))
            ],
            "content": [
                _row(credit, content_id=content)
                for content, credit in _ranked(found.by("content_id"))
            ],
            "segment": [
                _row(credit, segment=keys[pk])
                for pk, credit in _ranked(found.by_segment)
                if pk in keys
            ],
        },
    }  # fmt: skip


def _rates(question: Question) -> Result:
    asked, by = asked_rates(question), question.get("by", "origin")
    bounds = period_of(question).bounds
    columns = {"day": ("day",), "message": ("origin", "step")}.get(by, (by,))
    if not set(columns) <= set(rates.BY):
        raise QuestionError(
            Saying(
                "rates are told by %(known)s, not %(by)r",
                {"known": ", ".join([*rates.BY, "message"]), "by": by},
            )
        )
    found = rates.rates(asked, columns, bounds=bounds)
    ranked = sorted(found.items(), key=lambda one: (-one[1].n_sent, one[0]))
    if by == "day":
        ranked = sorted(found.items())
    days = period_of(question).columns
    rows = []
    for key, one in ranked:
        named = dict(zip(columns, key, strict=True))
        if by == "day":
            named = {"from": days[key[0]].isoformat(), "until": days[key[0] + 1].isoformat()}
        intervals = {
            kind: [interval.low, interval.high]
            for kind in rates.KINDS
            if kind not in {"tried", "sent"} and (interval := one.interval(kind)) is not None
        }
        rows.append(named | one.plain() | {"intervals": intervals})
    return {"total": rates.of(asked).plain(), "by": by, "rows": rows}


def _funnel(question: Question) -> Result:
    found = funnel.funnel(
        tuple(question["steps"]), period_of(question).span, question["window_days"]
    )
    return found.plain()


def _cohort(question: Question) -> Result:
    months = question.get("months", 12)
    if not 2 <= months <= cohort.MOST_MONTHS:  # noqa: PLR2004 - one month shows nobody again
        raise QuestionError(
            Saying(
                "cohorts are of 2 to %(most_months)s months, not %(months)s",
                {"most_months": cohort.MOST_MONTHS, "months": months},
            )
        )
    return {"cohorts": cohort.cohorts(months, at=clock.now()).plain()}


def _row(credit: Credit, **named: object) -> Result:
    return {**named, **_plain(credit)}


def _plain(credit: Credit) -> Result:
    return {"n_orders": round(credit.n_orders, 6), "revenue_minor": credit.revenue_minor}


def _lift(found: calibration.Lift | None, credit: Credit) -> Result:
    if found is None:
        return {"lift": None, "calibrated": None}
    scaled = found.calibrated(credit)
    return {
        "lift": {
            "revenue_minor": round(found.revenue_minor),
            "interval_minor": [round(found.interval.low), round(found.interval.high)],
            "is_final": found.is_final,
        },
        "calibrated": None
        if scaled is None
        else {
            "revenue_minor": round(scaled.revenue_minor),
            "interval_minor": [round(scaled.interval.low), round(scaled.interval.high)],
        },
    }


def _ranked(found: Mapping[Any, Credit]) -> list[tuple[Any, Credit]]:
    return sorted(found.items(), key=lambda one: (-one[1].revenue_minor, one[0]))


def _n_sent(sent: Mapping[tuple[Any, ...], rates.Rates], **wanted: str) -> int:
    names = ("origin", "step", "channel")
    return sum(
        one.n_sent
        for key, one in sent.items()
        if all(key[names.index(name)] == value for name, value in wanted.items())
    )


REPORTS: dict[str, Callable[[Question], Result]] = {
    "kpi": _kpi,
    "attribution": _attribution,
    "rates": _rates,
    "funnel": _funnel,
    "cohort": _cohort,
    **{one.kind: one.made for one in measured.MEASURES},
}
