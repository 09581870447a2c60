"""Counts while somebody builds: the facts of everybody in memory, one vector per condition.

The facts are read once for each version of the data, the columns that conditions ask for and no
others; every distinct condition is evaluated once by the kernel and kept as bits (38 kB for 300,000
profiles), and the tree is combined in numpy. While newer data are read in the background the old
answer stands, with its age. Nothing here is stored: each web process has its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from django.db import connection
from django.utils.translation import gettext

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.profiles.models import Profile
from pusula.segments import catalog, kernel, memory
from pusula.segments.evaluate import published_cut_points
from pusula.segments.kernel import Block, Plan, Requirements
from pusula.segments.kernel.block import Bools
from pusula.segments.language import Condition, Definition, Schema, parse
from pusula.segments.language.nodes import AllOf, AnyOf, InSegment, Leaf, Not, Words
from pusula.segments.memory import NOTHING, USUAL, Facts, Progress
from pusula.segments.models import Membership, Segment

HOLD = 2 * clock.MINUTE  # how long the moment stands still for which everything is counted
PATIENCE_S = 2.0  # how long a request waits for facts before it shows progress
SMALL = 20_000  # up to so many profiles facts are read at once, in the request
MOST_PROFILES = 1_000_000  # beyond, every n-th stands for the others: an estimate
_REST = 10  # times as long as reading took, at least, before facts are read again


class CountingError(PusulaError):
    """A condition cannot be counted as things are."""

    code = "segment_counting"


@dataclass(frozen=True)
class Reading:
    """The facts are being read: so many of so many profiles."""

    done: int
    all: int


class Counts:
    """Who stands what, for one set of facts. ``is_current``: nothing was written since."""

    def __init__(self, held: Facts, schema: Schema, *, is_current: bool) -> None:
        self.facts = held
        self.schema = schema
        self.is_current = is_current
        self._segments: dict[str, Condition] = {}

    @property
    def n_all(self) -> int:
        """How many profiles there are."""
        return len(self.facts.ids) * self.facts.step

    @property
    def is_exact(self) -> bool:
        """Whether every profile was looked at, with everything that is written."""
        return self.facts.step == 1 and self.is_current

    def n(self, mask: Bools) -> int:
        """Return how many profiles a mask means."""
        return int(np.count_nonzero(mask)) * self.facts.step

    def holds(self, condition: Condition) -> Bools:
        """Return for whom ``condition`` holds; raise the error of one that cannot be evaluated."""
        self.fill([condition])
        return self._combined(condition, ())

    def fill(self, conditions: Iterable[Condition]) -> None:
        """Evaluate what ``conditions`` are made of, all at once."""
        wanted: set[Leaf] = set()
        for condition in conditions:
            wanted |= self.leaves(condition)
        n = len(self.facts.ids)
        at = self.facts.at
        missing = [leaf for leaf in wanted if self.facts.vectors.get((at, leaf), n) is None]
        if missing:
            with _EVALUATING:
                self._evaluate(missing)

    def _evaluate(self, missing: list[Leaf]) -> None:
        held = self.facts
        plan, named = self._plan(missing)
        members = plan.evaluate(memory.narrowed(held.block, plan.requirements), held.at).members
        for key, leaf in named.items():
            held.vectors.put((held.at, leaf), members[key])

    def _plan(self, missing: list[Leaf]) -> tuple[Plan, dict[str, Leaf]]:
        """Return a plan; limits that nobody has published yet are those that everybody sets now."""
        limits = published_cut_points()
        bare, _ = _compiled(missing, self.schema, {})
        if not bare.populations.keys() <= limits.keys():
            block = memory.narrowed(self.facts.block, bare.requirements)
            values = bare.population_values(block, self.facts.at)
            own = {key: each.cut_point(values[key]) for key, each in bare.populations.items()}
            limits = own | limits
        return _compiled(missing, self.schema, limits)

    def needs(self, conditions: Iterable[Condition]) -> Requirements:
        """Return what must be known to answer ``conditions`` and the segments that they name."""
        found: set[Leaf] = set()
        for condition in conditions:
            found |= self.leaves(condition)
        return _compiled(found, self.schema, {})[0].requirements if found else NOTHING

    def leaves(self, condition: Condition, way: tuple[str, ...] = ()) -> set[Leaf]:
        """Return the conditions without parts, also those of segments that are named."""
        match condition:
            case AllOf(parts) | AnyOf(parts):
                return set().union(*(self.leaves(part, way) for part in parts))
            case Not(part):
                return self.leaves(part, way)
            case InSegment(key):
                return self.leaves(self._definition(key, way), (*way, key))
        return {condition}

    def members(self, segment: Segment) -> Bools:
        """Return who is in ``segment`` by the memberships that are shown."""
        key = ("members", segment.pk, segment.version_id, segment.n_members, segment.evaluated_at)
        mask = self.facts.vectors.get(key, len(self.facts.ids))
        if mask is None:
            rows = Membership.objects.filter(segment=segment, left_at=None)
            inside = rows.values_list("profile_id", flat=True).iterator(10_000)
            mask = np.isin(self.facts.ids, np.fromiter(inside, np.int64))
            self.facts.vectors.put(key, mask)
        return mask

    def sample(self, mask: Bools, n: int) -> list[int]:
        """Return the ids of ``n`` profiles of ``mask``, always the same ones of the same mask."""
        places = np.flatnonzero(mask)
        spread = np.random.default_rng(3).permutation(len(mask))[:: max(1, len(mask) // 50_000)]
        found = spread[mask[spread]][:n]
        chosen = found if len(found) >= min(n, len(places)) else places[:n]
        return sorted(self.facts.ids[chosen].tolist())

    def _combined(self, condition: Condition, way: tuple[str, ...]) -> Bools:
        match condition:
            case AllOf(parts):
                return reduce(np.logical_and, [self._combined(part, way) for part in parts])
            case AnyOf(parts):
                return reduce(np.logical_or, [self._combined(part, way) for part in parts])
            case Not(part):
                return ~self._combined(part, way)
            case InSegment(key):
                return self._combined(self._definition(key, way), (*way, key))
        mask = self.facts.vectors.get((self.facts.at, condition), len(self.facts.ids))
        if mask is None:
            raise CountingError(Saying("%(condition)s was not evaluated", {"condition": condition}))
        return mask

    def _definition(self, key: str, way: tuple[str, ...] = ()) -> Condition:
        """Return what the segment ``key`` asks for, by its newest version."""
        if key in way:
            raise CountingError(
                gettext("The segments name each other in a circle: %(way)s.")
                % {"way": " → ".join([*way, key])}
            )
        if key not in self._segments:
            segment = Segment.objects.filter(key=key, archived_at=None).first()
            version = segment and (segment.version or segment.versions.order_by("-number").first())
            if not version:
                raise CountingError(
                    gettext("There is no segment “%(key)s” in use: choose another one.")
                    % {"key": key}
                )
            self._segments[key] = parse(version.definition, self.schema).where
        return self._segments[key]


def _compiled(
    wanted: Iterable[Leaf], schema: Schema, limits: Mapping[str, float]
) -> tuple[Plan, dict[str, Leaf]]:
    named = {f"c{place}": leaf for place, leaf in enumerate(wanted)}
    given = {key: Definition(key, Words(key, key), leaf) for key, leaf in named.items()}
    return kernel.compile(given, schema, limits), named


class Store:
    """The facts of this process: read when first asked for, and again when they are old."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Facts | None = None
        self._schema: tuple[int, Schema] | None = None
        self._thread: threading.Thread | None = None
        self._progress = Progress()
        self._took = 0
        self._ended_at = 0

    @property
    def held(self) -> Facts | None:
        """What is in memory now."""
        return self._held

    def schema(self) -> Schema:
        """Return the installation's schema, at most a minute old: to list all traits is slow."""
        found = self._schema
        if found is None or clock.now() - found[0] > clock.MINUTE:
            found = self._schema = (clock.now(), catalog.schema())
        return found[1]

    def counts(
        self, conditions: Iterable[Condition], *, patience_s: float | None = None
    ) -> Counts | Reading:
        """Return counts that can answer ``conditions``, or how far reading has got.

        Facts that are read in the background are waited for ``patience_s`` (``PATIENCE_S``). Raises
        the error of a condition that names what is not there.
        """
        schema = self.schema()
        needs = Counts(_NOBODY, schema, is_current=True).needs(conditions)
        version = memory.data_version()
        patience = PATIENCE_S if patience_s is None else patience_s
        held = self._fresh(needs, version, Profile.objects.count(), patience)
        if held is None:
            return Reading(self._progress.done, max(self._progress.all, 1))
        return Counts(held, schema, is_current=held.version == version)

    def forget(self) -> None:
        """Forget everything; what is being read is thrown away."""
        with self._lock:
            self._held = self._thread = self._schema = None

    def _fresh(
        self, needs: Requirements, version: tuple[int, ...], n_profiles: int, patience_s: float
    ) -> Facts | None:
        with self._lock:
            held = self._held
            lacks = held is None or memory.missing(held.needs, needs) is not None
            is_old = held is not None and held.version != version
            if lacks or (is_old and self._may_read_again(n_profiles)):
                self._read(needs, version, n_profiles)
        if lacks and (thread := self._thread) is not None:
            thread.join(patience_s)
        with self._lock:
            self._raise()
            held = self._held
            if held is None or memory.missing(held.needs, needs) is not None:
                return None
            if clock.now() - held.at > HOLD:
                held = self._held = replace(held, at=clock.now())
            return held

    def _may_read_again(self, n_profiles: int) -> bool:
        return n_profiles <= SMALL or clock.now() - self._ended_at > _REST * self._took

    def _raise(self) -> None:
        error, self._progress.error = self._progress.error, None
        if error is not None:
            raise error

    def _read(self, needs: Requirements, version: tuple[int, ...], n_profiles: int) -> None:
        """Read ``needs``: here if there are few profiles, else in the background."""
        if self._thread is not None and self._thread.is_alive():
            return
        progress = self._progress = Progress(n_profiles)
        if n_profiles <= SMALL:
            self._held = self._work(needs, version, 1, progress)
            self._thread = None
            return
        step = -(-n_profiles // MOST_PROFILES)
        self._thread = threading.Thread(
            target=self._in_background, args=(needs, version, step, progress), daemon=True
        )
        self._thread.start()

    def _work(
        self, needs: Requirements, version: tuple[int, ...], step: int, progress: Progress
    ) -> Facts:
        held = self._held
        is_there = held is not None and (
            held.version == version or step > 1 or len(held.ids) > SMALL
        )
        is_there = is_there and not (held and memory.is_overgrown(memory.union(held.needs, needs)))
        if held is not None and is_there and memory.missing(held.needs, needs) is not None:
            return memory.extended(held, needs, progress)
        wanted = memory.union(held.needs if held else USUAL, needs)
        if memory.is_overgrown(wanted):  # drafts of long ago asked for it: begin anew
            wanted = memory.union(USUAL, needs)
        return memory.read(wanted, version, memory.everybody(step), step, progress)

    def _in_background(
        self, needs: Requirements, version: tuple[int, ...], step: int, progress: Progress
    ) -> None:
        began = clock.now()
        try:
            found = self._work(needs, version, step, progress)
            with self._lock:
                if self._thread is threading.current_thread():
                    self._held = found
        except Exception as error:  # noqa: BLE001 - told to whoever asks next
            progress.error = error
        finally:
            self._took, self._ended_at = clock.now() - began, clock.now()
            connection.close()


_EVALUATING = threading.Lock()
_NOBODY = Facts((), np.empty(0, np.int64), NOTHING, Block(np.empty(0, np.int64)), 0, 0)
STORE = Store()
