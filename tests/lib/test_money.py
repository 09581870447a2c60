"""Amounts in minor units."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusula.lib import money


@pytest.mark.parametrize(
    ("amount", "code", "minor"),
    [("12450.00", "TRY", 1245000), ("0.005", "EUR", 0), ("0.015", "EUR", 2), ("7", "JPY", 7),
     ("1.2345", "KWD", 1234)],
)  # fmt: skip
def test_an_amount_becomes_whole_minor_units(amount, code, minor):
    assert money.to_minor(Decimal(amount), code) == minor


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e30"])
def test_what_is_no_amount_is_refused(amount):
    with pytest.raises(ValueError, match="amount"):
        money.to_minor(Decimal(amount), "TRY")


@pytest.mark.parametrize(("word", "code"), [("₺", "TRY"), ("tl", "TRY"), (" eur ", "EUR")])
def test_a_currency_is_known_by_its_usual_words(word, code):
    assert money.currency(word) == code


def test_an_unknown_currency_says_what_to_write():
    with pytest.raises(money.UnknownCurrencyError, match=r"'XYZ'.*ISO 4217"):
        money.currency("XYZ")


@given(st.integers(-(10**15), 10**15), st.sampled_from(sorted(money.EXPONENTS)))
def test_minor_units_survive_the_way_there_and_back(minor, code):
    assert money.to_minor(money.from_minor(minor, code), code) == minor
