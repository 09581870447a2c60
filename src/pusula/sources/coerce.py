"""One cell as a value of ours: text, decimals, moments, days, words, contacts.

Cells come as whatever the file's format holds: text, numbers, days, moments, truth values. Every
function returns ``None`` for a blank cell and raises ``Refusal`` with a reason for one that it
cannot read. They are called once for each distinct cell of a batch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from pusula.lib import clock, money
from pusula.lib.spreadsheets import bare
from pusula.lib.text import fold, nfc
from pusula.profiles import contacts

# Amounts beyond this are typing errors; sums of some thousand of them still fit into 64 bits.
MAX_MINOR = 10**15
YEARS = range(1900, 2101)
# A little clock skew is no time travel.
SKEW = clock.DAY

_SPACES = dict.fromkeys(map(ord, " \u00a0\u202f\u2009'’"))
_MONEY_WORDS = re.compile(
    r"^(?:TRY|TL|YTL|EUR|USD|GBP|[₺€$£₽])|(?:TRY|TL|YTL|EUR|USD|GBP|[₺€$£₽])$"
)
_NUMBERS = {
    ".": re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d{1,2})?", re.ASCII),
    ",": re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d*)?(?:[eE][+-]?\d{1,2})?", re.ASCII),
}
_LONGEST_NUMBER = 40
_EXCEL_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - wall time
_EXCEL_SERIALS = range(20_000, 80_000)
# How many microseconds one unit of an epoch number is, by how large it is.
_EPOCHS = (
    (range(10**8, 10**10), clock.SECOND),
    (range(10**11, 10**13), 1_000),
    (range(10**14, 10**16), 1),
)
_DOTTED = "%d.%m.%Y"
_TIMES = ("", " %H:%M", " %H:%M:%S")

YES = frozenset(map(fold, ("1", "E", "Evet", "Y", "Yes", "True", "X", "Var", "Doğru", "Onay")))
NO = frozenset(map(fold, ("0", "H", "Hayır", "N", "No", "False", "Yok", "Yanlış", "Ret")))


class Refusal(Exception):  # noqa: N818 - it refuses a cell; it is no error of the program
    """A cell cannot be read; its text is the reason."""

    @property
    def reason(self) -> str:
        """Why, in words for the person who has the file."""
        return str(self.args[0])


Coerce = Callable[[Any], Any]


@dataclass(frozen=True)
class Reading:
    """What cells are read with: the file's conventions and the company's."""

    tz: str
    currency: str
    region: str
    at: int
    decimal: str = "."
    dates: tuple[str, ...] = ()
    returns: bool = False
    _formats: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_formats", _with_times(self.dates))

    # Text -------------------------------------------------------------------------------------

    def text(self, size: int, *, cut: bool = False) -> Coerce:
        """Return the reader of text of at most ``size`` characters; longer is cut or refused."""

        def read(cell: Any) -> str | None:
            found = as_text(cell)
            if found is None or len(found) <= size:
                return found
            if cut:
                return found[:size].rstrip()
            raise Refusal(_("longer than %(n)d characters") % {"n": size})

        return read

    def word(self, meanings: Mapping[str, str]) -> Coerce:
        """Return the reader of a closed vocabulary: folded word to ours."""

        def read(cell: Any) -> str | None:
            found = as_text(cell)
            if found is None:
                return None
            meant = meanings.get(fold(found))
            if meant is None:
                raise Refusal(_("unknown word: say in [values] what it means"))
            return meant

        return read

    # Numbers ----------------------------------------------------------------------------------

    def number(self, cell: Any) -> Decimal | None:
        """Return the exact decimal that is written; a binary float means its shortest spelling."""
        if isinstance(cell, bool):
            return Decimal(cell)
        if isinstance(cell, int | Decimal | float):
            return _finite(cell)
        text = as_text(cell)
        return None if text is None else self._written(text)

    def _written(self, text: str) -> Decimal:
        compact = _MONEY_WORDS.sub("", text.translate(_SPACES)).translate(_SPACES)
        is_negative = compact.startswith("(") and compact.endswith(")")
        if is_negative:
            compact = compact[1:-1]
        if compact.endswith("-"):  # 12,50-
            compact, is_negative = compact[:-1], not is_negative
        compact = compact.replace("−", "-")
        fits = len(compact) <= _LONGEST_NUMBER and _NUMBERS[self.decimal].fullmatch(compact)
        if not fits or not any(c.isdigit() for c in compact):
            raise Refusal(
                _("not a number with “%(decimal)s” for decimals") % {"decimal": self.decimal}
            )
        thousands = "," if self.decimal == "." else "."
        found = Decimal(compact.replace(thousands, "").replace(",", "."))
        return -found if is_negative else found

    def integer(self, low: int, high: int) -> Coerce:
        """Return the reader of whole numbers in ``low``..``high``."""

        def read(cell: Any) -> int | None:
            found = self.number(cell)
            if found is None:
                return None
            if found != found.to_integral_value():
                raise Refusal(_("not a whole number"))
            if not low <= found <= high:
                raise Refusal(_("not between %(low)d and %(high)d") % {"low": low, "high": high})
            return int(found)

        return read

    def amount(self, cell: Any) -> Decimal | None:
        """Return an amount of money, not yet rounded; negative only where returns are told."""
        found = self.number(cell)
        if found is not None and found < 0 and not self.returns:
            raise Refusal(_("a negative amount (returns = true in the mapping allows returns)"))
        return found

    def price(self, cell: Any) -> Decimal | None:
        """Return the price of one piece; never negative: a return has a negative quantity."""
        found = self.number(cell)
        if found is not None and found < 0:
            raise Refusal(_("a negative price"))
        return found

    def rate(self, cell: Any) -> Decimal | None:
        """Return an exchange rate."""
        found = self.number(cell)
        if found is not None and found <= 0:
            raise Refusal(_("an exchange rate is above zero"))
        return found

    def money_word(self, cell: Any) -> str | None:
        """Return the ISO 4217 code of a currency."""
        text = as_text(cell)
        if text is None:
            return None
        try:
            return money.currency(text)
        except money.UnknownCurrencyError as error:
            raise Refusal(
                _("unknown currency: use an ISO 4217 code such as TRY, EUR or USD")
            ) from error

    # Time -------------------------------------------------------------------------------------

    def moment(self, cell: Any) -> int | None:
        """Return a moment in UTC microseconds; wall times are of the reading's zone."""
        found = self._time(cell)
        if found is None:
            return None
        if isinstance(found, datetime):
            return clock.from_datetime(found, self.tz)
        return clock.start_of(found, self.tz)

    def past_moment(self, cell: Any, *, skew: int = SKEW) -> int | None:
        """Return a moment that is not in the future, give or take ``skew``."""
        found = self.moment(cell)
        if found is not None and found > self.at + skew:
            raise Refusal(_("lies in the future"))
        return found

    def day(self, cell: Any) -> date | None:
        """Return a day; of an aware moment, the day in the reading's zone."""
        found = self._time(cell)
        if not isinstance(found, datetime):
            return found
        return (found.astimezone(clock.zone(self.tz)) if found.tzinfo else found).date()

    def _time(self, cell: Any) -> datetime | date | None:
        if isinstance(cell, datetime | date):
            found = cell
        elif isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
            exact = _finite(cell)
            if exact is None:
                return None
            found = _time_of_number(exact)
        else:
            text = as_text(cell)
            if text is None:
                return None
            found = self._time_of_text(text)
        if found.year not in YEARS:
            words = {"year": found.year, "first": YEARS[0], "last": YEARS[-1]}
            raise Refusal(_("the year %(year)d is not in %(first)d–%(last)d") % words)
        return found

    def _time_of_text(self, text: str) -> datetime | date:
        found = _by_formats(text, self._formats)
        if found is None and text.isascii() and _NUMBERS["."].fullmatch(text):
            found = _time_of_number(Decimal(text))
        found = found or _by_iso(text)
        if found is None and not any(one.startswith("%m.") for one in self.dates):
            found = _by_formats(text, _DOTTED_FORMATS)
        if found is None:
            formats = ", ".join(_written(one) for one in dict.fromkeys((*self.dates, _DOTTED)))
            raise Refusal(_("not a date: neither ISO nor %(formats)s") % {"formats": formats})
        return found

    # People -----------------------------------------------------------------------------------

    def email(self, cell: Any) -> str | None:
        """Return an e-mail address as identifiers hold it; ``None`` for fillers and relays."""
        return _contact(contacts.email, as_text(cell))

    def phone(self, cell: Any) -> str | None:
        """Return a phone number in E.164; ``None`` for fillers."""
        return _contact(lambda text: contacts.phone(text, self.region), as_text(cell))


