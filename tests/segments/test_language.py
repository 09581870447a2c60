"""Definitions are read, refused with precise errors, and written back."""

# ruff: noqa: E501 - a message stands on one line
from __future__ import annotations

import json

import pytest
from inline_snapshot import snapshot

from pusula.segments.language import (
    DefinitionError,
    Kind,
    Limits,
    Schema,
    SegmentReferenceError,
    check_references,
    dump,
    dump_condition,
    parse,
    parse_condition,
    read_yaml,
    references,
)

SCHEMA = Schema(
    currency="TRY",
    tz="Europe/Istanbul",
    traits={
        "rfm_group": Kind.TEXT,
        "age": Kind.NUMBER,
        "birthday": Kind.DAY,
        "vip": Kind.BOOL,
    },
)
LAPSING = """
segment: lapsing-loyal-guests
title: {tr: Kaybedilmek üzere olan sadık misafirler, en: Loyal guests about to lapse}
where:
  all:
    - orders:
        {count: {at_least: 2}, where: {status: {is: completed}}, by: ends_on,
         within: {last: 24 months}}
    - orders:
        {latest: ends_on, where: {status: {is: completed}},
         is: {between: [540 days ago, 180 days ago]}}
    - any:
        - orders:
            {count: {at_least: 1}, where: {region: {in: [Bodrum, Çeşme]}},
             within: {last: 24 months}}
        - orders: {sum: net_amount, is: {at_least: 40000 TRY}, within: {last: 12 months}}
        - all:
            - events: {name: Hotel Searched, count: {at_least: 2}, within: {last: 30 days}}
            - events: {name: Booking Abandoned, count: {at_least: 1}, within: {last: 30 days}}
    - not:
        orders:
          {count: {at_least: 1}, where: {status: {is: confirmed}}, by: starts_on,
           within: {next: all}}
    - consent: {channel: email, purpose: marketing, is: granted}
"""


def condition(text, **limits):
    return parse_condition(read_yaml(text), SCHEMA, Limits(**limits))


def refusal(text, **limits):
    with pytest.raises(DefinitionError) as caught:
        condition(text, **limits)
    return caught.value.message


