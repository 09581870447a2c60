"""The page about segments says what the language says, and its examples are true."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from pusula.segments.language import Kind, Schema, parse, parse_condition, read_yaml
from pusula.segments.language.json_schema import json_schema
from pusula.segments.language.moment_tests import CALENDAR_TESTS
from pusula.segments.language.nodes import MEASURES
from pusula.segments.language.parse import LEAVES
from pusula.segments.language.periods import read_periods, shipped_periods
from pusula.segments.language.schema import RELATIONS
from pusula.segments.language.spans import CALENDAR_UNITS, WINDOW_KEYS
from pusula.segments.language.value_tests import POPULATION_TESTS, TESTS
from pusula.segments.language.windows import ANCHORS

PAGE = (Path(__file__).parents[2] / "docs" / "segments.md").read_text(encoding="utf-8")
EXAMPLES = [read_yaml(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
DEFINITIONS = Path(__file__).parents[2] / "src" / "pusula" / "segments" / "definitions"
SHIPPED = sorted(file.stem for file in DEFINITIONS.glob("*.yaml"))
SCHEMA = Schema(
    currency="TRY",
    tz="Europe/Istanbul",
    traits={
        "rfm_group": Kind.TEXT,
        "city": Kind.TEXT,
        "phone_type": Kind.TEXT,
        "interests": Kind.LIST,
        "birthday": Kind.DAY,
        "member_since": Kind.DAY,
    },
    periods=shipped_periods(),
)
PUBLISHED = jsonschema.Draft202012Validator(json_schema(SCHEMA))
EMPTY = Schema(
    currency="EUR",
    tz="Europe/Berlin",
    periods=shipped_periods(),
    lists=(),
    campaigns={},
    models=(),
)
PUBLISHED_EMPTY = jsonschema.Draft202012Validator(json_schema(EMPTY))


def definition(example):
    if "segment" in example and "where" in example:
        return example
    words = {"tr": "a", "en": "a"}
    return {"segment": "a", "title": words, "where": example}


@pytest.mark.parametrize("example", [each for each in EXAMPLES if "yaz-tatili" not in each])
def test_an_example_of_the_page_is_understood(example):
    assert parse(definition(example), SCHEMA)
    PUBLISHED.validate(definition(example))


def test_the_periods_of_the_page_are_understood():
    (example,) = (each for each in EXAMPLES if "yaz-tatili" in each)
    assert read_periods(example)["yaz-tatili"].en == "summer school break"


def test_every_word_of_the_language_stands_on_the_page():
    said = set(re.findall(r"[a-z_-]+", PAGE))
    words = {*LEAVES, *MEASURES, *WINDOW_KEYS, *CALENDAR_TESTS, *CALENDAR_UNITS, *ANCHORS}
    words |= {*POPULATION_TESTS, *shipped_periods(), *SHIPPED}
    words |= {word for tests in TESTS.values() for word in tests}
    words |= {name for relation in RELATIONS.values() for name in relation.columns}
    assert words - said == set()


@pytest.mark.parametrize("key", SHIPPED)
def test_a_shipped_definition_needs_nothing_that_an_empty_installation_lacks(key):
    document = read_yaml((DEFINITIONS / f"{key}.yaml").read_text(encoding="utf-8"))
    assert parse(document, EMPTY)
    PUBLISHED_EMPTY.validate(document)


def test_the_published_schema_is_a_schema_and_knows_what_is_there():
    jsonschema.Draft202012Validator.check_schema(json_schema(SCHEMA))
    assert not PUBLISHED.is_valid(definition({"trait": {"town": {"is": "İzmir"}}}))
    assert not PUBLISHED.is_valid(definition({"trait": {"birthday": {"during": "paskalya"}}}))
    other = Schema(currency="JPY", tz="UTC", lists=("vip",), models=(), campaigns={})
    lists = jsonschema.Draft202012Validator(json_schema(other))
    assert lists.is_valid(definition({"list": "vip"}))
    assert not lists.is_valid(definition({"list": "vpi"}))
    assert not lists.is_valid(definition({"score": {"model": "x", "value": {"at_least": 1}}}))
    amount = {"orders": {"sum": "net_amount", "is": {"at_least": "100 JPY"}}}
    assert lists.is_valid(definition(amount))
    assert parse_condition(amount, other)
