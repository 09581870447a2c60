"""What stored versions of journeys mean after an update of the program."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from tests.journeys.scene import document

from pusula.journeys.models import Journey, JourneyVersion

pytestmark = pytest.mark.django_db
said = import_module("pusula.journeys.migrations.0004_holdouts_said")


def test_a_version_that_held_nobody_out_goes_on_holding_nobody_out():
    journey = Journey.objects.create(key="old", created_at=1)
    silent = {word: part for word, part in document("old").items() if word != "holdout"}
    for number, definition in enumerate((silent, silent | {"holdout": "30 %"}), 1):
        JourneyVersion.objects.create(
            journey=journey, number=number, definition=definition, created_at=1
        )
    said.say(apps, None)
    kept = JourneyVersion.objects.order_by("number").values_list("definition", flat=True)
    assert [one["holdout"] for one in kept] == ["0 %", "30 %"]
