"""Conditions in Turkish.

No data value takes a suffix, since a vowel harmony rule cannot know every proper noun: what needs
one stands behind a noun of ours ("bölgesi “Bodrum” olan").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pusula.lib.text import upper
from pusula.segments.language.nodes import (
    SEASONS,
    Aggregate,
    Among,
    Between,
    ColumnTest,
    Compare,
    ConsentTest,
    Contains,
    Known,
    Season,
    Starts,
    Test,
    Top,
    Value,
    Within,
)
from pusula.segments.language.sentences.printer import (
    Printer,
    Shape,
    is_state,
    narrowing,
    states,
    whole_bounds,
)
from pusula.segments.language.windows import Offset, OnDay, Point, Today

_MONTHS = (
    "Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran",
    "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık",
)  # fmt: skip
_UNITS = {
    "second": "saniye",
    "minute": "dakika",
    "hour": "saat",
    "day": "gün",
    "week": "hafta",
    "month": "ay",
    "year": "yıl",
}
_FROM_UNITS = {
    "second": "saniyeden",
    "minute": "dakikadan",
    "hour": "saatten",
    "day": "günden",
    "week": "haftadan",
    "month": "aydan",
    "year": "yıldan",
}
# A column as it stands alone, and as something that rows have.
_COLUMNS = {
    "status": ("durum", "durumu"),
    "property": ("tesis", "tesisi"),
    "region": ("bölge", "bölgesi"),
    "room_type": ("oda tipi", "oda tipi"),
    "board": ("pansiyon", "pansiyonu"),
    "channel": ("kanal", "kanalı"),
    "source": ("kaynak", "kaynağı"),
    "ordered_at": ("sipariş tarihi", "sipariş tarihi"),
    "cancelled_at": ("iptal tarihi", "iptal tarihi"),
    "starts_on": ("başlangıç tarihi", "başlangıç tarihi"),
    "ends_on": ("bitiş tarihi", "bitiş tarihi"),
    "nights": ("geceleme sayısı", "geceleme sayısı"),
    "adults": ("yetişkin sayısı", "yetişkin sayısı"),
    "children": ("çocuk sayısı", "çocuk sayısı"),
    "net_amount": ("net tutar", "net tutarı"),
    "gross_amount": ("brüt tutar", "brüt tutarı"),
}
_STATES = {
    "pending": "onay bekleyen",
    "confirmed": "onaylı",
    "in_house": "süren",
    "completed": "tamamlanmış",
    "cancelled": "iptal edilmiş",
    "no_show": "gelinmemiş",
}
_HAPPENED = {
    "cancelled_at": "iptal edilen",
    "starts_on": "başlayan",
    "ends_on": "biten",
    "at": "gerçekleşen",
}
_CHANNELS = {
    "email": "e-posta",
    "sms": "SMS",
    "whatsapp": "WhatsApp",
    "call": "telefon",
    "webpush": "web bildirimi",
}
# What is measured, from the column alone {0} and as something that rows have {1}.
_MEASURES = {
    "distinct": "farklı {0} sayısı",
    "sum": "{0} toplamı",
    "avg": "{0} ortalaması",
    "min": "en düşük {1}",
    "max": "en yüksek {1}",
    "latest": "en geç {1}",
    "earliest": "en erken {1}",
}
_OPERATORS = {
    "at_least": "en az {}",
    "at_most": "en çok {}",
    "more_than": "{} üzerinde",
    "less_than": "{} altında",
}


class Turkish(Printer):
    """Says conditions as "son 12 ay içinde biten, tamamlanmış en az 2 konaklaması var"."""

    AND = "ve"
    OR = "veya"
    ALL_OF = "şunların tümü doğru"
    ANY_OF = "şunlardan en az biri doğru"
    THOUSANDS = "."
    DECIMALS = ","
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
    }

    def capital(self, letter: str) -> str:
        """Return the first letter of a sentence."""
        return upper(letter)

    def truth(self, *, value: bool) -> str:
        """Return a yes or no."""
        return "evet" if value else "hayır"

    def trait(self, name: str, test: Test, *, negated: bool) -> str:
        """Return what a trait must be."""
        return f"{self.value(name)} özelliği {self._is(test, negated=negated)}"

    def trait_known(self, name: str, *, known: bool) -> str:
        """Return that a trait is known or not."""
        return f"{self.value(name)} özelliği {'biliniyor' if known else 'bilinmiyor'}"

    def consent(self, leaf: ConsentTest, *, negated: bool) -> str:
        """Return what a person decided about a channel."""
        purpose = "pazarlama" if leaf.purpose == "marketing" else self.value(leaf.purpose)
        about = f"{_CHANNELS.get(leaf.channel, leaf.channel)} ile {purpose}"
        match leaf.status:
            case "granted":
                return f"{about} izni {'yok' if negated else 'var'}"
            case "refused":
                return f"{about} iznini {'reddetmemiş' if negated else 'reddetmiş'}"
        return f"{about} izni hakkında karar {'vermiş' if negated else 'vermemiş'}"

    def in_segment(self, title: str, *, negated: bool) -> str:
        """Return that a person is in another segment."""
        return f"{self.value(title)} segmentinde{' değil' if negated else ''}"

    def aggregate(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        """Return what is measured over rows and what it must be."""
        match aggregate.measure:
            case "count" if aggregate.relation == "events":
                return self._event_count(aggregate, whole_bounds(test), negated=negated)
            case "count":
                return self._count(aggregate, whole_bounds(test), negated=negated)
            case "years_in_same_season":
                return self._seasons(aggregate, whole_bounds(test), negated=negated)
        measured = _MEASURES[aggregate.measure].format(*self._measured(aggregate))
        rows = self._rows(aggregate, "konaklamalarının", "siparişlerinin", "olaylarının")
        return f"{rows} {measured} {self._is(test, negated=negated)}"

    def _count(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        noun = "konaklaması" if self.has_stays else "siparişi"
        exists = "yok" if negated else "var"
        match test:
            case Among((0,)) if negated:
                quantity, exists = "en az 1", "var"
            case Compare("at_most", 0) | Among((0,)):
                return f"{self._rows(aggregate, noun, noun, '')} hiç yok"
            case Top() | Among() if negated or isinstance(test, Top):
                rows = self._rows(aggregate, "konaklamalarının", "siparişlerinin", "")
                return f"{rows} sayısı {self._is(test, negated=negated)}"
            case _:
                quantity = self._quantity(test)
        noun = f"{quantity} {noun}"
        return f"{self._rows(aggregate, noun, noun, '')} {exists}"

    def _event_count(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        happened = "gerçekleşmemiş" if negated else "gerçekleşmiş"
        match test:
            case Among((0,)) if negated:
                times, happened = "en az 1 kez", "gerçekleşmiş"
            case Compare("at_most", 0) | Among((0,)):
                times, happened = "hiç", "gerçekleşmemiş"
            case Top() | Among() if negated or isinstance(test, Top):
                rows = self._rows(aggregate, "", "", "olaylarının")
                return f"{rows} sayısı {self._is(test, negated=negated)}"
            case _:
                times = f"{self._quantity(test)} kez"
        return f"{self._rows(aggregate, '', '', 'olayı', is_clause=True)} {times} {happened}"

    def _seasons(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        season, notes = "mevsim", [f"ölçü: {self._measured(aggregate)[0]}"]
        if aggregate.seasons != SEASONS:
            season = "dönem"
            notes.insert(0, f"dönemler: {self._season_list(aggregate.seasons)}")
        by = f"({'; '.join(notes)})"
        if isinstance(test, Top) or (isinstance(test, Among) and negated):
            rows = self._rows(aggregate, "konaklamalarının", "siparişlerinin", "olaylarının")
            years = f"{rows} aynı {season} içinde olduğu farklı yıl sayısı {by}"
            return f"{years} {self._is(test, negated=negated)}"
        rows = self._rows(aggregate, "konaklamaları", "siparişleri", "olayları")
        falls = "denk gelmiyor" if negated else "denk geliyor"
        of_season = {"mevsim": "mevsimine", "dönem": "dönemine"}[season]
        return f"{rows} {self._quantity(test)} farklı yılın aynı {of_season} {falls} {by}"

    def _season_list(self, seasons: tuple[Season, ...]) -> str:
        return ", ".join(
            f"{self.value(each.name)} ({_MONTHS[each.first - 1]}–{_MONTHS[each.last - 1]})"
            for each in seasons
        )

    def _rows(
        self,
        aggregate: Aggregate,
        of_stays: str,
        of_orders: str,
        of_events: str,
        *,
        is_clause: bool = False,
    ) -> str:
        """Return everything that narrows the rows down, then the noun in the form given for them.

        ``is_clause``: the window belongs to the verb that follows and needs no participle.
        """
        before = []
        if aggregate.window is not None:
            made = "rezervasyonu yapılan" if self.has_stays else "verilen"
            happened = "" if is_clause else " " + _HAPPENED.get(aggregate.by.name, made)
            before.append(f"{self.window(aggregate.window)}{happened}")
        before += [self._which(aggregate, row) for row in narrowing(aggregate)]
        noun = of_stays if self.has_stays else of_orders
        if aggregate.relation == "events":
            noun = f"{self.values(aggregate.names)} {of_events}"
        if found := states(aggregate):
            noun = f"{self._states(found)} {noun}"
        return ", ".join([*before[:-1], f"{before[-1]} {noun}"]) if before else noun

    def _states(self, values: tuple[Value, ...]) -> str:
        return self.listed([_STATES.get(str(value), str(value)) for value in values], self.OR)

    def _which(self, aggregate: Aggregate, row: ColumnTest) -> str:
        """Return the test of one column as a participle: "bölgesi “Bodrum” veya “Çeşme” olan"."""
        name = self._name(aggregate, row.column.name)[1]
        match row.test:
            case Known(known):
                return f"{name} {'bilinen' if known else 'bilinmeyen'}"
            case Contains(text):
                return f"{name} {self.value(text)} içeren"
            case Starts(text):
                return f"{name} {self.value(text)} ile başlayan"
            case Within(window):
                return f"{name} {self.window(window)} olan"
            case Among(values, negated):
                is_words = is_state(aggregate, row)
                shown = self._states(values) if is_words else self.values(values)
                return f"{name} {shown} {'olmayan' if negated else 'olan'}"
        return f"{name} {self._quantity(row.test)} olan"

    def _measured(self, aggregate: Aggregate) -> tuple[str, str]:
        if aggregate.column is None:
            return "", ""
        return self._name(aggregate, aggregate.column.name)

    def _name(self, aggregate: Aggregate, column: str) -> tuple[str, str]:
        if aggregate.relation == "events":
            name = f"{self.value(column)} ayrıntısı"
            return ("zaman", "zamanı") if column == "at" else (name, name)
        return _COLUMNS[column]

    def _quantity(self, test: Test) -> str:
        match test:
            case Among((value,), False):
                return f"tam {self.value(value)}"
            case Among(values, False):
                return self.values(values)
            case Compare(operator, than):
                return _OPERATORS[operator].format(self.value(than))
            case Between(low, high):
                return f"{self.value(low)} ile {self.value(high)} arasında"
        raise AssertionError(test)

    def _is(self, test: Test, *, negated: bool) -> str:
        """Return the test as a predicate: "en az 3", "“x” içermiyor"."""
        no = " değil" if negated else ""
        match test:
            case Contains(text):
                said = f"{self.value(text)} {'içermiyor' if negated else 'içeriyor'}"
            case Starts(text):
                said = f"{self.value(text)} ile {'başlamıyor' if negated else 'başlıyor'}"
            case Within(window):
                said = f"{self.window(window)}{no}"
            case Known(known):
                said = "biliniyor" if known != negated else "bilinmiyor"
            case Top(percent):
                said = f"en yüksek %{self.figure(percent)} içinde{no}"
            case Among(values, True):
                shown = self.values(values)
                said = f"{shown} veya bilinmiyor" if negated else f"biliniyor ve {shown} değil"
            case Among(values, False):
                said = f"{self.values(values)}{no}"
            case _:
                said = f"{self._quantity(test)}{no}"
        return said

    def point(self, point: Point, shape: Shape) -> str:
        """Return a point in time as it stands in a window of this shape."""
        match point:
            case Today():
                return "bugün"
            case OnDay(day):
                return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
            case Offset(0, _):
                return "şimdi"
            case Offset(amount, unit):
                return self._offset(amount, unit, shape)

    def _offset(self, amount: int, unit: str, shape: Shape) -> str:
        number = self.figure(abs(amount))
        if shape in ("long_ago", "not_far"):
            return f"{number} {_FROM_UNITS[unit]}"
        length = f"{number} {_UNITS[unit]}"
        if shape in ("last", "next"):
            return length
        return f"{length} {'önce' if amount < 0 else 'sonra'}"
