"""The kernel by examples: calendar tests, patterns, lists, own windows, ends, shares and gaps."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from tests.segments import histories
from tests.segments.histories import moment
from tests.segments.oracle import Person

from pusula.segments import kernel
from pusula.segments.kernel import days
from pusula.segments.kernel.gaps import gaps
from pusula.segments.kernel.rows import Recent
from pusula.segments.language import Kind, Schema, parse
from pusula.segments.language.schema import Period

TRAITS = {"city": Kind.TEXT, "birthday": Kind.DAY, "tags": Kind.LIST}
BAYRAM = Period("Bayram", "Bayram", ((date(2026, 5, 26), date(2026, 5, 30)),))
SCHEMA = Schema(currency="TRY", tz="Europe/Istanbul", traits=TRAITS, periods={"bayram": BAYRAM})
NOON = moment("2026-11-22T12:00:00", "Europe/Istanbul")
DAY = 86_400_000_000


def ask(where, people, at=NOON, schema=SCHEMA):
    """Return for whom ``where`` holds."""
    document = {"segment": "a", "title": {"tr": "a", "en": "a"}, "where": where}
    plan = kernel.compile({"a": parse(document, schema)}, schema, {})
    block = histories.block(people, list(range(1, len(people) + 1)), plan.requirements)
    return plan.evaluate(block, at).members["a"].tolist()


def living_in(*cities):
    return [Person(traits={"city": city}) for city in cities]


def born(*days_):
    return [Person(traits={"birthday": date.fromisoformat(day)}) for day in days_]


def tagged(*lists):
    return [Person(traits={"tags": tags}) for tags in lists]


def ordered(*moments, status="completed", **columns):
    return Person(
        orders=[{"status": status, "ordered_at": at, **columns} for at in moments],
    )


# Time of rows


@pytest.mark.parametrize("relation", ["orders", "items", "events"])
def test_a_row_does_not_exist_before_its_time(relation):
    body = {"count": {"at_least": 1}} | ({"name": "A"} if relation == "events" else {})
    time = "at" if relation == "events" else "ordered_at"
    rows = [[{"name": "A", "status": "completed", time: NOON + d}] for d in (-1, 0, 1)]
    people = [Person(**{relation: each}) for each in rows]
    assert ask({relation: body}, people) == [True, False, False]
    assert ask({relation: body}, people, NOON + 1) == [True, True, False]
    assert ask({relation: {**body, "within": {"next": "all"}}}, people) == [False] * 3


def test_a_row_without_a_time_has_always_been_there():
    where = {"orders": {"count": {"at_least": 1}}}
    assert ask(where, [ordered(None), ordered(None, NOON + 1), ordered(NOON + 1)]) == [
        True, True, False,
    ]  # fmt: skip


# Tests of a value


def test_text_ends_with_and_matches_what_it_is_compared_as():
    people = living_in("BODRUM", "Iğdır", "İzmir", "", "IR")
    assert ask({"trait": {"city": {"ends": "RUM"}}}, people) == [True, *[False] * 4]
    assert ask({"trait": {"city": {"ends": "ır"}}}, people) == [False, True, False, False, True]
    assert ask({"trait": {"city": {"matches": "^[İI].*R$"}}}, people) == [
        False, True, True, False, True,
    ]  # fmt: skip


def test_a_list_has_texts_whole_and_folded():
    people = tagged(["Golf", "Spa"], ["GOLF"], ["golfçü"], [], ["spa", "İŞ"])
    assert ask({"trait": {"tags": {"has": "golf"}}}, people) == [True, True, False, False, False]
    assert ask({"trait": {"tags": {"has_any": ["iş", "golf"]}}}, people) == [
        True, True, False, False, True,
    ]  # fmt: skip
    assert ask({"trait": {"tags": {"has_all": ["spa", "golf"]}}}, people) == [
        True, False, False, False, False,
    ]  # fmt: skip
    assert ask({"trait": {"tags": "unknown"}}, [*people, Person()]) == [
        *[False] * 3,
        True,
        False,
        True,
    ]


def test_a_month_season_and_weekday_are_those_of_the_business_time_zone():
    # Two hours before and after the year turns in Istanbul: a Wednesday and a Thursday.
    people = [ordered(moment(text)) for text in ("2025-12-31T20:59:59", "2025-12-31T21:00:00")]
    for test, expected in (
        ({"month": "december"}, [True, False]),
        ({"month": [1, 2]}, [False, True]),
        ({"season": "winter"}, [True, True]),
        ({"season": [11, 12]}, [True, False]),
        ({"weekday": "wednesday"}, [True, False]),
        ({"weekday": ["thursday", "sunday"]}, [False, True]),
    ):
        where = {"orders": {"count": {"at_least": 1}, "where": {"ordered_at": test}}}
        assert ask(where, people) == expected, test
        assert ask({"orders": {"latest": "ordered_at", "is": test}}, people) == expected


def test_an_anniversary_comes_round_from_today_on_and_not_in_the_year_itself():
    people = born(
        "1980-11-22", "1980-11-21", "1980-11-28", "1980-11-29", "2026-11-22", "2027-11-25"
    )
    assert ask({"trait": {"birthday": {"anniversary": "today"}}}, people) == [True, *[False] * 5]
    week = {"trait": {"birthday": {"anniversary": {"next": "7 days"}}}}
    assert ask(week, people) == [True, False, True, False, False, False]
    new_year = moment("2026-12-30T12:00:00")
    assert ask(week, born("1990-01-03", "2026-01-03", "1990-01-06"), new_year) == [
        True, True, False,
    ]  # fmt: skip


def test_the_29th_of_february_is_kept_on_the_28th_in_other_years():
    today = {"trait": {"birthday": {"anniversary": "today"}}}
    people = born("2000-02-29", "2000-02-28")
    for day, expected in (
        ("2027-02-28", [True, True]),
        ("2027-03-01", [False, False]),
        ("2028-02-28", [False, True]),
        ("2028-02-29", [True, False]),
    ):
        assert ask(today, people, moment(f"{day}T12:00:00")) == expected, day


def test_a_period_holds_its_first_and_its_last_day():
    people = born("2026-05-25", "2026-05-26", "2026-05-30", "2026-05-31", "2025-05-28")
    assert ask({"trait": {"birthday": {"during": "bayram"}}}, people) == [
        False, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "tz",
    [
        "Europe/Berlin",
        "America/New_York",
        "Europe/Istanbul",
        "UTC",
        "America/Sao_Paulo",
        "Asia/Beirut",
    ],
)
def test_the_days_of_moments_are_those_of_the_clock(tz):
    random = np.random.default_rng(1)
    moments = random.integers(0, 2_000_000_000_000_000, 2_000)
    edges = [
        moment(f"{year}-{day}T{hour:02}:00:00")
        for year in (1999, 2016, 2026)
        for day in ("03-29", "10-25", "03-08", "11-01", "12-31")
        for hour in range(24)
    ]
    moments = np.concatenate([moments, np.array(edges), np.array(edges) - 1])
    found = days.local_days(moments, tz)
    expected = [days.day_number(days.clock.day_of(int(each), tz)) for each in moments]
    assert found.tolist() == expected
    starts = [days.clock.start_of(days.EPOCH + days.timedelta(each), tz) for each in expected]
    assert days.begins(found, tz).tolist() == starts


# Windows


def test_calendar_units_begin_at_midnight_of_their_first_day():
    sunday = moment("2026-11-22T12:00:00", "Europe/Istanbul")
    begins = moment("2026-11-16T00:00:00", "Europe/Istanbul")
    people = [ordered(begins - 1), ordered(begins), ordered(sunday - 1)]
    for within, expected in (
        ({"this": "week"}, [False, True, True]),
        ({"previous": "week"}, [True, False, False]),
        ({"previous": "2 weeks"}, [True, False, False]),
        ({"calendar": "2 weeks"}, [True, True, True]),
        ({"this": "quarter"}, [True, True, True]),
        ({"this": "day"}, [False, False, True]),
    ):
        where = {"orders": {"count": {"at_least": 1}, "within": within}}
        assert ask(where, people, sunday) == expected, within


def test_a_window_since_the_first_order_is_each_ones_own():
    first = NOON - 100 * DAY
    within = {"from": "first_order", "to": "14 days after first_order"}
    where = {"orders": {"count": {"at_least": 2}, "within": within}}
    people = [
        ordered(first, first + 14 * DAY - 1),
        ordered(first, first + 14 * DAY),
        ordered(first),
        Person(),
    ]
    assert ask(where, people) == [True, False, False, False]
    assert ask({"not": where}, people) == [False, True, True, True]


def test_a_cancelled_order_is_no_first_order():
    seen = {"events": {"name": "A", "count": {"at_least": 1}, "within": {"since": "first_order"}}}
    event = {"name": "A", "at": NOON - 5 * DAY}
    orders = {
        status: [{"status": status, "ordered_at": NOON - 10 * DAY}]
        for status in ("completed", "cancelled", "no_show", "pending")
    }
    people = [Person(orders=each, events=[event]) for each in orders.values()]
    assert ask(seen, people) == [True, False, False, True]
    later = [{"status": "completed", "ordered_at": NOON + DAY}]
    assert ask(seen, [Person(orders=later, events=[event])]) == [False]


def test_a_window_since_somebody_came_to_be_needs_the_moment():
    where = {"orders": {"count": {"at_least": 1}, "by": "ends_on", "within": {"since": "created"}}}
    created = moment("2026-05-01T12:00:00", "Europe/Istanbul")
    stays = [[{"ends_on": date(2026, 5, day)}] for day in (1, 2)]
    people = [Person(orders=each, created=created) for each in stays]
    assert ask(where, [*people, Person(orders=stays[1])]) == [False, True, False]


# Measures


def test_the_last_row_tells_its_value_and_of_several_at_once_the_largest():
    def order(at, region, nights):
        return {"status": "completed", "ordered_at": at, "region": region, "nights": nights}

    people = [
        Person(orders=[order(1, "Çeşme", 5), order(9, "Bodrum", 2), order(9, "İzmir", None)]),
        Person(orders=[order(9, "", 1), order(5, "Bodrum", 3)]),
        Person(),
    ]
    last = {"orders": {"last": "region", "is": {"starts": "İZ"}}}
    assert ask(last, people) == [True, False, False]
    assert ask({"orders": {"last": "region", "is": "unknown"}}, people) == [False, True, True]
    assert ask({"orders": {"last": "region", "is": {"in": ["izmir"]}}}, people) == [
        True, False, False,
    ]  # fmt: skip
    assert ask({"orders": {"first": "region", "is": {"matches": "^ÇEŞ"}}}, people) == [
        True, False, False,
    ]  # fmt: skip
    assert ask({"orders": {"last": "nights", "is": {"is": 2}}}, people) == [True, False, False]


def test_a_share_is_of_the_rows_that_count():
    orders = [{"status": s, "ordered_at": 1} for s in ("cancelled", "completed", "completed")]
    where = {"share": {"status": {"is": "cancelled"}}, "is": {"at_least": "30 %"}}
    people = [Person(orders=orders), Person(orders=[*orders, orders[1]]), Person()]
    assert ask({"orders": where}, people) == [True, False, False]
    assert ask({"orders": {**where, "is": "unknown"}}, people) == [False, False, True]


def test_weeks_with_rows_are_counted_from_monday():
    # A Sunday, the Monday after it, and the Sunday of the same week.
    people = [ordered(*(moment(f"2026-11-{day:02}T09:00:00") for day in (8, 9, 15)))]
    for unit, n in (("days", 3), ("weeks", 2), ("months", 1), ("years", 1)):
        assert ask({"orders": {unit: {"at_least": n}}}, people) == [True], unit
        assert ask({"orders": {unit: {"at_least": n + 1}}}, people) == [False], unit


def test_a_gap_is_met_to_the_microsecond():
    rows = [NOON - 40 * DAY, NOON - 30 * DAY, NOON - 30 * DAY, NOON - 15 * DAY]
    for measure, value in (("usual_gap", 12.5), ("longest_gap", 15), ("last_gap", 15)):
        for test, expected in (({"is": value}, True), ({"more_than": value}, False)):
            assert ask({"orders": {measure: test}}, [ordered(*rows)]) == [expected], measure
    late = {"orders": {"overdue": {"at_least": 1.2}}}
    assert ask(late, [ordered(*rows)]) == [True]
    assert ask(late, [ordered(*rows)], NOON - 1) == [False]
    assert ask(late, [ordered(NOON - DAY), ordered(NOON - DAY, NOON - DAY)]) == [False, False]


@pytest.mark.parametrize("multiple", [0.5, 1, 1.1, 1.5, 2, 2.3, 3.7, 9.99])
@pytest.mark.parametrize("span", [3, 10, 7 * 24])
def test_every_multiple_of_the_usual_gap_is_met_to_the_microsecond(multiple, span):
    hour = 3_600_000_000
    first = NOON - 900 * DAY
    last = first + 50 * span * hour
    rows = [first + i * span * hour for i in range(51)]
    assert rows[-1] == last
    met = last + round(multiple * 100) * span * hour // 100
    where = {"orders": {"overdue": {"at_least": multiple}}}
    assert ask(where, [ordered(*rows)], met) == [True]
    assert ask(where, [ordered(*rows)], met - 1) == [False]


def test_a_profile_with_very_many_rows_is_overdue_all_the_same():
    second = 1_000_000
    rows = np.arange(20_000, dtype=np.int64) * second
    found = gaps(np.zeros(len(rows), np.intp), rows, 2)
    numbers, known = found.overdue(2**52)
    assert known.tolist() == [True, False]
    assert numbers[0] == pytest.approx((2**52 - rows[-1]) / second)


def test_days_between_days_are_whole_whatever_the_clock_does():
    berlin = Schema(currency="TRY", tz="Europe/Berlin", traits=TRAITS)
    stays = [{"starts_on": date(2026, 3, day)} for day in (25, 28)]
    stays += [{"starts_on": date(2026, 3, 31)}]  # the clock has jumped
    gap = {"orders": {"last_gap": {"is": 3}, "by": "starts_on"}}
    assert ask(gap, [Person(orders=stays)], schema=berlin) == [True]


def test_a_mean_of_like_numbers_is_that_number():
    price = [{"name": "A", "at": 0, "price": 19.99}] * 3
    where = {"events": {"name": "A", "avg": "price", "is": {"is": 19.99}}}
    assert ask(where, [Person(events=price)]) == [True]


def test_items_are_rows_of_their_own():
    items = [{"name": "Spa", "amount": 10_000, "ordered_at": 1, "status": "completed"}] * 2
    where = {"sum": "amount", "where": {"name": {"is": "SPA"}}, "is": {"is": "200 TRY"}}
    assert ask({"items": where}, [Person(items=items), Person()]) == [True, False]


def test_dictionary_encoded_text_is_searched_in_its_different_words():
    plan = kernel.compile(
        {
            "a": parse(
                {
                    "segment": "a",
                    "title": {"tr": "a", "en": "a"},
                    "where": {"orders": {
                        "count": {"at_least": 1}, "where": {"region": {"ends": "um"}},
                    }},
                },
                SCHEMA,
            )
        },
        SCHEMA,
        {},
    )  # fmt: skip
    region = pa.chunked_array(
        [pa.array(["bodrum", None], pa.string()).dictionary_encode(),
         pa.array(["", "bodrum", "izmir"], pa.string()).dictionary_encode()]
    )  # fmt: skip
    orders = pa.table({"profile_id": [1, 2, 3, 4, 5], "ordered_at": [0] * 5, "region": region})
    members = plan.evaluate(kernel.Block(np.arange(1, 6), orders=orders), NOON).members["a"]
    assert members.tolist() == [True, False, False, True, False]


def test_more_words_than_two_bytes_can_number_are_told_apart():
    words = [f"w{n}" for n in range(66_000)]
    parts = [words[n : n + 1_000] for n in range(0, len(words), 1_000)]
    asked = {"any": [{"trait": {"city": {"in": part}}} for part in parts]}
    assert ask(asked, living_in("w0", "w65999", "w66000")) == [True, True, False]


def test_masks_that_were_asked_for_last_are_kept_and_no_more():
    recent, made = Recent(), []

    def ask_for(key):
        def make():
            made.append(key)
            return np.zeros(3, np.bool_)

        recent.get(key, make)

    for key in range(1, 1_001):
        ask_for(0)
        ask_for(key)
    assert made == list(range(1_001))  # who is asked for again and again stays
    ask_for(1_000)
    ask_for(1)
    assert made[1_001:] == [1]
