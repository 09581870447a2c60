"""Sequences, populations, sets, reach and scores in naive plain Python; ``oracle`` calls them.

As there: written definitions are read, and no code is shared with the kernel. Limits that are no
plain values of somebody (means) are rounded to floats once, as published limits are.
"""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction

from pusula.lib.text import fold

LEAVES = ("sequence", "reach", "score", "list", "campaign", "bucket")
POPULATION_TESTS = ("top", "bottom", "between_quantiles", "of_mean", "of_row_mean", "rank")
LENGTHS = {"second": 10**6, "minute": 60 * 10**6, "hour": 3_600 * 10**6, "day": 86_400 * 10**6}
LENGTHS["week"] = 7 * LENGTHS["day"]
COMPARED = {
    "at_least": lambda value, limit: value >= limit,
    "at_most": lambda value, limit: value <= limit,
    "more_than": lambda value, limit: value > limit,
    "less_than": lambda value, limit: value < limit,
}


def holds(oracle, kind, body, person):  # noqa: PLR0911 - a case per line
    """Say whether a condition of one of ``LEAVES`` holds for ``person``."""
    match kind:
        case "sequence":
            return sequence(oracle, body, person)
        case "reach":
            state = person.reach.get((body["channel"], body["purpose"]))
            if body["is"] == "unreachable":
                return state != "reachable"
            return state == body["is"]
        case "score":
            found = person.scores.get(body["model"], {})
            (of,) = set(body) - {"model"}
            column = "at" if of == "scored_at" else None
            return oracle.stands(body[of], found.get(of), column, person)
        case "list":
            return ("list", body) in person.sets
        case "campaign":
            arm = person.sets.get(("campaign", body["key"]))
            return arm is not None and body.get("arm", arm) == arm
    ends = [Fraction(body[end].rstrip(" %")) for end in ("from", "to")]
    return ends[0] <= share(body["name"], person.id) < ends[1]


# Sequences


def sequence(oracle, body, person):
    starts = [
        row
        for row in step_rows(oracle, body["steps"][0], person, body.get("within"))
        if goes_on(oracle, body, 0, row, person)
    ]
    if "latest" in body:
        times = [time_of(oracle, body["steps"][0], row) for row in starts]
        return oracle.stands(body["latest"], max(times, default=None), "at", person)
    return oracle.stands(body.get("count", {"at_least": 1}), len(starts), None, person)


def goes_on(oracle, body, k, row, person):
    """Say whether the steps after ``k`` follow ``row``."""
    if not is_same_known(body, row):
        return False
    if k + 1 == len(body["steps"]):
        return True
    step = body["steps"][k + 1]
    here = time_of(oracle, body["steps"][k], row)
    if here is None:
        return False
    length = microseconds(step.get("for", step.get("within")))
    followers = [
        other
        for other in step_rows(oracle, step, person)
        if is_behind(here, time_of(oracle, step, other), length)
        and is_same_known(body, other)
        and same(body, other) == same(body, row)
    ]
    if "without" in step:
        return not followers and oracle.at > here + length
    return any(goes_on(oracle, body, k + 1, other, person) for other in followers)


def is_behind(here, there, length):
    return there is not None and here < there and (length is None or there - here <= length)


def same(body, row):
    value = row.get(body["same"]) if "same" in body else "anything"
    return fold(value) if isinstance(value, str) else value


def is_same_known(body, row):
    return same(body, row) not in (None, "")


def step_rows(oracle, step, person, within=None):
    relation, body = rows_of(step)
    rows = oracle.rows(relation, body | ({"within": within} if within else {}), person)
    return [row for row in rows if time_of(oracle, step, row) is not None]


def time_of(oracle, step, row):
    relation, body = rows_of(step)
    value = row.get(body.get("by", "at" if relation == "events" else "ordered_at"))
    return value if value is None or isinstance(value, int) else oracle.begin(value)


def rows_of(step):
    ((relation, body),) = step.get(
        "without", {k: v for k, v in step.items() if k != "within"}
    ).items()
    return relation, body


def microseconds(length):
    if length is None:
        return None
    number, unit = length.split()
    return int(number) * LENGTHS[unit.rstrip("s")]


# Populations


def compared(oracle, relation, body, test, person):  # noqa: PLR0911 - a case per line
    """Say whether what is measured stands ``test`` against everybody who has it."""

    def member_value(other):
        return (
            oracle.measured(relation, body, other) if oracle.rows(relation, body, other) else None
        )

    value = member_value(person)
    population = [each for each in map(member_value, oracle.people) if each is not None]
    if value is None:
        return False
    match test:
        case {"top": share_}:
            return value >= quantile(population, 100 - percent(share_))
        case {"bottom": share_}:
            return value <= quantile(population, percent(share_))
        case {"between_quantiles": [low, high]}:
            low, high = percent(low), percent(high)
            above = low == 0 or value > quantile(population, low)
            return above and (high == 100 or value <= quantile(population, high))
        case {"rank": first}:
            return len([each for each in population if each > value]) < first
        case {"of_mean": asked}:
            numbers = population
        case {"of_row_mean": asked}:
            rows = [row for other in oracle.people for row in oracle.rows(relation, body, other)]
            column = next(
                body[word] for word in ("avg", "min", "max", "sum", "first", "last") if word in body
            )
            numbers = [row[column] for row in rows if row.get(column) is not None]
    if not numbers:
        return False
    ((operator, ratio),) = asked.items()
    mean = math.fsum(float(each) for each in numbers) / len(numbers)
    return COMPARED[operator](float(value), float(Fraction(mean) * Fraction(str(ratio))))


def percent(text):
    return Fraction(text.rstrip(" %"))


def quantile(values, percent_):
    values = sorted(Fraction(value) for value in values)
    place, rest = divmod((len(values) - 1) * percent_, 100)
    above = values[min(place + 1, len(values) - 1)]
    return values[place] + (above - values[place]) * Fraction(rest, 100)


# Buckets

BITS = 2**64


def share(name, profile_id):
    """Return a profile's number for ``name`` in per cent."""
    salt = int.from_bytes(
        hashlib.blake2b(b"bucket:" + name.encode(), digest_size=8).digest(), "little"
    )
    return Fraction(splitmix(splitmix(profile_id) ^ salt) * 100, BITS)


def splitmix(number):
    number = (number + 0x9E3779B97F4A7C15) % BITS
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 % BITS
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB % BITS
    return number ^ (number >> 31)
