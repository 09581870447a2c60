"""A real shop's year through import and command: the reference's figures, to the last digit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from pusula.ops.predict import predict
from pusula.sources.actions import run_import

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MAP = Path(__file__).parent.parent / "maps" / "online_retail.toml"
WINDOW = ("--train-end", "2011-11-09", "--test-end", "2011-12-10")
ITEMS = ("--longest-code", "6", "--least-owners", "5")
METHODS = {"popularity": "popularity", "item_cosine": "together"}


@pytest.fixture(scope="module")
def reference(shared_data):
    return json.loads((shared_data / "reference_journeys.json").read_text(encoding="utf-8"))


def test_lists_and_pairs_of_a_real_shop_are_those_of_the_reference(
    shared_data, reference, settings
):
    # One import serves both: it takes longer than they do.
    settings.PUSULA = replace(settings.PUSULA, currency="GBP", time_zone="Europe/London")
    run_import("orders", shared_data / "online_retail.parquet", MAP)
    words = ["taste", *WINDOW, *ITEMS, "--least-baskets", "200", "--pairs", "25", "--json"]
    told = CliRunner().invoke(predict, words)
    assert told.exit_code == 0, told.output
    found = json.loads(told.output)

    wanted = reference["recommendations_online_retail"]
    assert found["users_in_train"] == wanted["users_in_train"]
    assert found["items"] == wanted["items"]
    for theirs, ours in METHODS.items():
        assert found["methods"][ours] == pytest.approx(wanted["methods"][theirs], abs=1e-6)

    best = found["methods"][found["chosen"]]
    assert found["chosen"] == "factors"
    for figure, value in wanted["methods"]["item_cosine"].items():
        assert best[figure] >= value, figure

    rules = reference["basket_rules_online_retail"]
    assert found["items_in_pairs"] == rules["items_with_200_baskets"]
    assert len(found["pairs"]) == len(rules["top_pairs"])
    for ours, theirs in zip(found["pairs"], rules["top_pairs"], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)
    assert found["baskets"] == rules["baskets"]
