"""RFM scores out of recency, frequency and money: the rules as frozen values, and the arithmetic.

Arrays are parallel, one entry per profile. Scores count from 1 (worst); quantile limits are
linear-interpolated and every class is closed on the right, as in ``pandas.qcut``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from pusula.orders.machine import STATES

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Grades = npt.NDArray[np.int8]
Positions = npt.NDArray[np.intp]

# Rows by recency (1 worst), columns by frequency (1 worst): the ten groups everybody knows.
_CLASSIC = {
    "hibernating": ("11", "12", "21", "22"),
    "at_risk": ("13", "14", "23", "24"),
    "cant_loose": ("15", "25"),
    "about_to_sleep": ("31", "32"),
    "need_attention": ("33",),
    "loyal_customers": ("34", "35", "44", "45"),
    "promising": ("41",),
    "new_customers": ("51",),
    "potential_loyalists": ("42", "43", "52", "53"),
    "champions": ("54", "55"),
}
# With four recency scores the classic rows 1 and 2, which are alike, are one.
_CLASSIC_FOUR = {
    "hibernating": ("11", "12"),
    "at_risk": ("13", "14"),
    "cant_loose": ("15",),
    "about_to_sleep": ("21", "22"),
    "need_attention": ("23",),
    "loyal_customers": ("24", "25", "34", "35"),
    "promising": ("31",),
    "new_customers": ("41",),
    "potential_loyalists": ("32", "33", "42", "43"),
    "champions": ("44", "45"),
}
_SHIPPED = {(5, 5): _CLASSIC, (4, 5): _CLASSIC_FOUR}
MOST_SCORES = 9  # a score is one digit of the code "54"


class Ties(Enum):
    """Which of two profiles with the same frequency ranks lower."""

    PROFILE_KEY = "profile_key"  # the one whose key sorts first
    FILE_ORDER = "file_order"  # the one that came first


def _check_groups(groups: dict[str, tuple[str, ...]], n_r: int, n_f: int) -> None:
    wanted = {f"{r}{f}" for r in range(1, n_r + 1) for f in range(1, n_f + 1)}
    named: dict[str, str] = {}
    for name, codes in groups.items():
        for code in codes:
            if code not in wanted:
                raise ValueError(
                    f"groups.{name}: there is no code {code!r}; R is 1 to {n_r}, F is 1 to {n_f}"
                )
            if code in named:
                raise ValueError(f"groups: {code} is in {named[code]} and in {name}")
            named[code] = name
    if missing := sorted(wanted - set(named)):
        raise ValueError(f"groups: no group has the codes {', '.join(missing)}")


def _levels(n: int) -> None:
    if not 1 < n <= MOST_SCORES:
        raise ValueError(f"quantiles must be 2 to {MOST_SCORES}, not {n}")


def _at_least(least: int, name: str, value: int) -> None:
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")


class Exclude(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Profiles left out: those whose trait is one of these texts, compared folded."""

    trait: str
    is_: tuple[str, ...] = msgspec.field(name="is")


class Pool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to score at all."""

    min_orders: int = 1
    min_orders_in: Literal["ever", "look_back"] = "look_back"
    ordered_within_days: int | None = None
    exclude: tuple[Exclude, ...] = ()

    def __post_init__(self) -> None:
        """Refuse limits nobody can mean."""
        _at_least(1, "min_orders", self.min_orders)
        if self.ordered_within_days is not None:
            _at_least(0, "ordered_within_days", self.ordered_within_days)


class Orders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which orders count. Empty ``statuses``: all that are alive."""

    statuses: tuple[str, ...] = ()
    # An order of negative amount is no order but lowers the sum; or counts as one; or is not there.
    returns: Literal["subtract", "count", "drop"] = "subtract"

    def __post_init__(self) -> None:
        """Refuse words that are no status."""
        if strange := [status for status in self.statuses if status not in STATES]:
            raise ValueError(f"{strange[0]!r} is no status; there are: {', '.join(STATES)}")


