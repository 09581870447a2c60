"""Who is one person gets nothing twice, and one no of theirs counts for all they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.simulation import company
from tests.simulation.seen import Grouping
from tests.simulation.wire import Arrived

from pusula.outbox.models import Message

if TYPE_CHECKING:
    from tests.simulation.world import World


def on_the_wire(world: World) -> Iterator[str]:
    """Yield what merged people got though they are one, as far as the wire can tell."""
    for one in world.post.arrived:
        yield from _refused(world, one)
    said = {
        token: (origin, step)
        for token, origin, step in Message.objects.values_list("token", "origin", "step")
    }
    for before, now in zip(world.seen.groupings, world.seen.groupings[1:], strict=False):
        yield from _twice(world, said, before, now)


def _refused(world: World, one: Arrived) -> Iterator[str]:
    person = company.person_of(one.address)
    grouping = world.seen.grouping_at(one.let_go)
    if person in grouping.changed and one.token in grouping.passed:
        return  # a merge calls nothing back
    for count, other, channel in world.seen.said_no:
        if other in grouping.one_with(person) and channel == one.channel and count < one.let_go:
            yield f"after a no: {one.address} was written to, and is one with who had refused"


def _twice(
    world: World, said: dict[str, tuple[str, str]], before: Grouping, now: Grouping
) -> Iterator[str]:
    """Look at what had left for, or waited for, those who were two before and are one now."""
    got: dict[tuple[object, ...], set[int]] = defaultdict(set)
    for one in sorted(world.post.arrived, key=lambda one: one.let_go):
        person = company.person_of(one.address)
        has_passed = one.token in now.passed
        if person not in now.changed or one.token not in now.passed | now.waiting:
            continue
        if one.token not in said or person not in now.numbers:
            continue  # erased since
        what = (now.numbers[person], one.channel, *said[one.token])
        others = got[what] - {before.numbers[person]}
        if others and not has_passed:
            yield f"nobody twice: {one.address} got {what[2:]}, and is one with who has it"
        got[what].add(before.numbers[person])
