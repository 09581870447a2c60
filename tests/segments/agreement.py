"""The agreement of the kernel with naive plain Python, over random worlds for as long as asked.

Usage: ``python -m tests.segments.agreement --seconds 600 [--seed N]``. Stops at the first world in
which the kernel and plain Python differ about somebody, or in which somebody's membership changes
before the next flip, or in which somebody is told another thing among profiles at moments of their
own than alone, and prints its seed: ``--seed`` looks at that world alone. ``--live`` makes
whole companies live instead: entries through the log and the live step on a database (SQLite; with
``tests/with_postgres.py --`` in front PostgreSQL), compared with a rebuild and with history too.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import sys
import time
from pathlib import Path
from pprint import pformat

import numpy as np
import pytest
from tests.segments import histories
from tests.segments.histories import Maker, World

from pusula.segments import kernel

DAY = 86_400_000_000
_FAR = 800 * DAY
_BESIDE = (-400 * DAY, -DAY, -1, 0, 0, 1, DAY, 31 * DAY, 366 * DAY)


def disagreements(world: World) -> list[tuple]:
    """Return each definition and person about whom the kernel and plain Python disagree."""
    plan, block = histories.compiled(world)
    members = plan.evaluate(block, world.at).members
    if set(members) != set(world.definitions):
        return [(key, str(error)) for key, error in plan.failed.items()]
    oracle = world.oracle
    return [
        (document["where"], person, f"the kernel says {is_in}", world.at, world.tz)
        for key, document in world.definitions.items()
        for person, is_in in zip(world.people, members[key].tolist(), strict=True)
        if oracle.holds(document["where"], person) != is_in
    ]


def state(plan: kernel.Plan, block: kernel.Block, at: int) -> list[tuple[bool, ...]]:
    """Return for each profile in which segments it is."""
    members = plan.evaluate(block, at).members
    return [tuple(bool(mask[i]) for mask in members.values()) for i in range(len(block))]


def missed_flips(world: World, seed: int) -> list[tuple]:
    """Return who changes before the next flip, seen at random moments and just before flips."""
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
    plan, block = histories.compiled(world)
    flips, before = plan.evaluate(block, world.at).next_flip, state(plan, block, world.at)
    if not (flips > world.at).all():
        return [(world.definitions, flips.tolist(), "is not later", world.at, world.tz)]
    end = world.at + _FAR
    last = min(int(flips.max()), end)
    moments = [chance.randint(world.at, last) for _ in range(8)]
    moments += [world.at + chance.randint(1, 3 * DAY), world.at + 40 * DAY]
    moments += [int(flip) - 1 for flip in flips if flip <= end]
    return [
        (world.definitions, world.people[i], f"{at} comes before {flips[i]}", world.at, world.tz)
        for at in moments
        for i, after in enumerate(state(plan, block, at))
        if at < flips[i] and after != before[i]
    ]


def apart(world: World, seed: int, *, rounds: int = 2) -> list[tuple]:
    """Return who is told another thing among profiles at moments of their own than alone at it.

    The moments lie anywhere, around what happened to somebody, around midnights, and at flips.
    """
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
    plan, block = histories.compiled(world)
    n = len(block)
    told = [row["at"] for person in world.people for row in person.events]
    told += [row["ordered_at"] for person in world.people for row in person.orders]
    flips = plan.evaluate(block, world.at).next_flip
    found = []
    for _ in range(rounds):
        near = [*told, *(int(flip) for flip in flips if flip <= world.at + _FAR), world.at]
        near += [flip - flip % DAY for flip in near[-n:]]
        moments = [chance.choice(near) + chance.choice(_BESIDE) for _ in range(n)]
        at = np.array([each if chance.random() < 0.8 else world.at for each in moments], np.int64)
        together = plan.evaluate(block, at)
        flips = together.next_flip
        for i, moment in enumerate(at.tolist()):
            alone = plan.evaluate(histories.alone(block, i), moment)
            for key, mask in alone.members.items():
                if mask[0] != together.members[key][i]:
                    said = f"is {'' if mask[0] else 'not '}in it alone"
                    found.append((world.definitions[key], world.people[i], said, moment, world.tz))
            if alone.next_flip[0] != flips[i]:
                said = f"flips at {alone.next_flip[0]} alone, not at {flips[i]}"
                found.append((world.definitions, world.people[i], said, moment, world.tz))
    return found


def followed(world: World, *, days: int = 60, most: int = 400) -> list[int]:
    """Follow everybody from flip to flip; return how many flips each had in so many days."""
    plan, block = histories.compiled(world)
    found = []
    for i in range(len(block)):
        one = histories.alone(block, i)
        at, n = world.at, 0
        while n < most:
            at = int(plan.evaluate(one, at).next_flip[0])
            if at > world.at + days * DAY:
                break
            n += 1
        found.append(n)
    return found


def failures(seed: int) -> list[tuple]:
    """Return what goes wrong in the worlds of ``seed``."""
    focus = ("", *histories.FOCUSES)[seed % (1 + len(histories.FOCUSES))]
    small = Maker(seed, focus).world(n_people=4, n_leaves=3, n_trees=1)
    whole = Maker(seed, focus).world()
    return disagreements(whole) or apart(whole, seed) or missed_flips(small, seed)


def companies(seconds: float, seed: int | None) -> int:
    """Let companies live for ``seconds``, or the one of ``seed``; pytest makes their database."""
    os.environ["PUSULA_AGREEMENT_SECONDS"] = str(seconds)
    os.environ["PUSULA_AGREEMENT_SEED"] = "" if seed is None else str(seed)
    test = Path(__file__).with_name("test_live_agreement.py")
    return pytest.main(["-q", "-s", str(test), "-k", "for_as_long_as_asked"])


def main(arguments: list[str] | None = None) -> int:
    """Look at worlds until the time is over or one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--live", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.live:
        return companies(asked.seconds, asked.seed)
    start, n = time.monotonic(), 0
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    while True:
        found = failures(seed)
        n += 1
        if found:
            print(f"seed {seed}: {len(found)} differences, the first of them:")
            print(pformat(found[0], width=100))
            return 1
        if asked.seed is not None or time.monotonic() - start > asked.seconds:
            print(f"{n} worlds agree, the last of seed {seed}")
            return 0
        seed = secrets.randbelow(2**32)


if __name__ == "__main__":
    sys.exit(main())
