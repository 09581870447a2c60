"""Definitions made to break something are refused with their place, without much work."""

# ruff: noqa: E501 - a message stands on one line
from __future__ import annotations

import pytest
from inline_snapshot import snapshot
from tests.segments.sayings import SCHEMA

from pusula.segments.language import (
    DefinitionError,
    SegmentReferenceError,
    check_references,
    evaluation_order,
    parse,
    parse_condition,
    patterns,
    read_yaml,
)


def numbered(_value):
    """Return no name for a case: what is hostile to Pusula is so to pytest."""
    return "case"


def refusal(document):
    with pytest.raises(DefinitionError) as caught:
        parse_condition(document, SCHEMA)
    return caught.value.message


def unreadable(text):
    with pytest.raises(DefinitionError) as caught:
        read_yaml(text)
    return caught.value.message


def of_city(test):
    return {"trait": {"city": test}}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[", snapshot("where.trait.city.matches: no pattern of RE2: missing ]: [")),
        (
            "(?=a)b",
            snapshot("where.trait.city.matches: no pattern of RE2: invalid perl operator: (?="),
        ),
        (
            r"(a)\1",
            snapshot("where.trait.city.matches: no pattern of RE2: invalid escape sequence: \\1"),
        ),
        (
            "a{1001}",
            snapshot(
                "where.trait.city.matches: no pattern of RE2: invalid repetition size: {1001}"
            ),
        ),
        (
            "(((a{100}){100}){100})",
            snapshot("where.trait.city.matches: no pattern of RE2: invalid repetition size: {100}"),
        ),
        (
            "x" * 201,
            snapshot(
                "where.trait.city.matches: a pattern such as '^vip-[0-9]+$' is longer than 200 characters"
            ),
        ),
    ],
    ids=numbered,
)
def test_a_pattern_that_re2_cannot_take_is_refused_with_the_reason(pattern, message):
    assert refusal(of_city({"matches": pattern})) == message


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", ".*" * 90, "((a*)*)*"])
def test_a_pattern_that_would_ruin_others_is_fine_by_re2(pattern):
    assert parse_condition(of_city({"matches": pattern}), SCHEMA)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("İZMİR", "izmir"),
        ("IĞDIR", "ığdır"),
        (r"\D\S+ A", r"\D\S+ a"),
        (r"\p{Lu}\PN[[:ALPHA:]]", r"\p{Lu}\PN[[:ALPHA:]]"),
        (r"\QA.B\E", r"\Qa.b\E"),
        ("(?P<Name>A)(?U)B", "(?P<Name>a)(?U)b"),
        (r"\x{41}A", r"\x{41}a"),
    ],
    ids=numbered,
)
def test_the_letters_of_a_pattern_are_folded_and_its_escapes_are_not(written, folded):
    assert patterns.folded(written) == folded
    assert patterns.folded(folded) == folded


