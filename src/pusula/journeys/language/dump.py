"""Journeys written as plain values, in one way only: what ``parse`` reads back as equal."""

from __future__ import annotations

from typing import Any

from pusula.journeys.language.nodes import (
    USUAL_NOT_AFTER,
    Approval,
    Branch,
    ByApi,
    ChangeList,
    Coupon,
    DateOf,
    Entry,
    Every,
    Exit,
    GoOn,
    Journey,
    Kind,
    Message,
    MessageWay,
    Once,
    OnDate,
    OnEvent,
    OnOrder,
    OnSegment,
    ReachGoal,
    Reentry,
    Schedule,
    SetTrait,
    Split,
    Step,
    Steps,
    Task,
    Trigger,
    WaitFirst,
    WaitFor,
    WaitUntilDate,
    WaitUntilTime,
    Webhook,
)
from pusula.journeys.language.schema import OWN_HOUR
from pusula.segments.language.dump import dump_condition
from pusula.segments.language.dump_tests import dump_test
from pusula.segments.language.moment_tests import WEEKDAYS
from pusula.segments.language.nodes import ColumnTest, Condition, Words
from pusula.segments.language.windows import Offset

Json = dict[str, Any]


def dump(journey: Journey) -> Json:
    """Return the canonical document of ``journey``: what is left out has its usual value.

    The control group is always said: what is stored means the same whatever is usual later.
    """
    plain = Journey(key="", title=journey.title, entries=(), steps=())
    fields: Json = {"journey": journey.key, "title": _words(journey.title)}
    if journey.description is not None:
        fields["description"] = _words(journey.description)
    for name in ("keyed_by", "purpose", "priority"):
        if getattr(journey, name) != getattr(plain, name):
            fields[name] = getattr(journey, name)
    if not journey.is_commercial:
        fields["class"] = "service"
    fields["holdout"] = f"{journey.holdout} %"
    fields["entry"] = [_entry(each) for each in journey.entries]
    if journey.who is not None:
        fields["who"] = dump_condition(journey.who)
    if journey.reentry != plain.reentry:
        fields["reentry"] = _reentry(journey.reentry)
    if journey.goal is not None:
        fields["goal"] = _end(journey.goal)
    if journey.exit_when:
        fields["exit_when"] = [_end(each) for each in journey.exit_when]
    return fields | {"steps": _steps(journey.steps)}


def dump_step(step: Step) -> Json:
    """Return the document of one step with those in it."""
    return {"id": step.id, **_kind(step.kind)}


def dump_trigger(trigger: Trigger) -> Json:
    """Return the document of a trigger."""
    match trigger:
        case OnEvent(names, where):
            name = names[0] if len(names) == 1 else [*names]
            return {"event": {"name": name, **_where(where)}}
        case OnOrder(becomes, where):
            changed = {} if becomes == "placed" else {"becomes": becomes}
            return {"order": {**changed, **_where(where)}}
        case OnSegment(key, is_entry):
            return {"enters" if is_entry else "leaves": key}


def length(offset: Offset) -> str:
    """Return a length of time as it is written: ``3 days``."""
    amount = abs(offset.amount)
    return f"{amount} {offset.unit}{'' if amount == 1 else 's'}"


