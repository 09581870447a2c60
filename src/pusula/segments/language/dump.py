"""Definitions written back as the plain mappings, lists and scalars of JSON."""

from __future__ import annotations

from pusula.lib.money import from_minor
from pusula.segments.language.nodes import (
    MEASURES,
    SEASONS,
    Aggregate,
    AggregateTest,
    AllOf,
    Among,
    AnyOf,
    Between,
    Compare,
    Condition,
    ConsentTest,
    Contains,
    Definition,
    InSegment,
    Known,
    Money,
    Not,
    Starts,
    Test,
    Top,
    TraitTest,
    Value,
    Within,
)
from pusula.segments.language.schema import RELATIONS
from pusula.segments.language.windows import NOW, Offset, OnDay, Point, Today, Window

Json = dict[str, object]


def dump(definition: Definition) -> Json:
    """Return what ``parse`` reads back as an equal definition."""
    words = {"title": definition.title}
    if definition.description is not None:
        words["description"] = definition.description
    return {
        "segment": definition.key,
        **{name: {"tr": word.tr, "en": word.en} for name, word in words.items()},
        "where": dump_condition(definition.where),
    }


def dump_condition(node: Condition) -> Json:
    """Return what ``parse_condition`` reads back as an equal condition."""
    dumped: object
    match node:
        case AllOf(parts):
            key, dumped = "all", [dump_condition(part) for part in parts]
        case AnyOf(parts):
            key, dumped = "any", [dump_condition(part) for part in parts]
        case Not(part):
            key, dumped = "not", dump_condition(part)
        case TraitTest(name, _, test):
            key, dumped = "trait", {name: _test(test)}
        case AggregateTest(aggregate, test):
            key, dumped = aggregate.relation, _aggregate(aggregate, test)
        case ConsentTest(channel, purpose, status):
            key, dumped = "consent", {"channel": channel, "purpose": purpose, "is": status}
        case InSegment(name):
            key, dumped = "segment", name
    return {key: dumped}


def _aggregate(aggregate: Aggregate, test: Test) -> Json:
    fields: Json = {}
    if aggregate.names:
        fields["name"] = aggregate.names[0] if len(aggregate.names) == 1 else [*aggregate.names]
    if MEASURES[aggregate.measure].takes is None:
        fields[aggregate.measure] = _test(test)
    elif aggregate.column is not None:
        fields[aggregate.measure] = aggregate.column.name
        fields["is"] = _test(test)
    if aggregate.where:
        fields["where"] = {each.column.name: _test(each.test) for each in aggregate.where}
    if aggregate.window is not None:
        if aggregate.by.name != RELATIONS[aggregate.relation].time:
            fields["by"] = aggregate.by.name
        fields["within"] = _window(aggregate.window)
    if aggregate.seasons not in ((), SEASONS):
        fields["seasons"] = {each.name: [each.first, each.last] for each in aggregate.seasons}
    return fields


def _test(test: Test) -> Json | str:
    dumped: Json | str
    match test:
        case Among((value,), negated):
            dumped = {"is_not" if negated else "is": _value(value)}
        case Among(values, negated):
            dumped = {"not_in" if negated else "in": [_value(value) for value in values]}
        case Compare(operator, than):
            dumped = {operator: _value(than)}
        case Between(low, high):
            dumped = {"between": [_value(low), _value(high)]}
        case Contains(text):
            dumped = {"contains": text}
        case Starts(text):
            dumped = {"starts": text}
        case Within(window):
            dumped = _window(window)
        case Known(known):
            dumped = "known" if known else "unknown"
        case Top(percent):
            dumped = {"top": f"{percent} %"}
    return dumped


def _value(value: Value) -> object:
    if isinstance(value, Money):
        amount = f"{from_minor(value.minor, value.currency):f}"
        whole, _, decimals = amount.partition(".")
        return f"{amount if decimals.strip('0') else whole} {value.currency}"
    return value


def _window(window: Window) -> Json:
    match window:
        case Window(None, end) if end == NOW:
            return {"last": "all"}
        case Window(start, None) if start == NOW:
            return {"next": "all"}
        case Window(Offset(amount, unit), end) if amount < 0 and end == NOW:
            return {"last": _length(amount, unit)}
        case Window(start, Offset(amount, unit)) if amount > 0 and start == NOW:
            return {"next": _length(amount, unit)}
    ends = {"from": window.start, "to": window.end}
    return {word: _point(end) for word, end in ends.items() if end is not None}


def _point(point: Point) -> str:
    match point:
        case Today():
            return "today"
        case OnDay(day):
            return day.isoformat()
        case Offset(0, _):
            return "now"
        case Offset(amount, unit) if amount < 0:
            return f"{_length(amount, unit)} ago"
        case Offset(amount, unit):
            return f"in {_length(amount, unit)}"


def _length(amount: int, unit: str) -> str:
    return f"{abs(amount)} {unit}" + ("" if abs(amount) == 1 else "s")
