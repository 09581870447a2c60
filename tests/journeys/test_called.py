"""Steps and templates are called by what they say, wherever messages are listed."""

from __future__ import annotations

import pytest
from tests.journeys.scene import document, mail, publish, templates, wait
from tests.pipeline.company import NOW, define

from pusula.campaigns import called as templates_called
from pusula.campaigns.models import Template
from pusula.journeys import called, versions
from pusula.journeys.language import Names, graph, parse
from pusula.journeys.language.sentences import said
from pusula.lib import clock
from pusula.measurement.reports.names import Names as Rows
from pusula.segments import catalog

pytestmark = pytest.mark.django_db


def template(name: str, **says) -> None:
    Template.objects.create(name=name, updated_at=NOW, **says)


@pytest.mark.parametrize(
    ("says", "tr", "en"),
    [
        ({"subject": "Merhaba"}, "Merhaba", "Merhaba"),
        ({"subject": "Merhaba", "languages": {"en": {"subject": "Hello"}}}, "Merhaba", "Hello"),
        (
            {"text": "{{ company.name }}: {{ message.order }} numaralı odanız hazır"},
            "… numaralı odanız hazır",
            "… numaralı odanız hazır",
        ),
        (
            {
                "subject": "{% if profile.first_name %}{{ profile.first_name }}, sizi"
                "{% else %}Sizi{% endif %} özledik"
            },
            "Sizi özledik",
            "Sizi özledik",
        ),
        ({"channel": "whatsapp"}, "one", "one"),
        ({"subject": "{% if"}, "one", "one"),
        ({"subject": "söz " * 40}, f"{'söz ' * 14}…", f"{'söz ' * 14}…"),
    ],
)
def test_a_template_is_called_by_what_it_says_to_somebody_unknown(says, tr, en):
    template("one", **says)
    assert templates_called.templates("tr") == {"one": tr}
    assert templates_called.templates("en", ["one", "another"]) == {"one": en}


def test_a_step_is_called_by_its_message_or_what_it_does():
    journey = publish(steps=[wait("pause", "1 hour"), mail()])
    asked = {(journey.origin, step) for step in ("pause", "mail", "gone", "")}
    found = called.steps({*asked, ("campaign:1", "mail"), ("journey:x", "mail")}, "tr")
    assert found == {
        (journey.origin, "mail"): "Merhaba",
        (journey.origin, "pause"): "1 saat bekle",
    }


def test_a_step_that_only_an_older_version_has_is_still_called_by_its_words():
    journey = publish(steps=[mail("first")])
    publish(at=NOW + clock.HOUR, steps=[mail("second")])
    asked = {(journey.origin, "first"), (journey.origin, "second")}
    assert called.steps(asked, "en") == dict.fromkeys(asked, "Merhaba")


def test_reports_say_the_step_and_keep_the_code_of_what_is_gone():
    journey = publish(steps=[mail()])
    rows = [{"origin": journey.origin, "step": step} for step in ("mail", "gone")]
    names = Rows.of(rows)
    title = names.origins[journey.origin]
    assert [names.row(row) for row in rows] == [f"{title} · Merhaba", f"{title} · gone"]


def test_a_journey_in_words_calls_nothing_by_its_key():
    templates()
    jump = {
        "when": {"orders": {"count": {"at_least": 3}}},
        "steps": [{"id": "on", "continue": "w"}],
    }
    steps = [{"id": "who", "branch": {"ways": [jump], "else": [mail()]}}, wait("w", "1 hour")]
    told = parse(document(steps=steps), Names(schema=catalog.schema()))
    lines = [line.text for line in said(told, called.printer("en", told))]
    assert "Continue with this step: Wait 1 hour." in lines
    assert any("“Merhaba”" in line for line in lines)
    assert any("“Offers and news”" in line for line in lines)
    assert versions.names() is not None


def test_of_a_companys_templates_and_segments_only_those_named_are_read():
    templates("hello", "another")
    for key in ("loyal", "lapsing", "others"):
        define(key, {"orders": {"count": {"at_least": 1}}})
    first = {"first": [{"enters": "lapsing"}], "at_most": "2 days"}
    steps = [{"id": "until", "wait": first}, mail()]
    written = document(steps=steps, who={"segment": "loyal"})
    parsed = parse(written, versions.names())
    for about in (written, parsed, graph(parsed), [parsed, None]):
        told = called.printer("tr", about)
        assert dict(told.templates) == {"hello": "Merhaba"}
        assert told.titles.keys() == {"loyal", "lapsing"}
    assert not called.printer("tr", list(parsed.steps[:1])).templates
