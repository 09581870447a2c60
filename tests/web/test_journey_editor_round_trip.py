"""Whatever the language of journeys can say becomes a form and is said again by it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from tests.journeys.test_language import NAMES, WORDS, journeys
from tests.web.test_builder_round_trip import Choices as Offered

from pusula.journeys import packs
from pusula.journeys.language import DefinitionError, Names, dump, parse
from pusula.segments.language import read_yaml
from pusula.segments.language.schema import Kind
from pusula.web.builder import order_picks, picks
from pusula.web.journey_form import documents, kinds, reading
from pusula.web.journey_form import draft as drafts
from pusula.web.journey_form.boxes import Here
from pusula.web.journey_form.writing import written


class Choices(Offered):
    """What is offered: no choice of a form may depend on what happens to be there."""


@pytest.fixture(autouse=True)
def _installation(monkeypatch):
    monkeypatch.setattr(picks, "Choices", Choices)
    monkeypatch.setattr(order_picks.orders, "has_stays", lambda: True)


def assert_survives(document, names=NAMES):
    asked = parse(document, names)
    picker = picks.Picker(names.schema)
    here = Here(names, Choices())
    draft = reading.draft_of(dump(asked), picker, here)
    assert drafts.of_state(draft.state) == draft
    said = documents.say(draft, picker, here)
    assert said.problems == {}, dump(asked)
    assert said.journey == asked, dump(asked)
    assert parse(read_yaml(written(dump(asked))), names) == asked
    return draft


@pytest.mark.parametrize("language", ["tr", "en"])
def test_every_journey_becomes_a_form_and_stays_what_it_was(language):
    @given(journeys)
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def survives(document):
        try:
            parse(document, NAMES)
        except DefinitionError:  # made too deep
            return
        draft = assert_survives(document)
        assert kinds.YAML not in {node.kind for node in draft.nodes()}

    with translation.override(language):
        survives()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "flavour"),
    [(pack.name, flavour) for pack in packs.all_packs() for flavour in pack.flavours],
)
def test_every_ready_journey_has_boxes_for_all_of_it(name, flavour):
    scenario = packs.load(name, flavour, "en")
    traits = {trait: Kind(kind) for trait, kind in scenario.traits.items()}
    names = Names(schema=replace(NAMES.schema, traits=NAMES.schema.traits | traits))
    draft = assert_survives(dict(scenario.document), names)
    assert kinds.YAML not in {node.kind for node in draft.nodes()}


def test_what_has_no_boxes_is_kept_as_yaml():
    odd = {"id": "odd", "set_trait": {"name": "tier", "value": " gold "}}
    ending = {"journey": "x", "title": WORDS, "entry": [{"api": True}], "steps": [odd]}
    draft = assert_survives(ending)
    assert [step.kind for step in draft.lists["steps"].below] == [kinds.YAML]


def test_texts_of_several_lines_stay_what_they_are_in_yaml():
    words = {"tr": "Merhaba\n- nasılsınız: iyi?", "en": "Hello\n# there"}
    ends = [{"outcome": "ok", "title": WORDS}]
    call = {"title": WORDS, "script": words, "outcomes": ends, "at_most": "1 day"}
    steps = [{"id": "call", "task": call}]
    assert_survives({"journey": "x", "title": WORDS, "entry": [{"api": True}], "steps": steps})