@pytest.mark.parametrize(
    "name",
    ["$.a", "*", 'a"b', "a'--", "a b", "1", "", "p;drop", "a\nb", "a\0b", "x" * 65, "\ud800"],
)
def test_a_property_has_a_plain_name(name):
    where = {name: {"is": "x"}}
    message = refusal({"events": {"name": "A", "count": {"is": 0}, "where": where}})
    assert message.startswith("where.events.where")
    assert refusal({"events": {"name": "A", "sum": name, "is": {"at_least": 1}}})
    steps = [{"events": {"name": "A"}}, {"events": {"name": "B"}}]
    assert refusal({"sequence": {"steps": steps, "same": name}})


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (
            10**5_000,
            snapshot(
                "where.trait.12.at_least: a number of more than 64 bits is not a number Pusula can compare with"
            ),
        ),
        (
            float("nan"),
            snapshot("where.trait.12.at_least: nan is not a number Pusula can compare with"),
        ),
        (
            float("-inf"),
            snapshot("where.trait.12.at_least: -inf is not a number Pusula can compare with"),
        ),
        (
            2**53 + 1,
            snapshot(
                "where.trait.12.at_least: 9007199254740993 is not a number Pusula can compare with"
            ),
        ),
        (
            1e308,
            snapshot("where.trait.12.at_least: 1e+308 is not a number Pusula can compare with"),
        ),
    ],
    ids=numbered,
)
def test_a_number_that_is_not_exact_is_refused(number, message):
    assert refusal({"trait": {"12": {"at_least": number}}}) == message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (of_city({"is": "a\0b"}), snapshot("where.trait.city.is: a text has a character that cannot be typed: '\\x00'")),
        (of_city({"is": "\ud800"}), snapshot("where.trait.city.is: a text has a character that cannot be typed: '\\ud800'")),
        ({"trait": {"tags": {"has": "a\nb"}}}, snapshot("where.trait.tags.has: an entry of a list has one line")),
        ({"trait": {"x" * 100_000: {"is": 1}}}, snapshot("where.trait: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… is no word to put here")),
        ({"trait": {"birthday": {"is": "0001-01-01"}}}, snapshot("where.trait.birthday.is: expected a day from 1800-01-01 to 2200-12-31, found '0001-01-01'")),
        ({"trait": {"birthday": {"before": "9999-12-31"}}}, snapshot("where.trait.birthday.before: expected a day from 1800-01-01 to 2200-12-31, found '9999-12-31'")),
        ({"trait": {"birthday": {"after": "2200-12-31"}}}, snapshot("where.trait.birthday.after: this is the last day there is")),
        ({"trait": {"birthday": {"last": "999999999 years"}}}, snapshot("where.trait.birthday.last: no more than 100 years")),
        ({"trait": {"birthday": {"during": "ramazan-bayram"}}}, snapshot("where.trait.birthday.during: unknown period 'ramazan-bayram'; did you mean 'ramazan-bayrami'?")),
        ({"trait": {"birthday": {"anniversary": {"next": "2 months"}}}}, snapshot("where.trait.birthday.anniversary.next: expected from 1 to 366 days, found '2 months'")),
        ({"orders": {"sum": "net_amount", "is": {"at_least": "9" * 30 + " TRY"}}}, snapshot("where.orders.is.at_least: expected an amount with its currency such as '40000 TRY', found '999999999999999999999999999999 TRY'")),
        ({"orders": {"count": {"is": 0}, "within": {"from": "first_ordr"}}}, snapshot("where.orders.within.from: unknown moment 'first_ordr'; did you mean 'first_order'?")),
        ({"orders": {"count": {"is": 0}, "within": {"from": "1 month after first_order"}}}, snapshot("where.orders.within.from: a month has no fixed length; say it in days")),
        ({"orders": {"count": {"is": 0}, "within": {"from": "created", "to": "created"}}}, snapshot("where.orders.within: the first point in time must come before the second")),
        ({"orders": {"count": {"is": 0}, "within": {"previous": "6 moths"}}}, snapshot("where.orders.within.previous: unknown calendar unit 'moths'; did you mean 'month'?")),
        ({"orders": {"count": {"is": 0}, "within": {"calendar": "5000 months"}}}, snapshot("where.orders.within.calendar: expected from 1 to 1200 months, found '5000 months'")),
        ({"orders": {"share": {"status": {"is": "cancelled"}}, "is": {"at_least": 0.3}}}, snapshot("where.orders.is.at_least: expected a share such as '10 %', found 0.3")),
        ({"orders": {"count": {"of_row_mean": {"at_least": 2}}}}, snapshot("where.orders.count.of_row_mean: unknown key; did you mean 'of_mean'?")),
        ({"orders": {"count": {"of_mean": {"at_least": 0}}}}, snapshot("where.orders.count.of_mean.at_least: expected a multiple of the mean such as 1.2, found 0")),
        ({"orders": {"count": {"rank": 0}}}, snapshot("where.orders.count.rank: expected a place from 1 to 10000000, found 0")),
        ({"orders": {"count": {"between_quantiles": ["60 %", "40 %"]}}}, snapshot("where.orders.count.between_quantiles: the lower limit comes first")),
        ({"orders": {"count": {"is": 0}, "where": {f"c{i}": {"is": 1} for i in range(21)}}}, snapshot("where.orders.where: 21 columns are too many, at most 20")),
        ({"events": {"name": ["A"] * 1_001, "count": {"is": 0}}}, snapshot("where.events.name: 1001 event names are too many, at most 1000 are allowed")),
        (of_city({"in": ["a"] * 1_001}), snapshot("where.trait.city.in: 1001 values are too many, at most 1000 are allowed")),
        ({"list": "vpi"}, snapshot("where.list: there is no 'vpi'; did you mean 'vip'?")),
        ({"campaign": {"key": "sprang"}}, snapshot("where.campaign.key: there is no 'sprang'; did you mean 'spring'?")),
        ({"score": {"model": "clvv", "value": {"at_least": 1}}}, snapshot("where.score.model: there is no 'clvv'; did you mean 'clv'?")),
        ({"score": {"model": "clv", "decile": {"is": 11}}}, snapshot("where.score.decile.is: expected a decile from 1 to 10, found 11")),
        ({"bucket": {"name": "a", "from": "10 %", "to": "10 %"}}, snapshot("where.bucket: 'from' must be less than 'to'")),
        ({"reach": {"channel": "email", "purpose": "marketing", "is": "suppressd"}}, snapshot("where.reach.is: unknown reach 'suppressd'; did you mean 'suppressed'?")),
        ({"sequence": {"steps": [{"events": {"name": "A"}}]}}, snapshot("where.sequence.steps: a sequence has at least two steps")),
        ({"sequence": {"steps": [{"events": {"name": "A"}}] * 7}}, snapshot("where.sequence.steps: 7 steps are too many, at most 6 are allowed")),
        ({"sequence": {"steps": [{"without": {"events": {"name": "A"}}, "for": "1 day"}] * 2}}, snapshot("where.sequence.steps[0].without: only the last step can be one that does not follow")),
        ({"sequence": {"steps": [{"events": {"name": "A"}}, {"events": {"name": "B"}, "within": "1 month"}]}}, snapshot("where.sequence.steps[1].within: a month has no fixed length; say it in days")),
        ({"sequence": {"steps": [{"events": {"name": "A"}, "within": "1 day"}, {"events": {"name": "B"}}]}}, snapshot("where.sequence.steps[0].within: the first step comes after nothing")),
        ({"sequence": {"steps": [{"events": {"name": "A"}}, {"orders": {}}], "same": "hotel"}}, snapshot("where.sequence.same: unknown column here 'hotel'; known are status, property, region, room_type, board, channel, source, rate_code, market_code, source_code, cancel_reason")),
    ],
    ids=numbered,
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(document, message):
    assert refusal(document) == message


