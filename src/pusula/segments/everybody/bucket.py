"""One bucket of profiles evaluated: what is asked and what was found, as values that can travel.

No database and no Django, so any machine that reads the lake can do it: ``InArrow`` is what Spark's
workers run, row by row of a table of buckets.
"""

from __future__ import annotations

import gc
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pusula.segments import kernel
from pusula.segments.everybody import files
from pusula.segments.everybody.files import Files
from pusula.segments.kernel import Block, Plan
from pusula.segments.kernel.block import Ints
from pusula.segments.language import Definition, Schema

# A table of buckets: the files of each, pickled; and of answers: what was found in each.
QUESTIONS = pa.schema([("bucket", pa.int64()), ("files", pa.binary())])
ANSWERS = pa.schema([("bucket", pa.int64()), ("found", pa.binary())])
# From how many profiles on a block is worth clearing away at once.
_LARGE = 10_000
Values = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Found:
    """What the kernel says of the profiles ``ids``: who is in, and when that can change."""

    ids: Ints
    members: Mapping[str, Ints]
    next_flips: Ints

    def packed(self) -> bytes:
        """Return it in little room."""
        masks = {key: np.packbits(np.isin(self.ids, each)) for key, each in self.members.items()}
        return pickle.dumps((self.ids, masks, self.next_flips))

    @classmethod
    def unpacked(cls, packed: bytes) -> Found:
        """Return what ``packed`` was."""
        ids, masks, next_flips = pickle.loads(packed)  # noqa: S301 - from our own workers
        members = {
            key: ids[np.unpackbits(mask, count=len(ids)).astype(np.bool_)]
            for key, mask in masks.items()
        }
        return cls(ids, members, next_flips)


@dataclass(frozen=True)
class Task:
    """What is asked of every profile: which definitions, by key, hold at the moment ``at``.

    ``keys`` are those whose members are wanted. ``schema`` is one that pickles.
    """

    definitions: Mapping[str, Definition]
    schema: Schema
    cut_points: Mapping[str, float]
    keys: tuple[str, ...]
    at: int

    @cached_property
    def plan(self) -> Plan:
        """The definitions made ready to run."""
        return kernel.compile(self.definitions, self.schema, self.cut_points)

    def __getstate__(self) -> dict[str, object]:
        """Leave the plan behind: it is made where it is needed."""
        return {name: value for name, value in vars(self).items() if name != "plan"}

    def found(self, block: Block) -> Found:
        """Return what holds for the profiles of ``block``."""
        evaluation = self.plan.evaluate(block, self.at)
        ids = block.profile_ids
        members = {key: ids[evaluation.members[key]] for key in self.keys}
        found = Found(ids, members, evaluation.next_flip)
        del evaluation
        _clear_away(ids)
        return found

    def populations(self, block: Block) -> Values:
        """Return the values of each population's members in ``block``, by its key."""
        values = self.plan.population_values(block, self.at)
        _clear_away(block.profile_ids)
        return values


def _clear_away(ids: Ints) -> None:
    """Free what an evaluation of a large block holds in circles, before the next is read."""
    if len(ids) >= _LARGE:
        gc.collect()


def found_in(task: Task, block: Block) -> bytes:
    """Return what ``task`` finds in ``block``, packed."""
    return task.found(block).packed()


def values_in(task: Task, block: Block) -> bytes:
    """Return the values of the populations of ``task`` in ``block``, pickled."""
    return pickle.dumps(task.populations(block))


@dataclass(frozen=True)
class InArrow:
    """A task, as bytes, over Arrow batches of ``QUESTIONS``; answers as ``ANSWERS``.

    ``answer`` is ``found_in`` or ``values_in``.
    """

    task: bytes
    answer: Callable[[Task, Block], bytes]

    __name__ = "evaluate"  # Spark takes us for a function and asks for it

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Answer one bucket after the other."""
        task = _task(self.task)
        for batch in batches:
            for bucket, packed in zip(batch["bucket"], batch["files"], strict=True):
                where: Mapping[str, Files] = pickle.loads(packed.as_py())  # noqa: S301 - our own
                block = files.block(where, task.plan.requirements)
                rows = [[bucket.as_py()], [self.answer(task, block)]]
                yield pa.RecordBatch.from_arrays(
                    [pa.array(r, f.type) for r, f in zip(rows, ANSWERS, strict=True)],
                    schema=ANSWERS,
                )


@lru_cache(maxsize=2)
def _task(pickled: bytes) -> Task:
    """Return a task; a worker compiles it once for all its buckets."""
    task: Task = pickle.loads(pickled)  # noqa: S301 - our own
    return task
