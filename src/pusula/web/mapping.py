"""The mapping of an upload as a form: made of the file's look and the TOML, and turned into TOML.

The TOML is the one meaning: what a person chooses becomes a mapping document, and what the form
does not show of a document stays in it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from pusula.sources import actions, toml
from pusula.sources.look import dates, draft, fields
from pusula.sources.look.draft import Document
from pusula.sources.look.file import Column, Look
from pusula.web import codes, formats, mapping_words

TRAIT = "+"  # the choice "as a trait", or as a detail of an event
_TYPED = {"profiles": "traits", "events": "properties"}
# Fields that may be the same for every row, where no column has them.
_CONSTANTS = {
    "profiles": (),
    "orders": ("status", "currency", "property", "channel"),
    "events": ("name",),
    "consents": ("channel", "purpose", "status", "evidence"),
}
_WHO = ("profile_key", "email", "phone")
_AMOUNTS = (("net_amount",), ("nightly_amount",), ("quantity", "unit_price"))
_LONGEST = 400


@dataclass(frozen=True)
class ColumnRow:
    """One column of the file with what is chosen for it: a field, a trait, or nothing."""

    index: int
    column: Column
    kind: str
    choice: str  # a field, ``TRAIT``, or empty
    trait: str
    type: str
    is_joined: bool  # part of a field made of several columns: changed in the text only


@dataclass(frozen=True)
class WordRow:
    """A word of a vocabulary column and what it means."""

    index: int
    word: str
    n: int
    meaning: str
    is_understood: bool


@dataclass(frozen=True)
class WordsBlock:
    """The words of one column."""

    field: str
    title: str
    column: str
    rows: tuple[WordRow, ...]
    meanings: tuple[tuple[str, str], ...]
    other: str  # what any other word means


@dataclass(frozen=True)
class Question:
    """Which part of dates is the day."""

    shape: str
    name: str
    columns: str
    day_first: bool
    is_open: bool
    decides: str
    doubtful: str
    first: str  # the doubtful cell read day first, in words
    second: str


@dataclass(frozen=True)
class Constant:
    """A field with one value for every row."""

    field: str
    title: str
    value: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Form:
    """The whole form, ready to be drawn."""

    document: Document
    columns: tuple[ColumnRow, ...]
    words: tuple[WordsBlock, ...]
    questions: tuple[Question, ...]
    constants: tuple[Constant, ...]
    currencies: tuple[tuple[str, str], ...]  # foreign ones of the file, with their rates
    fields: tuple[tuple[str, str], ...]
    types: tuple[tuple[str, str], ...]
    trait_words: str
    decimal: str
    is_decimal_said: bool
    totals: str  # the word of the sum on the last line
    leaves_totals: bool
    missing: tuple[str, ...]
    has_returns: bool
    source: str


def read(text: str) -> Document:
    """Return the document that a mapping text holds; raises ``ValueError`` for what is no TOML."""
    return tomllib.loads(text, parse_float=Decimal)


def form(kind: str, look: Look, document: Document) -> Form:
    """Return the form that shows ``document`` beside the columns of the file."""
    columns = _table(document, "columns")
    by_column = {name: field for field, name in columns.items() if isinstance(name, str)}
    rows = tuple(
        _column_row(index, column, by_column, document, kind)
        for index, column in enumerate(look.columns)
    )
    decimal, is_said = draft.decimal_of(look)
    totals = look.totals
    left_out = _table(document, "filter").get(totals[0], {}) if totals else {}
    known = tuple(
        (field, codes.called(mapping_words.FIELDS, field)) for field in actions.KINDS[kind].fields
    )
    return Form(
        document=document,
        columns=rows,
        words=tuple(_words(kind, look, document)),
        questions=tuple(_questions(look, document)),
        constants=tuple(_constants(kind, document)),
        currencies=_currencies(look, document),
        fields=known,
        types=tuple((code, str(word)) for code, word in mapping_words.TYPES.items()),
        trait_words=_("a detail of the event")
        if kind == "events"
        else _("a trait of the customer"),
        decimal=str(_table(document, "file").get("decimal", ".")),
        is_decimal_said=is_said and decimal == _table(document, "file").get("decimal", "."),
        totals=totals[1] if totals else "",
        leaves_totals=bool(totals and totals[1] in left_out.get("not", [])),
        missing=_missing(kind, document),
        has_returns=document.get("returns") is True,
        source=str(document.get("source", "")),
    )


def posted(kind: str, look: Look, document: Document, given: Mapping[str, str]) -> Document:
    """Return ``document`` with what the form says instead; the rest of it stays."""
    made = dict(document)
    made["source"] = given.get("source", "").strip()[:_LONGEST]
    made.pop("returns", None)
    if given.get("returns"):
        made["returns"] = True
    made["file"] = _posted_file(look, document, given)
    made["columns"], typed = _posted_columns(kind, look, document, given)
    if kind in _TYPED:
        made[_TYPED[kind]] = typed
    made["constants"] = _posted_constants(kind, document, made["columns"], given)
    made["values"] = _posted_words(kind, look, made, given)
    made["filter"] = _posted_filter(look, document, given)
    made["rates"] = _posted_rates(document, given)
    return {name: value for name, value in made.items() if value not in ({}, None)}


def _posted_file(look: Look, document: Document, given: Mapping[str, str]) -> dict[str, Any]:
    answers = {
        question.shape: given.get(f"dates-{number}") != "month"
        for number, question in enumerate(draft.date_questions(look))
        if question.day_first is None
    }
    table = {**_table(document, "file"), **draft.file_table(look, answers)}
    decimal = given.get("decimal", ".")
    table["decimal"] = decimal if decimal in {".", ","} else "."
    for name in ("sheet", "encoding", "separator"):
        if told := given.get(name, ""):
            table[name] = told.replace("\\t", "\t")[:_LONGEST]
    if (line := given.get("header_line", "")).isdecimal() and line != "0":
        table["header_line"] = int(line[:6])
    return table


def _posted_columns(
    kind: str, look: Look, document: Document, given: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    known = actions.KINDS[kind].fields
    columns: dict[str, Any] = {
        field: name for field, name in _table(document, "columns").items() if isinstance(name, list)
    }
    typed: dict[str, Any] = {}
    for index, column in enumerate(look.columns):
        choice = given.get(f"field-{index}", "")
        if choice in known:
            columns.setdefault(choice, column.name)
        elif choice == TRAIT and kind in _TYPED:
            name = given.get(f"trait-{index}", "").strip() or column.name
            told = given.get(f"type-{index}", "text")
            type_ = told if told in mapping_words.TYPES else "text"
            typed[name[:64]] = {"column": column.name, "type": type_}
    return columns, typed


def _posted_constants(
    kind: str, document: Document, columns: Mapping[str, Any], given: Mapping[str, str]
) -> dict[str, Any]:
    shown = _CONSTANTS[kind]
    kept = {k: v for k, v in _table(document, "constants").items() if k not in shown}
    told = {field: given.get(f"const-{field}", "").strip()[:_LONGEST] for field in shown}
    kept.update({field: value for field, value in told.items() if value})
    return {field: value for field, value in kept.items() if field not in columns}


def _posted_words(
    kind: str, look: Look, document: Document, given: Mapping[str, str]
) -> dict[str, Any]:
    values = dict(_table(document, "values"))
    for field, column in _vocabularies(kind, look, document):
        words = {}
        for index, (word, _n) in enumerate(column.words):
            meaning = given.get(f"word-{field}-{index}")
            if meaning is None:  # the page did not show it yet
                meaning = draft.words_for(kind, field, [(word, 1)]).get(word, "")
            if meaning in draft.VOCABULARIES[kind, field]:
                words[word] = meaning
        if (other := given.get(f"other-{field}", "")) in draft.VOCABULARIES[kind, field]:
            words["*"] = other
        values[field] = words
    return {field: words for field, words in values.items() if words}


def _posted_filter(look: Look, document: Document, given: Mapping[str, str]) -> dict[str, Any]:
    filters = dict(_table(document, "filter"))
    if look.totals is None:
        return filters
    column, word = look.totals
    tests = dict(filters.pop(column, {}))
    left = [one for one in tests.get("not", []) if one != word]
    if given.get("totals"):
        left.append(word)
    tests["not"] = left
    if not left:
        del tests["not"]
    if tests:
        filters[column] = tests
    return filters


def _posted_rates(document: Document, given: Mapping[str, str]) -> dict[str, Any]:
    rates = dict(_table(document, "rates"))
    for name, told in given.items():
        if not name.startswith("rate-") or not told.strip():
            continue
        try:
            rates[name.removeprefix("rate-")[:3]] = Decimal(told.strip().replace(",", ".")[:20])
        except InvalidOperation:
            continue
    return rates


def _column_row(
    index: int, column: Column, by_column: Mapping[str, str], document: Document, kind: str
) -> ColumnRow:
    typed = _table(document, _TYPED.get(kind, ""))
    found = next(
        ((name, spec) for name, spec in typed.items() if _column_of(spec) == column.name), None
    )
    choice = by_column.get(column.name, TRAIT if found else "")
    proposed = fields.trait_of(column) or (column.name, _type_of(column))
    name, type_ = proposed
    if found:
        name = found[0]
        type_ = found[1].get("type", "text") if isinstance(found[1], dict) else "text"
    joined = [name for name in _table(document, "columns").values() if isinstance(name, list)]
    return ColumnRow(
        index=index,
        column=column,
        kind=codes.called(mapping_words.KINDS, column.kind.name),
        choice=choice,
        trait=name,
        type=type_,
        is_joined=any(column.name in names for names in joined),
    )


def _type_of(column: Column) -> str:
    kind = column.kind.name
    return {"moment": "day"}.get(kind, kind if kind in mapping_words.TYPES else "text")


def _column_of(spec: Any) -> str:
    return str(spec.get("column", "")) if isinstance(spec, dict) else str(spec)


def _vocabularies(kind: str, look: Look, document: Document) -> list[tuple[str, Column]]:
    """Return the fields of a closed vocabulary that a column with few words is mapped to."""
    columns = _table(document, "columns")
    by_name = {column.name: column for column in look.columns}
    return [
        (field, by_name[columns[field]])
        for kind_, field in draft.VOCABULARIES
        if kind_ == kind
        and isinstance(columns.get(field), str)
        and columns[field] in by_name
        and by_name[columns[field]].words
    ]


def _words(kind: str, look: Look, document: Document) -> list[WordsBlock]:
    blocks = []
    for field, column in _vocabularies(kind, look, document):
        told = _table(document, "values").get(field, {})
        rows = tuple(
            WordRow(index, word, n, told.get(word, ""), draft.is_understood(kind, field, word))
            for index, (word, n) in enumerate(column.words)
        )
        blocks.append(
            WordsBlock(
                field,
                codes.called(mapping_words.FIELDS, field),
                column.name,
                rows,
                _meanings(kind, field),
                told.get("*", ""),
            )
        )
    return blocks


def _meanings(kind: str, field: str) -> tuple[tuple[str, str], ...]:
    words = mapping_words.MEANINGS[kind, field]
    return tuple((code, str(word)) for code, word in words.items())


def _questions(look: Look, document: Document) -> list[Question]:
    told = _table(document, "file").get("dates", [])
    chosen = [told] if isinstance(told, str) else told
    found = []
    for number, one in enumerate(draft.date_questions(look)):
        month_first = dates.format_of(one.shape, day_first=False)
        readings = dates.both_ways(one.doubtful.split(" ")[0]) if one.doubtful else None
        first, second = (
            tuple(formats.day(day.date(), long=True) for day in readings) if readings else ("", "")
        )
        found.append(
            Question(
                shape=one.shape,
                name=f"dates-{number}",
                columns=formats.listing(one.columns),
                day_first=month_first not in chosen if one.day_first is None else one.day_first,
                is_open=one.day_first is None,
                decides=one.decides,
                doubtful=one.doubtful,
                first=first,
                second=second,
            )
        )
    return found


def _constants(kind: str, document: Document) -> list[Constant]:
    columns, told = _table(document, "columns"), _table(document, "constants")
    found = []
    for field in _CONSTANTS[kind]:
        if field in columns:
            continue
        choices = _meanings(kind, field) if (kind, field) in mapping_words.MEANINGS else ()
        title = codes.called(mapping_words.FIELDS, field)
        found.append(Constant(field, title, str(told.get(field, "")), choices))
    return found


def _currencies(look: Look, document: Document) -> tuple[tuple[str, str], ...]:
    """Return the foreign currencies of the file that need a rate."""
    columns = _table(document, "columns")
    if "exchange_rate" in columns:
        return ()
    name = columns.get("currency")
    column = next((one for one in look.columns if one.name == name), None)
    words = [word.strip().upper() for word, _n in column.words] if column else []
    told = str(_table(document, "constants").get("currency", ""))
    own = {settings.PUSULA.currency, "TL", ""}
    rates = _table(document, "rates")
    foreign = sorted({*words, told} - own | set(rates))
    return tuple((code, str(rates.get(code, ""))) for code in foreign if len(code) == 3)  # noqa: PLR2004


def _missing(kind: str, document: Document) -> tuple[str, ...]:
    """Return in words which needed fields have neither a column nor a value yet."""
    told = {*_table(document, "columns"), *_table(document, "constants")}
    needed: Sequence[str] = actions.KINDS[kind].needed
    found = [codes.called(mapping_words.FIELDS, field) for field in needed if field not in told]
    if not told & set(_WHO):
        names = [codes.called(mapping_words.FIELDS, field) for field in _WHO]
        found.append(formats.listing(names, "or"))
    if kind == "orders" and not any(set(group) <= told for group in _AMOUNTS):
        found.append(codes.called(mapping_words.FIELDS, "net_amount"))
    return tuple(found)


def _table(document: Document, name: str) -> dict[str, Any]:
    table = document.get(name, {})
    return table if isinstance(table, dict) else {}


def write(document: Document) -> str:
    """Return the text of a mapping document."""
    return toml.dumps(document)
