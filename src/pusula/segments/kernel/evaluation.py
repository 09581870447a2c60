"""What holds for each profile of a block at one moment, or at a moment of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, reduce

import numpy as np

from pusula.lib.errors import PusulaError
from pusula.segments.kernel.asked import Numbers
from pusula.segments.kernel.block import Block, Bools, Ints
from pusula.segments.kernel.flips import Flips
from pusula.segments.kernel.measures import Values
from pusula.segments.kernel.program import Program, folded, folded_aggregate
from pusula.segments.kernel.run import Run
from pusula.segments.language.nodes import (
    AggregateTest,
    AllOf,
    AnyOf,
    Condition,
    InSegment,
    Not,
)


class Members(Mapping[str, Bools]):
    """Who is in each segment: a mask over the block's profiles by the segment's key.

    Only segments that could be evaluated are counted and iterated over; asking for another raises
    the error that says why it could not.
    """

    def __init__(self, masks: Mapping[str, Bools], failed: Mapping[str, PusulaError]) -> None:
        self._masks = masks
        self._failed = failed

    def __getitem__(self, key: str) -> Bools:
        """Return the members of the segment ``key``."""
        if key in self._failed:
            raise self._failed[key]
        return self._masks[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys of the segments that could be evaluated."""
        return iter(self._masks)

    def __len__(self) -> int:
        """Return how many segments could be evaluated."""
        return len(self._masks)


class Evaluation:
    """A program run over ``block`` at the moment ``at``, or each profile at its own of ``at``.

    ``members`` are the segments' masks, ``failed`` the segments that could not be evaluated.
    """

    def __init__(self, program: Program, flips: Flips, block: Block, at: Numbers) -> None:
        self.block = block
        self.at = at
        self.failed: Mapping[str, PusulaError] = program.failed
        self._program = program
        self._flips = flips
        self._run = Run(program, block, at)
        self._masks = self._run.masks()
        self.members = Members(
            {key: self._masks[step] for key, step in program.roots.items()}, program.failed
        )

    def holds(self, condition: Condition) -> Bools:
        """Return for whom ``condition``, a compiled definition or any part of one, holds."""
        match condition:
            case AllOf(parts):
                return reduce(np.logical_and, [self.holds(part) for part in parts])
            case AnyOf(parts):
                return reduce(np.logical_or, [self.holds(part) for part in parts])
            case Not(part):
                return ~self.holds(part)
            case InSegment(key):
                return self.members[key]
        return self._leaf(self._program.step_of[folded(condition)])

    def values(self, leaf: AggregateTest) -> Values:
        """Return what ``leaf``, from a compiled definition, measures for each profile."""
        return self._run.values(folded_aggregate(leaf).aggregate)

    @cached_property
    def next_flip(self) -> Ints:
        """The next moment for each profile at which some membership could change by itself.

        That is with no new row, trait or consent; int64 max if never. Worked out when first asked.
        """
        return self._flips.next(self._run)

    def _leaf(self, step: int) -> Bools:
        if step in self._program.errors:
            raise self._program.errors[step]
        return self._masks[step]