def as_text(cell: Any) -> str | None:
    """Return the cell as text: composed, without outer white space; ``None`` if blank.

    An apostrophe that guards a formula-looking text (Excel's and our own way) is taken off.
    """
    if cell is None:
        return None
    if isinstance(cell, str):
        found = nfc(cell)
        if found.startswith("'"):
            found = bare(found)
        if not found.isascii() or "\0" in found:
            _check_characters(found)
        return found or None
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float | Decimal):
        number = _finite(cell)
        return None if number is None else _plain(number)
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, dict | list):
        raise Refusal(_("a list or object, not a single value"))
    return str(cell)


def boolean(cell: Any) -> bool | None:
    """Return a truth value: E/H, Evet/Hayır, X, 1/0, Var/Yok, true/false, yes/no."""
    if isinstance(cell, bool):
        return cell
    text = as_text(cell)
    if text is None:
        return None
    folded = fold(text)
    if folded in YES or folded in NO:
        return folded in YES
    raise Refusal(_("neither yes nor no"))


def minor(amount: Decimal, currency: str) -> int:
    """Return ``amount`` in minor units; refuse one that cannot be money."""
    try:
        found = money.to_minor(amount, currency)
    except ValueError:
        found = MAX_MINOR + 1
    if abs(found) > MAX_MINOR:
        raise Refusal(_("larger than any amount of money"))
    return found


