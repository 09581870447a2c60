"""The one parameterisation of linkage: what is compared, how, and which pairs are looked at.

The same for every installation. ``m`` of a level is how often two records of one person look like
that; how often two strangers do is measured on the records themselves. The shares are those of
typing errors known from the literature, not fitted to any data set.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

# The columns of a record, all text, folded, null where unknown. ``born`` is an ISO day.
FIELDS = (
    "given", "family", "born", "national", "document", "loyalty", "email", "phone", "postcode",
    "city", "street", "country",
)  # fmt: skip
# What leads to one person where it is not shared; held by more names than this it says nothing.
SINGULAR = ("national", "document", "loyalty", "email", "phone")
HOLDERS = 10
# Two records with one such number are for people to look at, however much they differ.
ALWAYS = ("national", "document", "loyalty")

MISSING, SAME, SWAPPED, CLOSE, ALIKE, DIFFERS = (
    "missing", "same", "swapped", "close", "alike", "differs",
)  # fmt: skip

# Weights are log2 of the odds that two records are one person. Both measured in tests/profiles.
CERTAIN = 12.0
PROPOSED = -5.0

_SWAPPED = "given_l = family_r and family_l = given_r and given_l <> family_l"
_NEAR, _FAR = 0.9, 0.8  # Jaro-Winkler: one wrong letter, two
_ONE_SLIP, _TWO_SLIPS = 1, 2  # Damerau-Levenshtein: a digit wrong or two exchanged
_NAMES = ("given", "family")
_M_NAME = {SAME: 0.75, CLOSE: 0.12, ALIKE: 0.05}
_M_SWAPPED = 0.02
_M_BORN = {SAME: 0.8, CLOSE: 0.12, ALIKE: 0.03}
_M_WORDS = {SAME: 0.75, CLOSE: 0.15}
_M_EXACT = 0.88

# Pairs that agree in all columns of one of these are compared. Each is fine enough for a million
# people of whom a fifth live in one city. ``year``, ``given1``, ``family1``, ``mailbox``: the year
# of birth, first letters, the address before its @.
BLOCKS: tuple[tuple[str, ...], ...] = (
    ("national",),
    ("document",),
    ("loyalty",),
    ("email",),
    ("phone",),
    ("mailbox", "family1"),
    ("born", "given1"),
    ("born", "family1"),
    ("born", "city"),
    ("born", "postcode"),
    ("given", "family", "year"),
    ("given", "family", "city"),
    ("given", "family", "postcode"),
    ("given", "postcode", "street"),
    ("family", "postcode"),
    ("given", "city", "year"),
    ("family", "city", "year"),
)
# Who agrees in a block with more people than this agrees with a crowd: a filler, a default.
MOST_IN_BLOCK = 1_000
DERIVED: dict[str, tuple[str, str]] = {  # column → of which field, in SQL
    "year": ("born", "substr(born, 1, 4)"),
    "given1": ("given", "substr(given, 1, 1)"),
    "family1": ("family", "substr(family, 1, 1)"),
    "mailbox": ("email", "split_part(email, '@', 1)"),
}
# What is held equal while the rest is learned by expectation maximisation.
TRAINING: tuple[tuple[str, ...], ...] = (("born",), ("given", "family"), ("email",), ("national",))


@dataclass(frozen=True)
class _Level:
    name: str
    sql: str
    m: float | None  # none: says nothing
    frequency: str | None = None  # agreement on a rare value of this column says more


def comparisons(columns: Collection[str]) -> list[dict[str, Any]]:
    """Return the comparisons of ``columns`` as Splink takes them, in the order of ``FIELDS``."""
    named = set(_NAMES) <= set(columns)
    return [
        {
            "output_column_name": field,
            "comparison_levels": [_told(level) for level in levels(field, named=named)],
        }
        for field in FIELDS
        if field in columns
    ]


def blocks(columns: Collection[str]) -> list[tuple[str, ...]]:
    """Return the blocks whose columns are there."""
    there = set(columns) | {name for name, (of, _) in DERIVED.items() if of in columns}
    return [block for block in BLOCKS if set(block) <= there]


def levels(field: str, *, named: bool) -> Iterator[_Level]:
    """Yield how two values of ``field`` can stand to each other, the first that holds counts.

    ``named``: both parts of names are there, so they can be exchanged. An exchange is counted once.
    """
    yield _Level(MISSING, f"{field}_l is null or {field}_r is null", None)
    if field in _NAMES and named:
        yield _Level(SWAPPED, _SWAPPED, _M_SWAPPED if field == "given" else None)
    m = _shares(field)
    yield _Level(SAME, f"{field}_l = {field}_r", m[SAME], field)
    for level, sql in _nearly(field).items():
        yield _Level(level, sql, m[level])
    yield _Level(DIFFERS, "ELSE", 1 - sum(m.values()))


def _shares(field: str) -> dict[str, float]:
    if field in _NAMES:
        return _M_NAME
    if field == "born":
        return _M_BORN
    return _M_WORDS if field in {"email", "city", "street"} else {SAME: _M_EXACT}


def _nearly(field: str) -> dict[str, str]:
    if field == "born":
        slips = f"damerau_levenshtein({field}_l, {field}_r)"
        return {CLOSE: f"{slips} <= {_ONE_SLIP}", ALIKE: f"{slips} <= {_TWO_SLIPS}"}
    alike = f"jaro_winkler_similarity({field}_l, {field}_r)"
    names = {CLOSE: f"{alike} >= {_NEAR}", ALIKE: f"{alike} >= {_FAR}"}
    return {level: sql for level, sql in names.items() if level in _shares(field)}


def _told(level: _Level) -> dict[str, Any]:
    told: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.name}
    if level.m is None:
        return told | {"is_null_level": True}
    told["m_probability"] = level.m
    if level.frequency is not None:
        told |= {"tf_adjustment_column": level.frequency, "tf_adjustment_weight": 1.0}
    return told
