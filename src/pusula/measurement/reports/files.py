"""Reports as files: CSV and XLSX whose texts no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

import xlsxwriter

from pusula.lib import money
from pusula.lib.spreadsheets import guarded
from pusula.measurement.reports.tables import COUNT, DECIMAL, MONEY, SHARE, TEXT, Table, plain

_NOT_IN_A_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")
_LONGEST_SHEET_NAME = 31
_WIDTH, _FIRST_WIDTH = 16, 38


def as_csv(tables: Sequence[Table]) -> bytes:
    """Return the tables as UTF-8 with a byte order mark (Excel asks for it), by empty lines."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for place, table in enumerate(tables):
        if len(tables) > 1:
            writer.writerows([[]] * bool(place) + [[guarded(table.title)]])
        writer.writerow([guarded(column.title) for column in table.columns])
        for row in table.rows:
            writer.writerow(
                [
                    _text(plain(cell, column.kind, table.currency))
                    for cell, column in zip(row, table.columns, strict=True)
                ]
            )
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(tables: Sequence[Table]) -> bytes:
    """Return a workbook with a sheet for each table; numbers stay numbers."""
    file = io.BytesIO()
    options = {
        "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
        "strings_to_numbers": False, "nan_inf_to_errors": True,
    }  # fmt: skip
    with xlsxwriter.Workbook(file, options) as book:
        head = book.add_format({"bold": True, "text_wrap": True, "bottom": 1, "valign": "top"})
        taken: set[str] = set()
        for table in tables:
            digits = money.EXPONENTS[table.currency]
            forms = {
                TEXT: book.add_format(),
                COUNT: book.add_format({"num_format": "#,##0"}),
                DECIMAL: book.add_format({"num_format": "#,##0.0"}),
                SHARE: book.add_format({"num_format": "0.0%"}),
                MONEY: book.add_format(
                    {"num_format": "#,##0" + ("." + "0" * digits) * (digits > 0)}
                ),
            }
            sheet = book.add_worksheet(_sheet_name(table.title, taken))
            sheet.freeze_panes(1, 1)
            sheet.set_column(0, 0, _FIRST_WIDTH)
            sheet.set_column(1, max(1, len(table.columns) - 1), _WIDTH)
            for place, column in enumerate(table.columns):
                sheet.write_string(0, place, guarded(column.title), head)
            for number, row in enumerate(table.rows, start=1):
                for place, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
                    value = plain(cell, column.kind, table.currency)
                    if isinstance(value, str):
                        sheet.write_string(number, place, guarded(value))
                    elif value is not None:
                        sheet.write_number(number, place, value, forms[column.kind])
            if table.note:
                sheet.write_string(len(table.rows) + 2, 0, guarded(table.note))
    return file.getvalue()


def _text(value: str | float | None) -> str | float:
    if value is None:
        return ""
    return guarded(value) if isinstance(value, str) else value


def _sheet_name(title: str, taken: set[str]) -> str:
    """Return a name that no other sheet has, without what Excel refuses."""
    name = _NOT_IN_A_SHEET_NAME.sub(" ", title).strip()[:_LONGEST_SHEET_NAME] or "1"
    number = 2
    while name.casefold() in taken:
        name = f"{name[: _LONGEST_SHEET_NAME - 3]} {number}"
        number += 1
    taken.add(name.casefold())
    return name