def _finite(cell: float | Decimal) -> Decimal | None:
    """Return a number exactly as its shortest spelling; ``None`` for NaN, the blank of tables."""
    if isinstance(cell, float):
        if math.isnan(cell):
            return None
        found = Decimal(repr(cell))
    else:
        found = Decimal(cell)
    if found.is_nan():
        return None
    if not found.is_finite() or abs(found.adjusted()) > _LONGEST_NUMBER:
        raise Refusal(_("not a number"))
    return found


def _plain(number: Decimal) -> str:
    if number == number.to_integral_value():
        return str(int(number))
    return f"{number:f}"


def _with_times(dates: Iterable[str]) -> tuple[str, ...]:
    """Return the formats with a time of day behind those that have none."""
    formats = []
    for given in dates:
        formats += [given] if "%H" in given or "%I" in given else [given + t for t in _TIMES]
    return tuple(dict.fromkeys(formats))


_DOTTED_FORMATS = _with_times([_DOTTED])


def _written(pattern: str) -> str:
    """Return a pattern of dates as people write it: ``dd.mm.yyyy``."""
    for letter, words in (
        ("%d", pgettext("in a pattern of dates", "dd")),
        ("%m", pgettext("in a pattern of dates", "mm")),
        ("%Y", pgettext("in a pattern of dates", "yyyy")),
        ("%y", pgettext("in a pattern of dates", "yy")),
        ("%H", pgettext("in a pattern of dates", "hour")),
        ("%M", pgettext("in a pattern of dates", "minute")),
        ("%S", pgettext("in a pattern of dates", "second")),
    ):
        pattern = pattern.replace(letter, words)
    return pattern


def _by_formats(text: str, formats: Iterable[str]) -> datetime | None:
    for one in formats:
        try:
            return datetime.strptime(text, one)  # noqa: DTZ007 - wall time
        except ValueError:
            continue
    return None


def _by_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _time_of_number(number: Decimal) -> datetime:
    whole = int(number)
    if whole in _EXCEL_SERIALS:
        return _EXCEL_ZERO + timedelta(milliseconds=round(number * 86_400_000))
    for sizes, unit in _EPOCHS:
        if whole in sizes:
            return clock.to_datetime(int(number * unit))
    try:
        return datetime.strptime(str(number), "%Y%m%d")  # noqa: DTZ007 - wall time
    except ValueError:
        raise Refusal(_("this number is no date")) from None


def _contact(read: Callable[[str], str | None], text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return read(text)
    except contacts.ContactError as error:
        raise Refusal(error.said(_)) from error


def _check_characters(text: str) -> None:
    """Refuse what no database can store: NUL, and halves of characters."""
    if "\0" in text:
        raise Refusal(_("holds a NUL character"))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refusal(_("holds half a character")) from None
