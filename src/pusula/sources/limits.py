"""How much memory the reading of somebody's file may take: a bomb ends its process, not ours."""

from __future__ import annotations

import resource

# Of data, not of mapped files. A million rows of CSV take half a gigabyte.
MOST_MEMORY = 3 * 2**30


def apply(most: int = MOST_MEMORY) -> None:
    """Let this process take at most ``most`` bytes; beyond it there is a ``MemoryError``."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
