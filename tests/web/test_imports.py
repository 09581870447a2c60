"""Import: a file is brought, checked, let in, and reported on."""

from __future__ import annotations

import json
import sys

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.web import company as made_up

from pusula.lib import clock
from pusula.sources.models import Import
from pusula.web import uploads

pytestmark = pytest.mark.django_db

MAPPING = 'source = "pms"\n[columns]\nprofile_key = "No"\n'
REPORT = {
    "kind": "profiles",
    "file_name": "misafirler.csv",
    "import_id": None,
    "n_rows": 1_200,
    "n_new": 900,
    "n_changed": 80,
    "n_same": 200,
    "n_rejected": 20,
    "n_filtered": 0,
    "reject_file": None,
    "reasons": [
        {"column": "Doğum", "reason": "not a date", "n": 20, "line": 7, "value": "30.02.1990"}
    ],
    "notes": ["The file is read as cp1254."],
    "n_touched": 980,
}


@pytest.fixture(autouse=True)
def home(settings, tmp_path, monkeypatch):
    settings.PUSULA_HOME = tmp_path
    (tmp_path / "imports").mkdir()
    monkeypatch.setattr(uploads, "in_background", lambda function, *given: function(*given))
    return tmp_path


@pytest.fixture
def program(monkeypatch):
    """Let jobs be a small program: what it prints, what it says, and its status, by job."""
    jobs: dict[str, tuple[str, str, int]] = {uploads.CHECK: (json.dumps(REPORT), "", 0)}

    def command(_upload, name):
        out, said, status = jobs[name]
        script = "import sys; sys.stdout.write(sys.argv[1]); sys.stderr.write(sys.argv[2])"
        return [sys.executable, "-c", f"{script}; sys.exit({status})", out, said]

    monkeypatch.setattr(uploads, "command", command)
    return jobs


