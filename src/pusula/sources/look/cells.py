"""What the cells of one column are: their kind with the reason, and what looks damaged."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pusula.lib.text import fold
from pusula.sources.coerce import NO, YES
from pusula.sources.look import dates

TEXT, NUMBER, DAY, MOMENT, BOOL, EMAIL, PHONE, EMPTY = (
    "text", "number", "day", "moment", "bool", "email", "phone", "empty",
)  # fmt: skip
# A column is of a kind if this part of its cells is: the others are what will be rejected.
_ENOUGH = 0.9
_EMAIL = re.compile(r"[^@\s;,]+@[^@\s;,]+\.[^@\s;,]{2,}")
_PHONE = re.compile(r"(?:\+|00)?[\d()][\d\s().-]{8,17}")
_MOBILE = re.compile(r"(?:\+|00)?(?:90)?0?5\d{9}")
_PHONE_DIGITS = range(10, 15)
_COMMA = re.compile(r"[-(]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+\)?-?")
_POINT = re.compile(r"[-(]?(?:\d{1,3}(?:,\d{3})+|\d+)\.\d+\)?-?")
_THOUSANDS = re.compile(r"[-(]?\d{1,3}(?:[.,]\d{3})+\)?-?")
_WHOLE = re.compile(r"[-(]?\d{1,15}\)?-?")
_CURRENCY = re.compile(r"^(?:TRY|TL|EUR|USD|GBP|[₺€$£])\s*|\s*(?:TRY|TL|EUR|USD|GBP|[₺€$£])$")
# What remains where a program took one encoding for another.
_MOJIBAKE = re.compile(r"Ã[¼¶§œ‡–]|Ä[±°Ÿž]|Å[ŸžÅ]|â€|[A-Za-z][ÞðýÝÐ]|[ÞðýÝÐ][a-z]|i̇")
_SHORTENED = re.compile(r"\d[.,]\d+[eE]\+?\d{1,2}")
_TWO_PHONES = re.compile(r"\d{7,}\s*[/;,]\s*\+?\d|\d{2}\s+/\s+0?\d")
_FORMULA = re.compile(r"[=@]\w|[=+@-][A-Z]+\(")

Words = Sequence[tuple[str, int]]  # distinct cells as text, and how often each stands there


@dataclass(frozen=True)
class Kind:
    """What a column seems to be, and why."""

    name: str
    reason: str
    n_comma: int = 0  # numbers that can only have a decimal comma
    n_point: int = 0  # ... or a decimal point
    dates: dates.Dates | None = None


def kind_of(words: Words, types: frozenset[type]) -> Kind:
    """Return what a column with these cells (``types`` as the format holds them) seems to be."""
    total = sum(n for _word, n in words)
    if not total:
        return Kind(EMPTY, _("every cell is empty"))
    if found := _as_typed(words, types):
        return found
    for name, test, reason in (
        (EMAIL, _is_email, _("%(n)s of %(all)s cells are e-mail addresses")),
        (PHONE, _is_phone, _("%(n)s of %(all)s cells are phone numbers")),
    ):
        n = sum(n for word, n in words if test(word))
        if n >= _ENOUGH * total:
            return Kind(name, reason % {"n": n, "all": total})
    if (found := _as_bool(words)) or (found := _as_dates(words, total)):
        return found
    return _as_number(words, total) or Kind(TEXT, _("words or codes"))


def _as_typed(words: Words, types: frozenset[type]) -> Kind | None:
    """Return what the format itself says of the cells."""
    if types <= {datetime, date}:
        return Kind(DAY if types == {date} else MOMENT, _("the file holds dates here"))
    if types == {bool}:
        return Kind(BOOL, _("the file holds yes and no here"))
    if types <= {int, float, Decimal} and not _is_phones(words):
        return Kind(NUMBER, _("the file holds numbers here"))
    return None


def warnings_of(words: Words, kind: str) -> list[str]:
    """Return what looks damaged, in sentences with an example each."""
    found = []
    for pattern, sentence in _DAMAGES:
        hits = [(word, n) for word, n in words if pattern.search(word)]
        if hits:
            n = sum(n for _word, n in hits)
            found.append(sentence(n) % {"n": n, "example": hits[0][0][:40]})
    if kind == PHONE:
        hits = [(word, n) for word, n in words if _TWO_PHONES.search(word)]
        if hits:
            n = sum(n for _word, n in hits)
            form = ngettext(
                "%(n)d cell holds two numbers (“%(example)s”): the first one is taken.",
                "%(n)d cells hold two numbers (“%(example)s”): the first one is taken.",
                n,
            )
            found.append(form % {"n": n, "example": hits[0][0][:40]})
    return found


def _mojibake(n: int) -> str:
    return ngettext(
        "%(n)d cell has damaged letters (“%(example)s”): the file was saved with a wrong "
        "encoding before it came here. Export it again.",
        "%(n)d cells have damaged letters (“%(example)s”): the file was saved with a wrong "
        "encoding before it came here. Export it again.",
        n,
    )


def _shortened(n: int) -> str:
    return ngettext(
        "%(n)d cell was shortened by Excel (“%(example)s”): its last digits are lost. "
        "Format the column as text and export it again.",
        "%(n)d cells were shortened by Excel (“%(example)s”): their last digits are lost. "
        "Format the column as text and export it again.",
        n,
    )


def _formula(n: int) -> str:
    return ngettext(
        "%(n)d cell looks like a formula (“%(example)s”): it is read as plain text.",
        "%(n)d cells look like formulas (“%(example)s”): they are read as plain text.",
        n,
    )


_DAMAGES: tuple[tuple[re.Pattern[str], Callable[[int], str]], ...] = (
    (_MOJIBAKE, _mojibake),
    (re.compile(rf"^{_SHORTENED.pattern}$"), _shortened),
    (re.compile(rf"^(?:{_FORMULA.pattern})"), _formula),
)


def _is_email(word: str) -> bool:
    return _EMAIL.search(word) is not None


def _is_phone(word: str) -> bool:
    """Say whether a text is a phone number: written as one, or a mobile number's digits."""
    first = re.split(r"\s*[/;]\s*", word)[0].removesuffix(".0")
    digits = re.sub(r"\D", "", first)
    if _SHORTENED.fullmatch(first):
        return first.startswith(("5", "9"))
    if len(digits) not in _PHONE_DIGITS or not _PHONE.fullmatch(first):
        return False
    return _MOBILE.fullmatch(digits) is not None or first[0] in "+(0" or " " in first


