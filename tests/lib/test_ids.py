"""Buckets and tokens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusula.lib import ids

KEY = b"k" * 32


def test_a_bucket_never_changes():
    assert [ids.bucket("autumn", str(n)) for n in (1, 2, 3)] == [942475, 86606, 450112]


def test_buckets_are_spread_evenly():
    buckets = np.array([ids.bucket("salt", str(n)) for n in range(20_000)])
    tenths = np.bincount(buckets * 10 // ids.BUCKETS, minlength=10)
    assert tenths.min() > 1_850
    assert tenths.max() < 2_150


def test_a_signed_token_gives_its_parts_back():
    assert ids.verify(KEY, ids.sign(KEY, "7", "click")) == ("7", "click")


@given(st.integers(0, 40), st.characters(min_codepoint=33, max_codepoint=126))
def test_a_token_with_one_letter_changed_is_refused(position, letter):
    token = ids.sign(KEY, "7", "click")
    position %= len(token)
    changed = token[:position] + letter + token[position + 1 :]
    assert (ids.verify(KEY, changed) is None) == (changed != token)


@pytest.mark.parametrize("token", ["", ".", "a.b", "çay.şu"])
def test_what_is_no_token_is_refused(token):
    assert ids.verify(KEY, token) is None


def test_a_part_with_a_dot_cannot_be_signed():
    with pytest.raises(ValueError, match="without dots"):
        ids.sign(KEY, "a.b")
