"""A file nobody described: what a look at it finds, and the mapping it proposes."""

from __future__ import annotations

import codecs
import io
import json
import tomllib
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusula.orders.models import Order
from pusula.sources import actions, toml
from pusula.sources.errors import FileError
from pusula.sources.files import sheets
from pusula.sources.look import cells, dates, draft
from pusula.sources.look.file import Look, from_json, look, signature

pytestmark = pytest.mark.django_db

HEADER = ["Rezervasyon No", "Misafir No", "Durum", "Kayıt Tarihi", "Giriş", "Toplam Tutar", "Tel"]
ROWS = [
    ["R-1", "10", "Ayrıldı", "25.01.2025 14:30", "01.02.2025", "12.450,50 TL", "0532 123 45 67"],
    ["R-2", "11", "İptal", "06.01.2025 09:00", "01.03.2025", "980", "0542 123 45 67"],
    ["R-3", "12", "Kapora", "07.01.2025 00:00", "10.03.2025", "1.000,05", "5,32123E+09"],
]


def seen(tmp_path: Path, content: bytes | str, name: str = "file.csv") -> Look:
    place = tmp_path / name
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return look(place)


def table(rows=ROWS, header=HEADER, separator=";") -> str:
    return "\r\n".join(separator.join(row) for row in [header, *rows])


def column(found: Look, name: str):
    return next(one for one in found.columns if one.name == name)


def mapping(found: Look, kind: str = "orders") -> dict:
    return draft.document(found, kind, actions.KINDS[kind].fields, "pms")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (table().encode("cp1254"), "cp1254"),
        (table().encode(), "utf-8"),
        (codecs.BOM_UTF8 + table().encode(), "utf-8-sig"),
        (table(separator="\t").encode("utf-16"), "utf-16"),
        (table(separator="\t").encode("utf-16-le"), "utf-16-le"),
        (b"sep=|\r\n" + table(separator="|").encode(), "utf-8"),
    ],
)
def test_every_way_excel_writes_text_is_recognised_and_then_imported(
    bring, tmp_path, content, encoding
):
    found = seen(tmp_path, content)
    assert found.form.encoding == encoding
    assert [one.name for one in found.columns] == HEADER
    text = toml.dumps(mapping(found) | {"values": {"status": {"*": "confirmed"}}})
    assert bring("orders", content, text).n_new == 3
    assert Order.objects.get(source_id="R-1").net_minor == 1_245_050


def test_the_header_is_found_below_titles_and_the_sum_at_the_end_is_left_out(bring, tmp_path):
    content = f"LODOS OTEL;;;;;;\r\nListe 2025\r\n\r\n{table()}\r\nGenel Toplam;;;;;13.000,00;"
    found = seen(tmp_path, content)
    assert found.form.header_line == 4
    assert found.totals == ("Rezervasyon No", "Genel Toplam")
    made = mapping(found)
    assert made["filter"] == {"Rezervasyon No": {"not": ["Genel Toplam"]}}
    made["values"]["status"]["Kapora"] = "confirmed"
    report = bring("orders", content, toml.dumps(made))
    assert (report.n_new, report.n_filtered, report.n_rejected) == (3, 1, 0)


def test_columns_are_proposed_by_their_turkish_names_with_the_reason(tmp_path):
    found = seen(tmp_path, table())
    assert mapping(found)["columns"] == {
        "source_id": "Rezervasyon No",
        "profile_key": "Misafir No",
        "status": "Durum",
        "ordered_at": "Kayıt Tarihi",
        "starts_on": "Giriş",
        "net_amount": "Toplam Tutar",
        "phone": "Tel",
    }
    assert mapping(found)["values"]["status"] == {"Ayrıldı": "completed", "İptal": "cancelled"}
    assert mapping(found)["file"]["decimal"] == ","
    assert column(found, "Giriş").kind.reason == "3 of 3 cells are dates such as 01.02.2025"
    assert column(found, "Durum").words == (("Ayrıldı", 1), ("İptal", 1), ("Kapora", 1))


def test_damage_is_named_with_an_example(tmp_path):
    rows = [["1", "ÞÜKRÜ Þahin", "5,32123E+09"], ["2", "Ã¼mit", "0532 1234567 / 0542 1234567"]]
    found = seen(tmp_path, table(rows, ["No", "Ad Soyad", "Tel"]))
    assert "wrong encoding" in column(found, "Ad Soyad").warnings[0]
    assert "5,32123E+09" in column(found, "Tel").warnings[0]
    assert "two numbers" in column(found, "Tel").warnings[1]


def test_dates_are_asked_about_only_where_the_files_own_days_do_not_decide(tmp_path):
    doubtful = seen(tmp_path, "No;Tarih\r\n1;03.04.2025\r\n2;05.05.2025")
    (question,) = draft.date_questions(doubtful)
    assert (question.day_first, question.doubtful) == (None, "03.04.2025")
    first, second = dates.both_ways(question.doubtful)
    assert (first.month, second.month) == (4, 3)
    assert draft.file_table(doubtful, {question.shape: False})["dates"] == ["%m.%d.%Y"]

    decided = seen(tmp_path, "No;Tarih\r\n1;03/04/2025\r\n2;04/25/2025")
    (question,) = draft.date_questions(decided)
    assert (question.day_first, question.decides) == (False, "04/25/2025")
    typo = seen(tmp_path, "No;Tarih\r\n1;03.04.2025\r\n2;30.02.2025")
    assert draft.date_questions(typo)[0].day_first is None
    assert draft.date_questions(seen(tmp_path, "No;Tarih\r\n1;2025-04-03")) == []


