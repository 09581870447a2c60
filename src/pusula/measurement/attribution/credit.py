"""The credit of orders shared over the messages before them: columns in, columns out.

A message touches an order if its person got, opened or clicked it within a window before the order
was placed. Each message touches an order at most once, at the newest of these signs. What an order
brought is shared over its touches to the last minor unit, so that no order gives more than its net.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# What shows that a message came to somebody, as ``SIGNS`` codes it.
SENT, OPENED, CLICKED = 0, 1, 2
SIGN_NAMES = ("sent", "opened", "clicked")
MOST_DAYS = 365
# So many pairs of order and sign are held at a time: some 400 MB at the most.
MOST_PAIRS = 2_000_000
_ENDS, _MIDDLE = 0.4, 0.2  # of the model by position

ORDERS = pa.schema(
    [
        ("order_id", pa.int64()),
        ("profile_id", pa.int64()),
        ("ordered_at", pa.int64()),
        ("net_minor", pa.int64()),
    ]
)
SIGNS = pa.schema(
    [
        ("message_id", pa.int64()),
        ("profile_id", pa.int64()),
        ("at", pa.int64()),
        ("sign", pa.int8()),
        ("about_order_id", pa.int64()),  # the order the message is about, 0 for none
    ]
)
CREDITS = pa.schema(
    [
        ("order_id", pa.int64()),
        ("message_id", pa.int64()),
        ("at", pa.int64()),  # of the touch
        ("sign", pa.int8()),
        ("share", pa.float64()),  # of the order; those of an order come to 1
        ("credit_minor", pa.int64()),
    ]
)


class RulesError(PusulaError):
    """Rules of attribution that cannot be used."""

    code = "attribution_rules"
    status = 422


class Model(Enum):
    """Who of those who touched an order gets how much of it."""

    LAST = "last"
    FIRST = "first"
    LINEAR = "linear"
    DECAY = "decay"  # half as much for each half-life that a touch is older than the last
    POSITION = "position"  # 40 % the first, 40 % the last, the rest those between


def _usual_windows() -> dict[str, int]:
    return {"sent": 1, "opened": 3, "clicked": 7}


@dataclass(frozen=True)
class Rules:
    """A model, and how many days a sign counts before an order; 0: that sign does not count."""

    model: Model = Model.LAST
    windows: Mapping[str, int] = field(default_factory=_usual_windows)  # by ``SIGN_NAMES``
    half_life_days: int = 7

    def __post_init__(self) -> None:
        days = [self.windows.get(name, 0) for name in SIGN_NAMES]
        if set(self.windows) - set(SIGN_NAMES) or any(not 0 <= n <= MOST_DAYS for n in days):
            names = ", ".join(SIGN_NAMES)
            raise RulesError(
                Saying(
                    "windows are days from 0 to %(most_days)s for %(names)s: %(windows)s",
                    {"most_days": MOST_DAYS, "names": names, "windows": self.windows},
                )
            )
        if not any(days):
            raise RulesError(Saying("with every window at 0 no message touches any order: set one"))
        if not 1 <= self.half_life_days <= MOST_DAYS:
            raise RulesError(
                Saying(
                    "half_life_days is 1 to %(most_days)s, not %(half_life_days)s",
                    {"most_days": MOST_DAYS, "half_life_days": self.half_life_days},
                )
            )

    @property
    def spans(self) -> Ints:
        """The windows in microseconds, by the codes of signs."""
        days = [self.windows.get(name, 0) for name in SIGN_NAMES]
        return np.array(days, np.int64) * clock.DAY

    @property
    def longest(self) -> int:
        """The longest window in microseconds."""
        return int(self.spans.max())

    def plain(self) -> dict[str, Any]:
        """Return the rules as JSON has them."""
        return {
            "model": self.model.value,
            "windows": {name: self.windows.get(name, 0) for name in SIGN_NAMES},
            "half_life_days": self.half_life_days,
        }


def shared(orders: pa.Table, signs: pa.Table, rules: Rules) -> Iterator[pa.Table]:
    """Yield what each touch gets, as ``CREDITS``: all touches of an order in one table.

    ``orders`` as ``ORDERS``, ``signs`` as ``SIGNS``, in any order. An order nobody touched gives
    nothing. Orders of negative net (returns) take back from those who touched them.
    """
    told = _Told.of(signs)
    order_ids, profiles, ordered, net = (_numbers(orders, name) for name in ORDERS.names)
    first, after = told.between(profiles, ordered - rules.longest, ordered)
    for low, high in _parts(after - first):
        part = slice(low, high)
        yield _table(
            told,
            _Part(order_ids[part], ordered[part], net[part], first[part], after[part]),
            rules,
        )


@dataclass(frozen=True)
class _Told:
    """Signs sorted by person and moment."""

    message: Ints
    profile: Ints
    at: Ints
    sign: Ints
    about: Ints

    @classmethod
    def of(cls, signs: pa.Table) -> _Told:
        message, profile, at, sign, about = (_numbers(signs, name) for name in SIGNS.names)
        order = np.lexsort((sign, message, at, profile))
        return cls(message[order], profile[order], at[order], sign[order], about[order])

    def between(self, profiles: Ints, after: Ints, until: Ints) -> tuple[Ints, Ints]:
        """Return where the signs of each of ``profiles`` in (``after``, ``until``] lie, [,)."""
        low = np.searchsorted(self.profile, profiles, side="left").astype(np.int64)
        high = np.searchsorted(self.profile, profiles, side="right").astype(np.int64)
        return bisect(self.at, low, high, after), bisect(self.at, low, high, until)


@dataclass(frozen=True)
class _Part:
    """Some orders, and where the signs before each lie: [``first``, ``after``)."""

    order_id: Ints
    ordered: Ints
    net: Ints
    first: Ints
    after: Ints


def bisect(values: Ints, low: Ints, high: Ints, limit: Ints) -> Ints:
    """Return for each slice [``low``, ``high``) of ascending ``values`` how far it is <= limit.

    All slices at once: as many steps as the longest slice has binary digits.
    """
    low, high = low.copy(), high.copy()
    while len(values) and (is_open := low < high).any():
        middle = np.minimum((low + high) >> 1, len(values) - 1)
        goes_up = is_open & (values[middle] <= limit)
        low = np.where(goes_up, middle + 1, low)
        high = np.where(is_open & ~goes_up, middle, high)
    return low


def spread(first: Ints, after: Ints) -> tuple[Ints, Ints]:
    """Return for the slices [``first``, ``after``) which slice, and which place, each pair is."""
    sizes = after - first
    owner = np.repeat(np.arange(len(sizes)), sizes)
    starts = np.cumsum(sizes) - sizes
    return owner, np.arange(len(owner)) - np.repeat(starts - first, sizes)


def _table(told: _Told, part: _Part, rules: Rules) -> pa.Table:
    owner, place = spread(part.first, part.after)
    age = part.ordered[owner] - told.at[place]
    counts = (age < rules.spans[told.sign[place]]) & (
        told.about[place] != part.order_id[owner]  # nobody earns the order they write about
    )
    owner, place = _newest(owner[counts], place[counts], told.message)
    share = _shares(owner, told.at[place], rules)
    credit = _split(owner, share, part.net)
    columns = (
        part.order_id[owner], told.message[place], told.at[place],
        told.sign[place].astype(np.int8), share, credit,
    )  # fmt: skip
    return pa.table(dict(zip(CREDITS.names, columns, strict=True)), schema=CREDITS)


def _newest(owner: Ints, place: Ints, message: Ints) -> tuple[Ints, Ints]:
    """Return of each order and message the newest sign only, the orders' signs in their order."""
    if not len(owner):
        return owner, place
    order = np.lexsort((place, message[place], owner))
    same = (owner[order][1:] == owner[order][:-1]) & (
        message[place][order][1:] == message[place][order][:-1]
    )
    kept = np.sort(order[np.append(~same, True)])
    return owner[kept], place[kept]


