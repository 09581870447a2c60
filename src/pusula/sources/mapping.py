"""Mapping files: which column of a file is which of our fields, and what its words mean."""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from django.utils.translation import gettext as _

from pusula.lib import clock, money
from pusula.lib.text import fold
from pusula.profiles.models import TraitKind
from pusula.sources.errors import MappingError, near

FORMATS = ("csv", "xlsx", "parquet", "jsonl")
EXTENSIONS = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xlsx",
    ".ods": "xlsx", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip
ANY_OTHER = "*"

_TOP = ("source", "returns", "file", "columns", "constants", "values", "filter", "rates")
_TYPED = {"profiles": "traits", "events": "properties"}
_SOURCE_SIZE = 40
_NAME_SIZE = 64


@dataclass(frozen=True)
class FileFormat:
    """How to read the file: what the mapping says of it; ``None`` is for the reader to find out."""

    format: str | None = None
    encoding: str | None = None
    separator: str | None = None
    header_line: int | None = None
    sheet: str | None = None
    decimal: str = "."
    dates: tuple[str, ...] = ()
    time_zone: str | None = None
    properties: str | None = None


@dataclass(frozen=True)
class Typed:
    """A column that becomes a trait or property; ``kind`` ``None`` keeps the type it comes with."""

    column: str
    kind: TraitKind | None


@dataclass(frozen=True)
class Filter:
    """The rows to read: those whose cell in ``column`` meets ``test``. Words are folded."""

    column: str
    test: str  # is, not, starts, not_starts
    words: frozenset[str]

    def keeps(self, word: str) -> bool:
        """Return whether a row with this (folded) word is read."""
        if self.test in {"is", "not"}:
            return (word in self.words) == (self.test == "is")
        return word.startswith(tuple(self.words)) == (self.test == "starts")


