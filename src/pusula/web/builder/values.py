"""The editor of a test of one value: its menu and boxes, and the YAML that they say.

Fields: ``op`` the test, ``v`` its values (several for lists), ``v2`` the second limit, ``u`` and
``u2`` units of lengths of time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext, gettext_lazy

from pusula.lib.money import SYMBOLS
from pusula.segments import spoken
from pusula.segments.language.schema import TIMES, Kind, Schema
from pusula.web.builder import controls, terms, times
from pusula.web.builder.controls import Control, IncompleteError, Option
from pusula.web.builder.fields import Fields, shown_number
from pusula.web.builder.times import made, number_of

Json = dict[str, object]
_AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?) ?[A-Z]{3}")
_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
_LISTS = ("in", "not_in", "has_any", "has_all")
_POPULATION: terms.Words = {
    "top": gettext_lazy("in the top"),
    "bottom": gettext_lazy("in the bottom"),
    "above_mean": gettext_lazy("above the average by"),
    "below_mean": gettext_lazy("below the average by"),
    "between_quantiles": gettext_lazy("between the shares"),
    "rank": gettext_lazy("among the first"),
}


@dataclass(frozen=True)
class Asked:
    """What can be asked of a value of one kind.

    ``periods`` are the named ones that a time may lie in.

    ``is_measured``: it is made of many rows, so that it can be compared with everybody's;
    ``is_total``: it is never missing. ``options`` are values to tick (``is_closed``: there are no
    others), ``unit`` stands in the box.
    """

    kind: Kind
    currency: str
    is_measured: bool = False
    is_total: bool = False
    options: tuple[Option, ...] = ()
    is_closed: bool = False
    unit: str = ""
    periods: tuple[Option, ...] = ()

    def menu(self) -> terms.Words:
        """Return the tests by their key."""
        found = self._tests()
        return found if self.is_total else found | terms.KNOWN

    def _tests(self) -> terms.Words:
        if self.kind in TIMES:
            return times.MENU | (times.NAMED if self.periods else {})
        match self.kind:
            case Kind.TEXT if self.is_closed:
                return {key: terms.TEXT_TESTS[key] for key in ("in", "not_in")}
            case Kind.TEXT:
                return terms.TEXT_TESTS
            case Kind.LIST:
                return terms.LIST_TESTS
            case Kind.BOOL:
                return terms.YES_NO
        return terms.COMPARISONS | (_POPULATION if self.is_measured else {})

    def op(self, fields: Fields) -> str:
        """Return the test that ``fields`` say, else the first of the menu."""
        menu = self.menu()
        return fields.one("op") if fields.one("op") in menu else next(iter(menu))

    def controls(self, fields: Fields) -> list[Control]:
        """Return the menu and the boxes of the test."""
        op = self.op(fields)
        menu = [(key, str(words)) for key, words in self.menu().items()]
        return [
            controls.select("op", gettext("Comparison"), op, menu, redraws=True),
            *self._boxes(op, fields),
        ]

    def _boxes(self, op: str, fields: Fields) -> list[Control]:  # noqa: PLR0911 - one line per sort of test
        if op in ("yes", "no", "known", "unknown"):
            return []
        if op in times.NAMED:
            return [self._period(fields)]
        if self.kind in TIMES:
            return times.draw(op, fields)
        if op in _LISTS:
            return [controls.many("v", gettext("Values"), fields.many("v"), self.options)]
        if self.kind in (Kind.TEXT, Kind.LIST):
            return [controls.text("v", gettext("Text"), fields.one("v"))]
        if op in _POPULATION:
            return _population_boxes(op, fields)
        if op == "between":
            return [
                self._amount("v", fields),
                controls.word(gettext("and")),
                self._amount("v2", fields),
            ]
        return [self._amount("v", fields)]

    def _period(self, fields: Fields) -> Control:
        menu = [("", gettext("Choose…")), *((each.value, each.words) for each in self.periods)]
        known = fields.one("v") if fields.one("v") in dict(menu) else ""  # was another test's value
        return controls.select("v", gettext("Period"), known, menu)

    def _amount(self, name: str, fields: Fields) -> Control:
        label = gettext("Second limit") if name == "v2" else gettext("Value")
        sign = ""
        if self.kind is Kind.MONEY:
            sign = next((s for s, c in SYMBOLS.items() if c == self.currency), self.currency)
        return controls.number(name, label, fields.one(name), unit=self.unit, before=sign)

    def document(self, fields: Fields) -> Json | str:  # noqa: PLR0911 - one line per sort of test
        """Return the test as the language writes it; raise ``IncompleteError``."""
        op = self.op(fields)
        if op in ("known", "unknown"):
            return op
        if op in ("yes", "no"):
            return {"is": op == "yes"}
        if op in times.NAMED:
            return {op: _chosen(fields, self.periods)}
        if self.kind in TIMES:
            return times.say(op, fields)
        if op in _LISTS:
            return {op: _ticked(fields)}
        if self.kind in (Kind.TEXT, Kind.LIST):
            return {op: _typed(fields)}
        if op in _POPULATION:
            return _of_population(op, fields)
        if op == "between":
            return {op: self._limits(fields)}
        return {op: self._sized(number_of(fields.one("v")))}

    def _limits(self, fields: Fields) -> list[object]:
        low, high = number_of(fields.one("v")), number_of(fields.one("v2"))
        if low > high:
            raise IncompleteError(gettext("The lower limit comes first."))
        return [self._sized(low), self._sized(high)]

    def _sized(self, number: float) -> object:
        return f"{number:.15g} {self.currency}" if self.kind is Kind.MONEY else number

    def fields(self, test: object) -> Fields | None:
        """Return the fields that say ``test``; ``None`` if these boxes cannot."""
        read = self._read(test)
        return read if read is not None and read.one("op") in self.menu() else None

    def _read(self, test: object) -> Fields | None:  # noqa: PLR0911 - one line per sort of test
        if test in ("known", "unknown"):
            return made(op=str(test))
        if not isinstance(test, Mapping) or not test:
            return None
        if self.kind in TIMES:
            return times.read(test)
        if len(test) != 1:
            return None
        op, value = next(iter(test.items()))
        if self.kind is Kind.BOOL:
            return made(op="yes" if value else "no") if op == "is" else None
        if self.kind in (Kind.TEXT, Kind.LIST):
            return _read_text(op, value)
        return _read_number(op, value)


def periods(schema: Schema) -> tuple[Option, ...]:
    """Return the periods that ``schema`` names, such as a holiday, in the active language."""
    language = spoken.language()
    return tuple(Option(key, getattr(each, language)) for key, each in schema.periods.items())


def options(values: Iterable[str]) -> tuple[Option, ...]:
    """Return values that are called as they are."""
    return tuple(Option(value, value) for value in values)


def _ticked(fields: Fields) -> list[str]:
    if values := fields.many("v"):
        return values
    raise IncompleteError(gettext("Choose at least one value."))


def _chosen(fields: Fields, options: Iterable[Option]) -> str:
    if (value := fields.one("v")) in {option.value for option in options}:
        return value
    raise IncompleteError(gettext("Choose one from the menu."))


def _typed(fields: Fields) -> str:
    if value := fields.one("v"):
        return value
    raise IncompleteError(gettext("Type a text."))


def _population_boxes(op: str, fields: Fields) -> list[Control]:
    label = gettext("Place") if op == "rank" else gettext("Per cent")
    unit = "" if op == "rank" else "%"
    boxes = [controls.number("v", label, fields.one("v"), unit=unit)]
    if op == "between_quantiles":
        second = controls.number("v2", gettext("Second limit"), fields.one("v2"), unit=unit)
        boxes += [controls.word(gettext("and")), second]
    return boxes


def _of_population(op: str, fields: Fields) -> Json:
    """Return a test that compares with everybody's values."""
    number = number_of(fields.one("v"))
    if op == "rank":
        return {op: number}
    if op == "between_quantiles":
        return {op: [_per_cent(number), _per_cent(number_of(fields.one("v2")))]}
    if op == "above_mean":
        return {"of_mean": {"at_least": _per_cent(100 + number)}}
    if op == "below_mean":
        return {"of_mean": {"at_most": _per_cent(100 - number)}}
    return {op: _per_cent(number)}