def _shares(owner: Ints, at: Ints, rules: Rules) -> Floats:
    """Return the share of each touch; those of one order lie together, the oldest first."""
    if not len(owner):
        return np.empty(0)
    starts = _starts(owner)
    sizes = np.diff(np.append(starts, len(owner)))
    n = np.repeat(sizes, sizes)
    nth = np.arange(len(owner)) - np.repeat(starts, sizes)
    is_first, is_last = nth == 0, nth == n - 1
    match rules.model:
        case Model.LAST:
            last: Floats = is_last.astype(np.float64)
            return last
        case Model.FIRST:
            first: Floats = is_first.astype(np.float64)
            return first
        case Model.LINEAR:
            share: Floats = 1.0 / n
            return share
        case Model.DECAY:
            newest = np.repeat(at[starts + sizes - 1], sizes)
            weight: Floats = np.exp2((at - newest) / (rules.half_life_days * clock.DAY))
            of_order: Floats = np.repeat(np.add.reduceat(weight, starts), sizes)
            return weight / of_order
        case Model.POSITION:
            few = n <= 2  # noqa: PLR2004 - there is nothing between two ends
            between = np.where(few, 0.0, _MIDDLE / np.maximum(n - 2, 1))
            ends = np.where(few, 1.0 / n, _ENDS)
            placed: Floats = np.where(is_first | is_last, ends, between)
            return placed


def _split(owner: Ints, share: Floats, net: Ints) -> Ints:
    """Return whole minor units that come to the order's net: rounded sums, then differences."""
    if not len(owner):
        return np.empty(0, np.int64)
    starts = _starts(owner)
    sizes = np.diff(np.append(starts, len(owner)))
    running = np.cumsum(share)
    before = np.repeat(running[starts] - share[starts], sizes)
    # Cut behind the fourth decimal: where a sum begins must not decide how a half is rounded.
    reached = np.rint(np.round((running - before) * net[owner], 4)).astype(np.int64)
    reached[starts + sizes - 1] = net[owner[starts]]
    return _steps(reached, starts)


def _steps(reached: Ints, starts: Ints) -> Ints:
    """Return how much each adds to what its order had reached before it."""
    before = np.append(np.int64(0), reached[:-1])
    before[starts] = 0
    return reached - before


def _starts(owner: Ints) -> Ints:
    """Return where each order's touches begin."""
    return np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))


def _parts(sizes: Ints) -> Iterator[tuple[int, int]]:
    """Yield ranges of orders whose signs are ``MOST_PAIRS`` or less; one order may have more."""
    reached = np.cumsum(sizes)
    low, done = 0, 0
    while low < len(sizes):
        high = max(low + 1, int(np.searchsorted(reached, done + MOST_PAIRS, side="right")))
        yield low, high
        low, done = high, int(reached[high - 1])


def _numbers(table: pa.Table, name: str) -> Ints:
    column: Ints = table[name].to_numpy().astype(np.int64, copy=False)
    return column