class Recency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How days since the last order become a score: by the business's cuts, else by quantiles."""

    measure: Literal["floor_days", "calendar_days"] = "floor_days"
    cuts: tuple[int, ...] = ()  # 30, 90, 180: up to 30 days is the best score, beyond 180 the worst
    quantiles: int = 5

    def __post_init__(self) -> None:
        """Refuse cuts that do not rise."""
        if any(a >= b for a, b in zip(self.cuts, self.cuts[1:], strict=False)):
            raise ValueError(f"cuts must rise, not {list(self.cuts)}")
        if len(self.cuts) >= MOST_SCORES:
            raise ValueError(f"at most {MOST_SCORES - 1} cuts")
        _levels(self.quantiles)

    @property
    def levels(self) -> int:
        """How many scores there are."""
        return len(self.cuts) + 1 if self.cuts else self.quantiles


class Frequency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the number of orders becomes a score; ``ranked`` cuts ranks, so classes are even."""

    quantiles: int = 5
    ranked: bool = True

    def __post_init__(self) -> None:
        """Refuse a number of quantiles that is no score."""
        _levels(self.quantiles)


class Monetary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the sum of orders becomes a score; ``above_zero`` leaves the others out of the run."""

    quantiles: int = 5
    above_zero: bool = True

    def __post_init__(self) -> None:
        """Refuse a number of quantiles that is no score."""
        _levels(self.quantiles)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules of one run. Without ``groups`` the classic ten are taken."""

    look_back_months: int | None = None
    ties: Ties = Ties.PROFILE_KEY
    pool: Pool = Pool()
    orders: Orders = Orders()
    recency: Recency = Recency()
    frequency: Frequency = Frequency()
    monetary: Monetary = Monetary()
    groups: dict[str, tuple[str, ...]] = {}

    def __post_init__(self) -> None:
        """Refuse a map of groups that leaves a score without a name or gives it two."""
        if self.look_back_months is not None:
            _at_least(1, "look_back_months", self.look_back_months)
        _check_groups(self.named_groups, self.recency.levels, self.frequency.quantiles)

    @property
    def named_groups(self) -> dict[str, tuple[str, ...]]:
        """Group name -> codes ("54" is R 5, F 4), in the order in which groups are shown."""
        if self.groups:
            return self.groups
        shape = (self.recency.levels, self.frequency.quantiles)
        if shape not in _SHIPPED:
            raise ValueError(
                f"{shape[0]} recency and {shape[1]} frequency scores have no ready-made names: "
                "name them in [groups]"
            )
        return _SHIPPED[shape]


class Edges(msgspec.Struct, frozen=True):
    """The limits between scores; those of a ranked frequency are ranks."""

    recency: tuple[float, ...]
    frequency: tuple[float, ...]
    monetary: tuple[float, ...]


class Caution(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something about the rules or the data that a person should know; the run stands."""

    code: Literal["nobody", "empty_scores", "pool_contradicts_cuts", "same_edges", "empty_groups"]
    measure: str = ""
    scores: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()


class Scores(msgspec.Struct, frozen=True):
    """Scores of those who are in the pool; ``kept`` are their positions in the input arrays."""

    kept: Positions
    r: Grades
    f: Grades
    m: Grades
    group: npt.NDArray[np.int16]  # position in ``groups``
    groups: tuple[str, ...]
    edges: Edges
    warnings: tuple[Caution, ...] = ()

    def group_sizes(self) -> dict[str, int]:
        """Return how many profiles each group has, those with none included."""
        sizes = np.bincount(self.group, minlength=len(self.groups))
        return dict(zip(self.groups, sizes.tolist(), strict=True))


def score(
    keys: npt.NDArray[Any],
    recency: npt.NDArray[np.int64],
    frequency: npt.NDArray[np.int64],
    monetary: Numbers,
    config: Config,
    *,
    orders_ever: npt.NDArray[np.int64] | None = None,
) -> Scores:
    """Return the scores of the profiles that the pool rule lets in.

    ``keys`` break ties of frequency when the rule says so; ``recency`` is in days, ``frequency``
    counts orders inside the look-back window and ``orders_ever`` all of them.
    """
    ever = frequency if orders_ever is None else orders_ever
    kept = np.flatnonzero(_in_pool(recency, frequency, monetary, ever, config))
    days, counts, sums = recency[kept], frequency[kept], monetary[kept]
    measured = _ranks(counts, keys[kept], config.ties) if config.frequency.ranked else counts
    edges = Edges(
        recency=config.recency.cuts or quantile_edges(days, config.recency.quantiles),
        frequency=quantile_edges(measured, config.frequency.quantiles),
        monetary=quantile_edges(sums, config.monetary.quantiles),
    )
    r = (config.recency.levels + 1 - cut(days, edges.recency)).astype(np.int8)
    f = cut(measured, edges.frequency)
    m = cut(sums, edges.monetary)
    names = tuple(config.named_groups)
    group = _group_table(config)[r, f]
    scores = Scores(kept, r, f, m, group, names, edges)
    return msgspec.structs.replace(scores, warnings=_warnings(config, scores))