def clock_time(minutes: int) -> str:
    """Return a time of day as it is written: ``09:30``."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _words(words: Words) -> Json:
    return {"tr": words.tr, "en": words.en}


def _where(tests: tuple[ColumnTest, ...]) -> Json:
    return {"where": {each.column.name: dump_test(each.test) for each in tests}} if tests else {}


def _end(what: Trigger | Condition) -> Json:
    if isinstance(what, (OnEvent, OnOrder, OnSegment)):
        return dump_trigger(what)
    return {"where": dump_condition(what)}


def _entry(entry: Entry) -> Json:
    match entry:
        case Schedule(segment, when):
            return {"schedule": {"segment": segment, **_when(when)}}
        case OnDate(date, where, is_late_welcome):
            late = {"late": "enter"} if is_late_welcome else {}
            return {"date": {**_date(date), **_where(where), **late}}
        case ByApi():
            return {"api": True}
    return dump_trigger(entry)


def _when(when: Once | Every) -> Json:
    match when:
        case Once(day, time):
            return {"day": day.isoformat(), "at": clock_time(time)}
        case Every(time, weekdays, month_days):
            fields: Json = {"at": clock_time(time)}
            if weekdays:
                fields["weekdays"] = [WEEKDAYS[day] for day in weekdays]
            if month_days:
                fields["month_days"] = [*month_days]
            return fields


def _date(date: DateOf) -> Json:
    fields: Json = {"of": date.column} if date.column else {"trait": date.trait}
    if date.offset is not None:
        side = "before" if date.offset.amount < 0 else "after"
        fields["offset"] = f"{length(date.offset)} {side}"
    fields["at"] = clock_time(date.time)
    return fields | ({"yearly": True} if date.is_yearly else {})


def _reentry(reentry: Reentry) -> str | Json:
    if reentry.after is None:
        return reentry.rule
    rule = {} if reentry.rule == "one_at_a_time" else {"rule": reentry.rule}
    return {**rule, "after": length(reentry.after)}


def _steps(steps: Steps) -> list[Json]:
    return [dump_step(step) for step in steps]


def _part(word: str, steps: Steps) -> Json:
    return {word: _steps(steps)} if steps else {}


def _kind(kind: Kind) -> Json:
    match kind:
        case WaitFor() | WaitUntilTime() | WaitUntilDate() | WaitFirst():
            return {"wait": _wait(kind)}
        case Branch() | Split() | Task() | Approval() | Coupon():
            return _with_parts(kind)
        case Message(ways, not_after):
            late = {} if not_after == USUAL_NOT_AFTER else {"not_after": length(not_after)}
            return {"message": {"ways": [_way(way) for way in ways], **late}}
    return _small(kind)


def _small(kind: Webhook | SetTrait | ChangeList | ReachGoal | Exit | GoOn) -> Json:
    match kind:
        case Webhook(url):
            return {"webhook": {"url": url}}
        case SetTrait(name, value):
            return {"set_trait": {"name": name, "value": value}}
        case ChangeList(key, is_added):
            return {"list": {"add_to" if is_added else "remove_from": key}}
        case GoOn(to):
            return {"continue": to}
    return {"goal" if isinstance(kind, ReachGoal) else "exit": True}


def _wait(kind: WaitFor | WaitUntilTime | WaitUntilDate | WaitFirst) -> Json:
    match kind:
        case WaitFor(span):
            return {"for": length(span)}
        case WaitUntilTime(time, weekdays, is_own):
            shown = clock_time(time)
            until = {"until": OWN_HOUR, "usual": shown} if is_own else {"until": shown}
            days = {"weekdays": [WEEKDAYS[day] for day in weekdays]} if weekdays else {}
            return until | days
        case WaitUntilDate(date):
            return {"date": _date(date)}
        case WaitFirst(triggers, at_most, then, otherwise):
            first = [dump_trigger(each) for each in triggers]
            fields: Json = {"first": first, "at_most": length(at_most)}
            return fields | _part("then", then) | _part("else", otherwise)


def _with_parts(kind: Branch | Split | Task | Approval | Coupon) -> Json:
    match kind:
        case Branch(ways, otherwise):
            shown = [{"when": dump_condition(w.when), **_part("steps", w.steps)} for w in ways]
            return {"branch": {"ways": shown, **_part("else", otherwise)}}
        case Split(variants):
            drawn = [
                {"name": v.name, "share": f"{v.share} %", **_part("steps", v.steps)}
                for v in variants
            ]
            return {"split": drawn}
        case Task(title, script, outcomes, at_most, otherwise):
            ends = [
                {"outcome": o.key, "title": _words(o.title), **_part("steps", o.steps)}
                for o in outcomes
            ]
            fields: Json = {
                "title": _words(title), "script": _words(script), "outcomes": ends,
                "at_most": length(at_most),
            }  # fmt: skip
            return {"task": fields | _part("else", otherwise)}
        case Approval(title, at_most, then, otherwise):
            fields = {"title": _words(title), "at_most": length(at_most)}
            return {"approval": fields | _part("then", then) | _part("else", otherwise)}
        case Coupon(pool, otherwise):
            return {"coupon": {"pool": pool, **_part("else", otherwise)}}


def _way(way: MessageWay) -> Json:
    by_language = dict(way.templates)
    template = by_language.get("", by_language)
    return {"channel": way.channel, "template": template}
