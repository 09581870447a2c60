"""A measured experiment as plain values, for programs and files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pusula.measurement.experiments.analysis import Analysis, Course, GroupEffect
from pusula.measurement.experiments.queries import Found
from pusula.measurement.experiments.verdict import experiment_verdict
from pusula.measurement.results.campaign import Phase
from pusula.measurement.results.campaign import as_dict as result_dict
from pusula.measurement.stats import MeanTest, RateTest
from pusula.segments.models import Segment


def as_dict(found: Found) -> dict[str, Any]:
    """Return a measured experiment; amounts stay minor units of ``currency``.

    Fixed tests are there only where they may be read: not before a planned end, and never of a
    journey, which has none.
    """
    experiment, said = found.experiment, experiment_verdict(found)
    is_ready = experiment.phase is Phase.READY
    return {
        "experiment": experiment.key,
        "kind": experiment.kind,
        "title": experiment.title,
        "currency": experiment.currency,
        "phase": experiment.phase.value,
        "day": experiment.day,
        "window_days": experiment.window_days,
        "started_at": experiment.started_at,
        "ends_at": experiment.ends_at,
        "at": found.at,
        "verdict": {"kind": said.kind.value, "sentence": said.sentence,
                    "warning": said.warning, "alarm": said.alarm},
        "n_treated": experiment.n_treated,
        "n_control": experiment.n_control,
        "split": {"p": found.split_p, "is_broken": found.is_split_broken},
        "course": _course(found.course),
        "fixed": _fixed(found.analysis) if is_ready and found.analysis else None,
        "result": result_dict(found.result) if is_ready and found.result else None,
    }  # fmt: skip


def _course(course: Course) -> list[dict[str, Any]]:
    return [
        {
            "at": at,
            "n_people": n,
            "rate_difference": rate.difference,
            "rate_interval": asdict(rate.interval),
            "rate_p": rate.p,
            "revenue_difference_minor": mean.difference,
            "revenue_interval_minor": asdict(mean.interval),
            "revenue_p": mean.p,
        }
        for at, n, rate, mean in zip(
            course.moments, course.n_people, course.rates, course.means, strict=True
        )
    ]


def _fixed(found: Analysis) -> dict[str, Any]:
    titles = dict(Segment.objects.values_list("pk", "key"))
    cuped, cut = found.cuped, found.winsorised
    return {
        "rates": _rates(found.rates),
        "revenue_minor": _means(found.means),
        "has_few_buyers": found.has_few_buyers,
        "revenue_minor_cuped": _means(cuped.test)
        | {"theta": cuped.theta, "variance_reduction": cuped.reduction},
        "revenue_minor_winsorised": _means(cut.test) | {"most": cut.most, "n_cut": cut.n_cut},
        "revenue_minor_per_order": asdict(found.per_order) if found.per_order else None,
        "segments": [_group(one, titles) for one in found.groups],
    }


def _rates(test: RateTest) -> dict[str, Any]:
    return {
        "treated": asdict(test.treated),
        "control": asdict(test.control),
        "difference": test.difference,
        "interval": asdict(test.interval),
        "p": test.p,
        "lift": test.lift,
    }


def _means(test: MeanTest) -> dict[str, Any]:
    return {"difference": test.difference, "interval": asdict(test.interval), "p": test.p}


def _group(one: GroupEffect, titles: dict[int, str]) -> dict[str, Any]:
    return {
        "segment": titles.get(one.segment_id, ""),
        **_rates(one.rates),
        "p_adjusted": one.p,
        "p_differs": one.differs.p,
        "p_differs_adjusted": one.p_differs,
        "revenue_minor": _means(one.means),
    }
