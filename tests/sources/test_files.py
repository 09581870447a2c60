"""The same rows from every format, and a clear word for every file that cannot be read."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import json

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pusula.orders.models import Order
from pusula.profiles.models import Profile
from pusula.sources.errors import FileError
from pusula.sources.models import Import, ImportState

pytestmark = pytest.mark.django_db

HEADER = ["Rezervasyon No", "Misafir No", "Durum", "Tarih", "Giriş", "Çıkış", "Tutar", "Oda"]
ROWS = [
    ["R-1", "10", "Ayrıldı", "05.01.2024 14:30", "01.02.2024", "05.02.2024", "12.450,50",
     "Şömineli"],
    ["R-2", "11", "İptal", "06.01.2024 09:00", "01.03.2024", "02.03.2024", "980",
     'Deniz "A"; İ'],
    ["R-3", "10", "onayli", "07.01.2024 00:00", "10.03.2024", "12.03.2024", "1.000,05",
     "=SUM(A1)"],
]  # fmt: skip
MAP = """
source = "pms"
[file]
{file}
[columns]
source_id = "Rezervasyon No"
profile_key = "Misafir No"
status = "Durum"
ordered_at = "Tarih"
starts_on = "Giriş"
ends_on = "Çıkış"
net_amount = "Tutar"
room_type = "Oda"
[constants]
currency = "TRY"
[values.status]
"Ayrıldı" = "completed"
"İPTAL" = "cancelled"
"*" = "confirmed"
"""
TURKISH = MAP.format(file='decimal = ","')
PLAIN = MAP.format(file="")


def as_csv(separator: str, *, newline="\r\n") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=newline)
    writer.writerows([HEADER, *ROWS])
    return out.getvalue()


def as_typed() -> list[dict[str, object]]:
    """The rows as a program that knows types would write them."""
    amounts = [12450.5, 980, 1000.05]
    return [
        {
            **dict(zip(HEADER, row, strict=True)),
            "Misafir No": int(row[1]),
            "Tarih": dt.datetime.strptime(row[3], "%d.%m.%Y %H:%M"),  # noqa: DTZ007
            "Giriş": dt.datetime.strptime(row[4], "%d.%m.%Y").date(),  # noqa: DTZ007
            "Çıkış": dt.datetime.strptime(row[5], "%d.%m.%Y").date(),  # noqa: DTZ007
            "Tutar": amount,
        }
        for row, amount in zip(ROWS, amounts, strict=True)
    ]


def as_xlsx() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Lodos Otelleri"])
    book.active.append(HEADER)
    for row in as_typed():
        book.active.append(list(row.values()))
        for cell in book.active[book.active.max_row]:
            if isinstance(cell.value, str):
                cell.data_type = "s"  # text, also where it looks like a formula
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_parquet() -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(as_typed()), out)
    return out.getvalue().to_pybytes()


def as_jsonl() -> str:
    lines = [json.dumps(row, default=str, ensure_ascii=False) for row in as_typed()]
    return "\n".join([lines[0], "", *lines[1:]])


VARIANTS = {
    "utf8_semicolon": (as_csv(";"), TURKISH, "a.csv"),
    "utf8_bom": (codecs.BOM_UTF8 + as_csv(";").encode(), TURKISH, "a.csv"),
    "comma_unix": (as_csv(",", newline="\n"), TURKISH, "a.csv"),
    "tab": (as_csv("\t"), TURKISH, "a.tsv"),
    "sep_line": ("sep=|\r\n" + as_csv("|"), TURKISH, "a.csv"),
    "cp1254_found_out": (as_csv(";").encode("cp1254"), TURKISH, "a.csv"),
    "cp1254_told": (
        as_csv(";").encode("cp1254"),
        MAP.format(file='encoding = "cp1254"\nseparator = ";"\ndecimal = ","'),
        "a.csv",
    ),
    "utf16": (as_csv("\t").encode("utf-16"), TURKISH, "a.txt"),
    "xlsx": (as_xlsx(), MAP.format(file="header_line = 2"), "a.xlsx"),
    "parquet": (as_parquet(), PLAIN, "a.parquet"),
    "jsonl": (as_jsonl(), PLAIN, "a.jsonl"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_rows_from_every_format_are_the_same_orders(bring, variant):
    content, mapping, name = VARIANTS[variant]

    report = bring("orders", content, mapping, name=name)

    assert (report.n_rows, report.n_new, report.n_rejected) == (3, 3, 0)
    columns = (
        "source_id",
        "status",
        "ordered_at",
        "starts_on",
        "ends_on",
        "net_minor",
        "room_type",
    )
    assert list(Order.objects.order_by("source_id").values_list(*columns)) == [
        ("R-1", "completed", 1704454200000000, dt.date(2024, 2, 1), dt.date(2024, 2, 5), 1245050,
         "Şömineli"),
        ("R-2", "cancelled", 1704520800000000, dt.date(2024, 3, 1), dt.date(2024, 3, 2), 98000,
         'Deniz "A"; İ'),
        ("R-3", "confirmed", 1704574800000000, dt.date(2024, 3, 10), dt.date(2024, 3, 12), 100005,
         "=SUM(A1)"),
    ]  # fmt: skip
    keys = Profile.objects.filter(orders__source_id="R-3").values_list("identifiers__value")
    assert list(keys) == [("pms:10",)]
    assert ("cp1254" in " ".join(report.notes)) == (variant == "cp1254_found_out")


def error_of(bring, content, mapping, name="a.csv") -> str:
    """Return the words of an import that fails as a whole, and see that it left nothing."""
    with pytest.raises(FileError) as error:
        bring("orders", content, mapping, name=name)
    assert not Profile.objects.exists()
    assert not Order.objects.exists()
    failed = Import.objects.get()
    assert failed.state == ImportState.FAILED
    assert failed.error == error.value.message
    return error.value.message.partition("-")[2]


def test_an_empty_file_is_named(bring):
    assert error_of(bring, b"", TURKISH) == "a.csv: the file is empty"


def test_a_file_without_a_header_is_named(bring):
    assert error_of(bring, "\n\n", TURKISH) == "a.csv: the file holds no header"


def test_a_header_without_rows_is_an_import_of_nothing(bring):
    report = bring("orders", ";".join(HEADER), TURKISH)
    assert (report.n_rows, report.n_new) == (0, 0)
    assert report.notes == ["The file holds no rows under its header."]


def test_a_missing_column_is_named_with_the_one_most_like_it(bring):
    content = as_csv(";").replace("Misafir No", "Misafir Numarası")
    assert error_of(bring, content, TURKISH) == (
        "a.csv, line 1: there is no column “Misafir No”; did you mean “Misafir Numarası”?"
    )


def test_a_repeated_header_is_named_with_its_places(bring):
    content = as_csv(";").replace("Oda", "Tutar")
    assert error_of(bring, content, TURKISH) == (
        "a.csv, line 1: the column “Tutar” stands there more than once (7, 8)"
    )


def test_a_wrong_encoding_is_named_with_line_column_and_byte(bring):
    content = as_csv(";").encode("cp1254")
    told = MAP.format(file='encoding = "utf-8"')
    assert error_of(bring, content, told) == (
        "a.csv, line 1: column “5”: the byte 0xFE is not utf-8; is it cp1254?"
    )
    header, rest = as_csv(";").split("\r\n", 1)
    Import.objects.all().delete()
    mixed = header.encode() + b"\r\n" + rest.encode("cp1254")
    assert error_of(bring, mixed, told) == (
        "a.csv, line 2: column “Durum”: the byte 0xFD is not utf-8; is it cp1254?"
    )


def test_utf8_that_is_called_cp1254_is_not_read_as_gibberish(bring):
    told = MAP.format(file='encoding = "cp1254"')
    assert error_of(bring, as_csv(";"), told) == (
        "a.csv: the mapping says cp1254 but the file is UTF-8"
    )


@pytest.mark.parametrize(
    ("name", "word"),
    [("a.xlsx", "not an Excel file"), ("a.parquet", "not a Parquet file"),
     ("a.csv", "not a text file"), ("a.doc", "say the format in the mapping")],
)  # fmt: skip
def test_a_file_that_is_not_what_its_name_says_is_named(bring, name, word):
    assert word in error_of(bring, b"\x00\x01\x02 nothing of the kind", TURKISH, name)


def test_a_missing_file_is_named(bring, tmp_path):
    with pytest.raises(FileError, match=r"nowhere.csv: cannot be read: No such file"):
        bring("orders", tmp_path / "nowhere.csv", TURKISH)


def test_a_missing_sheet_is_named(bring):
    told = MAP.format(file='sheet = "Rezervasyonlar"')
    assert "there is no sheet “Rezervasyonlar”; there are: Sheet" in error_of(
        bring, as_xlsx(), told, "a.xlsx"
    )


def test_a_stray_quote_costs_its_own_row_and_swallows_no_other(bring, rejected):
    lines = as_csv(";").split("\r\n")
    lines[1] = lines[1].replace("12.450", '"12.450')

    report = bring("orders", "\r\n".join(lines), TURKISH)

    assert (report.n_rows, report.n_new, report.n_rejected) == (3, 2, 1)
    [[line, column, _value, reason]] = rejected(report)
    assert (line, column, reason) == ("2", "Tutar", "a quote that is not closed")
    assert set(Order.objects.values_list("source_id")) == {("R-2",), ("R-3",)}


def test_a_row_with_cells_too_few_or_too_many_is_rejected_by_itself(bring, rejected):
    lines = as_csv(";").split("\r\n")
    lines[1] += ";fazla"
    lines[2] = "R-2;11"
    lines[3] += ";;"

    report = bring("orders", "\r\n".join(lines), TURKISH)

    assert (report.n_rows, report.n_new, report.n_rejected) == (3, 1, 2)
    assert [row[-1] for row in rejected(report)] == [
        "9 cells where the header has 8",
        "2 cells where the header has 8",
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl"])
def test_a_cell_of_two_million_characters_costs_its_row_only(bring, rejected, name):
    rows = as_typed()
    rows[1]["Oda"] = "x" * 2_000_000
    if name == "a.csv":
        content = as_csv(";").replace("Şömineli", "x" * 2_000_000)
    elif name == "a.parquet":
        out = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows), out)
        content = out.getvalue().to_pybytes()
    else:
        content = "\n".join(json.dumps(row, default=str) for row in rows)

    report = bring("orders", content, TURKISH if name == "a.csv" else PLAIN, name=name)

    assert (report.n_new, report.n_rejected) == (2, 1)
    [[line, column, value, reason]] = rejected(report)
    assert (line, column) == ("2", "Oda")
    assert value == "x" * 200 + "…"
    assert reason == "a cell of 2000000 characters; at most 65536 are read"


def test_a_line_that_is_no_json_object_is_rejected_by_itself(bring, rejected):
    lines = as_jsonl().split("\n")
    report = bring(
        "orders", "\n".join([lines[0], '{"half":', "[1]", lines[2]]), PLAIN, name="a.jsonl"
    )
    assert (report.n_rows, report.n_new, report.n_rejected) == (4, 2, 2)
    assert [row[0] for row in rejected(report)] == ["2", "3"]


def test_nested_json_is_reached_by_dotted_paths(bring):
    line = {
        "id": "o1", "customer": {"number": 7}, "state": "completed",
        "at": 1704454200, "total": {"net": 10.05},
    }  # fmt: skip
    mapping = """
    source = "shop"
    [columns]
    source_id = "id"
    profile_key = "customer.number"
    status = "state"
    ordered_at = "at"
    net_amount = "total.net"
    """
    bring("orders", json.dumps(line), mapping, name="a.jsonl")
    assert Order.objects.get().net_minor == 1005
    assert Profile.objects.get().identifiers.get().value == "shop:7"
