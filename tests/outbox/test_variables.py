"""What a template may say about a person comes out of the tables as what it is."""

from __future__ import annotations

from datetime import date

import pytest
from tests.outbox.people import profiles

from pusula.lib import clock
from pusula.outbox.variables import values
from pusula.profiles.models import Trait

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
