"""The language of journeys: what it reads, writes back, refuses, and says in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pusula.journeys.language import DefinitionError, Journey, Names, dump, graph, parse, sentences
from pusula.journeys.language.json_schema import json_schema
from pusula.segments.language import read_yaml
from pusula.segments.language.schema import Kind, Schema

NAMES = Names(
    schema=Schema(
        currency="TRY",
        tz="Europe/Istanbul",
        traits={"city": Kind.TEXT, "born": Kind.DAY, "vip": Kind.BOOL},
        lists=("callers",),
    ),
    templates={"email": ("hello", "bye"), "sms": ("short",)},
    segments=("lapsing", "loyal"),
    pools=("summer",),
)
WORDS = {"tr": "Deneme", "en": "Trial"}
STEP = {"id": "mail", "message": {"ways": [{"channel": "email", "template": "hello"}]}}


def doc(**parts: Any) -> dict[str, Any]:
    return {
        "journey": "trial", "title": WORDS, "entry": [{"api": True}], "steps": [STEP], **parts,
    }  # fmt: skip


def refusal(**parts: Any) -> str:
    with pytest.raises(DefinitionError) as error:
        parse(doc(**parts), NAMES)
    return error.value.message


# Journeys at random

lengths = st.builds(
    lambda n, unit: f"{n} {unit}{'' if n == 1 else 's'}",
    st.integers(1, 90),
    st.sampled_from(["minute", "hour", "day", "week", "month"]),
)
times = st.builds(lambda h, m: f"{h:02}:{m:02}", st.integers(0, 23), st.integers(0, 59))
events = st.builds(
    lambda name, where: {"event": {"name": name, **where}},
    st.sampled_from(["Hotel Searched", "Order Completed"]),
    st.sampled_from([{}, {"where": {"nights": {"at_least": 3}}}, {"where": {"x": {"is": "y"}}}]),
)
orders = st.sampled_from(
    [{"order": {}}, {"order": {"becomes": "cancelled", "where": {"status": {"is": "cancelled"}}}}]
)
moves = st.sampled_from([{"enters": "loyal"}, {"leaves": "lapsing"}])
triggers = st.one_of(events, orders, moves)
conditions = st.sampled_from(
    [{"trait": {"city": {"is": "İzmir"}}}, {"orders": {"count": {"at_least": 2}}},
     {"not": {"segment": "loyal"}}]
)  # fmt: skip
dates = st.builds(
    lambda offset, at, yearly: {"trait": "born", "at": at, **offset, **yearly},
    st.sampled_from([{}, {"offset": "1 day before"}, {"offset": "2 weeks after"}]),
    times,
    st.sampled_from([{}, {"yearly": True}]),
)
schedules = st.builds(
    lambda at, when: {"schedule": {"segment": "lapsing", "at": at, **when}},
    times,
    st.sampled_from(
        [{}, {"day": "2026-06-01"}, {"weekdays": ["monday", "friday"]}, {"month_days": [1, 31]}]
    ),
)
entries = st.one_of(
    triggers, schedules, st.builds(lambda d: {"date": d}, dates), st.just({"api": True})
)
ways = st.sampled_from(
    [
        [{"channel": "email", "template": "hello"}],
        [{"channel": "sms", "template": "short"}, {"channel": "email", "template": "bye"}],
        [{"channel": "email", "template": {"en": "hello", "tr": "bye"}}],
    ]
)
leaves = st.one_of(
    st.builds(lambda n: {"wait": {"for": n}}, lengths),
    st.builds(lambda t: {"wait": {"until": t, "weekdays": ["tuesday"]}}, times),
    st.builds(
        lambda t, days: {"wait": {"until": "own_hour", "usual": t, **days}},
        times,
        st.sampled_from([{}, {"weekdays": ["monday", "friday"]}]),
    ),
    st.builds(lambda d: {"wait": {"date": d}}, dates),
    st.builds(lambda w, n: {"message": {"ways": w, "not_after": n}}, ways, lengths),
    st.sampled_from(
        [
            {"webhook": {"url": "https://example.com/hook"}},
            {"set_trait": {"name": "vip", "value": True}},
            {"set_trait": {"name": "tier", "value": "gold"}},
            {"list": {"add_to": "callers"}},
            {"coupon": {"pool": "summer"}},
            {"goal": True},
        ]
    ),
)


def _with_parts(inner: st.SearchStrategy[list[dict[str, Any]]]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(
            lambda t, n, a, b: {"wait": {"first": [t], "at_most": n, "then": a, "else": b}},
            triggers, lengths, inner, inner,
        ),
        st.builds(
            lambda c, a, b: {"branch": {"ways": [{"when": c, "steps": a}], "else": b}},
            conditions, inner, inner,
        ),
        st.builds(
            lambda a, b: {"split": [{"name": "a", "share": "30 %", "steps": a},
                                    {"name": "b", "share": "70 %", "steps": b}]},
            inner, inner,
        ),
        st.builds(
            lambda n, a, b: {"task": {"title": WORDS, "script": WORDS, "at_most": n,
                                      "outcomes": [{"outcome": "sold", "title": WORDS, "steps": a}],
                                      "else": b}},
            lengths, inner, inner,
        ),
        st.builds(
            lambda n, a: {"approval": {"title": WORDS, "at_most": n, "then": a}}, lengths, inner
        ),
    )  # fmt: skip


def _lists(kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(kinds, min_size=1, max_size=3)


steps_ = _lists(st.recursive(leaves, lambda kinds: _with_parts(_lists(kinds)), max_leaves=8))


def _numbered(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give every step an id of its own."""
    count = iter(range(10**6))

    def number(value: Any) -> Any:
        if isinstance(value, list):
            return [number(one) for one in value]
        if isinstance(value, dict):
            found = {word: number(one) for word, one in value.items()}
            is_step = len(value) == 1 and next(iter(value)) in _KINDS
            return {"id": f"s{next(count)}", **found} if is_step else found
        return value

    return [number(step) for step in steps]


