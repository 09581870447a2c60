"""Numbers, money, days and moments as people read them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import translation
from tests.web import company as made_up

from pusula.lib import clock
from pusula.web import formats


@pytest.fixture(params=["tr", "en"])
def language(request):
    with translation.override(request.param):
        yield request.param


@pytest.fixture
def turkish():
    with translation.override("tr"):
        yield


@pytest.mark.parametrize(
    ("value", "digits", "tr", "en"),
    [
        (12_438, 0, "12.438", "12,438"),
        (0, 0, "0", "0"),
        (6.25, 1, "6,3", "6.3"),
        (-4.7, 1, "−4,7", "−4.7"),
        (2.5, 0, "3", "3"),
    ],
)
def test_numbers(language, value, digits, tr, en):
    assert formats.number(value, digits) == {"tr": tr, "en": en}[language]


@pytest.mark.parametrize(
    ("share", "digits", "tr", "en"),
    [
        (0.062, 1, "%6,2", "6.2%"),
        (1, 0, "%100", "100%"),
        (-0.047, 1, "−%4,7", "−4.7%"),
        (-0.0001, 1, "%0,0", "0.0%"),
    ],
)
def test_percentages(language, share, digits, tr, en):
    assert formats.percent(share, digits) == {"tr": tr, "en": en}[language]


@pytest.mark.parametrize(
    ("minor", "currency", "tr", "en"),
    [
        (128_450_012, "TRY", "₺1.284.500", "₺1,284,500"),
        (9_950, "TRY", "₺99,50", "₺99.50"),
        (0, "TRY", "₺0", "₺0"),
        (-120_000, "TRY", "−₺1.200", "−₺1,200"),
        (1_500_000, "EUR", "€15.000", "€15,000"),
        (1_500_000, "CHF", "CHF\xa015.000", "CHF\xa015,000"),
        (12_000, "JPY", "¥12.000", "¥12,000"),
    ],
)
def test_money_shows_minor_units_only_below_a_hundred(language, minor, currency, tr, en):
    assert formats.amount(minor, currency) == {"tr": tr, "en": en}[language]


@pytest.mark.parametrize(
    ("value", "tr", "en"),
    [
        (9_999, "9.999", "9,999"),
        (43_210, "43,2 bin", "43.2K"),
        (35_000, "35 bin", "35K"),
        (999_949, "999,9 bin", "999.9K"),
        (999_950, "1 mn", "1M"),
        (1_284_500, "1,3 mn", "1.3M"),
        (2_100_000_000, "2,1 mr", "2.1B"),
        (-43_210, "−43,2 bin", "−43.2K"),
    ],
)
def test_short_numbers_never_reach_a_thousand_of_their_unit(language, value, tr, en):
    assert formats.short(value) == {"tr": tr, "en": en}[language]


def test_short_money(turkish):
    assert formats.short_amount(-128_450_012, "TRY") == "−₺1,3 mn"


def test_days_and_moments_stand_in_the_companys_time_zone(language):
    late = clock.from_datetime(dt.datetime(2026, 3, 12, 23, 30), "UTC")  # the 13th in Istanbul
    long = {"tr": "13 Mart 2026", "en": "13 March 2026"}
    assert formats.moment_day(late, long=True) == long[language]
    assert formats.moment(late) == {"tr": "13 Mar 2026 02:30", "en": "13 Mar 2026 02:30"}[language]
    assert formats.moment(made_up.NOW) == "14:00"
    assert formats.iso(late) == "2026-03-13T02:30:00+03:00"


@pytest.mark.parametrize(
    ("days", "tr", "en"),
    [
        (0, "bugün", "today"),
        (-1, "dün", "yesterday"),
        (-60, "60 gün önce", "60 days ago"),
        (-61, "%(day)s", "%(day)s"),
        (-3_045, "%(day)s", "%(day)s"),
        (61, "%(day)s", "%(day)s"),
        (1, "yarın", "tomorrow"),
        (5, "5 gün sonra", "in 5 days"),
    ],
)
def test_relative_days(language, days, tr, en):
    day = made_up.TODAY + dt.timedelta(days=days)
    said = {"tr": tr, "en": en}[language] % {"day": formats.day(day)}
    assert formats.relative_day(day) == said


def test_how_far_a_day_is_stands_beside_a_day_however_far(turkish):
    assert formats.days_away(made_up.TODAY - dt.timedelta(days=1_200)) == "1.200 gün önce"


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (20 * clock.SECOND, "az önce"),
        (5 * clock.MINUTE, "5 dakika önce"),
        (3 * clock.HOUR, "3 saat önce"),
        (15 * clock.HOUR, "dün"),
        (-clock.MINUTE, "bugün"),
        (-2 * clock.DAY, "2 gün sonra"),
    ],
)
def test_how_long_ago_a_moment_was(turkish, past, words):
    assert formats.ago(made_up.NOW - past) == words


def test_a_moment_long_ago_is_told_by_its_day(turkish):
    day = made_up.TODAY - dt.timedelta(days=3_045)
    assert formats.ago(made_up.NOW - 3_045 * clock.DAY) == formats.day(day)


def test_lists_of_words(turkish):
    assert formats.listing(["İstanbul", "Ankara", "İzmir"]) == "İstanbul, Ankara ve İzmir"
    assert formats.listing(["İstanbul", "Ankara"], style="or") == "İstanbul veya Ankara"


@pytest.mark.parametrize(("code", "tr", "en"), [("RU", "Rusya", "Russia"), ("x9", "x9", "x9")])
def test_countries_have_names(language, code, tr, en):
    assert formats.territory(code) == {"tr": tr, "en": en}[language]


@pytest.mark.parametrize(("code", "tr", "en"), [("ru", "Rusça", "Russian"), ("?", "?", "?")])
def test_languages_have_names(language, code, tr, en):
    assert formats.language(code) == {"tr": tr, "en": en}[language]
