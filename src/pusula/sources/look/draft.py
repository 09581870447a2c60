"""A first mapping for a file: what a look at it suggests, as the document a mapping file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pusula.lib.text import fold, name_key
from pusula.orders import machine
from pusula.sources import coerce
from pusula.sources.look import dates, fields
from pusula.sources.look.file import Column, Look

Document = dict[str, Any]

# What systems call the states of a booking or order, folded as names are.
_STATUS_WORDS = {
    machine.PENDING: "opsiyon, opsiyonlu, beklemede, bekliyor, on rezervasyon, teklif, optional, "
    "option, inquired, requested, waitlisted, hold, pending, waiting",
    machine.CONFIRMED: "onayli, onaylandi, rezervasyon, kesin, konfirme, hazirlaniyor, kargoda, "
    "odendi, confirmed, reserved, definite, commit, book, booked, due in, paid, shipped",
    machine.IN_HOUSE: "konakliyor, iceride, giris yapti, giris, in house, inhouse, check in, "
    "checked in, checkedin, started, due out, walk in",
    machine.COMPLETED: "ayrildi, cikis, cikis yapti, tamamlandi, teslim edildi, faturalandi, "
    "check out, checked out, checkedout, processed, completed, delivered, departed",
    machine.CANCELLED: "iptal, iptal edildi, cancel, canceled, cancelled, iade, refunded",
    machine.NO_SHOW: "no show, noshow, gelmedi",
}
_CHANNEL_WORDS = {
    "email": "email, e posta, eposta, mail, e mail",
    "sms": "sms, mesaj, kisa mesaj",
    "call": "call, arama, telefon, cagri",
    "whatsapp": "whatsapp, wa",
    "webpush": "webpush, web bildirimi, push",
}
_CONSENT_WORDS = {
    "granted": ", ".join(sorted(coerce.YES)) + ", verildi, izinli, onayli, opt in",
    "refused": ", ".join(sorted(coerce.NO)) + ", reddedildi, izinsiz, opt out, iptal",
}
# Fields of a closed vocabulary, by kind of import: our words, and others' words for them.
VOCABULARIES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("orders", "status"): _STATUS_WORDS,
    ("consents", "channel"): _CHANNEL_WORDS,
    ("consents", "status"): _CONSENT_WORDS,
}


@dataclass(frozen=True)
class DateQuestion:
    """Which part of the dates of one shape is the day: answered by the file, or to be asked."""

    shape: str
    columns: tuple[str, ...]
    day_first: bool | None  # None: every date can be read both ways
    decides: str  # the cell that decides
    doubtful: str  # a cell that can be read both ways


def date_questions(look: Look) -> list[DateQuestion]:
    """Return a question for each shape of dates; a column that decides does so for all of them."""
    shapes: dict[str, list[Column]] = {}
    for column in look.columns:
        if column.kind.dates is not None and column.kind.dates.shape != dates.ISO:
            shapes.setdefault(column.kind.dates.shape, []).append(column)
    found = []
    for shape, columns in shapes.items():
        told = [c.kind.dates for c in columns if c.kind.dates is not None]
        decided = next((one for one in told if one.decides), None)
        doubtful = next((one.doubtful for one in told if one.doubtful), "")
        if decided is None and not doubtful:
            decided = told[0]  # 05.05.: the same both ways
        found.append(
            DateQuestion(
                shape,
                tuple(column.name for column in columns),
                None if decided is None else decided.day_first is not False,
                "" if decided is None else decided.decides,
                doubtful,
            )
        )
    return found


def decimal_of(look: Look) -> tuple[str, bool]:
    """Return the decimal sign of the file's numbers, and whether its own cells say so."""
    n_comma = sum(column.kind.n_comma for column in look.columns)
    n_point = sum(column.kind.n_point for column in look.columns)
    if n_comma or n_point:
        return ("," if n_comma > n_point else "."), True
    # Excel writes ";" where the comma is taken.
    return ("," if look.form.separator == ";" else "."), False


def words_for(kind: str, field: str, words: Sequence[tuple[str, int]]) -> dict[str, str]:
    """Return for each word of a column what it probably means; unknown words are missing."""
    vocabulary = VOCABULARIES[kind, field]
    meanings = {
        word: ours
        for ours, told in vocabulary.items()
        for word in (name_key(ours), *told.split(", "))
    }
    return {word: meanings[key] for word, _n in words if (key := name_key(word)) in meanings}


def document(look: Look, kind: str, known_fields: Sequence[str], source: str) -> Document:
    """Return the mapping that a look at a file of ``kind`` suggests."""
    proposed = fields.propose(kind, look.columns, known_fields)
    found: Document = {"source": source}
    if file := file_table(look):
        found["file"] = file
    found["columns"] = {field: name for name, field in proposed.items()}
    typed = {
        trait[0]: {"column": column.name, "type": trait[1]}
        for column in look.columns
        if kind == "profiles" and column.name not in proposed and (trait := fields.trait_of(column))
    }
    if typed:
        found["traits"] = typed
    values = {
        field: meant
        for column in look.columns
        if (field := proposed.get(column.name)) and (kind, field) in VOCABULARIES
        and (meant := words_for(kind, field, column.words))
    }  # fmt: skip
    if values:
        found["values"] = values
    if look.totals is not None:
        column_name, word = look.totals
        found["filter"] = {column_name: {"not": [word]}}
    return found


def file_table(look: Look, day_first: Mapping[str, bool] | None = None) -> dict[str, Any]:
    """Return the table ``[file]``: only what a reader would not find out by itself.

    ``day_first`` answers the questions of dates by their shape; unanswered, the day comes first.
    """
    form = look.form
    table: dict[str, Any] = {}
    if form.format == "csv":
        table.update(encoding=form.encoding, separator=form.separator)
    if form.header_line is not None:
        table["header_line"] = form.header_line
    if form.sheet is not None:
        table["sheet"] = form.sheet
    decimal, _is_said = decimal_of(look)
    if decimal != ".":
        table["decimal"] = decimal
    formats = []
    for question in date_questions(look):
        first = question.day_first
        if first is None:
            first = (day_first or {}).get(question.shape, True)
        formats.append(dates.format_of(question.shape, day_first=first))
    if told := [one for one in formats if one]:
        table["dates"] = told
    return table


def is_understood(kind: str, field: str, word: str) -> bool:
    """Return whether a word of a vocabulary is one of ours already."""
    return fold(word) in {fold(ours) for ours in VOCABULARIES[kind, field]}
