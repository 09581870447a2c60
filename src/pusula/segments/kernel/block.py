"""The facts about some profiles as columns: what the kernel is given."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.intp]


def _no_rows() -> pa.Table:
    return pa.table({"profile_id": pa.array([], pa.int64())})


@dataclass(frozen=True)
class Block:
    """Profiles and their rows; rows of other profiles are passed over.

    ``profile_ids`` are ascending and unique. Each table has an int64 ``profile_id`` and the
    columns that ``Plan.requirements`` asks for, in any order of rows:

    - ``orders``: moments int64 (UTC microseconds), days date32, text folded (plain or
      dictionary; null and "" are missing), numbers int or float, money int64 minor units
    - ``items``: likewise, one per line of an order
    - ``events``: ``name`` (as it is), ``at``, ``p.X`` (property X as folded text), ``n.X``
      (as float64)
    - ``traits``: ``name``, ``text`` (folded; the texts of a list are parted by line feeds),
      ``number`` (also 0 and 1 for no and yes), ``day``
    - ``consents``: ``channel``, ``purpose``, ``status`` (granted or refused)
    - ``reach``: ``channel``, ``purpose``, ``state`` (reachable, or why not: suppressed,
      no_address, no_consent, not_in_iys)
    - ``scores``: ``model``, ``value`` (float64), ``decile`` (int64), ``scored_at``; the newest of
      each model
    - ``sets``: ``sort`` (list or campaign), ``key``, ``arm``
    - ``created``: ``at``, when the profile came to be

    A row does not exist before the time of its relation: evaluated at a moment, only rows with an
    earlier time count (``ordered_at`` of orders and items, ``at`` of events).
    """

    profile_ids: Ints
    orders: pa.Table = field(default_factory=_no_rows)
    items: pa.Table = field(default_factory=_no_rows)
    events: pa.Table = field(default_factory=_no_rows)
    traits: pa.Table = field(default_factory=_no_rows)
    consents: pa.Table = field(default_factory=_no_rows)
    reach: pa.Table = field(default_factory=_no_rows)
    scores: pa.Table = field(default_factory=_no_rows)
    sets: pa.Table = field(default_factory=_no_rows)
    created: pa.Table = field(default_factory=_no_rows)

    def __post_init__(self) -> None:
        ids = self.profile_ids
        if len(ids) and not bool((ids[1:] > ids[:-1]).all()):
            message = "profile_ids are not ascending and unique"
            raise ValueError(message)

    def __len__(self) -> int:
        """Return the number of profiles."""
        return len(self.profile_ids)