def quantile_edges(values: Numbers, n: int) -> tuple[float, ...]:
    """Return the n - 1 inner limits of n quantiles; none when there are no values."""
    if not len(values):
        return ()
    steps = np.arange(1, n) / n
    return tuple(float(edge) for edge in np.quantile(values, steps))


def cut(values: Numbers, edges: Sequence[float]) -> Grades:
    """Return 1 + the number of edges below each value: a value on an edge is in the lower class."""
    return (1 + np.searchsorted(np.asarray(edges, float), values, side="left")).astype(np.int8)


def _in_pool(
    recency: npt.NDArray[np.int64],
    frequency: npt.NDArray[np.int64],
    monetary: Numbers,
    ever: npt.NDArray[np.int64],
    config: Config,
) -> npt.NDArray[np.bool_]:
    pool = config.pool
    counted = ever if pool.min_orders_in == "ever" else frequency
    inside = (counted >= pool.min_orders) & (frequency > 0)
    if pool.ordered_within_days is not None:
        inside &= recency <= pool.ordered_within_days
    if config.monetary.above_zero:
        inside &= monetary > 0
    return inside


def _ranks(
    counts: npt.NDArray[np.int64], keys: npt.NDArray[Any], ties: Ties
) -> npt.NDArray[np.int64]:
    """Return ranks 1..n by count; among equals the order of keys, or of the arrays, decides."""
    if ties is Ties.PROFILE_KEY:
        order = np.lexsort((keys, counts))
    else:
        order = np.argsort(counts, kind="stable")
    ranks = np.empty(len(counts), np.int64)
    ranks[order] = np.arange(1, len(counts) + 1)
    return ranks


def _group_table(config: Config) -> npt.NDArray[np.int16]:
    """Return a table that leads from [r, f] to the position of the group."""
    table = np.zeros((MOST_SCORES + 1, MOST_SCORES + 1), np.int16)
    for position, codes in enumerate(config.named_groups.values()):
        for code in codes:
            table[int(code[0]), int(code[1])] = position
    return table


def _warnings(config: Config, scores: Scores) -> tuple[Caution, ...]:
    if not len(scores.kept):
        return (Caution("nobody"),)
    found = []
    impossible = _impossible_recency(config)
    if impossible:
        found.append(Caution("pool_contradicts_cuts", "recency", impossible))
    measures = (
        ("recency", scores.edges.recency, scores.r, config.recency.levels),
        ("frequency", scores.edges.frequency, scores.f, config.frequency.quantiles),
        ("monetary", scores.edges.monetary, scores.m, config.monetary.quantiles),
    )
    for name, limits, grades, levels in measures:
        if len(set(limits)) < len(limits):
            found.append(Caution("same_edges", name))
        absent = set(range(1, levels + 1)) - set(np.unique(grades).tolist())
        if name == "recency":
            absent -= set(impossible)
        if absent:
            found.append(Caution("empty_scores", name, tuple(sorted(absent))))
    if empty := tuple(name for name, n in scores.group_sizes().items() if n == 0):
        found.append(Caution("empty_groups", groups=empty))
    return tuple(found)


def _impossible_recency(config: Config) -> tuple[int, ...]:
    """Return the scores whose days begin beyond what the pool lets in."""
    limit = config.pool.ordered_within_days
    if limit is None:
        return ()
    levels = config.recency.levels
    out = [levels - 1 - i for i, days in enumerate(config.recency.cuts) if days >= limit]
    return tuple(sorted(out))
