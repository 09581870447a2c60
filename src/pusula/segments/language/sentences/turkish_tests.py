"""Tests of values, windows and points in time in Turkish."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from pusula.lib.text import upper
from pusula.segments.language.nodes import (
    Aggregate,
    Among,
    Anniversary,
    Between,
    ColumnTest,
    Compare,
    Contains,
    During,
    Ends,
    Has,
    InMonths,
    Known,
    Matches,
    OnWeekdays,
    Population,
    Quantiles,
    Rank,
    Starts,
    Test,
    ToMean,
    Top,
    Value,
    Within,
)
from pusula.segments.language.sentences.printer import Printer, is_state
from pusula.segments.language.sentences.shapes import Shape
from pusula.segments.language.sentences.turkish_words import (
    ANCHORS,
    COLUMNS,
    MONTHS,
    OPERATORS,
    STATES,
    TIMES,
    UNITS,
    WEEKDAYS,
)
from pusula.segments.language.windows import Offset, OnDay, Point, Since, StartOf, Today

CalendarTest = InMonths | OnWeekdays | Anniversary | During
TextTest = Contains | Starts | Ends | Matches | Has


class TurkishTests(Printer):
    """Says what a value must be: "en az 3", "“x” içermiyor"."""

    LANGUAGE = "tr"
    AND = "ve"
    OR = "veya"
    ALL_OF = "şunların tümü doğru"
    ANY_OF = "şunlardan en az biri doğru"
    THOUSANDS = "."
    DECIMALS = ","
    STATES = STATES
    DAYS: ClassVar[Mapping[Shape, str]] = {"this": "bugün", "previous": "dün", "following": "yarın"}
    WINDOWS: ClassVar[Mapping[Shape, str]] = {
        "always": "herhangi bir zamanda",
        "past": "şimdiye kadar",
        "future": "bundan sonra",
        "last": "son {} içinde",
        "next": "önümüzdeki {} içinde",
        "long_ago": "{} uzun süre önce",
        "not_far": "{} kısa süre sonra veya daha önce",
        "before_today": "bugünden önce",
        "before_day": "{} tarihinden önce",
        "since_day": "{} tarihinde veya daha sonra",
        "since": "{} veya daha sonra",
        "day": "{} tarihinde",
        "days": "{} – {} tarihleri arasında",
        "between": "{} ile {} arasında",
        "this": "bu {} içinde",
        "previous": "bir önceki {} içinde",
        "previous_n": "önceki {n} tam {} içinde",
        "following": "bir sonraki {} içinde",
        "following_n": "sonraki {n} tam {} içinde",
        "so_far": "bu {} başından beri",
        "so_far_n": "bu {0} ile önceki {n} {0} içinde",
        "since_own": "{} veya daha sonra",
        "before_own": "{} önce",
        "before_shifted": "{} anından önce",
    }

    def capital(self, letter: str) -> str:
        """Return the first letter of a sentence."""
        return upper(letter)

    def truth(self, *, value: bool) -> str:
        """Return a yes or no."""
        return "evet" if value else "hayır"

    def per_cent(self, percent: Decimal) -> str:
        """Return a percentage."""
        return f"%{self.figure(percent)}"

    def predicate(self, test: Test, *, negated: bool) -> str:
        """Return the test as a predicate: "en az 3", "“x” içermiyor"."""
        match test:
            case Contains() | Starts() | Ends() | Matches() | Has():
                return self._text(test, negated=negated)
            case Known(known):
                return "biliniyor" if known != negated else "bilinmiyor"
            case Among(values, True):
                shown = self.values(values)
                return f"{shown} (veya bilinmiyor)" if negated else f"biliniyor ve {shown} değil"
            case Among(values, False):
                said = self.values(values)
            case _:
                said = self._phrase(test)
        return f"{said}{' değil' if negated else ''}"

    def participle(self, rows: Aggregate, row: ColumnTest) -> str:
        """Return the test of one column as a participle: "bölgesi “Bodrum” veya “Çeşme” olan"."""
        name = self.column(rows, row.column.name)[1]
        match row.test:
            case Anniversary():
                said = f"(yıl dönümü) {self._phrase(row.test)} olan"
            case Known(known):
                said = "bilinen" if known else "bilinmeyen"
            case Contains() | Starts() | Ends() | Matches() | Has():
                said = self._text_participle(row.test)
            case Among(values, negated):
                shown = self.states(values) if is_state(rows, row) else self.values(values)
                said = f"{shown} {'olmayan' if negated else 'olan'}"
            case _:
                said = f"{self._phrase(row.test)} olan"
        return f"{name} {said}"

    def _phrase(self, test: Test) -> str:
        match test:
            case Within(window):
                return self.window(window)
            case InMonths() | OnWeekdays() | Anniversary() | During():
                return self._calendar(test)
            case Top() | Quantiles() | ToMean() | Rank():
                return self._population(test)
        return self.quantity(test)

    def quantity(self, test: Test) -> str:
        """Return how large something is: "en az 3"."""
        match test:
            case Among((value,), False):
                return f"tam {self.value(value)}"
            case Among(values, False):
                return self.values(values)
            case Compare(operator, than):
                return OPERATORS[operator].format(self.value(than))
            case Between(low, high):
                return f"{self.value(low)} ile {self.value(high)} arasında"
        raise AssertionError(test)

    def states(self, values: tuple[Value, ...]) -> str:
        """Return states of orders as adjectives."""
        return self.listed([STATES.get(str(value), str(value)) for value in values], self.OR)

    def column(self, rows: Aggregate, column: str) -> tuple[str, str]:
        """Return the name of a column or property, alone and as something that rows have."""
        if rows.relation == "events":
            name = f"{self.property_name(column)} ayrıntısı"
            return ("zaman", "zamanı") if column == "at" else (name, name)
        return COLUMNS[column]

    def _text(self, test: TextTest, *, negated: bool) -> str:
        match test:
            case Starts(text):
                return f"{self.value(text)} ile {'başlamıyor' if negated else 'başlıyor'}"
            case Ends(text):
                return f"{self.value(text)} ile {'bitmiyor' if negated else 'bitiyor'}"
            case Matches(pattern):
                return f"{self.value(pattern)} kalıbına {'uymuyor' if negated else 'uyuyor'}"
            case Contains() | Has():
                return f"{self._contained(test)} {'içermiyor' if negated else 'içeriyor'}"

    def _text_participle(self, test: TextTest) -> str:
        match test:
            case Starts(text):
                return f"{self.value(text)} ile başlayan"
            case Ends(text):
                return f"{self.value(text)} ile biten"
            case Matches(pattern):
                return f"{self.value(pattern)} kalıbına uyan"
            case Contains() | Has():
                return f"{self._contained(test)} içeren"

    def _contained(self, test: Contains | Has) -> str:
        if isinstance(test, Contains):
            return self.value(test.text)
        if test.is_all:
            shown = self.listed([self.value(value) for value in test.values], self.AND)
            return f"{shown} değerlerinin tümünü"
        return f"{self.values(test.values)} değerini"

    def _calendar(self, test: CalendarTest) -> str:
        match test:
            case InMonths(months):
                return f"{self.listed([MONTHS[each - 1] for each in months], self.OR)} ayında"
            case OnWeekdays(weekdays):
                return f"{self.listed([WEEKDAYS[each] for each in weekdays], self.OR)} günü"
            case Anniversary(1):
                return "bugün"
            case Anniversary(days):
                return f"bugün veya sonraki {days - 1} gün içinde"
            case During(name):
                return f"{self.period(name)} döneminde"

    def _population(self, test: Population) -> str:
        match test:
            case Top(percent):
                return f"en yüksek {self.per_cent(percent)} içinde"
            case Quantiles(low, high) if not low:
                return f"en düşük {self.per_cent(high)} içinde"
            case Quantiles(low, high):
                return f"{self.per_cent(low)} ile {self.per_cent(high)} yüzdelikleri arasında"
            case ToMean(operator, ratio, of):
                whose = (
                    "tüm müşterilerin"
                    if of == "profiles"
                    else "tüm müşterilerin tek tek kayıtlarının"
                )
                return f"{whose} ortalamasının {TIMES[operator].format(self.figure(ratio))}"
            case Rank(first):
                return f"en yüksek {self.figure(first)} müşteri arasında"

    def point(self, point: Point | Since, shape: Shape) -> str:
        """Return a point in time as it stands in a window of this shape."""
        match point:
            case Today():
                return "bugün"
            case OnDay(day):
                return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
            case StartOf(unit, _):
                return UNITS[unit].its if shape == "so_far" else UNITS[unit].name
            case Since():
                return self._since(point, shape)
            case Offset(0, _):
                return "şimdi"
            case Offset(amount, unit):
                return self._offset(amount, unit, shape)

    def _since(self, point: Since, shape: Shape) -> str:
        anchor = ANCHORS[point.anchor]
        if point.shift is None:
            return {"since_own": anchor.at, "before_own": anchor.from_}.get(shape, anchor.name)
        length = self.length(point.shift.amount, point.shift.unit)
        return f"{anchor.from_} {length} {'önce' if point.shift.amount < 0 else 'sonra'}"

    def _offset(self, amount: int, unit: str, shape: Shape) -> str:
        if shape in ("long_ago", "not_far"):
            return f"{self.figure(abs(amount))} {UNITS[unit].from_}"
        length = self.length(amount, unit)
        if shape in ("last", "next"):
            return length
        return f"{length} {'önce' if amount < 0 else 'sonra'}"

    def length(self, amount: int, unit: str) -> str:
        """Return a length of time."""
        return f"{self.figure(abs(amount))} {UNITS[unit].name}"
