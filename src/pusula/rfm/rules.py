"""The rules by which customers are scored, as frozen values that refuse what nobody can mean."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import msgspec

from pusula.orders.machine import STATES

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
# The groups that need no naming, by the number of recency and frequency scores.
SHIPPED = {(5, 5): _CLASSIC, (4, 5): _CLASSIC_FOUR}
_LONGEST_NAME = 40
MOST_SCORES = 9  # a score is one digit of the code "54"


class Ties(Enum):
    """Which of two profiles with the same frequency ranks lower."""

    PROFILE_KEY = "profile_key"  # the one whose key sorts first
    FILE_ORDER = "file_order"  # the one that came first


def _check_groups(groups: dict[str, tuple[str, ...]], n_r: int, n_f: int) -> None:
    if long := [name for name in groups if not 0 < len(name) <= _LONGEST_NAME]:
        raise ValueError(f"groups: a name has 1 to {_LONGEST_NAME} letters, not {long[0]!r:.60}")
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
    """Which orders count, from when on, and as how much. Empty ``statuses``: all that are alive."""

    count: Literal["orders", "stays"] = "orders"  # stays: only those with a day of arrival
    # When an order happened: when it was placed, or at the start of its day of arrival.
    dated_by: Literal["booking", "stay"] = "booking"
    amount: Literal["net", "gross"] = "net"  # net: after discounts, cancellations and refunds
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


class Rerun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often limits are measured anew, and whether they hold by themselves or when asked."""

    every: Literal["never", "month", "quarter"] = "never"
    apply: Literal["ask", "itself"] = "ask"


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
        if shape not in SHIPPED:
            raise ValueError(
                f"{shape[0]} recency and {shape[1]} frequency scores have no ready-made names: "
                "name them in [groups]"
            )
        return SHIPPED[shape]
