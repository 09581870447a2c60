"""The analysis of a test that ran anywhere, from a table with one row per person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pusula.measurement import stats
from pusula.measurement.stats import Amounts, Pairs, Rate

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]
_FEWEST = 2  # one person does not vary


@dataclass(frozen=True)
class People:
    """A table of one row per person: the arm, and numbers and labels by name."""

    arms: Labels
    numbers: Mapping[str, Floats]
    labels: Mapping[str, Labels]

    def names(self) -> list[str]:
        """Return the names of the arms, sorted."""
        return sorted(map(str, np.unique(self.arms)))


@dataclass(frozen=True)
class Questions:
    """What is asked: columns of shares (0 or 1), of amounts, and (amount, amount) of ratios.

    ``before`` is an amount known before assignment; ``by`` are columns of groups. ``cost`` is of
    each treated person, ``margin`` the share of an amount that is profit.
    """

    rates: Sequence[str] = ()
    means: Sequence[str] = ()
    ratios: Sequence[tuple[str, str]] = ()
    before: str = ""
    by: Sequence[str] = ()
    cost: float = 0.0
    margin: float = 1.0

    def columns(self) -> set[str]:
        """Return the columns of numbers."""
        pairs = {name for pair in self.ratios for name in pair}
        return {*self.rates, *self.means, *pairs, *filter(None, [self.before])}


def compare(
    people: People, questions: Questions, *, control: str, treated: Sequence[str], together: bool
) -> dict[str, Any]:
    """Return the analysis of each of the arms ``treated`` against ``control`` as plain values.

    The p-values of all treated arms and metrics pay for each other; with ``together`` all of them
    as one arm are compared as well, outside of that.
    """
    sizes = {name: int((people.arms == name).sum()) for name in [*treated, control]}
    held = people.arms == control
    found = [_arm(people, questions, name, people.arms == name, held) for name in treated]
    result: dict[str, Any] = {
        "control": control,
        "split": _split(sizes),
        "comparisons": found,
        "multiplicity": _multiplicity(found),
    }
    if together:
        everybody = np.isin(people.arms, list(treated))
        result["together"] = _arm(people, questions, "", everybody, held)
    return result


def _split(sizes: Mapping[str, int]) -> dict[str, Any]:
    observed = list(sizes.values())
    return {
        "people": dict(sizes),
        "expected": sum(observed) / len(observed),
        "p": stats.sample_ratio(observed, [1.0] * len(observed)),
    }


def _arm(
    people: People,
    questions: Questions,
    name: str,
    treated: npt.NDArray[np.bool_],
    control: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    numbers = people.numbers
    rates = {m: _rate(numbers[m][treated], numbers[m][control]) for m in questions.rates}
    means = {m: _mean(numbers[m][treated], numbers[m][control], questions) for m in questions.means}
    for metric in questions.means if questions.before else ():
        before = numbers[questions.before]
        means[metric]["cuped"] = _cuped(numbers[metric], before, treated, control)
    ratios = {
        f"{y}/{x}": _ratio(numbers[y], numbers[x], treated, control) for y, x in questions.ratios
    }
    groups = {by: _groups(people, questions, by, treated, control) for by in questions.by}
    return {"treated": name, "rates": rates, "means": means, "ratios": ratios, "groups": groups}


def _rate(treated: Floats, control: Floats) -> dict[str, Any]:
    arms = _share(treated), _share(control)
    test = stats.compare_rates(*arms)
    return {
        "n_treated": arms[0].n,
        "x_treated": arms[0].x,
        "n_control": arms[1].n,
        "x_control": arms[1].x,
        "rate_treated": arms[0].value,
        "rate_control": arms[1].value,
        "difference": test.difference,
        "interval": asdict(test.interval),
        "interval_wald": asdict(test.interval_wald),
        "lift": test.lift,
        "lift_interval": asdict(test.lift_interval) if test.lift_interval else None,
        "z": test.z,
        "p": test.p,
        "p_fisher": stats.fisher(*arms),
        "incremental": test.difference * arms[0].n,
        "probability_better": stats.probability_better(*arms),
    }


def _mean(treated: Floats, control: Floats, questions: Questions) -> dict[str, Any]:
    arms = Amounts.of(treated), Amounts.of(control)
    test = stats.compare_means(*arms)
    cut = stats.winsorised(treated, control)
    gained = stats.returns(test, cost=questions.cost * len(treated), margin=questions.margin)
    return {
        "n_treated": arms[0].n,
        "n_control": arms[1].n,
        "mean_treated": arms[0].mean,
        "mean_control": arms[1].mean,
        "deviation_treated": float(np.sqrt(arms[0].variance)),
        "deviation_control": float(np.sqrt(arms[1].variance)),
        "difference": test.difference,
        "interval": asdict(test.interval),
        "lift": test.lift,
        "t": test.t,
        "degrees": test.degrees,
        "p": test.p,
        "p_ranks": stats.rank_test(treated, control),
        "incremental": gained.revenue,
        "winsorised": {
            "most": cut.most,
            "n_cut": cut.n_cut,
            "difference": cut.test.difference,
            "interval": asdict(cut.test.interval),
            "p": cut.test.p,
        },
        "return": asdict(gained),
    }


def _cuped(
    values: Floats, before: Floats, treated: npt.NDArray[np.bool_], control: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    found = stats.cuped(
        Pairs.of(values[treated], before[treated]), Pairs.of(values[control], before[control])
    )
    return {
        "theta": found.theta,
        "correlation": found.correlation,
        "variance_reduction": found.reduction,
        "difference": found.test.difference,
        "interval": asdict(found.test.interval),
        "t": found.test.t,
        "p": found.test.p,
    }


def _ratio(
    y: Floats, x: Floats, treated: npt.NDArray[np.bool_], control: npt.NDArray[np.bool_]
) -> dict[str, Any] | None:
    test = stats.compare_ratios(Pairs.of(y[treated], x[treated]), Pairs.of(y[control], x[control]))
    return None if test is None else asdict(test)


def _groups(
    people: People,
    questions: Questions,
    by: str,
    treated: npt.NDArray[np.bool_],
    control: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    """Return for each metric every group's effect, paid for by Holm, and whether they differ."""
    labels = people.labels[by]
    groups = {str(label): labels == label for label in np.unique(labels)}
    found: dict[str, Any] = {}
    for metric in [*questions.rates, *questions.means]:
        values, is_rate = people.numbers[metric], metric in questions.rates
        rows, effects = {}, []
        for label, mask in groups.items():
            ours, theirs = values[treated & mask], values[control & mask]
            if min(len(ours), len(theirs)) < _FEWEST:
                continue
            row, effect = _effect(ours, theirs, is_rate=is_rate)
            rows[label] = row
            effects.append(effect)
        for row, p in zip(
            rows.values(), stats.holm([row["p"] for row in rows.values()]), strict=True
        ):
            row["p_holm"] = p
        found[metric] = {"groups": rows, "interaction": asdict(stats.interaction(effects))}
    return found


