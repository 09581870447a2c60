"""The simulation for as long as asked: worlds from seeds, until one goes wrong.

Usage: ``python -m tests.simulation --steps 1000000`` | ``--seed N`` (that world alone, the same
each time) | ``--mutants`` (the product broken on purpose: each must be caught).
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys

EVERY = 100  # worlds after which it says how far it is
LONG = 200_000  # steps after which everything that can happen has happened


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; return 1 if something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--steps", type=int, help="worlds until so many steps are done")
    parser.add_argument("--worlds", type=int, help="so many worlds")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first seed")
    parser.add_argument("--seed", type=int, help="that world alone")
    parser.add_argument("--mutants", action="store_true")
    asked = parser.parse_args(arguments)
    from tests.simulation import exam, running  # noqa: PLC0415 - makes a home, reads the settings

    def tell(ran: running.Ran) -> None:
        if ran.n_worlds % EVERY == 0:
            print(ran, flush=True)

    running.prepare()
    if asked.mutants:
        return exam.sit()
    seeds = itertools.islice(itertools.count(asked.first), asked.worlds)
    ran = running.run([asked.seed] if asked.seed else seeds, most_steps=asked.steps, tell=tell)
    print(ran, *(f"{seed}:{digest}" for seed, digest in list(ran.digests.items())[-5:]))
    for what, n in sorted(ran.seen.items()):
        print(f"  {n:8} {what}")
    never = sorted(running.SOMETIMES - ran.seen.keys())
    if never:
        print(f"never seen: {', '.join(never)}")
    if ran.seed is None:
        return 1 if never and ran.n_steps >= LONG else 0
    print(f"seed {ran.seed} goes wrong; again: python -m tests.simulation --seed {ran.seed}")
    for wrong in ran.wrong[:20]:
        print(f"  {wrong}")
    return 1


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is chance too
        os.execve(  # noqa: S606 - ourselves
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    sys.exit(main())
