"""Tests of values as a definition words them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from pusula.lib.money import from_minor
from pusula.segments.language.dump_windows import dump_days, dump_window
from pusula.segments.language.moment_tests import MONTHS, WEEKDAYS, months_of
from pusula.segments.language.nodes import (
    SEASONS,
    Among,
    Anniversary,
    Between,
    Compare,
    Contains,
    During,
    Ends,
    Has,
    InMonths,
    Known,
    Matches,
    Money,
    Number,
    OnWeekdays,
    Quantiles,
    Rank,
    Starts,
    Test,
    ToMean,
    Top,
    Value,
    Within,
)

Json = dict[str, object]

_ALL = 100  # per cent


def dump_test(test: Test, number: Callable[[Number], object] | None = None) -> Json | str:
    """Return a test; ``number`` is how its constants are written where they are no plain ones."""

    def said(value: Value) -> object:
        return number(value) if number and isinstance(value, int | float) else _value(value)

    match test:
        case Known(known):
            return "known" if known else "unknown"
        case Among() | Compare() | Between():
            return _comparison(test, said)
        case Contains() | Starts() | Ends() | Matches() | Has():
            return _text_test(test)
        case Within(window):
            return dump_window(window)
        case InMonths() | OnWeekdays() | Anniversary() | During():
            return _calendar_test(test)
    return _population_test(test)


def _comparison(test: Among | Compare | Between, said: Callable[[Value], object]) -> Json:
    match test:
        case Among((value,), negated):
            return {"is_not" if negated else "is": said(value)}
        case Among(values, negated):
            return {"not_in" if negated else "in": [said(value) for value in values]}
        case Compare(operator, than):
            return {operator: said(than)}
        case Between(low, high):
            return {"between": [said(low), said(high)]}


def _text_test(test: Contains | Starts | Ends | Matches | Has) -> Json:
    match test:
        case Contains(text):
            return {"contains": text}
        case Starts(text):
            return {"starts": text}
        case Ends(text):
            return {"ends": text}
        case Matches(pattern):
            return {"matches": pattern}
        case Has((value,), _):
            return {"has": value}
        case Has(values, is_all):
            return {"has_all" if is_all else "has_any": [*values]}


def _calendar_test(test: InMonths | OnWeekdays | Anniversary | During) -> Json:
    match test:
        case InMonths(months):
            names = [season.name for season in SEASONS if months_of(season) == months]
            return {"season": names[0]} if names else {"month": _one_or_more(months, MONTHS, 1)}
        case OnWeekdays(weekdays):
            return {"weekday": _one_or_more(weekdays, WEEKDAYS, 0)}
        case Anniversary(days):
            return {"anniversary": {"next": dump_days(days)}}
        case During(name):
            return {"during": name}


def _one_or_more(numbers: tuple[int, ...], names: tuple[str, ...], first: int) -> str | list[str]:
    found = [names[number - first] for number in numbers]
    return found[0] if len(found) == 1 else found


def _population_test(test: Top | Quantiles | ToMean | Rank) -> Json:
    match test:
        case Top(percent):
            return {"top": f"{percent} %"}
        case Quantiles(low, high) if not low and high < _ALL:
            return {"bottom": f"{high} %"}
        case Quantiles(low, high):
            return {"between_quantiles": [f"{low} %", f"{high} %"]}
        case ToMean(operator, ratio, of):
            whole = ratio == ratio.to_integral_value()
            times = int(ratio) if whole else float(ratio)
            return {"of_mean" if of == "profiles" else "of_row_mean": {operator: times}}
        case Rank(first):
            return {"rank": first}


def per_cent(fraction: Number) -> str:
    """Return a number from 0 to 1 as a definition words a share."""
    percent = (Decimal(str(fraction)) * 100).normalize()
    return f"{percent:f} %"


def _value(value: Value) -> object:
    if isinstance(value, Money):
        amount = f"{from_minor(value.minor, value.currency):f}"
        whole, _, decimals = amount.partition(".")
        return f"{amount if decimals.strip('0') else whole} {value.currency}"
    return value
