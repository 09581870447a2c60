"""Why a customer is, or is not, in a segment: the kernel's explanation in plain words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import told
from pusula.profiles.models import Profile
from pusula.segments import catalog, evaluate, facts, history, kernel, queries, spoken
from pusula.segments.kernel import Explanation, Plan, explain
from pusula.segments.kernel.evidence import Row
from pusula.segments.language import Condition, Definition, references, sentence
from pusula.segments.language.nodes import (
    AggregateTest,
    AllOf,
    AnyOf,
    ConsentTest,
    InSegment,
    Money,
    Not,
    ReachTest,
    TraitTest,
    Words,
)
from pusula.segments.language.schema import Kind
from pusula.segments.models import Segment
from pusula.web import formats, titles
from pusula.web.builder import terms

_DRAFT = "draft"
_NOT_TOLD = frozenset({"relation", "time", "step", "at", "ordered_at"})


@dataclass(frozen=True)
class Reason:
    """A condition, whether it holds, and what was found; or a group of such reasons.

    ``changes_at`` is when it could change by itself, ``rows`` what it was found in: when, and what.
    """

    words: str
    holds: bool
    found: str
    parts: tuple[Reason, ...]
    changes_at: int | None = None
    rows: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Why:
    """The answer for one customer; ``problem`` says why there is none."""

    is_in: bool
    reason: Reason | None
    problem: str = ""


def why(segment: Segment, profile: Profile) -> Why:
    """Return why ``profile`` is, or is not, in ``segment`` by what is known now."""
    versions = {s.key: s.version for s in queries.active() if s.version is not None}
    if segment.key not in versions:
        return Why(is_in=False, reason=None, problem=gettext("It has not been evaluated yet."))
    plan, errors = evaluate.plan(versions)
    if segment.key in errors:
        return Why(is_in=False, reason=None, problem=told(errors[segment.key], gettext))
    return _told(plan, segment.key, profile)


def why_drafted(condition: Condition, profile: Profile) -> Why:
    """Return why ``profile`` meets, or does not meet, a condition that nobody has published."""
    schema = catalog.schema()
    drafted = Definition(_DRAFT, Words(_DRAFT, _DRAFT), condition)
    definitions = history.stored(references(condition)) | {_DRAFT: drafted}
    plan = kernel.compile(definitions, schema, evaluate.published_cut_points())
    return _told(plan, _DRAFT, profile)


def _told(plan: Plan, key: str, profile: Profile) -> Why:
    block = facts.block(np.array([profile.pk], np.int64), plan.requirements)
    try:
        explanation = explain(plan, block, 0, key, clock.now())
    except PusulaError as error:
        return Why(is_in=False, reason=None, problem=error.said(gettext))
    named = {other.key: titles.segment_title(other) for other in queries.active()}
    return Why(explanation.holds, _Teller(profile, named).reason(explanation))


class _Teller:
    """Says explanations about one customer in the active language."""

    def __init__(self, profile: Profile, named: dict[str, str]) -> None:
        self.language = spoken.language()
        self.named = named
        self.texts = dict(profile.traits.exclude(text="").values_list("name", "text"))

    def reason(self, explanation: Explanation) -> Reason:
        parts = tuple(self.reason(part) for part in _parts(explanation))
        return Reason(
            words=self.words(explanation),
            holds=explanation.holds,
            found=self.found(explanation),
            parts=parts,
            changes_at=None if parts else explanation.changes_at,
            rows=tuple((row["time"], _row(row)) for row in explanation.rows),
        )

    def words(self, explanation: Explanation) -> str:
        """Return a condition in words, without those of its parts."""
        condition = explanation.condition
        if isinstance(condition, AllOf):
            return gettext("All of these")
        if isinstance(condition, AnyOf):
            return gettext("At least one of these")
        if isinstance(condition, Not):
            is_any = isinstance(condition.part, AnyOf)
            return gettext("None of these") if is_any else gettext("Not this")
        return sentence(condition, self.language, self.named)

    def found(self, explanation: Explanation) -> str:  # noqa: PLR0911 - one line per sort
        """Return what was found for this customer, and the limit it is compared with."""
        match explanation.condition:
            case AggregateTest(aggregate):
                found = self.value(explanation, aggregate.kind)
                if explanation.limit is None:
                    return found
                limit = self.limit(explanation, aggregate.kind)
                return gettext("%(found)s; the limit is %(limit)s") % {
                    "found": found,
                    "limit": limit,
                }
            case TraitTest(name, kind):
                return self.texts.get(name) or self.value(explanation, kind)
            case ConsentTest():
                return _consent(str(explanation.value))
            case ReachTest():
                return _reach(str(explanation.value))
            case InSegment():
                return gettext("in it") if explanation.holds else gettext("not in it")
        return ""

    def value(self, explanation: Explanation, kind: Kind) -> str:
        match explanation.value:
            case None | bool() | str() as value:
                return _word(value)
            case Money(minor, currency):
                return formats.amount(minor, currency)
            case dt.date() as value:
                return formats.day(value)
            case int(value) if kind is Kind.MOMENT:
                return formats.moment(value)
            case int(value) | float(value):
                return _number(value)

    def limit(self, explanation: Explanation, kind: Kind) -> str:
        limit = explanation.limit or 0.0
        if kind is Kind.MONEY and isinstance(explanation.value, Money):
            return formats.amount(round(limit), explanation.value.currency)
        return _number(limit)


def _parts(explanation: Explanation) -> Sequence[Explanation]:
    """Return the parts that are told: those of an ``any`` that a ``not`` turns round, at once."""
    condition, parts = explanation.condition, explanation.parts
    is_none_of = isinstance(condition, Not) and isinstance(condition.part, AnyOf)
    return parts[0].parts if is_none_of and parts else parts


def _row(row: Row) -> str:
    """Return a row in words: the event's title, or the order's, and the columns asked for."""
    told = [titles.event(row["name"])[1]] if row["relation"] == "events" else []
    for name, value in row.items():
        is_title = name == "name" and row["relation"] == "events"
        if name not in _NOT_TOLD and not is_title and value not in (None, ""):
            title = str(terms.COLUMNS.get(name, name))
            told.append(f"{title}: {_cell(name, value)}")
    return " · ".join(told)


def _cell(name: str, value: object) -> str:
    match value:
        case Money(minor, currency):
            return formats.amount(minor, currency)
        case dt.date():
            return formats.day(value)
        case int() if name.endswith("_at"):
            return formats.moment(value)
        case int() | float():
            return _number(value)
    return str(titles.ORDER_STATES.get(str(value), value)) if name == "status" else str(value)


def _word(value: str | bool | None) -> str:
    words = {None: gettext("nothing"), True: gettext("yes"), False: gettext("no")}
    return value if isinstance(value, str) else words[value]


def _number(value: float) -> str:
    return formats.number(value, 0 if value == int(value) else 2)


def _reach(state: str) -> str:
    words = {
        "reachable": gettext("can be reached"),
        "no_consent": gettext("no consent"),
        "suppressed": gettext("blocked"),
        "no_address": gettext("no address"),
        "not_in_iys": gettext("no approval in İYS"),
    }
    return words.get(state, gettext("nothing"))


def _consent(status: str) -> str:
    words = {
        "granted": gettext("Consent given"),
        "refused": gettext("Refused"),
        "unknown": gettext("never asked"),
    }
    return words.get(status, status)
