"""What a template may say about a person comes out of the tables as what it is."""

from __future__ import annotations

from datetime import date

import pytest
from tests.outbox.people import profiles

from pusula.content import language
from pusula.lib import clock
from pusula.outbox.variables import names, values
from pusula.profiles.models import Score, Trait

pytestmark = pytest.mark.django_db


def test_traits_of_every_kind_keep_their_kind():
    [person, other] = profiles(2)
    given = {
        "city": {"kind": "text", "text": "İzmir"},
        "nights": {"kind": "number", "number": 3.0},
        "score": {"kind": "number", "number": 0.5},
        "vip": {"kind": "bool", "number": 1.0},
        "birthday": {"kind": "day", "day": date(1990, 2, 28)},
        "tags": {"kind": "list", "text": "spa\naile"},
    }
    for name, value in given.items():
        Trait.objects.create(profile=person, name=name, source="t", updated_at=0, **value)
    found = values([person.pk, other.pk, other.pk + 1], at=clock.now())
    assert found[person.pk]["traits"] == {
        "city": "İzmir", "nights": 3, "score": 0.5, "vip": True, "birthday": date(1990, 2, 28),
        "tags": ["spa", "aile"],
    }  # fmt: skip
    assert isinstance(found[person.pk]["traits"]["nights"], int)
    assert found[other.pk]["traits"] == {}
    assert set(found) == {person.pk, other.pk}


def test_scores_are_read_once_for_all_and_only_when_a_template_speaks_of_them(
    django_assert_num_queries,
):
    [person, other] = profiles(2)
    for value, at in ((10.0, 1), (20.0, 2)):
        Score.objects.create(profile=person, model="clv_12m", value=value, scored_at=at)
    found = values([person.pk, other.pk], at=clock.now())
    score = language.Part("{{ scores.clv_12m }}", language.PLAIN)
    other_score = language.Part('{{ scores.clv_12m | default: "-" }}', language.PLAIN)
    assert score.is_compiled
    with django_assert_num_queries(1):
        assert score.fill(found[person.pk]) == "20.0"
        assert score.verify(found[person.pk], "20.0")
        assert other_score.fill(found[other.pk]) == "-"
    with pytest.raises(language.RenderError):
        score.fill(found[other.pk])
    assert {"scores.clv_12m", "traits.lifecycle"} <= names()
