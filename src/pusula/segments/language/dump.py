"""Definitions written back as the plain mappings, lists and scalars of JSON."""

from __future__ import annotations

from pusula.segments.language.aggregates import TIMED
from pusula.segments.language.dump_tests import Json, dump_test, per_cent
from pusula.segments.language.dump_windows import dump_length, dump_window
from pusula.segments.language.nodes import (
    SEASONS,
    Aggregate,
    AggregateTest,
    AllOf,
    AnyOf,
    ColumnTest,
    Condition,
    ConsentTest,
    Definition,
    InBucket,
    InSegment,
    InSet,
    Not,
    ReachTest,
    ScoreTest,
    SequenceStep,
    SequenceTest,
    Test,
    TraitTest,
)
from pusula.segments.language.schema import RELATIONS


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
    match node:
        case AllOf(parts):
            return {"all": [dump_condition(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [dump_condition(part) for part in parts]}
        case Not(part):
            return {"not": dump_condition(part)}
        case AggregateTest(aggregate, test):
            return {aggregate.relation: _aggregate(aggregate, test)}
        case SequenceTest():
            return {"sequence": _sequence(node)}
    return _of_profile(node)


def _of_profile(
    node: TraitTest | ConsentTest | ReachTest | ScoreTest | InSet | InBucket | InSegment,
) -> Json:
    """Return a condition that asks about the profile itself and not its rows."""
    dumped: object
    match node:
        case TraitTest(name, _, test):
            key, dumped = "trait", {name: dump_test(test)}
        case ConsentTest(channel, purpose, status):
            key, dumped = "consent", {"channel": channel, "purpose": purpose, "is": status}
        case ReachTest(channel, purpose, state):
            key, dumped = "reach", {"channel": channel, "purpose": purpose, "is": state}
        case ScoreTest(model, of, test):
            key, dumped = "score", {"model": model, of: dump_test(test)}
        case InSet("campaign", name, arm):
            key, dumped = "campaign", {"key": name} | ({} if arm is None else {"arm": arm})
        case InSet(sort, name, _):
            key, dumped = sort, name
        case InBucket(name, low, high):
            key, dumped = "bucket", {"name": name, "from": f"{low} %", "to": f"{high} %"}
        case InSegment(name):
            key, dumped = "segment", name
    return {key: dumped}


def _aggregate(aggregate: Aggregate, test: Test) -> Json:
    rows, measure = _rows(aggregate), aggregate.measure
    fields: Json = {"name": rows.pop("name")} if "name" in rows else {}
    if measure == "share":
        fields |= {"share": _where(aggregate.of), "is": dump_test(test, per_cent)}
    elif aggregate.column is not None:
        fields |= {measure: aggregate.column.name, "is": dump_test(test)}
    else:
        fields[measure] = dump_test(test)
    if aggregate.window is None and measure not in TIMED:
        rows.pop("by", None)  # nothing looks at it
    fields |= rows
    if aggregate.window is not None:
        fields["within"] = dump_window(aggregate.window)
    if aggregate.seasons not in ((), SEASONS):
        fields["seasons"] = {each.name: [each.first, each.last] for each in aggregate.seasons}
    return fields


def _rows(rows: Aggregate | SequenceStep) -> Json:
    """Return which rows count, and which time of theirs is looked at."""
    fields: Json = {}
    if rows.names:
        fields["name"] = rows.names[0] if len(rows.names) == 1 else [*rows.names]
    if rows.where:
        fields["where"] = _where(rows.where)
    if rows.by.name != RELATIONS[rows.relation].time:
        fields["by"] = rows.by.name
    return fields


def _where(tests: tuple[ColumnTest, ...]) -> Json:
    return {each.column.name: dump_test(each.test) for each in tests}


def _sequence(node: SequenceTest) -> Json:
    fields: Json = {"steps": [_step(step) for step in node.sequence.steps]}
    if node.sequence.same is not None:
        fields["same"] = node.sequence.same
    if node.sequence.window is not None:
        fields["within"] = dump_window(node.sequence.window)
    return fields | {node.measure: dump_test(node.test)}


def _step(step: SequenceStep) -> Json:
    rows: Json = {step.relation: _rows(step)}
    if step.within is None:
        return rows
    length = dump_length(step.within)
    return {"without": rows, "for": length} if step.is_absent else rows | {"within": length}
