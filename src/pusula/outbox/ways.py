"""Which of its ways a message takes: the first on which the person may be reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pusula.outbox.candidates import Candidate, Way
from pusula.outbox.reach import Reached, reach


@dataclass(frozen=True, slots=True)
class Chosen:
    """The way a message takes and where it goes; with a reason, the way it would have taken."""

    way: Way
    reached: Reached


def choose(candidates: Iterable[Candidate], *, at: int) -> dict[str, Chosen]:
    """Return for each candidate, by its key, the way it takes.

    Where no way is open, the first with what speaks against it.
    """
    found: dict[str, Chosen] = {}
    left = list(candidates)
    n_way = 0
    while left:
        for one, reached in _reached(left, n_way, at):
            if one.dedupe_key not in found or not reached.reason:
                found[one.dedupe_key] = Chosen(one.ways[n_way], reached)
        n_way += 1
        left = [
            one for one in left if found[one.dedupe_key].reached.reason and len(one.ways) > n_way
        ]
    return found


def _reached(
    candidates: Sequence[Candidate], n_way: int, at: int
) -> Iterable[tuple[Candidate, Reached]]:
    alike: dict[tuple[str, str, bool], list[Candidate]] = defaultdict(list)
    for one in candidates:
        alike[one.ways[n_way].channel, one.purpose, one.is_commercial].append(one)
    for (channel, purpose, is_commercial), group in alike.items():
        people = {one.profile_id for one in group}
        reached = reach(
            people, channel=channel, purpose=purpose, is_commercial=is_commercial, at=at
        )
        for one in group:
            yield one, reached[one.profile_id]
