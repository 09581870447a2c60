"""The numpy kernel: segment definitions evaluated over blocks of profiles, for every use alike."""

from pusula.segments.kernel.block import Block
from pusula.segments.kernel.evaluation import Evaluation, Members
from pusula.segments.kernel.explanation import Explanation, explain
from pusula.segments.kernel.measures import Values
from pusula.segments.kernel.plan import Plan, Requirements, compile  # noqa: A004 - as in re.compile
from pusula.segments.kernel.populations import MissingCutPointError, Population

__all__ = [
    "Block",
    "Evaluation",
    "Explanation",
    "Members",
    "MissingCutPointError",
    "Plan",
    "Population",
    "Requirements",
    "Values",
    "compile",
    "explain",
]
