"""What a backtest replays: journeys made ready, the time it covers, and the limits that hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.db.models import Min

from pusula.events.models import Event
from pusula.journeys.compiled import Compiled, compile_
from pusula.journeys.language import Journey, Names, dump, parse
from pusula.journeys.language.nodes import (
    ByApi,
    Entry,
    OnDate,
    OnEvent,
    OnOrder,
    OnSegment,
    Schedule,
)
from pusula.journeys.models import Journey as Stored
from pusula.journeys.models import JourneyVersion
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.orders.models import Order, OrderChange
from pusula.outbox import policies
from pusula.outbox.rules.policy import Policy
from pusula.profiles.models import TraitChange
from pusula.segments import catalog, evaluate, history, kernel
from pusula.segments.kernel import Plan
from pusula.segments.models import Segment


class BacktestError(PusulaError):
    """A journey cannot be replayed over this time."""

    code = "backtest"
    status = 409


@dataclass(frozen=True)
class Part:
    """One journey of a backtest. ``walks`` are the segments, by key, whose history is needed."""

    name: str
    compiled: Compiled
    origin: str  # of the messages it has asked for so far, if it is live already
    segments: Plan | None  # evaluates ``walks``
    walks: Mapping[str, frozenset[bool]]  # which moves of a segment count: in (true), out

    @property
    def journey(self) -> Journey:
        """Its definition."""
        return self.compiled.graph.journey

    @cached_property
    def schedules(self) -> Mapping[str, Schedule]:
        """Its entries by schedule, by their place."""
        return {f"entry:{n}": e for n, e in self._entries if isinstance(e, Schedule)}

    @cached_property
    def dates(self) -> Mapping[str, OnDate]:
        """Its entries by date, by their place."""
        return {f"entry:{n}": e for n, e in self._entries if isinstance(e, OnDate)}

    @property
    def _entries(self) -> Sequence[tuple[int, Entry]]:
        return list(enumerate(self.journey.entries))

    @property
    def needs_orders(self) -> bool:
        """Whether what becomes of orders matters to it."""
        return bool(self.compiled.order_places) or self.journey.keyed_by == "order"


@dataclass(frozen=True)
class Setting:
    """A backtest: journeys that compete under ``policy``, from ``since_at`` to ``until_at``.

    Both moments are included. History is taken as it is known at ``known_at``.
    """

    parts: Sequence[Part]
    since_at: int
    until_at: int
    known_at: int
    policy: Policy
    zone: str


def setting(
    documents: Sequence[tuple[str, object]],
    *,
    since: int,
    until: int,
    policy: Policy | None = None,
    known_at: int | None = None,
) -> Setting:
    """Return the backtest of ``documents`` (name, definition), ready to run.

    Templates and coupon pools need not exist yet. Raises ``DefinitionError`` for what is no
    journey, ``BacktestError`` for a time that cannot be replayed or entries without a history.
    """
    now = clock.now() if known_at is None else known_at
    if until > now:
        raise BacktestError(Saying("the time to replay ends in the future: end it now or earlier"))
    if since >= until:
        raise BacktestError(
            Saying("the time to replay ends before it begins: swap the two moments")
        )
    keys = Segment.objects.filter(archived_at=None).values_list("key", flat=True)
    names = Names(schema=catalog.schema(), segments=tuple(keys.order_by("key")))
    parts = []
    for number, (name, document) in enumerate(documents, 1):
        definition = document if isinstance(document, Journey) else parse(document, names)
        parts.append(_part(name or definition.key, number, definition))
    for part in parts:
        _check(part, until)
    held = policies.current().policy if policy is None else policy
    return Setting(parts, since, until, now, held, settings.PUSULA.time_zone)


def _part(name: str, number: int, definition: Journey) -> Part:
    schema = catalog.schema()
    version = JourneyVersion(pk=number, journey_id=number, definition=dump(definition))
    compiled = compile_(version, schema)
    _refuse_failed(name, compiled.plan, compiled.graph.conditions)
    walks: dict[str, set[bool]] = {}
    for each in compiled.graph.triggers.values():
        if isinstance(each, OnSegment):
            walks.setdefault(each.key, set()).add(each.is_entry)
    for entry in definition.entries:
        if isinstance(entry, Schedule):
            walks.setdefault(entry.segment, set())
    plan = None
    if walks:
        known = history.stored(walks)
        if missing := sorted(walks.keys() - known.keys()):
            raise BacktestError(
                Saying(
                    "%(name)s: there is no segment %(missing)r: apply it first",
                    {"name": name, "missing": missing[0]},
                )
            )
        plan = kernel.compile(known, schema, evaluate.published_cut_points())
        _refuse_failed(name, plan, walks)
    stored = Stored.objects.filter(key=definition.key).first()
    return Part(
        name=name,
        compiled=compiled,
        origin=stored.origin if stored else "",
        segments=plan,
        walks={key: frozenset(which) for key, which in walks.items()},
    )


def _refuse_failed(name: str, plan: Plan, asked: Iterable[str]) -> None:
    for place in asked:
        if place in plan.failed:
            raise BacktestError(
                Saying(
                    "%(name)s: %(place)s cannot be asked: %(why)s",
                    {"name": name, "place": place, "why": plan.failed[place].saying},
                )
            )


def _check(part: Part, until: int) -> None:
    """Refuse a journey of which nothing stored says who would have come in."""
    for n, entry in part._entries:  # noqa: SLF001 - of this module
        if problem := _lacks(entry, until):
            raise BacktestError(
                Saying(
                    "%(name)s: %(place)s: %(problem)s",
                    {"name": part.name, "place": f"entry[{n}]", "problem": problem},
                )
            )
    if all(isinstance(entry, ByApi) for entry in part.journey.entries):
        raise BacktestError(
            Saying(
                "%(name)s: only a program says who comes in (api: true), and nothing stored "
                "tells whom it would have named: put the event or segment it goes by under "
                "'entry' to replay the journey",
                {"name": part.name},
            )
        )


def _lacks(entry: Entry, until: int) -> Saying | None:
    """Return what history lacks of an entry; nothing if there is some."""
    match entry:
        case OnEvent(names=names):
            found = Event.objects.filter(name__in=names)
            event = Saying("event %(name)r", {"name": names[0]})
            return _begins(found.aggregate(at=Min("at"))["at"], until, event)
        case OnOrder():
            return _begins(Order.objects.aggregate(at=Min("ordered_at"))["at"], until, _ORDER)
        case OnDate(date=date) if date.column:
            found_at = OrderChange.objects.aggregate(at=Min("ordered_at"))["at"]
            return _begins(found_at, until, _ORDER)
        case OnDate(date=date):
            told = TraitChange.objects.filter(name=date.trait)
            nobody = Saying("nobody ever had the trait %(trait)r", {"trait": date.trait})
            return None if told.exists() else nobody
    return None


_ORDER = Saying("order")


def _begins(first_at: int | None, until: int, what: Saying) -> Saying | None:
    if first_at is None:
        return Saying(
            "no %(what)s was ever recorded: import it (`pusula import`), or use another entry",
            {"what": what},
        )
    if first_at > until:
        day = clock.day_of(first_at, settings.PUSULA.time_zone).isoformat()
        return Saying(
            "the first %(what)s is of %(day)s: replay a time behind that day",
            {"what": what, "day": day},
        )
    return None
