"""The editor of what is measured over orders, items or events, and of the rows that count.

Fields: the test's (``op``, ``v`` …), ``m`` the measure where the pick leaves it open, ``c`` the
column measured, ``names`` of events, the window's (``w`` …), and for each filter in ``filters``
(``a b …``) ``a.c`` its column and ``a.op``, ``a.v`` … its test.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from pusula.segments.language.nodes import MEASURES
from pusula.segments.language.schema import Kind, Relation, Schema
from pusula.web.builder import controls, terms, windows
from pusula.web.builder.choices import Choices
from pusula.web.builder.controls import Control, IncompleteError, Line, Option, Row
from pusula.web.builder.fields import Fields
from pusula.web.builder.values import Asked, periods

Json = dict[str, object]
MOST_FILTERS = 8
_KNOWN_KEYS = {"name", "is", "where", "by", "within", *MEASURES}


@dataclass(frozen=True)
class RowsEditor:
    """Edits ``relation`` measured by ``measure``; ``name`` is the only event it speaks of.

    ``measure`` empty: a menu asks for it.
    """

    schema: Schema
    choices: Choices
    relation_name: str
    measure: str = ""
    name: str = ""

    @property
    def relation(self) -> Relation:
        """The rows' relation."""
        return self.schema.relations[self.relation_name]

    # -- what is drawn ------------------------------------------------------------------------

    def row(self, fields: Fields) -> Row:
        """Return the lines of the condition."""
        measure = self._measure(fields)
        first: list[Control] = []
        if self.relation.is_open and not self.name:
            first.append(self._names(fields))
        if not self.measure:
            menu = [(m, str(terms.MEASURES[m])) for m in self._measures()]
            first.append(controls.select("m", gettext("Measure"), measure, menu, redraws=True))
        first += self._column(fields, measure)
        first += self._asked(fields).controls(fields)
        first += self._states(fields)
        is_moment = measure in ("latest", "earliest")  # it asks for a time itself
        if not is_moment or fields.one("w", "all") != "all":
            first += windows.draw(fields, self.relation)
        return Row([Line(tuple(first)), *self.filter_lines(fields)])

    def _states(self, fields: Fields) -> list[Control]:
        """Return the states of orders that count: asked so often that it stands with the rest."""
        known = self.relation.choices.get(_STATE)
        if known is None:
            return []
        options = self.choices.states(known)
        label = str(terms.COLUMNS[_STATE])
        ticked = controls.many(_STATE, label, fields.many(_STATE), options)
        return [replace(ticked, is_quiet=True, is_closed=True, none=gettext("in any state"))]

    def _names(self, fields: Fields) -> Control:
        return controls.many(
            "names", gettext("Events"), fields.many("names"), self.choices.events()
        )

    def _column(self, fields: Fields, measure: str) -> list[Control]:
        columns = self._columns(measure)
        if MEASURES[measure].takes is None:
            return []
        if self.relation.is_open and not columns:
            return [controls.text("c", gettext("Property of the event"), fields.one("c"))]
        if len(columns) == 1:
            return []
        menu = [(name, str(terms.COLUMNS.get(name, name))) for name in columns]
        chosen = self._chosen_column(fields, measure)
        return [controls.select("c", gettext("Of which column"), chosen, menu, redraws=True)]

    def filter_lines(self, fields: Fields) -> list[Line]:
        """Return a line for each filter of the rows."""
        lines = []
        for place, key in enumerate(filter_keys(fields)):
            mine = fields.below(key)
            found = [self._filter_column(mine)]
            if mine.one("c"):
                found += self._filter_asked(mine).controls(mine)
            found.append(Control("button", "unfilter", gettext("Remove this filter"), (key,)))
            lead = gettext("only where") if place == 0 else gettext("and")
            below = tuple(c if c.sort == "button" else c.below(key) for c in found)
            lines.append(Line(below, lead=lead, indent=True))
        return lines

    def _filter_column(self, mine: Fields) -> Control:
        if self.relation.is_open:
            typed = controls.text("c", gettext("Property of the event"), mine.one("c"))
            return replace(typed, redraws=True)
        menu = [("", gettext("Choose a column…"))]
        menu += [(name, str(terms.COLUMNS.get(name, name))) for name in self.relation.columns]
        return controls.select("c", gettext("Column"), mine.one("c"), menu, redraws=True)

    # -- what it asks -------------------------------------------------------------------------

    def _measures(self) -> list[str]:
        return [m for m in MEASURES if m in terms.MEASURES and m in _OPEN_MEASURES]

    def _measure(self, fields: Fields) -> str:
        given = self.measure or fields.one("m", "count")
        return given if given in MEASURES else "count"

    def _columns(self, measure: str) -> list[str]:
        takes = MEASURES[measure].takes or frozenset()
        return [name for name, kind in self.relation.columns.items() if kind in takes]

    def _chosen_column(self, fields: Fields, measure: str) -> str:
        columns = self._columns(measure)
        chosen = fields.one("c")
        if self.relation.is_open and chosen:
            return chosen
        preferred = [c for c in _USUAL if c in columns] or columns
        return chosen if chosen in columns else next(iter(preferred), "")

    def _asked(self, fields: Fields) -> Asked:
        measure = MEASURES[self._measure(fields)]
        kind = measure.gives or self._kind_of(
            self._chosen_column(fields, measure.name), measure.name
        )
        column = self._chosen_column(fields, measure.name)
        options = self._options(column) if kind is Kind.TEXT else ()
        return Asked(
            kind=kind,
            currency=self.schema.currency,
            is_measured=True,
            periods=periods(self.schema),
            is_total=measure.total,
            options=options,
            unit=str(terms.MEASURED_UNITS.get(measure.name, "")),
        )

    def _kind_of(self, column: str, measure: str) -> Kind:
        if column in self.relation.columns:
            return self.relation.columns[column]
        takes = MEASURES[measure].takes or frozenset()
        return Kind.TEXT if Kind.TEXT in takes else Kind.NUMBER

    def _filter_asked(self, mine: Fields) -> Asked:
        column = mine.one("c")
        kind = self.relation.columns.get(column)
        if kind is None:
            kind = Kind.NUMBER if mine.one("op") in terms.COMPARISONS else Kind.TEXT
            return Asked(kind=kind, currency=self.schema.currency)
        closed = column in self.relation.choices
        return Asked(
            kind=kind,
            currency=self.schema.currency,
            options=self._options(column) if kind is Kind.TEXT else (),
            is_closed=closed,
            periods=periods(self.schema),
            is_total=closed,
        )

    def _options(self, column: str) -> tuple[Option, ...]:
        if column in self.relation.choices:
            return tuple(self.choices.states(self.relation.choices[column]))
        return tuple(self.choices.column(self.relation_name, column))

    # -- YAML ---------------------------------------------------------------------------------

    def document(self, fields: Fields) -> Json:
        """Return the condition as the language writes it; raise ``IncompleteError``."""
        measure = self._measure(fields)
        body: Json = {}
        if self.relation.is_open:
            names = [self.name] if self.name else fields.many("names")
            if not names:
                raise IncompleteError(gettext("Choose at least one event."))
            body["name"] = names[0] if len(names) == 1 else names
        tested = self._asked(fields).document(fields)
        if MEASURES[measure].takes is None:
            body[measure] = tested
        else:
            column = self._chosen_column(fields, measure)
            if not column:
                raise IncompleteError(gettext("Name the property that is measured."))
            body |= {measure: column, "is": tested}
        if where := self.where(fields):
            body["where"] = where
        return {self.relation_name: body | windows.say(fields, self.relation)}

    def where(self, fields: Fields) -> Json:
        """Return the tests of the rows by column."""
        where: Json = {}
        if states := fields.many(_STATE):
            where[_STATE] = {"in": states}
        for key in filter_keys(fields):
            mine = fields.below(key)
            column = mine.one("c")
            if not column:
                raise IncompleteError(gettext("Choose the column of the filter, or remove it."))
            if column in where:
                raise IncompleteError(
                    gettext("Two filters speak of the same column: put both into one.")
                )
            where[column] = self._filter_asked(mine).document(mine)
        return where

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``; ``None`` if these boxes cannot."""
        if not isinstance(body, Mapping) or not set(body) <= _KNOWN_KEYS:
            return None
        measures = [m for m in MEASURES if m in body]
        if len(measures) != 1 or (self.measure and measures[0] != self.measure):
            return None
        found = windows.read(body, self.relation)
        if found is None:
            return None
        measure = measures[0]
        if not self.measure:
            found.put("m", measure)
        if self.relation.is_open and not self._read_names(body.get("name"), found):
            return None
        if MEASURES[measure].takes is not None:
            found.put("c", str(body[measure]))
        tested = body[measure] if MEASURES[measure].takes is None else body.get("is")
        asked = self._asked(found).fields(tested)
        if asked is None or not self.read_where(body.get("where", {}), found):
            return None
        return Fields({**asked, **found})

    def _read_names(self, name: object, found: Fields) -> bool:
        names = [name] if isinstance(name, str) else name
        if not isinstance(names, list):
            return False
        if self.name:
            return names == [self.name]
        found.put("names", [str(each) for each in names])
        return True

    def read_where(self, where: object, found: Fields) -> bool:
        """Put the filters of ``where`` into ``found``; return whether these boxes can say them."""
        if not isinstance(where, Mapping) or len(where) > MOST_FILTERS:
            return False
        where = dict(where)
        if states := _only_in(where.get(_STATE)):
            found.put(_STATE, states)
            del where[_STATE]
        keys = string.ascii_lowercase[: len(where)]
        found.put("filters", " ".join(keys))
        for key, (column, test) in zip(keys, where.items(), strict=True):
            mine = Fields({"c": [str(column)]})
            read = self._filter_asked(mine).fields(test)
            if read is None and column not in self.relation.columns:
                asked = replace(self._filter_asked(mine), kind=Kind.NUMBER)
                read = asked.fields(test)
            if read is None:
                return False
            found.set_below(key, Fields({**mine, **read}))
        return True


def _only_in(test: object) -> list[str]:
    """Return the values of a test for some of them; nothing of another test."""
    match test:
        case {"is": str(value), **rest} if not rest:
            return [value]
        case {"in": list(values), **rest} if not rest:
            return [str(value) for value in values]
    return []


_STATE = "status"
_USUAL = ("net_amount", "ends_on", "ordered_at", "amount", "region", "sku")
_OPEN_MEASURES = (
    "count",
    "latest",
    "earliest",
    "distinct",
    "sum",
    "avg",
    "days",
    "months",
    "first",
    "last",
)


def filter_keys(fields: Fields) -> list[str]:
    """Return the names of the filters, in their order."""
    keys = dict.fromkeys(fields.one("filters").split())
    return [key for key in keys if key in _LETTERS][:MOST_FILTERS]


def add_filter(fields: Fields) -> None:
    """Add an empty filter, if there is room."""
    keys = filter_keys(fields)
    free = [letter for letter in string.ascii_lowercase if letter not in (*keys, "w")]
    if len(keys) < MOST_FILTERS:
        fields.drop_below(free[0])
        fields.put("filters", " ".join([*keys, free[0]]))


def remove_filter(fields: Fields, key: str) -> None:
    """Remove the filter called ``key``."""
    fields.put("filters", " ".join(each for each in filter_keys(fields) if each != key))
    fields.drop_below(key)


_LETTERS = frozenset(string.ascii_lowercase) - {"w"}
