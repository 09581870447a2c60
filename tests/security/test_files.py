"""Files made to hurt: bombs, names that lead elsewhere, cells that calculate."""

from __future__ import annotations

import csv
import gzip
import io
import re
import tracemalloc
import zipfile

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st

from pusula.lib.spreadsheets import FORMULA_STARTS, bare, guarded
from pusula.lib.text import fold
from pusula.privacy import export, stores
from pusula.profiles.models import Profile
from pusula.sources import uploads
from pusula.sources.errors import FileError
from pusula.sources.look.file import look

MB = 2**20
FORMULAS = [f'{start}HYPERLINK("https://evil.example";"x")' for start in FORMULA_STARTS]


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.PUSULA_HOME = tmp_path / "home"
    settings.PUSULA_HOME.mkdir()
    return settings.PUSULA_HOME


@pytest.fixture
def peak():
    """Return a function that runs another and tells how many bytes Python and Arrow held."""

    def run(call) -> int:
        before = pa.total_allocated_bytes()
        tracemalloc.start()
        try:
            call()
            return tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - before
        finally:
            tracemalloc.stop()

    return run


def test_a_small_parquet_that_holds_gigabytes_is_looked_at_in_little_memory(tmp_path, peak):
    """20 million equal rows of 200 characters: 4 GB in less than a megabyte."""
    file = tmp_path / "bomb.parquet"
    one = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(2_000_000, np.int32)), pa.array(["x" * 200])
    )
    with pq.ParquetWriter(file, pa.schema([("e_mail", one.type)])) as writer:
        for _part in range(10):
            writer.write_table(pa.table({"e_mail": one}))
    assert file.stat().st_size < MB

    assert peak(lambda: look(file)) < 64 * MB


def test_a_workbook_that_unpacks_to_a_gigabyte_is_refused_before_it_is_unpacked(tmp_path, peak):
    file = tmp_path / "bomb.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.save(file)
    with (
        zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet2.xml", "w", force_zip64=True) as sheet,
    ):
        for _part in range(1_100):
            sheet.write(b"0" * MB)

    def refused() -> None:
        with pytest.raises(FileError, match="1 GB"):
            look(file)

    assert peak(refused) < 32 * MB


def test_a_line_of_two_hundred_megabytes_is_refused_with_a_sentence(tmp_path):
    file = tmp_path / "line.csv"
    with file.open("wb") as out:
        out.write(b"e-mail;name\n")
        for _part in range(200):
            out.write(b"x" * MB)
    with pytest.raises(FileError):
        look(file)


def test_a_gzip_is_no_table(tmp_path):
    file = tmp_path / "bomb.csv"
    file.write_bytes(gzip.compress(b"0" * 200 * MB))
    with pytest.raises(FileError):
        look(file)


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/cron.d/evil.csv",
        "/etc/passwd",
        "..\\..\\windows\\evil.csv",
        "evil\0.csv",
        "x" * 300 + ".csv",
        "ş" * 200 + ".csv",
        ".htaccess",
        "..",
        "CON.csv",
        "a\r\nSet-Cookie: x=1.csv",
        "\u202efdp.csv",
        "",
    ],
)
def test_an_upload_lies_in_its_own_folder_whatever_it_is_called(home, name):
    file = SimpleUploadedFile("plain.csv", b"e-mail\nayse@example.com\n")
    file._name = name  # what a client says, past the form's own care
    kept = uploads.keep("profiles", file)

    assert kept.file.resolve().is_relative_to((home / "uploads" / kept.token).resolve())
    assert kept.file.read_bytes() == b"e-mail\nayse@example.com\n"
    assert kept.file_name.isprintable()
    assert "/" not in kept.file_name
    assert uploads.find(kept.token) == kept


@pytest.mark.parametrize("token", ["../../x", "..", "", "a" * 22 + "/..", "\0" * 22, "a" * 2_000])
def test_no_token_leads_out_of_the_uploads(home, token):
    assert uploads.find(token) is None


@given(st.text(max_size=40))
def test_a_guarded_cell_calculates_nothing_and_comes_back_as_it_was(text):
    told = guarded(text)
    assert not told.startswith(FORMULA_STARTS)
    assert bare(told) == text or text.startswith("'")


@pytest.mark.django_db(databases=["default", "log"])
@pytest.mark.parametrize("formula", FORMULAS, ids=range(len(FORMULAS)))
def test_an_export_of_a_persons_data_calculates_nothing(company, formula):
    person = company.elif_
    Profile.objects.filter(pk=person.pk).update(first_name=formula, name_key=fold(formula))
    made = export.make(person.pk, actor="deniz", reason="asked by letter")
    cells = []
    with zipfile.ZipFile(stores.export_folder() / made.file_name) as archive:
        for name in archive.namelist():
            assert re.fullmatch(r"[\w./-]+", name)
            if name.endswith(".csv"):
                told = archive.read(name).decode("utf-8-sig")
                cells += [c for row in csv.reader(io.StringIO(told), delimiter=";") for c in row]
    assert guarded(formula) in cells
    assert not any(
        c.startswith(FORMULA_STARTS) and not c.lstrip("-").replace(".", "", 1).isdecimal()
        for c in cells
    )
