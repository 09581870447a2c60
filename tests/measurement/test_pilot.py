"""Pilots: what a file may say, what is registered, and what a scenario is advised to become."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.utils import translation

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.measurement.pilot import building, definition, sprint
from pusula.measurement.pilot.definition import FLAVOURS, PilotError


def kit(**changes: str) -> str:
    with translation.override("tr"):
        text = definition.kit("hotel")
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_ready_files_are_whole_and_come_back_as_they_were(flavour):
    told = definition.parse(definition.kit(flavour), flavour)
    assert definition.restored(definition.plain(told)) == told
    assert [one.scenario for one in told.scenarios] == ["loyalty", "cross_sell", "upsell"]
    assert len(told.segments) == 5
    assert told.days == 14


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(("language", "other"), [("tr", "en:"), ("en", "tr:")])
def test_the_ready_files_speak_the_readers_language_and_no_other(flavour, language, other):
    with translation.override(language):
        text = definition.kit(flavour)
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert other not in body
    told = definition.parse(text, flavour)
    assert told.language == language
    today = clock.day_of(clock.now(), "Europe/Istanbul")
    assert min(step.on for step in sprint.steps(told)) > today
    first = told.scenarios[0].message.subject
    assert first.tr == first.en
    assert first.tr in text


def test_a_text_may_be_said_in_one_language_or_in_both():
    told = definition.parse(kit(**{"14 günlük pilot": "{tr: Bahar, en: Spring}"}), "")
    assert (told.title.tr, told.title.en) == ("Bahar", "Spring")
    assert told.scenarios[0].button.text.en == "Tarihlerinizi seçin"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_ready_files_differ_in_their_words_alone(flavour):
    turkish, english = (spoken(flavour, language) for language in ("tr", "en"))
    assert wordless(definition.parse(turkish, "")) == wordless(definition.parse(english, ""))
    comments, others = re.findall("# (.+)", turkish), re.findall("# (.+)", english)
    assert len(comments) == len(others) >= 4
    assert not set(comments) & set(others)


def spoken(flavour: str, language: str) -> str:
    with translation.override(language):
        return definition.kit(flavour)


def wordless(told: definition.Definition) -> object:
    """Return what a pilot says, with its texts and its language left out."""

    def without(part: object) -> object:
        if isinstance(part, (list, tuple)):
            return [without(each) for each in part]
        if not isinstance(part, dict):
            return part
        return "" if part.keys() == {"tr", "en"} else {k: without(v) for k, v in part.items()}

    return without({**definition.plain(told), "language": ""})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pilot: hotel-pilot", "pilot: Otel Pilotu", "pilot: lower case"),
        ("https://www.example.com", "javascript:alert(1)", "site: an address"),
        ("https://www.example.com", "https://www.example.com/'>", "site: an address"),
        ("days: 14", "days: 3", "days: 7 to 60"),
        ("holdout: 20%", "holdout: 0%", "without one nothing is measured"),
        ("scenario: upsell", "scenario: loyalty", "each kind once"),
        ("path: /odalar", "path: //evil.example", "begins with one /"),
        ("audience: [first-time-guests-upcoming]", "audience: [nobody]", "'nobody' is an audience"),
        ("Sizi yeniden ağırlamak isteriz", '"{{ traits.secret }}"', "plain words"),
        ("routes: [email, webpush]", "routes: [email, whatsapp]", "approved template"),
        ("margin: 35%", "margin: 135%", "from 0% to 100%"),
        ("language: tr", "colour: red", "unknown field"),
        ("pilot: hotel-pilot", "pilot: [", "line"),
    ],
)
def test_what_a_file_must_not_say_is_refused_with_its_place(old, new, said):
    with pytest.raises(PusulaError, match=r"pilot\.yaml") as caught:
        definition.parse(kit(**{old: new}), "pilot.yaml")
    assert said in caught.value.message


def test_anything_said_beforehand_changes_the_digest():
    told = definition.parse(kit(), "")
    for change in ({"holdout: 20%": "holdout: 21%"}, {"email: 0.05": "email: 0.06"},
                   {"Odaları görün": "Odalara bakın"}):  # fmt: skip
        assert definition.digest(definition.parse(kit(**change), "")) != definition.digest(told)
    assert definition.digest(definition.parse(kit(), "")) == definition.digest(told)


def test_nobody_is_in_two_scenarios_and_everybody_is_measured_for_the_same_days():
    told = definition.parse(kit(), "")
    loyalty, _cross, upsell = (building.document(told, one) for one in told.scenarios)
    out = [one["not"]["segment"] for one in upsell["who"]["all"] if "not" in one]
    assert {"lapsing-loyal-guests", "seasonal-returners", "has-upcoming-booking"} <= set(out)
    assert {"schedule"} == {key for one in loyalty["entry"] for key in one}
    assert loyalty["reentry"] == "never"
    assert loyalty["holdout"] == "20 %"


def test_there_is_no_third_kit():
    with pytest.raises(PilotError, match="hotel, shop"):
        definition.kit("bank")


def test_the_list_of_days_hangs_on_the_first_and_the_last():
    told = definition.parse(kit(**{"days: 14": "days: 21"}), "")
    days = {step.number: step.on for step in sprint.steps(told)}
    assert days[0] == told.starts_on
    assert days[20] == told.starts_on + dt.timedelta(20)
    assert list(days) == sorted(days)