def test_the_definition_of_the_manual_is_read_and_written_back_as_json():
    definition = parse(read_yaml(LAPSING), SCHEMA)
    written = dump(definition)
    assert parse(json.loads(json.dumps(written)), SCHEMA) == definition
    assert written["where"]["all"][1] == snapshot(
        {
            "orders": {
                "latest": "ends_on",
                "is": {"from": "540 days ago", "to": "180 days ago"},
                "where": {"status": {"is": "completed"}},
            }
        }
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{trait: {rfm_group: {is: At Risk}}}", "{trait: {rfm_group: {in: [At Risk]}}}"),
        (
            "{orders: {latest: ends_on, is: {more_than: 180 days ago}}}",
            "{orders: {latest: ends_on, is: {before: 180 days ago}}}",
        ),
        (
            "{orders: {latest: ends_on, is: {less_than: 180 days ago}}}",
            "{orders: {latest: ends_on, is: {last: 180 days}}}",
        ),
        (
            "{orders: {count: {is: 0}, within: {between: [2026-01-01, 2026-02-01]}}}",
            "{orders: {count: {is: 0}, within: {from: '2026-01-01', to: '2026-02-01'}}}",
        ),
        ("{trait: {birthday: {after: 1990-12-31}}}", "{trait: {birthday: {from: 1991-01-01}}}"),
        (
            "{orders: {count: {is: 0}, within: {last: 1 month}, by: ordered_at}}",
            "{orders: {count: {is: 0}, within: {last: 1 months}}}",
        ),
        (
            "{orders: {count: {is: 0}, where: {region: {is: A}, status: {is: pending}}}}",
            "{orders: {count: {is: 0}, where: {status: {is: pending}, region: {is: A}}}}",
        ),
    ],
)
def test_two_spellings_of_one_meaning_are_one_condition(one, other):
    assert condition(one) == condition(other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{all: [{orders: {count: {at_least: 1}}}, {orders: {count: {at_lest: 2}}}]}",
            snapshot("where.all[1].orders.count.at_lest: unknown key; did you mean 'at_least'?"),
        ),
        (
            "{order: {count: {at_least: 1}}}",
            snapshot("where.order: unknown key; did you mean 'orders'?"),
        ),
        (
            "{orders: {count: {at_least: 1}}, not: {}}",
            snapshot("where: expected a condition with exactly one key, found orders, not"),
        ),
        ("{all: []}", snapshot("where.all: expected at least one of conditions, the list is empty")),
        ("[]", snapshot("where: expected a condition: a mapping with one of all, any, not, trait, orders, items, events, sequence, consent, reach, score, list, campaign, bucket, segment, found a list")),
        (
            "{orders: {where: {status: {is: completed}}}}",
            snapshot("where.orders: expected exactly one of count, distinct, years_in_same_season, sum, avg, min, max, latest, earliest, first, last, share, days, weeks, months, years, usual_gap, longest_gap, last_gap, overdue, found none"),
        ),
        (
            "{orders: {sum: net_amount, count: {is: 0}}}",
            snapshot("where.orders: expected exactly one of count, distinct, years_in_same_season, sum, avg, min, max, latest, earliest, first, last, share, days, weeks, months, years, usual_gap, longest_gap, last_gap, overdue, found count, sum"),
        ),
        (
            "{orders: {sum: net_amount}}",
            snapshot("where.orders: sum needs 'is', the test of its result"),
        ),
        (
            "{orders: {count: {at_least: 1}, is: {at_least: 1}}}",
            snapshot("where.orders.is: say it in count: {at_least: 2}"),
        ),
        (
            "{orders: {sum: net_amont, is: {at_least: 1 TRY}}}",
            snapshot("where.orders.sum: unknown column here 'net_amont'; did you mean 'net_amount'?"),
        ),
        (
            "{orders: {sum: region, is: {at_least: 1 TRY}}}",
            snapshot("where.orders.sum: unknown column here 'region'; known are nights, lead_days, rooms, adults, children, net_amount, gross_amount"),
        ),
        (
            "{orders: {sum: net_amount, is: {at_least: 40000}}}",
            snapshot("where.orders.is.at_least: expected an amount with its currency such as '40000 TRY', found 40000"),
        ),
        (
            "{orders: {sum: net_amount, is: {at_least: 40000 EUR}}}",
            snapshot("where.orders.is.at_least: amounts are compared in TRY, the company's currency; EUR would need a conversion: state the amount in TRY"),
        ),
        (
            "{orders: {sum: net_amount, is: {at_least: 40000 TLR}}}",
            snapshot("where.orders.is.at_least: unknown currency 'TLR'; did you mean 'TRY'?"),
        ),
        (
            "{orders: {sum: net_amount, is: {at_least: 0.005 TRY}}}",
            snapshot("where.orders.is.at_least: TRY has 2 decimals, 0.005 has more"),
        ),
        (
            "{orders: {sum: net_amount, is: {at_least: 40.000 TL}}}",
            snapshot("where.orders.is.at_least: expected an amount with its currency such as '40000 TRY', found '40.000 TL'"),
        ),
        (
            "{orders: {sum: net_amount, is: {between: [2 TRY, 1 TRY]}}}",
            snapshot("where.orders.is.between: the lower limit comes first"),
        ),
        (
            "{orders: {sum: net_amount, is: {top: 100 %}}}",
            snapshot("where.orders.is.top: a share lies between 0 and 100 %"),
        ),
        (
            "{orders: {sum: net_amount, is: {top: 10}}}",
            snapshot("where.orders.is.top: expected a share such as '10 %', found 10"),
        ),
        (
            "{orders: {count: {at_least: 1.5}}}",
            snapshot("where.orders.count.at_least: expected a whole number from 0 up, found 1.5"),
        ),
        (
            "{orders: {count: {at_least: true}}}",
            snapshot("where.orders.count.at_least: expected a number, found True"),
        ),
        (
            "{orders: {avg: nights, is: {at_least: .inf}}}",
            snapshot("where.orders.is.at_least: inf is not a number Pusula can compare with"),
        ),
        (
            "{orders: {count: known}}",
            snapshot("where.orders.count: expected a test of a number: a mapping with one of is, is_not, in, not_in, at_least, at_most, more_than, less_than, between, top, bottom, between_quantiles, rank, of_mean, found 'known'"),
        ),
        (
            "{orders: {count: {is: 0}, where: {status: {is: complete}}}}",
            snapshot("where.orders.where.status.is: unknown word 'complete'; did you mean 'completed'?"),
        ),
        (
            "{orders: {count: {is: 0}, where: {regionx: {is: Bodrum}}}}",
            snapshot("where.orders.where.regionx: unknown column; did you mean 'region'?"),
        ),
        (
            "{orders: {count: {is: 0}, by: ends_on}}",
            snapshot("where.orders.by: says which time 'within' looks at, and there is no 'within'"),
        ),
        (
            "{orders: {count: {is: 0}, by: region, within: {last: 1 day}}}",
            snapshot("where.orders.by: unknown column here 'region'; known are ordered_at, cancelled_at, starts_on, ends_on"),
        ),
        (
            "{orders: {count: {is: 0}, within: {last: 24 moths}}}",
            snapshot("where.orders.within.last: unknown unit 'moths'; did you mean 'month'?"),
        ),
        (
            "{orders: {count: {is: 0}, within: {last: 0 days}}}",
            snapshot("where.orders.within.last: a length of time is at least 1"),
        ),
        (
            "{orders: {count: {is: 0}, within: {last: 1000 years}}}",
            snapshot("where.orders.within.last: no more than 100 years"),
        ),
        (
            "{orders: {count: {is: 0}, within: {last: 1 day, next: 1 day}}}",
            snapshot("where.orders.within: expected one of last, next, between, this, previous, following, calendar, since, or from and to"),
        ),
        (
            "{orders: {count: {is: 0}, within: {between: [180 days ago, 540 days ago]}}}",
            snapshot("where.orders.within.between: the first point in time must come before the second"),
        ),
        (
            "{orders: {count: {is: 0}, within: {from: yesterday}}}",
            snapshot("where.orders.within.from: expected a day, 'today', 'now', '30 days ago' or 'in 30 days', found 'yesterday'"),
        ),
        (
            "{orders: {count: {is: 0}, within: {from: 2026-02-30}}}",
            snapshot("where.orders.within.from: expected a day such as 2026-05-31, found '2026-02-30'"),
        ),
        (
            "{orders: {latest: ends_on, is: {at_least: 3}}}",
            snapshot("where.orders.is.at_least: unknown key; did you mean 'last'?"),
        ),
        (
            "{orders: {latest: ends_on, is: {more_than: 2026-01-01}}}",
            snapshot("where.orders.is.more_than: expected a length of time ago such as '30 days ago', found '2026-01-01'"),
        ),
        (
            "{orders: {count: {is: 0}, seasons: {summer: [6, 8]}}}",
            snapshot("where.orders.seasons: only years_in_same_season has seasons"),
        ),
        (
            "{orders: {years_in_same_season: starts_on, is: {at_least: 2}, seasons: {x: [6, 13]}}}",
            snapshot("where.orders.seasons.x[1]: expected a month from 1 to 12, found 13"),
        ),
        (
            "{events: {count: {at_least: 1}}}",
            snapshot("where.events: 'name' is missing"),
        ),
        (
            "{events: {name: A, count: {at_least: 1}, where: {'a.b': {is: x}}}}",
            snapshot("where.events.where.a.b: 'a.b' is no property name: letters, digits and _ only"),
        ),
        (
            "{events: {name: A, sum: \"x' or 1=1\", is: {at_least: 1}}}",
            snapshot("where.events.sum: \"x' or 1=1\" is no property name: letters, digits and _ only"),
        ),
        (
            "{trait: {rfm_grup: {is: At Risk}}}",
            snapshot("where.trait.rfm_grup: unknown trait; did you mean 'rfm_group'?"),
        ),
        (
            "{trait: {rfm_group: {is: no}}}",
            snapshot('where.trait.rfm_group.is: expected a text, found False; put it in quotes: "…"'),
        ),
        (
            "{trait: {rfm_group: {is: ''}}}",
            snapshot("where.trait.rfm_group.is: expected a text, found nothing"),
        ),
        (
            "{trait: {rfm_group: {at_least: A}}}",
            snapshot("where.trait.rfm_group.at_least: unknown key; known are is, is_not, in, not_in, contains, starts, ends, matches"),
        ),
        (
            "{trait: {vip: {is: ja}}}",
            snapshot("where.trait.vip.is: expected true or false, found 'ja'"),
        ),
        (
            "{consent: {channel: mail, purpose: marketing, is: granted}}",
            snapshot("where.consent.channel: unknown channel 'mail'; did you mean 'email'?"),
        ),
        (
            "{segment: Repeat Guests}",
            snapshot("where.segment: expected small letters, digits and hyphens such as 'repeat-guests', found 'Repeat Guests'"),
        ),
        (
            "{trait: {1: {is: x}}}",
            snapshot("where.trait: keys are words, found 1; put it in quotes"),
        ),
    ],
)  # fmt: skip
def test_what_the_language_does_not_know_is_refused_with_place_and_way_out(text, message):
    assert refusal(text) == message


