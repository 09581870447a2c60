"""What rules of RFM would do, beside what is in force, and how far apart purchases lie.

Of many customers a few thousand stand for all, spread evenly; nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.db import connection

from pusula.lake import arrow
from pusula.lib import clock
from pusula.orders import machine
from pusula.profiles import relations as profiles
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids
from pusula.rfm import cuts, live, scoring
from pusula.rfm.cautions import Caution
from pusula.rfm.cuts import Cuts
from pusula.rfm.live import InForce
from pusula.rfm.purchases import Purchases, standing
from pusula.rfm.rules import Config

MOST_PROFILES = 30_000
MOST_BUYERS = 5_000  # whose orders say how far apart purchases lie
_YEAR = 365 * clock.DAY
_HALF = 182 * clock.DAY
_WORTH = 0.1  # a share of gaps that a window should not leave out


@dataclass(frozen=True)
class Group:
    """How many would be in a group, and are in it now; none where it did not exist."""

    name: str
    then: int
    now: int | None


@dataclass(frozen=True)
class Preview:
    """What rules would do as of ``at``; numbers stand for everybody, ``step`` for each seen."""

    n: int
    n_now: int
    n_moved: int
    step: float
    groups: tuple[Group, ...]
    cuts: Cuts
    cautions: tuple[Caution, ...]

    @property
    def is_estimate(self) -> bool:
        """Whether only a part of all customers was looked at."""
        return self.step > 1


def preview(config: Config, at: int) -> Preview:
    """Return what ``config`` would do with everybody as of ``at``."""
    ids, step = sample(MOST_PROFILES)
    bought = _bought(ids, at, config)
    scores = scoring.score(
        bought.keys,
        bought.recency_days,
        bought.frequency,
        bought.monetary_minor,
        config,
        orders_ever=bought.ever,
    )
    then = dict(
        zip(
            bought.profile_ids[scores.kept].tolist(),
            (scores.groups[each] for each in scores.group.tolist()),
            strict=True,
        )
    )
    held = live.in_force()
    now = _now(ids, at, held, config, bought) if held else {}
    sizes, sizes_now = Counter(then.values()), Counter(now.values())
    known = {*held.groups} if held else set[str]()
    names = dict.fromkeys([*scores.groups, *sorted(known)])
    return Preview(
        n=round(len(then) * step),
        n_now=round(len(now) * step),
        n_moved=round(len({pk for pk, _group in then.items() ^ now.items()}) * step) if held else 0,
        step=step,
        groups=tuple(
            Group(
                name,
                round(sizes[name] * step),
                round(sizes_now[name] * step) if name in known else None,
            )
            for name in names
        ),
        cuts=cuts.published(
            scores.edges, bought.keys[scores.kept], bought.frequency[scores.kept], config
        ),
        cautions=scores.warnings,
    )


def _now(ids: Ids, at: int, held: InForce, config: Config, bought: Purchases) -> dict[int, str]:
    """Return the groups by what is in force; ``bought`` is counted again only if that differs."""
    counted = bought if _counts_alike(held.config, config) else _bought(ids, at, held.config)
    graded = cuts.grade(
        counted.keys,
        counted.recency_days,
        counted.frequency,
        counted.monetary_minor,
        ever=counted.ever,
        cuts=held.cuts,
        config=held.config,
    )
    pairs = zip(counted.profile_ids.tolist(), graded.group.tolist(), strict=True)
    return {profile_id: held.groups[group] for profile_id, group in pairs if group >= 0}


def _counts_alike(one: Config, other: Config) -> bool:
    return (
        one.look_back_months == other.look_back_months
        and one.orders == other.orders
        and one.ties == other.ties
        and one.pool.exclude == other.pool.exclude
        and one.recency.measure == other.recency.measure
    )


def _bought(ids: Ids, at: int, config: Config) -> Purchases:
    parts = [standing(part, at, config).bought for part in _parts(ids)]
    if not parts:
        return standing(np.zeros(1, np.int64), at, config).bought
    joined = {
        field: np.concatenate([getattr(part, field) for part in parts])
        for field in Purchases.__dataclass_fields__
    }
    return Purchases(**joined)


def _parts(ids: Ids) -> Iterator[Ids]:
    for start in range(0, len(ids), profiles.LISTED):
        yield ids[start : start + profiles.LISTED]


def sample(most: int) -> tuple[Ids, float]:
    """Return at most about ``most`` profiles, ascending, and for how many each of them stands."""
    n = Profile.objects.count()
    every = Profile.objects.order_by("pk").values_list("pk", flat=True)
    if n <= most:
        return np.fromiter(every.iterator(10_000), np.int64), 1.0
    first, last = every.first() or 0, every.last() or 0
    starts = np.linspace(first, last, most // profiles.LISTED, endpoint=False).astype(np.int64)
    found = [list(every.filter(pk__gte=start)[: profiles.LISTED]) for start in starts.tolist()]
    ids = np.unique(np.array([pk for part in found for pk in part], np.int64))
    return ids, n / len(ids)


class Rhythm(msgspec.Struct, frozen=True):
    """How far apart purchases lie: shares of the gaps between two orders of one customer."""

    n: int  # gaps seen
    over_half: float  # above six months
    over_year: float  # above twelve months

    @property
    def months(self) -> int:
        """The look-back window that leaves few of the gaps out: 6, 12 or 24 months."""
        if self.over_year >= _WORTH:
            return 24
        return 12 if self.over_half >= _WORTH else 6


def rhythm(at: int) -> Rhythm | None:
    """Return how far apart purchases lie; ``None`` where nobody has bought twice."""
    gaps = [np.empty(0, np.int64)]
    ids, _step = sample(MOST_BUYERS)
    for part in _parts(ids):
        owners, moments = _orders(part, at)
        between = np.diff(moments)
        gaps.append(between[np.diff(owners) == 0])
    found = np.concatenate(gaps)
    if not len(found):
        return None
    return Rhythm(len(found), float((found > _HALF).mean()), float((found > _YEAR).mean()))


def _orders(ids: Ids, at: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return owner and moment of the orders of ``ids`` that are alive, ascending by both.

    A return that is told as an order is none.
    """
    where, bounds = profiles.narrowed(ids)
    alive = sorted(machine.ALIVE)
    marks = ", ".join(["%s"] * len(alive))
    sql = (
        f"SELECT profile_id, ordered_at FROM orders_order WHERE {where} AND status IN ({marks}) "
        "AND net_base_minor >= 0 AND ordered_at < %s ORDER BY profile_id, ordered_at"
    )
    schema = pa.schema([("profile_id", pa.int64()), ("ordered_at", pa.int64())])
    with connection.cursor() as cursor:
        table = arrow.fetch(cursor, sql, [*bounds, *alive, at], schema)
    return table["profile_id"].to_numpy(), table["ordered_at"].to_numpy()
