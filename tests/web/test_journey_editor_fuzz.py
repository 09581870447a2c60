"""What no page of ours sends: whatever comes, the editor of journeys answers and says why."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from tests.web import rides
from tests.web.test_journey_editor import fields

from pusula.journeys.models import Journey, JourneyVersion
from pusula.web.builder.draft import DraftError
from pusula.web.journey_form import draft as drafts
from pusula.web.journey_form import kinds

pytestmark = pytest.mark.django_db
ODD = [
    "", "\0", "9" * 400, "-1", "İ" * 300, "<script>alert(1)</script>", "{{ x }}", "a:b:c", "n1",
    "s1", "j", "steps", "steps:0", "steps:999:wait", "s1:0:way", "true", "[]", "{}", "%s", "1,5",
    "10:99", "2026-13-01", "email", "for", "first", "*", "a b c d e f g h i j", "🎈",
]  # fmt: skip
OPS = [
    "draw", "save", "undo", "redo", "yaml", "form", "download", "close", "nothing", "add:inc",
    *(f"{op}:{{}}" for op in ("open", "remove", "copy", "up", "down", "take", "filter", "unfilter",
                              "way", "unway", "wayup", "plus", "draw", "group", "wrap", "yaml")),
    *(f"new:{{}}:{n}:{kind}" for n, kind in enumerate(kinds.STEPS)), "put:{}:0", "plus:{}:1",
]  # fmt: skip
REFUSED = (drafts.FormError, DraftError)


def sent(page: Any, dice: random.Random) -> dict[str, Any]:
    """Return the form of ``page`` with some of it replaced by what nobody typed."""
    form = fields(page)
    for name in dice.sample(sorted(form), k=min(3, len(form))):
        if name not in ("state", "back", "ahead") or dice.random() < 0.1:
            form[name] = dice.choice(ODD)
    node = dice.choice([each.id for each in page.context["desk"].draft.nodes()])
    form[f"{node}.{dice.choice(['for.v', 'ways', 'a.t', 'filters', 'id', 'tree'])}"] = dice.choice(
        ODD
    )
    form["op"] = dice.choice(OPS).format(node)
    return form


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_pressed_and_typed_the_editor_answers(deniz, seed):
    rides.save()
    dice = random.Random(seed)  # noqa: S311 - only to be repeated
    page = deniz.get("/journeys/abandoned/edit/")
    for _ in range(30):
        answer = deniz.post("/journeys/abandoned/edit/", sent(page, dice))
        assert answer.status_code in (200, 302, 422, 400), answer
        page = answer if answer.context and "desk" in answer.context else page
        if answer.status_code == 200 and dice.random() < 0.1:
            assert deniz.post("/journeys/+check/", fields(page)).status_code == 200
    assert JourneyVersion.objects.filter(journey__key="abandoned").exists()


@pytest.mark.parametrize(
    "state",
    [
        "{", "[]", "null", "[" * 3_000, json.dumps([["j", "head", {}, []]]), '"' * 9,
        json.dumps([["j", "head", {"key": "x"}, []]] * 6),
        json.dumps([[n, "head", {}, []] for n in ("j", *drafts.LISTS)]),
        json.dumps([["j", "head", {"a": [1]}, []], *([n, n, {}, []] for n in drafts.LISTS)]),
        json.dumps([["j", "head", {}, []], ["who", "who", {}, [["j", "where", {}, []]]]]),
        "x" * (drafts.MOST_STATE + 1),
    ],
)  # fmt: skip
def test_a_state_that_is_none_of_ours_is_refused(deniz, state):
    answer = deniz.post("/journeys/+new/?blank=1", {"state": state, "op": "draw"})
    assert answer.status_code == 400
    assert not Journey.objects.exists()


@pytest.mark.parametrize(
    "bad",
    [
        ["s1", "variant", {}, []], ["s1", "then", {}, []], ["s1", "event", {}, []],
        ["s1", "wait", {}, [["s2", "else", {}, []]]], ["s1", "split", {}, [["s2", "wait", {}, []]]],
        ["s1", "nonsense", {}, []],
    ],
)  # fmt: skip
def test_a_step_that_cannot_stand_where_it_is_said_to_is_refused(deniz, bad):
    roots: list[Any] = [["j", "head", {}, []]]
    roots += [[n, n, {}, [bad] if n == "steps" else []] for n in drafts.LISTS]
    page = deniz.post("/journeys/+new/?blank=1", {"state": json.dumps(roots), "op": "draw"})
    assert page.status_code == 400


def test_names_that_are_markup_are_shown_as_they_are(deniz):
    page = deniz.get("/journeys/+new/?blank=1")
    page = deniz.post("/journeys/+new/?blank=1", fields(page, op="draw") | {
        "j.title_en": '"><script>alert(1)</script>',
    })  # fmt: skip
    assert "<script>alert(1)" not in page.content.decode()