def test_a_hundred_leaves_are_fine_and_one_more_is_refused():
    leaf = {"orders": {"count": {"at_least": 1}}}
    assert parse_condition({"all": [leaf] * 100}, SCHEMA)
    halves = {"any": [{"all": [leaf] * 50}, {"all": [leaf] * 51}]}
    assert refusal(halves) == snapshot("where.any[1].all[50]: more than 100 conditions")


def test_depth_is_refused_before_it_is_followed():
    bomb = {"segment": "a"}
    for _ in range(100_000):
        bomb = {"not": bomb}
    assert refusal(bomb) == snapshot(
        "where.not.not.not.not.not.not.not.not: nested more than 8 deep"
    )
    del bomb  # taking it apart is left to Python


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 150_000, snapshot("line 1, column 61: nested too deep")),
        ("{a: " * 2_000, snapshot("line 1, column 238: nested too deep")),
        ("- " * 90_000, snapshot("line 1, column 121: nested too deep")),
        (
            "".join(" " * i + "not:\n" for i in range(400)),
            snapshot("line 60, column 60: nested too deep"),
        ),
        (
            "a: &a [x, x]\nb: [*a, *a]",
            snapshot("line 2, column 5: write it out here: a definition has no aliases"),
        ),
        ("[" + "a," * 90_000 + "]", snapshot("line 1, column 40000: more than 20000 words")),
        (
            "!!python/name:os.system",
            snapshot(
                "line 1, column 1: could not determine a constructor for the tag 'tag:yaml.org,2002:python/name:os.system'"
            ),
        ),
        ("a: 1\n---\nb: 2", snapshot("line 2, column 1: but found another document")),
    ],
    ids=numbered,
)
def test_a_file_made_to_take_long_is_refused_early(text, message):
    assert unreadable(text) == message