_KINDS = {
    "wait", "branch", "split", "message", "task", "approval", "webhook", "set_trait", "list",
    "coupon", "goal", "exit", "continue",
}  # fmt: skip
journeys = st.builds(
    lambda entry, steps, goal, more: doc(entry=entry, steps=_numbered(steps), goal=goal, **more),
    st.lists(entries, min_size=1, max_size=3),
    steps_,
    st.one_of(triggers, st.builds(lambda c: {"where": c}, conditions)),
    st.sampled_from(
        [{}, {"reentry": "restart"}, {"reentry": {"after": "30 days"}, "holdout": "10 %"},
         {"priority": 2, "class": "service", "who": {"segment": "loyal"}}]
    ),
)  # fmt: skip


def _parsed(document: dict[str, Any]) -> Journey | None:
    """Return a journey at random, unless it was made too deep."""
    try:
        return parse(document, NAMES)
    except DefinitionError as error:
        if "deep" not in error.message:
            raise
        return None


@given(journeys)
@settings(max_examples=60, deadline=None)
def test_what_is_written_back_is_read_as_the_same_and_said_in_both_languages(document):
    found = _parsed(document)
    if found is None:
        return
    written = dump(found)
    assert parse(written, NAMES) == found
    assert dump(parse(json.loads(json.dumps(written)), NAMES)) == written
    jsonschema.Draft202012Validator(SCHEMA).validate(written)
    for language in ("tr", "en"):
        lines = sentences(found, language)
        assert {line.step for line in lines} == {"", *graph(found).nodes}
        assert all(line.text and "{" not in line.text for line in lines)


@given(journeys)
@settings(max_examples=60, deadline=None)
def test_every_way_leads_forward(document):
    found = _parsed(document)
    if found is None:
        return
    made = graph(found)
    for node in made.nodes.values():
        for target in (node.next, *node.ways.values()):
            assert target is None or made.nodes[target].number > node.number