@dataclass(frozen=True)
class Mapping:
    """A mapping file, read and checked."""

    path: Path
    source: str
    returns: bool = False
    file: FileFormat = field(default_factory=FileFormat)
    columns: Table[str, str] = field(default_factory=dict)
    # Columns that the file does not have: made of several of its own, joined by "-".
    joined: Table[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Table[str, Any] = field(default_factory=dict)
    values: Table[str, Table[str, str]] = field(default_factory=dict)
    filters: Sequence[Filter] = ()
    rates: Table[str, Decimal] = field(default_factory=dict)
    typed: Table[str, Typed] = field(default_factory=dict)  # traits or properties

    @property
    def fields(self) -> frozenset[str]:
        """The fields that get a value, from a column or fixed."""
        return frozenset(self.columns) | frozenset(self.constants)

    @property
    def used_columns(self) -> list[str]:
        """The columns of the file that are read, each once."""
        named = [*self.columns.values(), *(typed.column for typed in self.typed.values())]
        named += [one.column for one in self.filters]
        if self.file.properties is not None:
            named.append(self.file.properties)
        return list(dict.fromkeys(c for name in named for c in self.joined.get(name, (name,))))

    def error(self, place: str, message: str) -> MappingError:
        """Return the error that names this file and ``place`` in it."""
        return MappingError(f"{self.path.name}: {place}: {message}", place=place, reason=message)


def load(path: Path, kind: str, fields: Sequence[str]) -> Mapping:
    """Return the mapping in the TOML file at ``path`` for an import of ``kind``.

    ``fields`` are the kind's fields. Raises ``MappingError`` naming the file and the place.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        given = tomllib.loads(text, parse_float=Decimal)
    except FileNotFoundError:
        raise MappingError(_("%(path)s: there is no such mapping file") % {"path": path}) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        words = {"path": path, "error": error}
        raise MappingError(_("%(path)s: not a TOML file: %(error)s") % words) from error
    return _Reader(path, kind, tuple(fields)).read(given)


class _Reader:
    """Checks the parts of one mapping file; every complaint names file and place."""

    def __init__(self, path: Path, kind: str, fields: tuple[str, ...]) -> None:
        self.path = path
        self.fields = fields
        self.typed_name = _TYPED.get(kind)

    def read(self, given: dict[str, Any]) -> Mapping:
        """Return the mapping that ``given`` describes."""
        tables = [*_TOP, *filter(None, [self.typed_name])]
        self._known("", given, tables)
        source = given.get("source")
        if not isinstance(source, str) or not self._is_name(source):
            raise self._error(
                "source",
                _("name the system the file comes from in letters and digits, such as “pms”"),
            )
        columns, joined = self._columns(self._table(given, "columns"))
        constants = self._table(given, "constants")
        self._known("columns", columns, self.fields)
        self._known("constants", constants, self.fields)
        if both := sorted(set(columns) & set(constants)):
            raise self._error(f"[constants] {both[0]}", _("has a column too: keep one of the two"))
        values = self._table(given, "values")
        self._known("values", values, self.fields)
        return Mapping(
            path=self.path,
            source=source,
            returns=self._flag(given, "returns"),
            file=self._file(self._table(given, "file")),
            columns=columns,
            joined=joined,
            constants=constants,
            values={name: self._words(name, words) for name, words in values.items()},
            filters=self._filters(self._table(given, "filter")),
            rates=self._rates(self._table(given, "rates")),
            typed=self._typed(given),
        )

    def _file(self, given: dict[str, Any]) -> FileFormat:
        known = FileFormat.__dataclass_fields__
        self._known("file", given, known)
        spec = dict(given)
        if isinstance(spec.get("dates"), str):
            spec["dates"] = [spec["dates"]]
        spec["dates"] = tuple(spec.get("dates", ()))
        header_line = spec.pop("header_line", None)
        if header_line is not None and (type(header_line) is not int or header_line < 1):
            raise self._error("[file] header_line", _("is the number of a line, from 1"))
        for name, value in spec.items():
            parts = value if name == "dates" else (value,)
            if not all(isinstance(part, str) and part for part in parts):
                raise self._error(f"[file] {name}", _("is a text in quotes"))
        found = FileFormat(header_line=header_line, **spec)
        self._check_file(found)
        return found

    def _check_file(self, found: FileFormat) -> None:
        if found.format is not None and found.format not in FORMATS:
            raise self._error("[file] format", near(found.format, FORMATS))
        if found.decimal not in {".", ","}:
            raise self._error("[file] decimal", _("is “.” or “,”"))
        if found.separator is not None and len(found.separator) != 1:
            raise self._error("[file] separator", _("is one character, such as “;”"))
        if found.encoding is not None:
            try:
                codecs.lookup(found.encoding)
            except LookupError:
                raise self._error(
                    "[file] encoding", _("is no encoding; usual are utf-8 and cp1254")
                ) from None
        if found.time_zone is not None:
            try:
                clock.zone(found.time_zone)
            except (ZoneInfoNotFoundError, ValueError):
                raise self._error(
                    "[file] time_zone", _("is no time zone; one is Europe/Istanbul")
                ) from None

    def _columns(self, given: dict[str, Any]) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
        """Return the column of each field, and what the joined ones among them are made of."""
        columns: dict[str, str] = {}
        joined: dict[str, tuple[str, ...]] = {}
        for name, told in given.items():
            parts = told if isinstance(told, list) else [told]
            if not parts or not all(isinstance(part, str) and part for part in parts):
                raise self._error(
                    f"[columns] {name}", _("is a column's name in quotes, or a list of several")
                )
            columns[name] = " + ".join(parts)
            if len(parts) > 1:
                joined[columns[name]] = tuple(parts)
        return columns, joined

    def _words(self, name: str, given: Any) -> dict[str, str]:
        if not isinstance(given, dict):
            raise self._error(f"[values.{name}]", _("is a table: word in the file = our word"))
        words = self._texts(f"values.{name}", given)
        return {word if word == ANY_OTHER else fold(word): ours for word, ours in words.items()}

    def _filters(self, given: dict[str, Any]) -> tuple[Filter, ...]:
        filters = []
        for column, tests in given.items():
            place = f"[filter] {column}"
            if not isinstance(tests, dict):
                raise self._error(place, _('is written { is = ["…"] } or { not_starts = "…" }'))
            self._known(f"filter.{column}", tests, ("is", "not", "starts", "not_starts"))
            for test, words in tests.items():
                listed = words if isinstance(words, list) else [words]
                folded = frozenset(fold(str(word)) for word in listed)
                filters.append(Filter(column, test, folded))
        return tuple(filters)

    def _rates(self, given: dict[str, Any]) -> dict[str, Decimal]:
        rates = {}
        for name, rate in given.items():
            place = f"[rates] {name}"
            try:
                code = money.currency(name)
            except money.UnknownCurrencyError as error:
                raise self._error(place, error.message) from error
            is_number = isinstance(rate, int | Decimal) and not isinstance(rate, bool)
            if not (is_number and Decimal(rate).is_finite() and rate > 0):
                raise self._error(place, _("is a positive number: what one unit is worth"))
            rates[code] = Decimal(rate)
        return rates

    def _typed(self, given: dict[str, Any]) -> dict[str, Typed]:
        if self.typed_name is None:
            return {}
        typed = {}
        for name, told in self._table(given, self.typed_name).items():
            place = f"[{self.typed_name}] {name}"
            if not name.isprintable() or not 0 < len(name) <= _NAME_SIZE:
                raise self._error(place, _("is no name: use 1 to 64 visible characters"))
            spec = told if isinstance(told, dict) else {"column": told}
            self._known(f"{self.typed_name}.{name}", spec, ("column", "type"))
            if not isinstance(spec.get("column"), str):
                raise self._error(place, _("names its column in quotes"))
            kind = spec.get("type")
            if kind is not None and kind not in TraitKind.values:
                raise self._error(place, near(str(kind), TraitKind.values))
            typed[name] = Typed(spec["column"], None if kind is None else TraitKind(kind))
        return typed

    def _table(self, given: dict[str, Any], name: str) -> dict[str, Any]:
        table = given.get(name, {})
        if not isinstance(table, dict):
            raise self._error(f"[{name}]", _("is a table, not a single value"))
        return table

    def _texts(self, name: str, table: dict[str, Any]) -> dict[str, str]:
        for key, value in table.items():
            if not isinstance(value, str) or not value:
                raise self._error(f"[{name}] {key}", _("is a text in quotes"))
        return table

    def _flag(self, given: dict[str, Any], name: str) -> bool:
        value = given.get(name, False)
        if not isinstance(value, bool):
            raise self._error(name, _("is true or false"))
        return value

    def _known(
        self, table: str, given: Table[str, Any], known: Sequence[str] | Table[str, Any]
    ) -> None:
        for name in given:
            if name not in known:
                place = f"[{table}] {name}" if table else name
                raise self._error(
                    place, _("is not known here; %(near)s") % {"near": near(name, known)}
                )

    @staticmethod
    def _is_name(text: str) -> bool:
        return 0 < len(text) <= _SOURCE_SIZE and all(c.isalnum() or c in "-_" for c in text)

    def _error(self, place: str, message: str) -> MappingError:
        return MappingError(f"{self.path.name}: {place}: {message}", place=place, reason=message)