def _effect(
    ours: Floats, theirs: Floats, *, is_rate: bool
) -> tuple[dict[str, Any], tuple[float, float]]:
    """Return a group's row, and its difference with the squared standard error."""
    means = stats.compare_means(Amounts.of(ours), Amounts.of(theirs))
    row = {
        "n_treated": len(ours),
        "n_control": len(theirs),
        "treated": means.treated.mean,
        "control": means.control.mean,
        "difference": means.difference,
        "interval": asdict(means.interval),
        "p": means.p,
    }
    if not is_rate:
        return row, (means.difference, means.variance)
    rates = _share(ours), _share(theirs)
    test = stats.compare_rates(*rates)
    row |= {"interval": asdict(test.interval), "p": test.p}
    return row, (test.difference, rates[0].variance + rates[1].variance)


def _share(values: Floats) -> Rate:
    return Rate(len(values), int((values > 0).sum()))


def _multiplicity(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return every p-value of every arm beside what remains of it after paying for all."""
    asked = [
        (one["treated"], metric, row["p"])
        for one in found
        for metric, row in [*one["rates"].items(), *one["means"].items()]
    ]
    p_values = [p for _arm, _metric, p in asked]
    paid = zip(
        stats.bonferroni(p_values),
        stats.holm(p_values),
        stats.benjamini_hochberg(p_values),
        strict=True,
    )
    return [
        {"treated": arm, "metric": metric, "p": p, "bonferroni": a, "holm": b, "bh": c}
        for (arm, metric, p), (a, b, c) in zip(asked, paid, strict=True)
    ]