SCHEMA = json_schema(NAMES)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            {"steps": [{"id": "a", "waits": {"for": "1 day"}}]},
            "steps[0].waits: unknown key; did you mean 'wait'?",
        ),
        ({"steps": [STEP, STEP]}, "steps[1].id: there is another step 'mail'"),
        ({"steps": [{"message": {}}]}, "steps[0]: 'id' is missing"),
        (
            {"steps": [STEP, {"id": "b", "continue": "mail"}]},
            "steps[1].continue: 'mail' comes before",
        ),
        ({"steps": [{"id": "b", "continue": "mali"}]}, "there is no step 'mali'"),
        ({"steps": [{"id": "e", "exit": True}, STEP]}, "steps[1]: nobody comes here"),
        (
            {
                "steps": [
                    {
                        "id": "s",
                        "split": [{"name": "a", "share": "40 %"}, {"name": "b", "share": "50 %"}],
                    }
                ]
            },
            "the shares are 90 % together",
        ),
        (
            {
                "steps": [
                    {"id": "m", "message": {"ways": [{"channel": "email", "template": "helo"}]}}
                ]
            },
            "there is no email template 'helo'; did you mean 'hello'?",
        ),
        (
            {"steps": [{"id": "w", "wait": {"until": "9:00"}}]},
            "steps[0].wait.until: expected a time of day",
        ),
        (
            {"steps": [{"id": "w", "webhook": {"url": "http://example.com"}}]},
            "steps[0].webhook.url: expected an address",
        ),
        ({"entry": [{"enters": "loyl"}]}, "there is no segment 'loyl'; did you mean 'loyal'?"),
        ({"entry": [{"date": {"of": "starts_on"}}]}, "needs a journey for each order"),
        (
            {"entry": [{"event": {"name": "X"}}], "keyed_by": "order"},
            "brings a profile and no order",
        ),
        (
            {"entry": [{"date": {"trait": "city"}}]},
            "entry[0].date.trait: unknown trait that is a day 'city'",
        ),
        ({"priority": 10}, "priority: expected a priority from 1"),
        ({"reentry": "sometimes"}, "reentry: unknown rule 'sometimes'"),
        (
            {"exit_when": [{"where": {"trait": {"town": {"is": "x"}}}}]},
            "exit_when[0].where.trait.town: unknown trait",
        ),
        (
            {"goal": {"order": {"becomes": "bought"}}},
            "goal.order.becomes: unknown change of an order",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(parts, said):
    assert said in refusal(**parts)


def test_a_journey_has_at_most_a_hundred_steps_and_six_levels():
    many = [{"id": f"s{n}", "wait": {"for": "1 day"}} for n in range(101)]
    assert "too many" in refusal(steps=many)
    nested: list[dict[str, Any]] = [STEP]
    for n in range(6):
        nested = [{"id": f"a{n}", "approval": {"title": WORDS, "at_most": "1 day", "then": nested}}]
    assert "steps nested more than 6 deep" in refusal(steps=nested)


def test_the_example_of_the_documents_is_a_journey():
    text = (Path(__file__).resolve().parents[2] / "docs" / "journeys.md").read_text("utf-8")
    example = text.split("```yaml")[1].split("```")[0]
    names = Names(schema=NAMES.schema)
    found = parse(read_yaml(example), names)
    assert dump(found) == {**dump(found), "journey": "abandoned-booking"}
    assert list(graph(found).nodes) == ["pause", "reminder", "day", "offer"]


def test_a_journey_in_yaml_is_said_line_by_line():
    text = """
journey: trial
title: {tr: Deneme, en: Trial}
entry: [{event: {name: Hotel Searched}}]
reentry: {after: 30 days}
steps:
  - {id: pause, wait: {until: "09:00", weekdays: [tuesday]}}
  - id: ask
    split:
      - {name: mail, share: 60 %, steps: [{id: out, exit: true}]}
      - {name: rest, share: 40 %}
"""
    lines = sentences(parse(read_yaml(text), NAMES), "en")
    assert ["  " * line.depth + line.text for line in lines] == [
        "One run for each customer.",
        "Comes in: when “Searched for a hotel” happens.",
        "Coming in again: once they are out. At the earliest 30 days after coming in.",
        "Control group: 10% get nothing.",
        "Commercial messages, purpose “marketing”, priority 5.",
        "Wait until Tuesday, 09:00.",
        "Draw lots.",
        "  Variant “mail”, 60%",
        "    Leave the journey.",
        "  Variant “rest”, 40%",
    ]


def test_who_says_nothing_of_a_control_group_holds_out_ten_per_cent_and_zero_nobody():
    usual, nobody = parse(doc(), NAMES), parse(doc(holdout=0), NAMES)
    assert (usual.holdout, nobody.holdout) == (10, 0)
    assert parse(doc(holdout="0 %"), NAMES) == nobody
    # What is kept says its share, so that it means the same whatever is usual later.
    assert [dump(one)["holdout"] for one in (usual, nobody)] == ["10 %", "0 %"]
    assert parse(dump(nobody), NAMES) == nobody
    told = [[line.text for line in sentences(one, "en")] for one in (usual, nobody)]
    assert "Control group: 10% get nothing." in told[0]
    assert any(line.startswith("No control group") for line in told[1])
    for wrong in ("100 %", 10, -1, False):
        assert "holdout" in refusal(holdout=wrong)


def test_what_tells_of_a_booking_is_kept_from_nobody_unless_it_says_so():
    service = doc() | {"class": "service"}
    assert parse(service, NAMES).holdout == 0
    assert parse(dump(parse(service, NAMES)), NAMES).holdout == 0
    assert parse(service | {"holdout": "5 %"}, NAMES).holdout == 5
    assert parse(doc() | {"class": "commercial"}, NAMES).holdout == 10
