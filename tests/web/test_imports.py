"""Import: a file is brought, checked, let in, and reported on."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.web import company as made_up

from pusula.lib import clock
from pusula.orders.models import Order
from pusula.privacy.models import AuditEntry
from pusula.sources import jobs, undo, uploads, worker
from pusula.sources.jobs import Task
from pusula.sources.models import Import, Job, JobState

pytestmark = pytest.mark.django_db

ORDERS = """No;Misafir No;Durum;Tarih;Tutar;E-posta
{}1;10;Ayrıldı;03.04.2025;1.234,50;a@example.com
{}2;11;Kapora;05.06.2025;99,00;b@example.com
{}3;12;İptal;30.02.2025;5,00;c@example.com
"""
MAPPING = 'source = "pms"\n[columns]\nprofile_key = "No"\n'
REASONS = [{"column": "Doğum", "reason": "not a date", "n": 20, "line": 7, "value": "30.02.1990"}]


@pytest.fixture(autouse=True)
def home(settings, tmp_path, monkeypatch):
    settings.PUSULA_HOME = tmp_path
    (tmp_path / "imports").mkdir()
    monkeypatch.setattr(worker.limits, "apply", lambda: None)
    return tmp_path


def page(client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def brought(client, content: str = ORDERS, kind: str = "orders", **changes: object) -> str:
    """Return the address of a new upload."""
    client.cookies["django_language"] = "en"
    file = SimpleUploadedFile("rezervasyonlar.csv", content.format("X", "X", "X").encode())
    answer = client.post("/imports/", {"kind": kind, "file": file} | changes)
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def work() -> list[str]:
    """Do what waits, as the worker does; return the tasks."""
    done = []
    while (job := jobs.take()) is not None:
        worker.run_job(job.pk)
        done.append(job.task)
    return done


def chosen(client, where: str, **changes: str) -> dict[str, str]:
    """Return what the mapping form holds as a browser would send it."""
    form = client.get(where + "?edit=1").context["form"]
    told = {f"field-{row.index}": row.choice for row in form.columns}
    for block in form.words:
        told |= {f"word-{block.field}-{row.index}": row.meaning for row in block.rows}
    told |= {f"const-{one.field}": one.value for one in form.constants}
    return told | {"source": form.source, "decimal": form.decimal} | changes


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


def test_a_file_is_mapped_checked_imported_and_taken_back_on_the_pages(deniz):
    where = brought(deniz)
    assert "Being looked at" in page(deniz, where)
    assert work() == [Task.LOOK]
    shown = page(deniz, where)
    assert "What does 03.04.2025 mean?" in shown
    assert "3 April 2025" in shown
    assert "4 March 2025" in shown
    assert "What do the words in Durum mean?" in shown
    assert shown.count("not said: these rows are rejected") > 1

    told = chosen(deniz, where, **{"word-status-1": "pending", "dates-0": "day", "check": "1"})
    assert deniz.post(f"{where}mapping/", told)["Location"] == where
    assert work() == [Task.CHECK]
    shown = page(deniz, where)
    assert shown.index("1 row rejected") < shown.index("What the import would do")
    assert "3 Apr 2025" in shown
    assert "1,234.50" in shown
    rows = b"".join(deniz.get(f"{where}rejects/").streaming_content).decode("utf-8-sig")
    assert rows.splitlines()[0] == "No;Misafir No;Durum;Tarih;Tutar;E-posta;line;reason"
    assert rows.splitlines()[1].startswith("X3;12;İptal;30.02.2025;5,00;c@example.com;4;Tarih: ")
    assert not Order.objects.filter(source_id="X1").exists()

    deniz.post(f"{where}import/")
    assert work() == [Task.IMPORT]
    report = deniz.get(where)["Location"]
    assert Order.objects.get(source_id="X2").status == "pending"
    assert not only_upload().file.exists()

    deniz.post(f"{report}undo/")
    assert work() == [Task.UNDO_CHECK]
    assert "Orders removed" in page(deniz, f"{report}undo/")
    assert Order.objects.filter(source_id="X1").exists()
    deniz.post(f"{report}undo/", {"undo": "1"})
    assert work() == [Task.UNDO]
    assert "Taken back" in page(deniz, report)
    assert not Order.objects.filter(source_id="X1").exists()
    assert AuditEntry.objects.filter(verb="import.undone").exists()


def test_the_next_file_with_these_columns_needs_no_mapping(deniz):
    where = brought(deniz)
    work()
    told = chosen(deniz, where, check="1", **{"word-status-1": "no_show"})
    deniz.post(f"{where}mapping/", told)
    work()
    deniz.post(f"{where}import/")
    work()
    uploads.remove(only_upload())
    again = brought(deniz, ORDERS.replace("1.234", "4.321"))
    work()
    assert "is used again" in page(deniz, again)
    assert 'Kapora = "no_show"' in only_upload().mapping


def test_the_form_says_what_is_missing_and_a_check_refuses_it(deniz):
    where = brought(deniz)
    work()
    told = chosen(deniz, where)
    told |= {name: "" for name, value in told.items() if value == "source_id"}
    shown = deniz.post(f"{where}mapping/", told).content.decode()
    assert "Still needed:" in shown
    assert "Order or booking number" in shown
    refused = deniz.post(f"{where}mapping/", told | {"check": "1"})
    assert refused.status_code == 422
    assert "source_id is missing" in refused.content.decode()
    assert not Job.objects.filter(task=Task.CHECK).exists()


def test_what_the_form_cannot_say_stays_in_the_text(deniz):
    where = brought(deniz)
    work()
    text = only_upload().mapping + '\n[filter]\nNo = { not_starts = "C" }\n[rates]\nEUR = 38.5\n'
    uploads.change_mapping(only_upload(), text)
    deniz.post(f"{where}mapping/", chosen(deniz, where))
    assert 'No = { not_starts = "C" }' in only_upload().mapping
    assert "EUR = 38.5" in only_upload().mapping
    answer = deniz.get(f"{where}mapping.toml")
    assert answer.content.decode() == only_upload().mapping
    assert "rezervasyonlar.toml" in answer["Content-Disposition"]


def test_customers_columns_become_traits(deniz):
    where = brought(deniz, "No;Ad Soyad;Doğum Tarihi;Kod\n1;Elif Doğan;25.01.1990;7\n", "profiles")
    work()
    told = chosen(deniz, where, **{"field-3": "+", "trait-3": "kod", "type-3": "number"})
    deniz.post(f"{where}mapping/", told)
    text = only_upload().mapping
    assert 'kod = { column = "Kod", type = "number" }' in text


def test_a_file_may_be_looked_at_again_in_another_way(deniz):
    where = brought(deniz, "a,b;c\n1,2;3\n" * 3, "profiles")
    work()
    deniz.post(f"{where}mapping/", {"again": "1", "separator": ",", "header_line": "1"})
    assert work() == [Task.LOOK]
    look = only_upload().look
    assert look is not None
    assert [one.name for one in look.columns] == ["a", "b;c"]


def test_a_mapping_may_come_with_the_file_and_is_checked_at_once(deniz):
    file = SimpleUploadedFile("map.toml", ("\ufeff" + MAPPING).encode())
    where = brought(deniz, "No;Ad\n1;Elif\n", "profiles", map_file=file)
    assert only_upload().mapping == MAPPING
    assert work() == [Task.LOOK, Task.CHECK]
    assert "What the import would do" in page(deniz, where)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"file": ""}, "file-error"),
        ({"kind": "hotels"}, "field__error"),
        ({"map_file": b"\xff\xfe"}, "The mapping file is not UTF-8 text."),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_kept(deniz, changes, said):
    deniz.cookies["django_language"] = "en"
    if "map_file" in changes:
        changes = {"map_file": SimpleUploadedFile("map.toml", changes["map_file"])}
    given = {"kind": "profiles", "file": SimpleUploadedFile("a.csv", b"a")}
    answer = deniz.post("/imports/", given | changes)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not uploads.folder().exists() or not list(uploads.folder().iterdir())


def test_what_a_mapping_lacks_is_said_without_a_word_of_its_file(deniz):
    deniz.cookies["django_language"] = "en"
    where = brought(deniz, "Ad\nAyşe", "profiles")
    work()
    told = {"mapping": 'source = "pms"\n[columns]\nfull_name = "Ad"\n'}
    said = deniz.post(f"{where}check/", told).content.decode()
    assert "The columns: needs one of profile_key, email and phone" in said
    assert "map.toml:" not in said


@pytest.mark.parametrize("name", ["../../etc/passwd", ".hidden.csv", "a\x00b.csv", "ç" * 300])
def test_the_name_of_a_file_stays_a_name(deniz, name):
    file = SimpleUploadedFile("x.csv", b"a")
    file._name = name
    upload = uploads.keep("profiles", file, MAPPING)
    assert upload.file.parent == upload.folder / "file"
    assert upload.file.is_file()
    assert not upload.file_name.startswith(".")


def test_a_large_file_is_moved_and_not_copied(deniz, settings, home):
    settings.FILE_UPLOAD_TEMP_DIR = home
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    brought(deniz, file=SimpleUploadedFile("big.csv", b"No\n" * 1_000))
    assert only_upload().file.stat().st_size == 3_000
    assert not list(home.glob("*.upload*"))


def test_a_file_that_cannot_be_read_says_why(deniz):
    where = brought(deniz, " \n ")
    work()
    shown = page(deniz, where)
    assert "rezervasyonlar.csv: the file holds no header" in shown
    assert "Drop the file" in shown


def test_an_upload_is_imported_only_after_it_was_checked(deniz):
    where = brought(deniz)
    work()
    deniz.post(f"{where}import/")
    assert work() == []


def test_a_part_of_the_page_is_led_to_the_report(deniz):
    where = brought(deniz)
    done = Import.objects.get()
    Job.objects.all().delete()
    Job.objects.create(
        task=Task.IMPORT, place=where.split("/")[-2], state=JobState.DONE, language="en",
        result={"import_id": done.pk}, created_at=1,
    )  # fmt: skip
    assert deniz.get(where)["Location"] == f"/imports/{done.pk}/"
    part = deniz.get(where, headers={"HX-Request": "true"})
    assert part["HX-Redirect"] == f"/imports/{done.pk}/"


@pytest.mark.parametrize("language", ["tr", "en"])
def test_a_job_under_way_shows_rows_rate_and_time_left(deniz, language):
    where = brought(deniz)
    job = jobs.take()
    assert job is not None
    jobs.tell(job.pk, jobs.Progress("reading", 0.4, 120_000, 98_000.0, 3.2))
    jobs.show_life()
    shown = page(deniz, where, language)
    assert {"tr": "120.000", "en": "120,000"}[language] in shown
    assert 'value="0.400"' in shown
    assert 'hx-trigger="every 1s"' in shown


def test_a_page_says_that_no_worker_runs(deniz):
    assert "no worker is running" in page(deniz, brought(deniz))


def test_a_job_whose_worker_died_begins_anew_and_says_so(deniz):
    where = brought(deniz)
    jobs.take()
    assert jobs.recover() == 1
    job = jobs.take()
    assert job is not None
    jobs.show_life()
    assert "the work began anew" in page(deniz, where)
    worker.run_job(job.pk)
    assert "Columns" in page(deniz, where)


def test_a_job_that_never_ends_well_fails_at_last(deniz):
    where = brought(deniz)
    for _try in range(jobs.MOST_TRIES):
        jobs.take()
        jobs.recover()
    assert jobs.take() is None
    assert "The program was stopped before it finished." in page(deniz, where)


def test_an_import_that_was_done_when_the_program_died_is_not_done_twice(deniz):
    where = brought(deniz)
    work()
    told = chosen(deniz, where, check="1", **{"word-status-1": "pending"})
    deniz.post(f"{where}mapping/", told)
    work()
    deniz.post(f"{where}import/")
    (job_id,) = Job.objects.filter(task=Task.IMPORT).values_list("pk", flat=True)
    file = only_upload().file.read_bytes()
    work()
    only_upload().file.parent.mkdir()
    only_upload().file.write_bytes(file)
    Job.objects.filter(pk=job_id).update(state=JobState.RUNNING, n_tries=1)
    jobs.recover()
    n = Import.objects.count()
    work()
    assert Import.objects.count() == n
    assert Job.objects.get(pk=job_id).state == JobState.DONE


def test_the_same_is_asked_for_once(deniz):
    first = jobs.put(Task.UNDO, "1", language="en")
    assert jobs.put(Task.UNDO, "1", language="en").pk == first.pk


def test_a_file_is_dropped_with_everything_of_it(deniz):
    where = brought(deniz)
    assert deniz.post(f"{where}drop/")["Location"] == "/imports/"
    assert list(uploads.folder().iterdir()) == []
    assert deniz.get(where).status_code == 404
    assert not Job.objects.exists()


def test_files_nobody_came_back_to_are_removed(deniz, monkeypatch):
    brought(deniz)
    later = made_up.NOW + uploads.KEPT_FOR + clock.SECOND
    monkeypatch.setattr(clock, "now", lambda: later)
    uploads.keep("profiles", SimpleUploadedFile("b.csv", b"b"), MAPPING)
    assert only_upload().file_name == "b.csv"


def test_an_old_import_cannot_be_taken_back(deniz, monkeypatch):
    done = Import.objects.get()
    assert "Was it the wrong file?" in page(deniz, f"/imports/{done.pk}/")
    late = made_up.NOW + undo.KEPT_FOR + clock.DAY
    monkeypatch.setattr(clock, "now", lambda: late)
    deniz.post(f"/imports/{done.pk}/undo/")
    work()
    assert "this one is older" in page(deniz, f"/imports/{done.pk}/undo/")


@pytest.mark.parametrize("token", ["..", "a" * 21, "a" * 22, "a" * 21 + "/"])
def test_an_upload_that_is_not_there_is_404(deniz, token):
    assert deniz.get(f"/imports/uploads/{token}/").status_code == 404


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_report_shows_rejects_first_and_gives_them_as_a_file(deniz, home, language):
    done = Import.objects.get()
    Import.objects.update(reject_file="1-rejected.csv", reasons=REASONS)
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
