"""Reading how profiles come in: triggers, schedules, dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pusula.journeys.language import literals
from pusula.journeys.language.nodes import (
    ByApi,
    DateOf,
    Entry,
    Every,
    Once,
    OnDate,
    OnEvent,
    OnOrder,
    OnSegment,
    Schedule,
    Trigger,
)
from pusula.journeys.language.schema import ORDER_CHANGES, ORDER_DATES, PLACED, Names
from pusula.segments.language import literals as common
from pusula.segments.language.nodes import ColumnTest, Condition
from pusula.segments.language.parse import ConditionReader
from pusula.segments.language.place import Place, hint
from pusula.segments.language.rows import RowsReader
from pusula.segments.language.schema import DEFAULT_LIMITS, Kind

_TEN = 600


@dataclass(frozen=True)
class EntryReader:
    """Reads triggers, dates and conditions of a journey that is ``keyed_by`` profile or order."""

    names: Names
    keyed_by: str

    @property
    def is_by_order(self) -> bool:
        """Whether each order has a journey of its own."""
        return self.keyed_by == "order"

    def condition(self, place: Place) -> Condition:
        """Return a condition of the segment language."""
        return ConditionReader(self.names.schema, DEFAULT_LIMITS).read(place)

    def entry(self, place: Place) -> Entry:
        """Return one way to come in."""
        word, below = place.single(ENTRIES, "an entry")
        found = ENTRIES[word](self, below)
        if self.is_by_order and not isinstance(found, (OnOrder, OnDate, ByApi)):
            raise place.error(
                "%(word)r brings a profile and no order: use order, date or api, "
                "or let the journey be keyed_by: profile",
                word=word,
            )
        return found

    def trigger(self, place: Place) -> Trigger:
        """Return something that happens to a profile."""
        word, below = place.single(TRIGGERS, "a trigger")
        return TRIGGERS[word](self, below)

    def trigger_or_condition(self, place: Place) -> Trigger | Condition:
        """Return what makes people leave, or what counts as success."""
        word, below = place.single((*TRIGGERS, "where"), "a trigger or a condition")
        return self.condition(below) if word == "where" else TRIGGERS[word](self, below)

    def event(self, place: Place) -> OnEvent:
        """Return an event."""
        fields = place.record(("name",), ("where",))
        rows = RowsReader(self.names.schema, DEFAULT_LIMITS, "events")
        return OnEvent(rows.names(fields), rows.where(fields.get("where")))

    def order(self, place: Place) -> OnOrder:
        """Return a change of an order."""
        fields = place.record((), ("becomes", "where"))
        becomes = PLACED
        if "becomes" in fields:
            becomes = fields["becomes"].choice(ORDER_CHANGES, "change of an order")
        return OnOrder(becomes, self._orders(fields.get("where")))

    def _orders(self, place: Place | None) -> tuple[ColumnTest, ...]:
        return RowsReader(self.names.schema, DEFAULT_LIMITS, "orders").where(place)

    def segment(self, place: Place) -> str:
        """Return the key of a segment."""
        key = literals.key(place)
        if self.names.segments is not None and key not in self.names.segments:
            raise place.error(
                "there is no segment %(key)r", hint(key, self.names.segments), key=key
            )
        return key

    def schedule(self, place: Place) -> Schedule:
        """Return a schedule over a segment."""
        fields = place.record(("segment", "at"), _WHEN)
        given = [word for word in _WHEN if word in fields]
        if len(given) > 1:
            raise place.one_of(_WHEN, given)
        at = literals.time(fields["at"])
        segment = self.segment(fields["segment"])
        if "day" in fields:
            return Schedule(segment, Once(common.day(fields["day"]), at))
        weekdays = literals.weekdays(fields["weekdays"]) if "weekdays" in fields else ()
        days = literals.month_days(fields["month_days"]) if "month_days" in fields else ()
        return Schedule(segment, Every(at, weekdays, days))

    def on_date(self, place: Place) -> OnDate:
        """Return a date at which orders or profiles come in."""
        fields = place.record((), (*_DATE_WORDS, "where", "late"))
        date = self._date(place, fields)
        if "where" in fields and not date.column:
            raise fields["where"].error("only orders have columns; put it under who")
        late = "late" in fields and fields["late"].choice(("enter", "skip"), "word") == "enter"
        return OnDate(date, self._orders(fields.get("where")), late)

    def date(self, place: Place) -> DateOf:
        """Return a date to wait for."""
        return self._date(place, place.record((), _DATE_WORDS))

    def _date(self, place: Place, fields: Mapping[str, Place]) -> DateOf:
        found = [word for word in ("of", "trait") if word in fields]
        if len(found) != 1:
            raise place.error("expected a day: 'of' a column of the order, or a 'trait'")
        if "of" in fields and not self.is_by_order:
            raise fields["of"].error(
                "a day of an order needs a journey for each order: keyed_by: order"
            )
        if "trait" in fields and self.is_by_order:
            raise fields["trait"].error("a day of a profile needs keyed_by: profile")
        is_yearly = "yearly" in fields and literals.truth(fields["yearly"])
        if is_yearly and "of" in fields:
            raise fields["yearly"].error("days of orders do not come round every year")
        return DateOf(
            column=fields["of"].choice(ORDER_DATES, "day of an order") if "of" in fields else "",
            trait=self._trait(fields["trait"]) if "trait" in fields else "",
            offset=literals.offset(fields["offset"]) if "offset" in fields else None,
            time=literals.time(fields["at"]) if "at" in fields else _TEN,
            is_yearly=is_yearly,
        )

    def _trait(self, place: Place) -> str:
        days = [name for name, kind in self.names.schema.traits.items() if kind is Kind.DAY]
        return place.choice(days, "trait that is a day")


_WHEN = ("day", "weekdays", "month_days")
_DATE_WORDS = ("of", "trait", "offset", "at", "yearly")


def _api(_reader: EntryReader, place: Place) -> ByApi:
    literals.true(place)
    return ByApi()


TRIGGERS: Mapping[str, Callable[[EntryReader, Place], Trigger]] = {
    "event": EntryReader.event,
    "order": EntryReader.order,
    "enters": lambda reader, place: OnSegment(reader.segment(place)),
    "leaves": lambda reader, place: OnSegment(reader.segment(place), is_entry=False),
}
ENTRIES: Mapping[str, Callable[[EntryReader, Place], Entry]] = {
    **TRIGGERS,
    "schedule": EntryReader.schedule,
    "date": EntryReader.on_date,
    "api": _api,
}
