"""Runs of worlds: the product on the stage, one seed after another, until one goes wrong."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace

from tests.simulation import actors, company, oracle, stage
from tests.simulation.wire import Selector
from tests.simulation.world import World

from pusula.channels.email import smtp

CHAOS = 600  # steps of a world before it is quiet
# What has to come about somewhere in a long run: else the simulation tells less than it seems to.
SOMETIMES = frozenset(
    {
        "4xx after the dot", "4xx at the envelope", "5xx after the dot", "asked twice",
        "clock set", "deployed", "erased", "fence lifted", "hang-up before the body",
        "hang-up in the body", "grouped anew", "imported consents", "imported events",
        "imported orders",
        "journey done", "journey exited", "killed at a commit",
        "killed at a statement", "killed at an answer to a commit",
        "killed at the answer of a provider", "killed eraser", "killed importer", "killed live",
        "killed operator",
        "killed poster", "killed sender", "killed web", "lost before it was taken",
        "mailing started", "message failed hard_bounce", "message failed rejected",
        "message sent", "message skipped budget", "message skipped capped",
        "message skipped merged",
        "message skipped quiet", "message skipped expired", "message skipped left",
        "message skipped refused", "message skipped suppressed",
        "message unknown connection_lost", "message unknown sender_died", "no such mailbox",
        "no such number", "outage", "paused", "refused", "refused connection",
        "taken, and hung up", "taken, and silent", "text later", "text lost", "text rejected",
        "text taken, and no answer", "took back consents", "took back events", "took back orders",
        "wait for a purchase: else", "wait for a purchase: then",
    }
)  # fmt: skip


@dataclass
class Ran:
    """What worlds did: how many steps, what happened how often, and the first that went wrong."""

    n_worlds: int = 0
    n_steps: int = 0
    seconds: float = 0.0
    seed: int | None = None  # of the world that went wrong
    wrong: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    digests: dict[int, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it in a line."""
        rate = self.n_steps / self.seconds if self.seconds else 0
        return f"{self.n_worlds} worlds, {self.n_steps} steps, {rate:.0f} steps/s"


def prepare() -> None:
    """Set the stage: the company stands, and the product asks us for everything."""
    logging.disable(logging.CRITICAL)
    smtp.selectors = SimpleNamespace(DefaultSelector=Selector, EVENT_READ=1, EVENT_WRITE=2)
    stage.migrate()
    stage.take_over()
    actors.watch_locks()
    company.found()
    stage.keep_beginning()


def run(
    seeds: Iterable[int],
    *,
    most_steps: int | None = None,
    needs: Collection[str] = (),
    tell: Callable[[Ran], None] = lambda _ran: None,
) -> Ran:
    """Run the worlds of ``seeds`` until one goes wrong, or ``most_steps`` were done.

    ``tell`` hears after each world how far it is.
    """
    ran, began = Ran(), time.perf_counter()
    for seed in seeds:
        world = World(seed, needs=needs)
        ran.wrong = judged(world, ran.seen)
        ran.digests[seed] = world.digest
        ran.n_worlds += 1
        ran.n_steps += world.n_steps
        ran.seconds = time.perf_counter() - began
        tell(ran)
        if ran.wrong:
            ran.seed = seed
            break
        if most_steps is not None and ran.n_steps >= most_steps:
            break
    return ran


def judged(world: World, seen: Counter[str]) -> list[str]:
    """Let a world live; return what is wrong with it, and count in ``seen`` what happened."""
    try:
        world.live(CHAOS)
        found = world.errors or sorted(oracle.in_the_end(world))
        seen += world.post.seen + world.troupe.seen + world.counts + oracle.reached(world)
    finally:
        world.leave()
    return found
