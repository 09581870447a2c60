"""The facts of a card: written down once, in both languages, meaning what segments mean."""

import re
from string import Formatter

import lucide
import pytest
from tests.web import company as made_up

from pusula.lib import clock
from pusula.profiles.models import Profile
from pusula.segments import card, catalog, queries
from pusula.segments.everybody import rebuild
from pusula.segments.language import dump_condition
from pusula.segments.language.schema import Kind, Schema
from pusula.segments.models import CutPoint, Segment
from pusula.segments.publishing import publication
from pusula.segments.publishing.changeset import compare

SCHEMA = Schema(currency="TRY", tz="Europe/Istanbul", traits={"birth_date": Kind.DAY})
FACTS = card.catalogue(SCHEMA)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.key)
def test_every_fact_has_its_words_its_values_and_its_icon(fact):
    lucide._load_icon(fact.icon)
    assert fact.facet in {"orders", "web", ""}
    assert fact.tone in {"", "good", "warn", "hot"}
    assert fact.says.keys() == {"tr", "en"}
    for forms in fact.says.values():
        assert "other" in forms
        for said in forms.values():
            assert {name for _, name, _, _ in Formatter().parse(said) if name} == set(fact.values)
            assert said.endswith(".")


def test_no_value_takes_a_suffix_in_turkish():
    said = " ".join(form for fact in FACTS for form in fact.says["tr"].values())
    assert not re.search(r"\}['’\w]", said)


def test_facts_have_keys_of_their_own():
    keys = [fact.key for fact in FACTS]
    assert len(keys) == len(set(keys)) == len(card.documents("TRY"))


def test_a_fact_that_asks_for_what_is_not_known_is_left_out():
    keys = {fact.key for fact in card.catalogue(Schema(currency="TRY", tz="UTC"))}
    assert "birthday-soon" not in keys
    assert len(keys) == len(FACTS) - 1


def test_facts_that_compare_with_everybody_have_their_limits_published():
    keys = set(card.fact_definitions(SCHEMA))
    assert "card:stay-above" in keys
    assert "card:top-spender" in keys
    assert "card:next-stay" not in keys


@pytest.mark.django_db
def test_a_fact_holds_of_those_who_are_in_the_segment_of_its_condition(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: made_up.NOW)
    made_up.build()
    rebuild.everybody(at=made_up.NOW)
    assert CutPoint.objects.exists()
    facts = card.catalogue(catalog.schema())
    documents = [
        (
            f.key,
            {"segment": f.key, "title": {"tr": "-", "en": "-"}, "where": dump_condition(f.where)},
        )
        for f in facts
    ]
    publication.apply(compare(documents))
    told = {
        pk: {fact.definition.key for fact in card.facts_of(pk, at=made_up.NOW)}
        for pk in Profile.objects.values_list("pk", flat=True)
    }
    n_told = 0
    for fact in facts:
        inside = set(queries.member_ids(Segment.objects.get(key=fact.key)).tolist())
        assert {pk for pk, keys in told.items() if fact.key in keys} == inside, fact.key
        n_told += bool(inside)
    assert n_told >= 8
