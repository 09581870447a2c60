"""What the tables and columns mean, in both languages, from the definition they are written by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from pusula.destinations.bi.tables import LOCAL, Column, Company, Kind, Table

LANGUAGES = ("tr", "en")


@dataclass(frozen=True)
class Described:
    """A column of a file or view; texts by language. ``in_view``: views have it as well."""

    name: str
    type: str
    meaning: dict[str, str]
    unit: dict[str, str]
    source: str
    in_view: bool


@dataclass(frozen=True)
class DescribedTable:
    """A table: what one of its rows stands for, and its columns."""

    name: str
    view: str
    grain: dict[str, str]
    columns: list[Described]


def described(tables: Iterable[Table], company: Company) -> list[DescribedTable]:
    """Return what ``tables`` and their columns mean."""
    return [
        DescribedTable(
            table.name,
            view_name(table.name),
            _both(table.grain),
            [one for column in table.columns for one in _columns(column, company)],
        )
        for table in tables
    ]


def view_name(table: str) -> str:
    """Return how the view of a table is called."""
    return f"bi_{table}"


def as_json(told: Sequence[DescribedTable], company: Company) -> str:
    """Return the dictionary for programs."""
    document = {**asdict(company), "tables": [asdict(table) for table in told]}
    return json.dumps(document, ensure_ascii=False, indent=1)


def as_markdown(told: Sequence[DescribedTable], language: str) -> str:
    """Return the dictionary as Markdown in ``language``."""
    with translation.override(language):
        lines = [f"# {_('Data dictionary')}", ""]
        heads = (_("Column"), _("Type"), _("Meaning"), _("Unit"), _("Comes from"))
        for table in told:
            lines += [
                f"## {table.name}",
                "",
                f"{table.grain[language]}. {_('View')}: `{table.view}`",
            ]
            lines += ["", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
            lines += [_line(column, language) for column in table.columns]
            lines.append("")
    return "\n".join(lines)


def as_html(told: Sequence[DescribedTable], language: str) -> str:
    """Return the dictionary as a page of its own in ``language``."""
    with translation.override(language):
        shown = [(table, table.grain[language], _shown(table, language)) for table in told]
        context = {"tables": shown, "language": language}
        return render_to_string("destinations/dictionary.html", context)


def _shown(table: DescribedTable, language: str) -> list[tuple[Described, str, str]]:
    return [(one, one.meaning[language], one.unit[language]) for one in table.columns]


def _line(column: Described, language: str) -> str:
    cells = (
        f"`{column.name}`",
        column.type,
        column.meaning[language],
        column.unit[language],
        f"`{column.source}`",
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _columns(column: Column, company: Company) -> Iterator[Described]:
    meaning = _both(column.meaning)
    unit = {language: _unit(column, company, language) for language in LANGUAGES}
    for name, kind in column.written(company):
        is_local = column.kind is Kind.MOMENT and name.endswith(LOCAL)
        yield Described(
            name,
            str(kind),
            meaning,
            dict.fromkeys(LANGUAGES, company.time_zone) if is_local else unit,
            column.source,
            column.counted is None,
        )


def _unit(column: Column, company: Company, language: str) -> str:
    match column.kind:
        case Kind.MONEY:
            return company.currency
        case Kind.MOMENT:
            return "UTC"
        case _:
            return _both(column.unit)[language]


def _both(text: str | Promise) -> dict[str, str]:
    found = {}
    for language in LANGUAGES:
        with translation.override(language):
            found[language] = str(text)
    return found
