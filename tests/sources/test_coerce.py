"""Cells in all spellings that Turkish exports and spreadsheets have."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from pusula.lib import clock
from pusula.sources.coerce import Reading, Refusal, as_text, boolean, minor

NOW = clock.from_datetime(datetime(2026, 3, 1, tzinfo=UTC))


def reading(**told) -> Reading:
    common = {"tz": "Europe/Istanbul", "currency": "TRY", "region": "TR", "at": NOW}
    return Reading(**{**common, **told})


TURKISH = reading(decimal=",", dates=("%d.%m.%Y",))


def reason(read, cell) -> str:
    with pytest.raises(Refusal) as refusal:
        read(cell)
    return refusal.value.reason


@pytest.mark.parametrize(
    ("cell", "exact"),
    [
        ("12.450,00", "12450.00"),
        ("1.234,56 TL", "1234.56"),
        ("₺1.234,5", "1234.5"),
        ("(123,45)", "-123.45"),
        ("123,45-", "-123.45"),
        ("-0,5", "-0.5"),
        ("1 234 567", "1234567"),
        ("1\u00a0234,5", "1234.5"),
        ("7", "7"),
        (7, "7"),
        (0.1 + 0.2, "0.30000000000000004"),
        (Decimal("2.50"), "2.50"),
    ],
)
def test_a_number_is_read_exactly_in_every_spelling(cell, exact):
    assert TURKISH.number(cell) == Decimal(exact)


@pytest.mark.parametrize("cell", ["1.5", "12,34,56", "1.23.456,7", "bin", "1e999", "--5", "٣", "₺"])
def test_what_is_no_number_with_a_decimal_comma_is_refused_and_not_guessed(cell):
    assert "“,” for decimals" in reason(TURKISH.number, cell)


def test_thousands_are_told_by_the_decimal_sign():
    assert reading().number("12,450.75") == Decimal("12450.75")
    assert "“.” for decimals" in reason(reading().number, "12.450,75")


@pytest.mark.parametrize("cell", [None, "", "   ", "\u00a0", float("nan")])
def test_blank_cells_are_no_value(cell):
    assert TURKISH.number(cell) is None
    assert TURKISH.day(cell) is None
    assert TURKISH.email(cell) is None
    assert as_text(cell) is None


@given(st.integers(-(10**14), 10**14))
def test_an_amount_written_by_a_spreadsheet_as_a_binary_number_comes_back_to_the_cent(cents):
    assert minor(TURKISH.number(cents / 100), "TRY") == cents


def test_halves_of_a_cent_are_rounded_to_the_even_one():
    assert [minor(Decimal(text), "TRY") for text in ("0.005", "0.015", "0.025")] == [0, 2, 2]


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("05.03.2024", date(2024, 3, 5)),
        ("5.3.2024", date(2024, 3, 5)),
        ("05.03.2024 14:30", date(2024, 3, 5)),
        ("05.03.2024 14:30:59", date(2024, 3, 5)),
        ("2024-03-05", date(2024, 3, 5)),
        ("2024-03-05T23:30:00Z", date(2024, 3, 6)),  # already tomorrow in Istanbul
        ("20240305", date(2024, 3, 5)),
        (45356, date(2024, 3, 5)),  # Excel
        ("45356", date(2024, 3, 5)),
        (45356.75, date(2024, 3, 5)),
        (datetime(2024, 3, 5, 9, 30), date(2024, 3, 5)),
        (date(2024, 3, 5), date(2024, 3, 5)),
        (1709596800, date(2024, 3, 5)),
        (1709596800000, date(2024, 3, 5)),
    ],
)
def test_a_day_is_read_in_every_spelling(cell, day):
    assert TURKISH.day(cell) == day


@pytest.mark.parametrize("cell", ["30.02.2024", "2024-02-30", "31.04.2024", "gelecek yaz", "12"])
def test_an_impossible_day_is_refused(cell):
    with pytest.raises(Refusal):
        TURKISH.day(cell)


def test_what_is_no_day_is_said_as_people_write_days():
    for language, written in (("en", "dd.mm.yyyy"), ("tr", "gg.aa.yyyy")):
        with translation.override(language), pytest.raises(Refusal, match=written):
            TURKISH.day("belirsiz")


def test_a_slashed_day_is_read_only_as_the_mapping_says():
    assert reading(dates=("%d/%m/%Y",)).day("05/03/2024") == date(2024, 3, 5)
    assert reading(dates=("%m/%d/%Y",)).day("05/03/2024") == date(2024, 5, 3)
    assert "not a date" in reason(reading().day, "05/03/2024")


@pytest.mark.parametrize("cell", ["01.01.0202", "2202-01-01", "1850-12-31"])
def test_an_implausible_year_is_refused(cell):
    assert "is not in 1900–2100" in reason(TURKISH.day, cell)


def test_wall_times_are_of_the_readings_zone_and_aware_ones_are_not():
    ankara = TURKISH.moment("05.03.2024 12:00")
    assert ankara == clock.from_datetime(datetime(2024, 3, 5, 9, tzinfo=UTC))
    assert TURKISH.moment("2024-03-05T12:00:00+03:00") == ankara
    assert reading(tz="Europe/London").moment("2024-03-05 09:00") == ankara


def test_what_has_happened_does_not_lie_in_the_future():
    assert reason(TURKISH.past_moment, "2026-03-03") == "lies in the future"
    assert TURKISH.moment("2026-03-03") is not None


@pytest.mark.parametrize(("cell", "text"), [(5321234567.0, "5321234567"), (17850, "17850"),
    (True, "1"), ("  Gu\u0308ls\u0327en ", "Gülşen"), (Decimal("1E+3"), "1000"), (0.25, "0.25"),
    ("'=1+1", "=1+1"), ("'n Sync", "'n Sync")])  # fmt: skip
def test_text_is_composed_trimmed_and_free_of_excels_damage(cell, text):
    assert as_text(cell) == text


def test_text_that_no_database_can_hold_is_refused():
    assert reason(as_text, "a\0b") == "holds a NUL character"
    assert reason(as_text, "\ud800") == "holds half a character"
    assert reason(reading().text(3), "abcd") == "longer than 3 characters"
    assert reading().text(3, cut=True)("ab d") == "ab"


@pytest.mark.parametrize(
    ("cell", "truth"),
    [("E", True), ("Hayır", False), ("EVET", True), ("x", True), ("YOK", False), (1, True),
     (0.0, False), (True, True), ("false", False)],
)  # fmt: skip
def test_yes_and_no_are_read_in_both_languages(cell, truth):
    assert boolean(cell) is truth


def test_a_currency_is_a_code_or_a_sign():
    assert [TURKISH.money_word(word) for word in ("tl", "€", "usd")] == ["TRY", "EUR", "USD"]
    assert "unknown currency" in reason(TURKISH.money_word, "XAU9")


@given(st.one_of(st.text(max_size=60), st.floats(), st.integers(), st.booleans(), st.none(),
    st.decimals(), st.datetimes(), st.dates()))  # fmt: skip
def test_whatever_stands_in_a_cell_is_read_or_refused_never_a_crash(cell):
    readers = (TURKISH.number, TURKISH.moment, TURKISH.day, TURKISH.email, TURKISH.phone,
               TURKISH.money_word, TURKISH.integer(0, 99), TURKISH.text(50), boolean)  # fmt: skip
    for read in readers:
        try:
            read(cell)
        except Refusal as refusal:
            assert refusal.reason  # noqa: PT017 - refusing is one of two right answers


def test_a_file_whose_dates_name_the_month_first_never_reads_them_day_first():
    american = reading(dates=("%m.%d.%Y",))
    assert american.day("03.04.2025") == date(2025, 3, 4)
    assert "not a date" in reason(american.day, "25.04.2025")
