"""Random definitions over random histories: the kernel says what naive plain Python says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.segments import histories
from tests.segments.agreement import apart, disagreements

from pusula.segments import kernel
from pusula.segments.language import dump, parse, sentence

agreed = settings(max_examples=600, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
focuses = st.sampled_from(["", *histories.FOCUSES])


@agreed
@given(seeds, focuses)
def test_the_kernel_agrees_with_plain_python(seed, focus):
    assert disagreements(histories.Maker(seed, focus).world())[:1] == []


@settings(agreed, max_examples=80)
@given(seeds, focuses)
def test_profiles_asked_about_at_moments_of_their_own_get_the_answers_they_get_alone(seed, focus):
    assert apart(histories.Maker(seed, focus).world(), seed)[:1] == []


@settings(agreed, max_examples=60)
@given(seeds)
def test_everybody_gets_the_same_answer_alone_in_any_order_and_in_any_encoding(seed):
    world = histories.Maker(seed).world(n_people=5)
    plan, block = histories.compiled(world)
    together = plan.evaluate(block, world.at).members
    tables = {name: getattr(block, name) for name in histories.TABLES}
    turned = {name: turned_table(table) for name, table in tables.items()}
    turned = kernel.Block(block.profile_ids, **turned)
    backwards = plan.evaluate(turned, world.at).members
    for i in range(len(block)):
        alone = plan.evaluate(histories.alone(block, i), world.at).members
        for key, mask in together.items():
            assert alone[key].tolist() == [mask[i]]
            assert backwards[key][i] == mask[i]


def turned_table(table: pa.Table) -> pa.Table:
    """Return the rows in reverse order, in two chunks, with text dictionary-encoded."""
    table = table.take(pa.array(np.arange(len(table))[::-1]))
    for i, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(i, field.name, table.column(i).dictionary_encode())
    half = len(table) // 2
    return pa.concat_tables([table.slice(0, half), table.slice(half)])


@settings(agreed, max_examples=100)
@given(seeds)
def test_a_definition_survives_being_written_down_and_is_said_in_both_languages(seed):
    world = histories.Maker(seed).world()
    for document in world.definitions.values():
        definition = parse(document, world.schema)
        assert parse(dump(definition), world.schema) == definition
        for language in ("tr", "en"):
            assert sentence(definition, language).endswith(".")