def test_definitions_are_limited_in_leaves_depth_and_length_of_lists():
    deep = "{not: " * 7 + "{segment: a}" + "}" * 7
    assert condition(deep)
    assert refusal("{not: " + deep + "}") == snapshot(
        "where.not.not.not.not.not.not.not.not: nested more than 8 deep"
    )
    many = "{all: [" + ", ".join(["{segment: a}"] * 60) + "]}"
    assert condition(many)
    assert refusal("{any: [" + many + ", " + many + "]}") == snapshot(
        "where.any[1].all[40]: more than 100 conditions"
    )
    words = ", ".join(f"w{i}" for i in range(5))
    assert refusal("{trait: {rfm_group: {in: [" + words + "]}}}", values=4) == snapshot(
        "where.trait.rfm_group.in: 5 values are too many, at most 4 are allowed"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", snapshot("line 1, column 5: expected the node content, but found '<stream end>'")),
        ("a: 1\nb: 2\na: 3", snapshot("line 3, column 1: the key 'a' stands here twice")),
        (
            "a: &x {b: 1}\nc: !!python/object:os.system {}",
            snapshot(
                "line 2, column 4: could not determine a constructor for the tag 'tag:yaml.org,2002:python/object:os.system'"
            ),
        ),
        ("? [1]\n: 2", snapshot("line 1, column 3: a key is a word")),
        ("[" * 5_000, snapshot("line 1, column 61: nested too deep")),
        ("a" * 300_000, snapshot("file: longer than 200000 characters")),
    ],
)
def test_text_that_is_no_plain_yaml_is_refused_with_its_line(text, message):
    with pytest.raises(DefinitionError) as caught:
        read_yaml(text)
    assert caught.value.message == message


