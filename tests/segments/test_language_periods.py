"""The named periods that come with the program, and those of an installation."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest

from pusula.profiles.models import Profile, Score
from pusula.segments import catalog
from pusula.segments.language import DefinitionError
from pusula.segments.language.periods import read_periods, shipped_periods
from pusula.segments.models import ProfileSet

PERIODS = shipped_periods()


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("ramazan-bayrami", date(2023, 4, 20), date(2023, 4, 23)),
        ("ramazan-bayrami", date(2024, 4, 9), date(2024, 4, 12)),
        ("ramazan-bayrami", date(2026, 3, 19), date(2026, 3, 22)),
        ("kurban-bayrami", date(2018, 8, 20), date(2018, 8, 24)),
        ("kurban-bayrami", date(2026, 5, 26), date(2026, 5, 30)),
        ("yariyil-tatili", date(2026, 1, 17), date(2026, 2, 1)),
        ("ara-tatil", date(2025, 11, 8), date(2025, 11, 16)),
        ("yaz-tatili", date(2025, 6, 21), date(2025, 9, 7)),
        ("yilbasi", date(2026, 12, 31), date(2027, 1, 1)),
    ],
)
def test_a_period_has_the_days_of_the_official_calendar(name, first, last):
    assert (first, last) in PERIODS[name].spans


@pytest.mark.parametrize(("name", "days"), [("ramazan-bayrami", 4), ("kurban-bayrami", 5)])
def test_the_holidays_are_known_for_each_year_and_come_a_lunar_year_apart(name, days):
    spans = PERIODS[name].spans
    assert [first.year for first, _ in spans] == list(range(2015, 2031))
    for (first, last), (later, _) in itertools.pairwise(spans):
        assert last - first == timedelta(days=days - 1)
        assert later - first in (timedelta(days=354), timedelta(days=355))


def test_school_breaks_run_from_a_saturday_to_a_sunday():
    for name in ("yariyil-tatili", "ara-tatil", "yaz-tatili"):
        for first, last in PERIODS[name].spans:
            assert (first.weekday(), last.weekday()) == (5, 6)


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ([["2026-01-02", "2026-01-01"]], r"x\.days\[0\]: the first day comes before the last"),
        ([["2026-01-01", "2026-01-05"], ["2026-01-05", "2026-01-06"]], "put them in order"),
        ([["2026-01-01"]], "expected the first and the last day"),
    ],
)
def test_days_that_overlap_or_run_backwards_are_refused(days, message):
    with pytest.raises(DefinitionError, match=message):
        read_periods({"x": {"tr": "x", "en": "x", "days": days}})


@pytest.mark.django_db
def test_an_installation_adds_periods_and_knows_its_sets(settings, tmp_path):
    settings.PUSULA_HOME = tmp_path
    own = "yilbasi: {tr: a, en: b, days: [[2026-12-30, 2027-01-02]]}\nfair: {tr: c, en: d, days: [[2026-05-01, 2026-05-03]]}\n"  # noqa: E501
    (tmp_path / "periods.yaml").write_text(own)
    ProfileSet.objects.create(sort="list", key="fair-2026", created_at=0)
    ProfileSet.objects.create(sort="campaign", key="spring", created_at=0, arms=["a", "holdout"])
    guest = Profile.objects.create(created_at=0, recorded_at=0)
    for model, at in (("churn", 1), ("value", 1), ("churn", 2)):
        Score.objects.create(profile=guest, model=model, value=0.5, scored_at=at)
    schema = catalog.schema()
    assert schema.periods["yilbasi"].spans == ((date(2026, 12, 30), date(2027, 1, 2)),)
    assert {"fair", "ramazan-bayrami"} <= set(schema.periods)
    assert schema.lists == ("fair-2026",)
    assert set(schema.models) == {"value", *catalog.COMPUTED_SCORES}
    assert schema.campaigns == {"spring": ("a", "holdout")}


@pytest.mark.django_db
def test_a_new_installation_knows_no_list_or_campaign_and_only_the_product_s_models(
    settings, tmp_path
):
    settings.PUSULA_HOME = tmp_path
    schema = catalog.schema()
    assert (schema.lists, schema.models, schema.campaigns) == ((), catalog.COMPUTED_SCORES, {})