def _is_phones(words: Words) -> bool:
    total = sum(n for _word, n in words)
    return sum(n for word, n in words if _is_phone(word)) >= _ENOUGH * total


def _as_bool(words: Words) -> Kind | None:
    folded = {fold(word) for word, _n in words}
    if not folded <= YES | NO or len(folded) < 2:  # noqa: PLR2004 - a yes and a no
        return None
    shown = ", ".join(sorted(word for word, _n in words)[:4])
    return Kind(BOOL, _("only yes and no: %(words)s") % {"words": shown})


def _as_dates(words: Words, total: int) -> Kind | None:
    found = dates.read(words)
    if found is None or found.n_written < _ENOUGH * total:
        return None
    words_ = {"n": found.n, "all": total, "example": found.example}
    reason = _("%(n)s of %(all)s cells are dates such as %(example)s") % words_
    return Kind(MOMENT if found.has_time else DAY, reason, dates=found)


def _as_number(words: Words, total: int) -> Kind | None:
    n = n_comma = n_point = 0
    example = ""
    for word, times in words:
        bare = _CURRENCY.sub("", word).replace(" ", "").replace("\u00a0", "").replace("'", "")
        is_comma, is_point = _COMMA.fullmatch(bare), _POINT.fullmatch(bare)
        both = "," in bare and "." in bare
        if _THOUSANDS.fullmatch(bare) and not both:
            n += times  # 1.234: a thousand, or one and a bit
        elif is_comma or is_point:
            n += times
            n_comma += times if is_comma else 0
            n_point += times if is_point else 0
            example = example or word
        elif _WHOLE.fullmatch(bare):
            n += times
    if n < _ENOUGH * total:
        return None
    words_ = {"n": n, "all": total, "example": example or words[0][0]}
    reason = _("%(n)s of %(all)s cells are numbers such as %(example)s") % words_
    return Kind(NUMBER, reason, n_comma, n_point)