def test_a_list_that_contains_itself_is_refused():
    assert refusal("&a {all: [*a]}") == snapshot(
        "line 1, column 11: write it out here: a definition has no aliases"
    )
    itself = {}
    itself["all"] = [itself]
    with pytest.raises(DefinitionError, match="nested more than 8 deep"):
        parse_condition(itself, SCHEMA)


def test_a_definition_needs_its_key_and_both_titles():
    def refused(text):
        with pytest.raises(DefinitionError) as caught:
            parse(read_yaml(text), SCHEMA)
        return caught.value.message

    where = "where: {segment: a}"
    assert refused("title: {tr: a, en: a}\n" + where) == snapshot(
        "definition: 'segment' is missing"
    )
    assert refused("segment: a\ntitle: {tr: a}\n" + where) == snapshot("title: 'en' is missing")
    assert refused("segment: a\ntitlex: {}\n" + where) == snapshot(
        "titlex: unknown key; did you mean 'title'?"
    )
    assert refused("hello") == snapshot(
        "definition: expected a mapping with segment, title, where, description, found 'hello'"
    )


def test_a_stored_definition_with_a_field_that_is_gone_is_refused():
    stored = dump_condition(condition("{trait: {rfm_group: {is: At Risk}}}"))
    with pytest.raises(DefinitionError, match="unknown trait; none is known"):
        parse_condition(stored, Schema(currency="TRY", tz="Europe/Istanbul"))


def definitions(**conditions):
    return {
        key: parse({"segment": key, "title": {"tr": key, "en": key}, "where": where}, SCHEMA)
        for key, where in conditions.items()
    }


def test_segments_may_name_each_other_but_not_in_a_circle():
    chain = definitions(
        a={"segment": "b"}, b={"all": [{"segment": "c"}]}, c={"orders": {"count": {"is": 0}}}
    )
    check_references(chain)
    assert references(chain["b"].where) == ("c",)
    circle = definitions(a={"segment": "b"}, b={"not": {"segment": "c"}}, c={"segment": "a"})
    with pytest.raises(SegmentReferenceError, match="a circle: a → b → c → a"):
        check_references(circle)
    with pytest.raises(SegmentReferenceError, match="a circle: a → a"):
        check_references(definitions(a={"segment": "a"}))
    with pytest.raises(SegmentReferenceError, match=r"no such segment; did you mean 'loyal'\?"):
        check_references(definitions(loyal={"segment": "royal"}))


def test_a_purpose_is_the_same_in_whatever_letters():
    one, other = (
        parse_condition(
            {"consent": {"channel": "email", "purpose": purpose, "is": "granted"}}, SCHEMA
        )
        for purpose in ("marketing", "MARKETING")
    )
    assert one == other
