"""Who was picked: uploaded lists, campaigns and buckets; and who can be reached, or was scored."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from pusula.segments.kernel.block import Bools, Floats, Ints
from pusula.segments.kernel.rows import Rows, Taking
from pusula.segments.kernel.vocabulary import reach_tests, score_tests, set_tests
from pusula.segments.language.nodes import Column, InBucket, InSet, ReachTest, ScoreTest
from pusula.segments.language.schema import Kind

Hashes = npt.NDArray[np.uint64]

SCORE_COLUMNS = {
    "value": Column("value", Kind.NUMBER),
    "decile": Column("decile", Kind.NUMBER),
    "scored_at": Column("scored_at", Kind.MOMENT),
}
_BITS = 64
# The finalizer of SplitMix64 (Steele, Lea and Flood 2014, as Vigna wrote it): every bit of the
# argument changes every bit of the result half of the time.
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT = 31
_GAMMA = 0x9E3779B97F4A7C15


def is_in_set(test: InSet, take: Taking) -> Bools:
    """Return who is in the list or campaign, and in its arm if one is stated."""
    return _has(take("sets", (), set_tests(test)))


def is_reached(test: ReachTest, take: Taking) -> Bools:
    """Return who is in the state; without a row nobody is reachable."""
    found = _has(take("reach", (), reach_tests(test)))
    return ~found if test.state == "unreachable" else found


def scored(test: ScoreTest, take: Taking) -> Rows:
    """Return the newest scores of the model, at most one for each profile."""
    return take("scores", (), score_tests(test))


def is_in_bucket(test: InBucket, profile_ids: Ints) -> Bools:
    """Return whose number for the name of ``test`` lies in [low, high) per cent."""
    hashes = hashed(test.name, profile_ids)
    inside = hashes >= _limit(test.low) if test.low < Decimal(100) else _nobody(hashes)
    return inside & (hashes < _limit(test.high)) if test.high < Decimal(100) else inside


def shares(name: str, profile_ids: Ints) -> Floats:
    """Return the number of each profile for ``name`` in per cent, from 0 up to 100."""
    found: Floats = hashed(name, profile_ids).astype(np.float64) * (100 / 2.0**_BITS)
    return found


def hashed(name: str, profile_ids: Ints) -> Hashes:
    """Return a number of 64 bits for each profile: even, and never another for the same name.

    The id is mixed by SplitMix64, the first 8 bytes (little-endian) of BLAKE2b of ``bucket:`` and
    the name are added bit by bit (exclusive or), and the sum is mixed again.
    """
    salt = hashlib.blake2b(f"bucket:{name}".encode(), digest_size=8).digest()
    mixed = _mixed(profile_ids.astype(np.uint64)) ^ np.uint64(int.from_bytes(salt, "little"))
    return _mixed(mixed)


def _mixed(numbers: Hashes) -> Hashes:
    mixed = numbers + np.uint64(_GAMMA)
    for shift, factor in _MIX:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(_LAST_SHIFT))


def _limit(percent: Decimal) -> np.uint64:
    """Return the first hash that lies at ``percent`` or above; less than 100."""
    return np.uint64(-(-Fraction(percent) * 2**_BITS // 100))


def _nobody(hashes: Hashes) -> Bools:
    return np.zeros(len(hashes), np.bool_)


def _has(rows: Rows) -> Bools:
    found: Bools = rows.counts > 0
    return found
