"""The statistics of an experiment, from counts and sums alone: numbers in, numbers out.

Intervals are two-sided with confidence 1 - ``alpha``; rates and shares are fractions, not percent.
"""

from pusula.measurement.stats.adjusted import (
    Cuped,
    RatioTest,
    Winsorised,
    compare_ratios,
    cuped,
    winsorised,
)
from pusula.measurement.stats.fixed import (
    MeanTest,
    RateTest,
    compare_means,
    compare_rates,
    fisher,
    probability_better,
    rank_test,
    sample_ratio,
    wilson,
)
from pusula.measurement.stats.groups import Interaction, interaction, wald
from pusula.measurement.stats.multiple import benjamini_hochberg, bonferroni, holm
from pusula.measurement.stats.planning import (
    detectable_difference,
    detectable_mean,
    people_needed,
    people_needed_for_mean,
    power_of_means,
    power_of_rates,
)
from pusula.measurement.stats.returns import Return, gain, returns
from pusula.measurement.stats.sequential import (
    Look,
    Seen,
    growing_days,
    growing_people,
    look_at_means,
    look_at_rates,
    mixture_p,
    more_days,
    more_people,
)
from pusula.measurement.stats.values import ALPHA, POWER, Amounts, Interval, Pairs, Rate

__all__ = [
    "ALPHA",
    "POWER",
    "Amounts",
    "Cuped",
    "Interaction",
    "Interval",
    "Look",
    "MeanTest",
    "Pairs",
    "Rate",
    "RateTest",
    "RatioTest",
    "Return",
    "Seen",
    "Winsorised",
    "benjamini_hochberg",
    "bonferroni",
    "compare_means",
    "compare_rates",
    "compare_ratios",
    "cuped",
    "detectable_difference",
    "detectable_mean",
    "fisher",
    "gain",
    "growing_days",
    "growing_people",
    "holm",
    "interaction",
    "look_at_means",
    "look_at_rates",
    "mixture_p",
    "more_days",
    "more_people",
    "people_needed",
    "people_needed_for_mean",
    "power_of_means",
    "power_of_rates",
    "probability_better",
    "rank_test",
    "returns",
    "sample_ratio",
    "wald",
    "wilson",
    "winsorised",
]
