"""Whatever the language can say becomes a form and is said again by it: nothing is lost."""

from __future__ import annotations

import pytest
from django.utils import translation
from tests.segments import histories
from tests.segments.sayings import SCHEMA, Sayings

from pusula.segments.language import dump_condition, parse, parse_condition, read_yaml
from pusula.segments.language.nodes import AllOf, AnyOf, Not
from pusula.web.builder import documents, order_picks, picks
from pusula.web.builder.controls import Option
from pusula.web.builder.draft import from_pairs
from pusula.web.builder.editors import written
from pusula.web.builder.view import Drawer

SEEDS = range(60)


class Choices:
    """What is offered: no choice of a form may depend on what happens to be there."""

    def events(self):
        return [Option(name, name) for name in ("Hotel Searched", "Booking Abandoned")]

    def states(self, known):
        return [Option(state, state) for state in known]

    def models(self):
        return ["clv"]

    def column(self, _relation, _column):
        return []

    def trait(self, _name):
        return []

    def segments(self):
        return []

    def sets(self, _sort):
        return []


@pytest.fixture(params=[True, False], ids=["stays", "orders"])
def installation(request, monkeypatch):
    monkeypatch.setattr(picks, "Choices", Choices)
    monkeypatch.setattr(order_picks.orders, "has_stays", lambda: request.param)


def plain(condition):
    """Return ``condition`` with groups of one and groups in groups of their kind dissolved."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            kind = type(condition)
            found = []
            for part in map(plain, parts):
                found += part.parts if isinstance(part, kind) else [part]
            return found[0] if len(found) == 1 else kind(tuple(found))
        case Not(part):
            return Not(plain(part))
    return condition


def assert_survives(where, schema):
    asked = parse_condition(where, schema)
    document = dump_condition(asked)
    picker = picks.Picker(schema)
    draft = documents.draft_of({"where": document}, picker)
    said = documents.say(from_pairs(draft.pairs()), picker)
    Drawer(picker, said).roots(draft)  # what is drawn is what is sent next
    drawn = documents.say(from_pairs(draft.pairs()), picker)
    for each in (said, drawn):
        assert (each.problems, each.error) == ({}, ""), document
        assert plain(each.condition) == plain(asked), document
    documents.set_yaml(draft, written(drawn.document), picker)
    assert read_yaml(written(drawn.document)) == drawn.document
    assert plain(documents.say(draft, picker).condition) == plain(asked), document


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize("language", ["tr", "en"])
def test_every_definition_becomes_a_form_and_yaml_and_stays_what_it_was(language):
    with translation.override(language):
        for seed in SEEDS:
            definition = parse(Sayings(seed).definition(), SCHEMA)
            assert_survives(dump_condition(definition.where), SCHEMA)


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize("focus", ["", *histories.FOCUSES])
def test_what_the_kernel_is_tested_with_survives_the_form(focus):
    world = histories.Maker(7, focus).world(n_people=1, n_leaves=4, n_trees=0 if focus else 6)
    for document in world.definitions.values():
        assert_survives(document["where"], world.schema)


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ({"orders": {"latest": "ends_on", "is": {"during": "ramazan-bayrami"}}}, "orders.latest"),
        ({"trait": {"birthday": {"during": "ramazan-bayrami"}}}, "trait:birthday"),
        ({"orders": {"last": "region", "is": {"in": ["Bodrum"]}}}, "orders.last"),
        ({"orders": {"first": "net_amount", "is": {"at_least": "10 TRY"}}}, "orders.first"),
        (
            {"orders": {"latest": "ends_on", "is": {"between": ["2 years ago", "3 months ago"]}}},
            "orders.latest",
        ),
    ],
)
def test_it_has_boxes_of_its_own(where, kind):
    draft = documents.draft_of({"where": where}, picks.Picker(SCHEMA))
    assert [leaf.kind for leaf in draft.leaves()] == [kind]
    assert_survives(where, SCHEMA)