@pytest.mark.parametrize("text", ["31.02.1990", "31/04/25", "02.30.1990", "1990-02-31", "0.1.1990"])
def test_a_day_that_no_month_has_is_no_date(text):
    assert dates.read([(text, 1)]) is None
    found = dates.read([(text, 1), ("28.02.1990", 3)])
    assert found is not None
    assert found.n == 3


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["12,5", "1.234,56"], cells.NUMBER),
        (["(123,45)", "₺5"], cells.NUMBER),
        (["E", "H"], cells.BOOL),
        (["Var", "Yok"], cells.BOOL),
        (["a@b.com", "c@d.org"], cells.EMAIL),
        (["0532 123 45 67", "+90 532 123 45 67"], cells.PHONE),
        (["5321234567.0", "5421234567.0"], cells.PHONE),
        (["2025-01-02", "2025-01-03"], cells.DAY),
        (["Ali", "Veli"], cells.TEXT),
        ([], cells.EMPTY),
    ],
)
def test_cells_are_of_the_kind_people_see_in_them(words, kind):
    assert cells.kind_of([(word, 1) for word in words], frozenset({str})).name == kind


def test_a_workbook_tells_its_sheets_and_the_types_of_its_cells(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Özet"
    guests = book.create_sheet("Misafirler")
    guests.append(["Misafir Listesi"])
    guests.append(["Misafir No", "Ad Soyad", "Doğum Tarihi", "Şehir"])
    guests.append([1, "Elif Doğan", "=1+1", "Bursa"])
    book["Özet"].append(["a", "b"])
    book["Özet"].append([1, 2])
    place = tmp_path / "guests.xlsx"
    book.save(place)
    assert look(place).sheets == ("Özet", "Misafirler")


def test_json_lines_and_parquet_are_looked_at_too(tmp_path):
    lines = '{"user": {"id": 1, "email": "a@b.com"}, "at": "2025-01-02T10:00:00Z"}\n'
    found = seen(tmp_path, lines, "events.jsonl")
    assert [one.name for one in found.columns] == ["user.id", "user.email", "at"]
    place = tmp_path / "t.parquet"
    pq.write_table(pa.table({"Müşteri No": [1, 2], "E-posta": ["a@b.com", None]}), place)
    assert mapping(look(place), "profiles")["columns"] == {
        "profile_key": "Müşteri No", "email": "E-posta",
    }  # fmt: skip


def test_repeated_and_nameless_columns_get_names(bring, tmp_path):
    content = "No;Tel;Tel;\r\n1;0532 123 45 67;0542 123 45 67;x"
    assert [one.name for one in seen(tmp_path, content + "\r\n").columns][:3] == [
        "No", "Tel (1)", "Tel (2)",
    ]  # fmt: skip
    text = 'source = "pms"\n[columns]\nprofile_key = "No"\nphone = "Tel (2)"\n'
    assert bring("profiles", content, text).n_new == 1


def test_a_look_survives_being_written_down(tmp_path):
    found = seen(tmp_path, table())
    assert from_json(json.loads(json.dumps(found.as_json()))) == found
    assert signature(["Tel", "AD"]) == signature(["ad", "TEL"])


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.dictionaries(WORDS, WORDS, max_size=5), st.lists(WORDS, max_size=3))
def test_whatever_a_document_says_its_text_says_too(words, listed):
    document = {
        "source": "pms",
        "columns": words,
        "values": {"status": words},
        "filter": {name: {"not": listed} for name in words},
    }
    document = {name: table for name, table in document.items() if table}
    if not words:
        document.pop("values")
    assert tomllib.loads(toml.dumps(document)) == document


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "file.csv", "empty"),
        (b"a" * (17 * 2**20), "file.csv", "16 million"),
        (";".join(f"c{n}" for n in range(1_000_000)).encode(), "file.csv", "columns"),
        (b"\0\1\2\3" * 100, "file.csv", "not a text file"),
        (b"PK\3\4 nonsense", "file.xlsx", "not an Excel file"),
        (b"nonsense", "file.parquet", "not a Parquet file"),
        (b"[1, 2]\n", "file.jsonl", "no JSON objects"),
    ],
)
def test_hostile_files_are_refused_with_a_sentence(tmp_path, content, name, said):
    with pytest.raises(FileError, match=said):
        seen(tmp_path, content, name)


def test_an_archive_that_says_it_unpacks_to_gigabytes_is_not_opened(tmp_path, monkeypatch):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 2_000_000)
        archive.writestr("../../evil.txt", b"x")
    monkeypatch.setattr(sheets, "MAX_UNZIPPED", 1_000_000)
    with pytest.raises(FileError, match="unpacked"):
        seen(tmp_path, out.getvalue(), "bomb.xlsx")
    assert not (tmp_path.parent.parent / "evil.txt").exists()