def _per_cent(number: float) -> str:
    return f"{Decimal(str(number)).normalize():f} %"


def _read_text(op: str, value: object) -> Fields | None:
    if op in ("is", "is_not"):
        op, value = {"is": "in", "is_not": "not_in"}[op], [value]
    if op in _LISTS:
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            return None
        return made(op=op, v=[str(v) for v in value])
    return made(op=op, v=value) if isinstance(value, str) else None


def _read_number(op: str, value: object) -> Fields | None:  # noqa: PLR0911 - one line per sort of test
    match op, value:
        case "between", [low, high]:
            first, second = _read_size(low), _read_size(high)
            if first is None or second is None:
                return None
            return made(op=op, v=first, v2=second)
        case (("top" | "bottom"), str(share)) if found := _SHARE.fullmatch(share):
            return made(op=op, v=shown_number(float(found[1])))
        case "between_quantiles", [low, high]:
            return made(op=op, v=_bare(low), v2=_bare(high))
        case "of_mean", {"at_least": ratio, **rest} if not rest:
            return _read_ratio("above_mean", ratio)
        case "of_mean", {"at_most": ratio, **rest} if not rest:
            return _read_ratio("below_mean", ratio)
    size = _read_size(value)
    return None if size is None else made(op=op, v=size)


def _read_size(value: object) -> str | None:
    match value:
        case bool():
            return None
        case int() | float():
            return shown_number(value)
        case str() if found := _AMOUNT.fullmatch(value):
            return shown_number(float(found[1]))
    return None


def _bare(share: object) -> str:
    found = _SHARE.fullmatch(str(share))
    return shown_number(float(found[1])) if found else ""


def _read_ratio(op: str, ratio: object) -> Fields | None:
    found = _SHARE.fullmatch(str(ratio))
    percent = Decimal(found[1]) if found else Decimal(str(ratio)) * 100
    over = percent - 100 if op == "above_mean" else 100 - percent
    return made(op=op, v=shown_number(float(over))) if over >= 0 else None
