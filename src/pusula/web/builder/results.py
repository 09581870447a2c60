"""What a draft means now: how many, whom it reaches, what it overlaps with, why it is nobody."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from django.utils.translation import gettext

from pusula.consent.models import Channel
from pusula.lib.errors import PusulaError
from pusula.profiles.models import Profile
from pusula.segments import counting, queries
from pusula.segments.counting import Counts, Reading
from pusula.segments.kernel.block import Bools
from pusula.segments.language import Condition
from pusula.segments.language.nodes import AllOf, Not, ReachTest
from pusula.segments.models import Segment
from pusula.web import titles
from pusula.web.builder.documents import Said
from pusula.web.builder.past import PAST, Looking, Sizes

PURPOSE = "marketing"
_MOST_OVERLAPS = 6
_CHANNELS: dict[str, Condition] = {
    channel: ReachTest(channel, PURPOSE, "reachable") for channel in Channel.values
}


@dataclass(frozen=True)
class Narrowest:
    """The part without which somebody would be in, and how many: why it is nobody."""

    node_id: str
    n: int


@dataclass
class Result:
    """The counts of a draft. ``reading`` is set while facts are being read, ``error`` if none.

    ``n_before`` is how many there are before those left out are taken away.
    """

    n: int = 0
    n_all: int = 0
    n_before: int | None = None
    by_node: Mapping[str, int] = field(default_factory=dict)
    reach: list[tuple[str, str, int]] = field(default_factory=list)
    narrowest: Narrowest | None = None
    at: int = 0
    read_at: int = 0
    step: int = 1
    is_exact: bool = True
    ms: int = 0
    reading: Reading | None = None
    error: str = ""
    is_empty: bool = False


def count(said: Said) -> Result:
    """Return the counts of what a draft says."""
    began = time.perf_counter()
    if said.error:
        return Result(error=said.error)
    try:
        found = _count(said)
    except PusulaError as error:
        return Result(error=error.said(gettext))
    found.ms = round((time.perf_counter() - began) * 1000)
    return found


def _count(said: Said) -> Result:
    asked = [*said.conditions.values(), *_CHANNELS.values()]
    counts = counting.STORE.counts(asked)
    if isinstance(counts, Reading):
        return Result(reading=counts)
    counts.fill(asked)
    result = Result(
        n_all=counts.n_all,
        at=counts.facts.at,
        read_at=counts.facts.read_at,
        step=counts.facts.step,
        is_exact=counts.is_exact,
        is_empty=said.condition is None,
    )
    result.by_node = {node: counts.n(counts.holds(c)) for node, c in said.conditions.items()}
    if said.condition is not None:
        mask = counts.holds(said.condition)
        result.n = counts.n(mask)
        result.n_before = _before(said, counts)
        result.reach = _reach(mask, counts)
        if not result.n:
            result.narrowest = _narrowest(said, said.condition, counts)
    return result


def _before(said: Said, counts: Counts) -> int | None:
    """Return how many are in before some are left out; ``None`` if nobody is."""
    if "exc" not in said.conditions:
        return None
    if "inc" not in said.conditions:
        return counts.n_all
    return counts.n(counts.holds(said.conditions["inc"]))


def _reach(mask: Bools, counts: Counts) -> list[tuple[str, str, int]]:
    """Return icon, title and how many of ``mask`` a message would reach, by channel."""
    found = []
    for channel, reached in _CHANNELS.items():
        found.append((*titles.channel(channel), counts.n(mask & counts.holds(reached))))
    return found


def reach_of(segment: Segment) -> list[tuple[str, str, int]] | None:
    """Return icon, title and how many members of ``segment`` a message would reach, by channel.

    The same as the builder counts; ``None`` while facts are read.
    """
    counts = counting.STORE.counts(_CHANNELS.values(), patience_s=0)
    if isinstance(counts, Reading):
        return None
    counts.fill(_CHANNELS.values())
    return _reach(counts.members(segment), counts)


def _narrowest(said: Said, whole: Condition, counts: Counts) -> Narrowest | None:
    """Return the part of an ``all`` without which the most people would be in."""
    if not isinstance(whole, AllOf):
        return None
    masks = [counts.holds(part) for part in whole.parts]
    best: Narrowest | None = None
    for place, part in enumerate(whole.parts):
        others = [mask for index, mask in enumerate(masks) if index != place]
        n = counts.n(np.logical_and.reduce(others)) if others else counts.n_all
        node = _node_of(said, part)
        if node and (best is None or n > best.n):
            best = Narrowest(node, n)
    return best if best is not None and best.n else None


def _node_of(said: Said, part: Condition) -> str:
    if isinstance(part, Not) and said.conditions.get("exc") in (part.part, part):
        return "exc"
    return next((node for node, c in said.conditions.items() if c == part), "")


@dataclass(frozen=True)
class Overlap:
    """How many of a draft are in another segment too."""

    segment: Segment
    title: str
    n: int


def overlaps(said: Said, but: str = "") -> list[Overlap] | None:
    """Return the segments but ``but`` that share the most; ``None`` while facts are read."""
    counts, mask = whole(said)
    if counts is None or mask is None:
        return None
    found = [
        Overlap(segment, titles.segment_title(segment), counts.n(mask & counts.members(segment)))
        for segment in queries.active()
        if segment.key != but and segment.n_members
    ]
    found.sort(key=lambda each: (-each.n, each.segment.key))
    return [each for each in found if each.n][:_MOST_OVERLAPS]


def whole(said: Said) -> tuple[Counts | None, Bools | None]:
    """Return the counts and for whom all of ``said`` holds; nothing while facts are read."""
    if said.condition is None:
        return None, None
    counts = counting.STORE.counts([said.condition])
    if isinstance(counts, Reading):
        return None, None
    return counts, counts.holds(said.condition)


def past(said: Said, weeks: int = 13) -> Sizes | Looking:
    """Return (moment, members) of what a draft says, week by week, the oldest first.

    With many customers it is looked up in the background. Raises the error of a definition that
    cannot be asked about the past.
    """
    if said.condition is None:
        return []
    waits = Profile.objects.count() <= counting.SMALL
    return PAST.sizes(said.condition, weeks, waits=waits)
