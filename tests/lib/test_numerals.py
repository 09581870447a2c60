"""Numbers and shares as people write them."""

from __future__ import annotations

import math

import pytest

from pusula.lib import numerals

TR = numerals.locale_of("tr")
EN = numerals.locale_of("en")


@pytest.mark.parametrize(
    ("share", "tr", "en"),
    [
        (0.0185, "%1,9", "1.9%"),  # as a float times a hundred it is a hair below the half
        (-0.0625, "−%6,3", "−6.3%"),
        (-0.0001, "%0,0", "0.0%"),
        (12.5, "%1.250,0", "1,250.0%"),
    ],
)
def test_shares_are_rounded_half_up_and_nothing_has_no_sign(share, tr, en):
    assert numerals.percent(share, 1, TR) == tr
    assert numerals.percent(share, 1, EN) == en


def test_numbers_are_rounded_half_up_and_what_rounds_to_zero_has_no_sign():
    assert numerals.number(2.5, 0, TR) == "3"
    assert numerals.number(-12437.5, 0, TR) == "−12.438"
    assert numerals.number(-0.4, 0, EN) == "0"


def test_what_is_beyond_all_numbers_can_be_written():
    assert numerals.number(math.inf, 1, TR) == "∞"
    assert numerals.percent(-math.inf, 1, TR) == "−%∞"


def test_small_amounts_show_their_minor_units():
    assert numerals.amount(9_950, "TRY", TR) == "₺99,50"
    assert numerals.amount(-128_450_000, "TRY", TR) == "−₺1.284.500"
    assert numerals.amount(0, "TRY", EN) == "₺0"


def test_a_p_value_below_the_smallest_that_is_written_is_said_to_be_below_it():
    assert numerals.p_value(0.0004, TR) == "< 0,001"
    assert numerals.p_value(0.0425, EN) == "0.043"
