"""Whatever the language can say is read, written, said in words and put into a form unchanged."""

from __future__ import annotations

import copy
import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.segments.histories import Maker
from tests.segments.sayings import SCHEMA, Sayings

from pusula.segments.language import (
    DefinitionError,
    dump,
    dump_condition,
    leaves,
    parse,
    parse_condition,
    sentence,
)
from pusula.segments.language.json_schema import json_schema
from pusula.segments.language.nodes import Compare

said = settings(max_examples=150, deadline=None)
seeds = st.integers(0, 2**32).map(Sayings)
PUBLISHED = jsonschema.Draft202012Validator(json_schema(SCHEMA))


@said
@given(seeds)
def test_a_definition_survives_being_written_and_read(sayings):
    definition = parse(sayings.definition(), SCHEMA)
    written = dump(definition)
    assert parse(json.loads(json.dumps(written)), SCHEMA) == definition
    assert dump(parse(written, SCHEMA)) == written


@settings(max_examples=80, deadline=None)
@given(seeds)
def test_the_published_schema_takes_what_the_parser_takes(sayings):
    document = sayings.definition()
    PUBLISHED.validate(document)
    PUBLISHED.validate(dump(parse(document, SCHEMA)))


@said
@given(seeds)
def test_every_condition_is_said_in_both_languages(sayings):
    condition = parse_condition(sayings.condition(), SCHEMA)
    turkish, english = sentence(condition, "tr"), sentence(condition, "en")
    assert turkish.strip(" .")
    assert english.strip(" .")
    assert turkish != english
    assert "None" not in turkish + english


@said
@given(st.integers(0, 2**32))
def test_what_the_kernel_is_tested_with_survives_writing(seed):
    world = Maker(seed).world(n_people=0, n_leaves=6, n_trees=3)
    schema = jsonschema.Draft202012Validator(json_schema(world.schema)) if seed % 20 == 0 else None
    for document in world.definitions.values():
        definition = parse(document, world.schema)
        written = dump(definition)
        assert parse(written, world.schema) == definition
        assert sentence(definition, "tr") != sentence(definition, "en")
        if schema is not None:
            schema.validate(written)


def test_different_conditions_are_said_differently():
    conditions = {parse_condition(Sayings(seed).leaf(), SCHEMA) for seed in range(1_500)}
    for language in ("tr", "en"):
        said_by = {}
        for condition in conditions:
            other = said_by.setdefault(sentence(condition, language), condition)
            # "more than 1" and "at least 2" of a whole number are one and the same.
            if other != condition:
                (test,), (same,) = ([each.test for each in leaves(c)] for c in (condition, other))
                assert isinstance(test, Compare)
                assert isinstance(same, Compare)
                assert {test.operator, same.operator} in (
                    {"more_than", "at_least"},
                    {"less_than", "at_most"},
                ), (dump_condition(condition), dump_condition(other))


def shortened(body):
    """Return the body of a condition over rows without one of the things that narrow it down."""
    for key in ("where", "within", "by", "same", "seasons"):
        if key in body:
            yield {other: value for other, value in body.items() if other != key}
    for i, step in enumerate(body.get("steps", ())):
        for key, rows in step.items():
            if key in ("orders", "items", "events"):
                for shorter in shortened(rows):
                    steps = [*body["steps"]]
                    steps[i] = step | {key: shorter}
                    yield body | {"steps": steps}
            elif key == "within":
                steps = [*body["steps"]]
                steps[i] = {other: value for other, value in step.items() if other != key}
                yield body | {"steps": steps}


@said
@given(seeds)
def test_whatever_narrows_rows_down_is_said(sayings):
    ((word, body),) = (sayings.sequence() if sayings.often(0.4) else sayings.aggregate()).items()
    whole = parse_condition({word: body}, SCHEMA)
    for shorter in shortened(body):
        try:
            other = parse_condition({word: shorter}, SCHEMA)
        except DefinitionError:
            continue  # "by" cannot stand without "within"
        if other != whole:
            for language in ("tr", "en"):
                assert sentence(other, language) != sentence(whole, language)


def mutations(document, chance):
    """Return copies of a definition, each with one thing in it that nobody says."""
    found = []

    def visit(node, path):
        if isinstance(node, dict):
            found.append((path, "key"))
            for key, value in node.items():
                visit(value, [*path, key])
        elif isinstance(node, list):
            found.append((path, "null"))
            for i, value in enumerate(node):
                visit(value, [*path, i])
        else:
            found.append((path, "null"))

    visit(document["where"], ["where"])
    for path, how in chance.sample(found, min(4, len(found))):
        mutated = copy.deepcopy(document)
        *way, last = path
        parent = mutated
        for step in way:
            parent = parent[step]
        if how == "null":
            parent[last] = None
        elif chance.random() < 0.5 or last == "seasons" or not parent[last]:
            parent[last]["$.a"] = {"is": 1}
        else:
            key = chance.choice(list(parent[last]))
            parent[last]["$.a"] = parent[last].pop(key)
        yield mutated


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_neither_parser_nor_published_schema_takes_what_nobody_says(sayings):
    for mutated in mutations(sayings.definition(), sayings.random):
        assert not PUBLISHED.is_valid(mutated)
        with pytest.raises(DefinitionError):
            parse(mutated, SCHEMA)
