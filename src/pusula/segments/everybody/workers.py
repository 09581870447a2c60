"""Work on parts of the customers, spread over processes that each have a core."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import django

Part = TypeVar("Part")
Result = TypeVar("Result")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def spread(
    work: Callable[[Part], Result], parts: Iterable[Part], n_processes: int
) -> Iterator[Result]:
    """Yield ``work(part)`` of each part, in their order.

    With one process that is this one; otherwise each reads the database by a connection of its
    own, and ``work``, parts and results travel as pickles.
    """
    if n_processes == 1:
        yield from map(work, parts)
        return
    # Fresh processes: a forked one would share our database connection.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_processes, mp_context=context, initializer=_begin) as pool:
        yield from pool.map(work, parts)


def _begin() -> None:
    """Make Django ready, and end with the process that started us, however that ends."""
    threading.Thread(target=_follow, daemon=True).start()
    django.setup()


def _follow() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