def test_segments_in_a_circle_are_refused():
    words = {"tr": "a", "en": "a"}
    chain = {
        f"s{i}": parse(
            {"segment": f"s{i}", "title": words, "where": {"segment": f"s{(i + 1) % 50}"}}, SCHEMA
        )
        for i in range(50)
    }
    with pytest.raises(SegmentReferenceError, match="a circle: s0 → s1"):
        check_references(chain)


def named(key, where):
    return parse({"segment": key, "title": {"tr": "a", "en": "a"}, "where": where}, SCHEMA)


def test_a_long_row_of_segments_is_refused_without_walking_it_by_recursion():
    row = {"s0": named("s0", of_city("known"))}
    row |= {f"s{n}": named(f"s{n}", {"segment": f"s{n - 1}"}) for n in range(1, 3_000)}
    for definitions in (row, dict(reversed(row.items()))):
        order, errors = evaluation_order(definitions)
        assert order == [f"s{n}" for n in range(20)]
        assert "more than 20 segments in a row" in errors["s20"].message
        assert len(errors) == 2_980


def test_segments_that_double_with_each_step_are_refused():
    twice = {"s0": named("s0", of_city("known"))}
    for n in range(1, 20):
        twice[f"s{n}"] = named(f"s{n}", {"all": [{"segment": f"s{n - 1}"}] * 2})
    order, errors = evaluation_order(twice)
    assert order == [f"s{n}" for n in range(9)]
    assert errors["s9"].message == snapshot(
        "s9: more than 1000 conditions, with those of the segments it names"
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"score": {"model": "clw", "decile": {"at_least": 9}}},
            snapshot("where.score.model: there is no 'clw'; did you mean 'clv'?"),
        ),
        (
            {"list": "newspaper-2025"},
            snapshot("where.list: there is no 'newspaper-2025'; did you mean 'newspaper-2026'?"),
        ),
        (
            {"campaign": {"key": "sprng"}},
            snapshot("where.campaign.key: there is no 'sprng'; did you mean 'spring'?"),
        ),
        (
            {"campaign": {"key": "spring", "arm": "hold-out"}},
            snapshot("where.campaign.arm: there is no 'hold-out'; did you mean 'holdout'?"),
        ),
        (
            of_city({"contains": " ada"}),
            snapshot(
                "where.trait.city.contains: white space at its ends is not compared; say it with matches"
            ),
        ),
        (
            {"trait": {"birthday": {"after": "today"}}},
            snapshot(
                "where.trait.birthday.after: say {from: today}, which holds today too, or {next: all}"
            ),
        ),
        (
            {"trait": {"birthday": {"after": "first_order"}}},
            snapshot(
                "where.trait.birthday.after: say {since: first_order}, which holds that moment too, or {from: 1 second after first_order}"
            ),
        ),
    ],
)
def test_what_would_hold_for_everybody_under_not_is_refused(document, message):
    assert refusal(document) == message


@pytest.mark.parametrize("number", ["010", "1:30", "0x10", "0b1", "+08"])
def test_a_number_that_yaml_would_read_as_another_is_none(number):
    assert read_yaml(f"a: {number}") == {"a": number}


def test_a_mapping_is_not_merged_into_another():
    document = read_yaml("orders: {count: {is: 1}, <<: {where: {status: {is: completed}}}}")
    assert "unknown key" in refusal(document)