def page(client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def brought(client, name: str = "misafirler.csv", **changes: object) -> str:
    """Return the address of a new upload."""
    client.cookies["django_language"] = "en"
    file = SimpleUploadedFile(name, b"No;Ad\n1;Elif\n")
    answer = client.post(
        "/imports/", {"kind": "profiles", "file": file, "mapping": MAPPING} | changes
    )
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def only_upload() -> uploads.Upload:
    (place,) = uploads.folder().iterdir()
    found = uploads.find(place.name)
    assert found is not None
    return found


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_page_shows_the_form_and_the_history(deniz, language):
    shown = page(deniz, "/imports/", language)
    assert 'type="file"' in shown
    assert "bookings.csv" in shown
    Import.objects.all().delete()
    assert 'class="empty"' in page(deniz, "/imports/", language)


def test_a_file_is_kept_in_the_home_folder_and_checked(deniz, home, program):
    where = brought(deniz)
    upload = only_upload()
    assert upload.file.read_bytes() == b"No;Ad\n1;Elif\n"
    assert upload.file.is_relative_to(home)
    assert upload.mapping == MAPPING
    shown = page(deniz, where)
    assert "What the import would do" in shown
    assert "1,200" in shown
    assert "The file is read as cp1254." in shown


def test_rejected_rows_come_first(deniz, program):
    shown = page(deniz, brought(deniz))
    assert shown.index("20 rows rejected") < shown.index("What the import would do")
    assert "30.02.1990" in shown
    assert "Import the good rows" in shown


def test_the_mapping_may_come_as_a_file(deniz, program):
    file = SimpleUploadedFile("map.toml", ("\ufeff" + MAPPING).encode())
    brought(deniz, mapping="", map_file=file)
    assert only_upload().mapping == MAPPING


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mapping": " "}, "Choose a mapping file, or write the mapping here."),
        ({"file": ""}, "file-error"),
        ({"kind": "hotels"}, "field__error"),
        ({"map_file": b"\xff\xfe"}, "The mapping file is not UTF-8 text."),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_kept(deniz, changes, said):
    deniz.cookies["django_language"] = "en"
    if "map_file" in changes:
        changes = {"map_file": SimpleUploadedFile("map.toml", changes["map_file"])}
    given = {"kind": "profiles", "file": SimpleUploadedFile("a.csv", b"a"), "mapping": MAPPING}
    answer = deniz.post("/imports/", given | changes)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not uploads.folder().exists() or not list(uploads.folder().iterdir())


@pytest.mark.parametrize("name", ["../../etc/passwd", ".hidden.csv", "a\x00b.csv", "ç" * 300])
def test_the_name_of_a_file_stays_a_name(deniz, program, name):
    file = SimpleUploadedFile("x.csv", b"a")
    file._name = name
    upload = uploads.keep("profiles", file, MAPPING)
    assert upload.file.parent == upload.folder / "file"
    assert upload.file.is_file()
    assert not upload.file_name.startswith(".")


def test_a_large_file_is_moved_and_not_copied(deniz, settings, home, program):
    settings.FILE_UPLOAD_TEMP_DIR = home
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    brought(deniz, file=SimpleUploadedFile("big.csv", b"No\n" * 1_000))
    assert only_upload().file.stat().st_size == 3_000
    assert not list(home.glob("*.upload*"))


def test_a_file_that_cannot_be_read_says_why_and_lets_the_mapping_be_mended(deniz, program):
    program[uploads.CHECK] = ("", "10%\npusula: map.toml: [columns]: profile_key is missing\n", 1)
    where = brought(deniz)
    shown = page(deniz, where)
    assert "<b>map.toml: [columns]: profile_key is missing</b>" in shown
    assert "Check again" in shown
    program[uploads.CHECK] = (json.dumps(REPORT), "", 0)
    assert deniz.post(f"{where}check/", {"mapping": MAPPING + "\r\n# mended"})["Location"] == where
    assert only_upload().mapping == MAPPING + "\n# mended"
    assert "What the import would do" in page(deniz, where)


def test_an_upload_is_imported_only_after_it_was_checked(deniz, program):
    program[uploads.CHECK] = ("", "pusula: no", 1)
    where = brought(deniz)
    deniz.post(f"{where}import/")
    assert only_upload().job(uploads.IMPORT) is None


def test_an_import_leads_to_its_report_and_leaves_no_file_behind(deniz, program):
    done = Import.objects.get()
    program[uploads.IMPORT] = (json.dumps(REPORT | {"import_id": done.pk}), "", 0)
    where = brought(deniz)
    deniz.post(f"{where}import/")
    assert deniz.get(where)["Location"] == f"/imports/{done.pk}/"
    assert not only_upload().file.exists()
    part = deniz.get(where, headers={"HX-Request": "true"})
    assert part["HX-Redirect"] == f"/imports/{done.pk}/"


def test_an_import_that_failed_says_why(deniz, program):
    program[uploads.IMPORT] = ("", "pusula: the database refused the rows", 1)
    where = brought(deniz)
    deniz.post(f"{where}import/")
    shown = page(deniz, where)
    assert "nothing of the file was kept" in shown
    assert "the database refused the rows" in shown


@pytest.mark.parametrize("language", ["tr", "en"])
def test_a_job_under_way_shows_its_last_words_and_asks_again(deniz, program, monkeypatch, language):
    program[uploads.CHECK] = ("", "Reading · 10%\nReading · 40% · 3 s left\n", 0)
    where = brought(deniz)
    (only_upload().folder / "check" / "status").unlink()
    monkeypatch.setattr(uploads, "_lives", lambda _place: True)
    shown = page(deniz, where, language)
    assert "Reading · 40% · 3 s left" in shown
    assert "Reading · 10%" not in shown
    assert 'hx-trigger="every 1s"' in shown


def test_a_job_that_died_with_the_server_can_be_started_again(deniz, program):
    where = brought(deniz)
    place = only_upload().folder / "check"
    (place / "status").unlink()
    (place / "pid").write_text("999999999")
    assert "The program was stopped before it finished." in page(deniz, where)
    deniz.post(f"{where}check/", {"mapping": MAPPING})
    assert "What the import would do" in page(deniz, where)


def test_a_file_is_dropped_with_everything_of_it(deniz, program):
    where = brought(deniz)
    assert deniz.post(f"{where}drop/")["Location"] == "/imports/"
    assert list(uploads.folder().iterdir()) == []
    assert deniz.get(where).status_code == 404


def test_files_nobody_came_back_to_are_removed(deniz, program, monkeypatch):
    brought(deniz)
    later = made_up.NOW + uploads.KEPT_FOR + clock.SECOND
    monkeypatch.setattr(clock, "now", lambda: later)
    uploads.keep("profiles", SimpleUploadedFile("b.csv", b"b"), MAPPING)
    assert only_upload().file_name == "b.csv"


def test_a_job_is_the_command_a_person_would_type(deniz, program, monkeypatch):
    monkeypatch.undo()
    upload = uploads.Upload("t" * 22, "orders", "bookings.csv", 1, 1)
    check, bring_in = (
        uploads.command(upload, uploads.CHECK),
        uploads.command(upload, uploads.IMPORT),
    )
    assert check[1:5] == ["-m", "pusula.ops.main", "import", "orders"]
    assert check[-2:] == ["--json", "--dry-run"]
    assert bring_in == check[:-1]


@pytest.mark.parametrize("token", ["..", "a" * 21, "a" * 22, "a" * 21 + "/"])
def test_an_upload_that_is_not_there_is_404(deniz, token):
    assert deniz.get(f"/imports/uploads/{token}/").status_code == 404


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_report_shows_rejects_first_and_gives_them_as_a_file(deniz, home, language):
    done = Import.objects.get()
    Import.objects.update(reject_file="1-rejected.csv", reasons=REPORT["reasons"])
    (home / "imports" / "1-rejected.csv").write_text("\ufeffline;column\n7;Doğum\n")
    shown = page(deniz, f"/imports/{done.pk}/", language)
    assert shown.index("30.02.1990") < shown.index("400")
    file = deniz.get(f"/imports/{done.pk}/rejects/")
    assert file["Content-Disposition"] == 'attachment; filename="1-rejected.csv"'
    assert "Doğum" in b"".join(file.streaming_content).decode("utf-8-sig")


def test_an_import_without_rejects_has_no_reject_file(deniz):
    done = Import.objects.get()
    Import.objects.update(n_rejected=0)
    assert "No row was rejected." in page(deniz, f"/imports/{done.pk}/")
    assert deniz.get(f"/imports/{done.pk}/rejects/").status_code == 404


def test_a_failed_import_says_that_nothing_was_kept(deniz):
    done = Import.objects.get()
    Import.objects.update(state="failed", error="bookings.csv: empty")
    shown = page(deniz, f"/imports/{done.pk}/")
    assert "Nothing of the file was kept." in shown
    assert "bookings.csv: empty" in shown
    assert "Failed" in page(deniz, "/imports/")


def test_imports_are_for_people_who_have_signed_in(client):
    for path in (
        "/imports/",
        "/imports/1/",
        "/imports/1/rejects/",
        f"/imports/uploads/{'a' * 22}/",
    ):
        assert client.get(path)["Location"].startswith("/login/")
