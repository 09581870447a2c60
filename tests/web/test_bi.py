"""The page of analysts' tables: what is there, who may take it, who may change it."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.test import Client

from pusula.destinations.bi import background, exporting, queries, views
from pusula.ops import bi as command
from pusula.ops import users
from pusula.ops.run import run
from pusula.privacy.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path, english):
    settings.PUSULA_HOME = tmp_path
    return tmp_path


@pytest.fixture
def analyst(company) -> Client:
    """Return the browser of somebody who may look at pages and nothing else."""
    client = Client()
    client.cookies["django_language"] = "en"
    client.force_login(User.objects.create_user("oya"))
    return client


@pytest.fixture
def admin(company) -> Client:
    client = Client()
    client.cookies["django_language"] = "en"
    client.force_login(User.objects.create_superuser("ayse"))
    return client


def test_before_anything_was_written_the_page_says_what_it_is_for(analyst):
    page = analyst.get("/bi/").content.decode()
    assert "No file was written yet" in page
    assert "Write them now" not in page
    assert "<form" not in page.split("<main")[1].split("</main>")[0]


def test_files_are_handed_out_to_who_has_the_right_and_it_stands_in_the_audit_log(
    analyst, admin, home
):
    exporting.run(home / "bi")
    assert "master_table" in analyst.get("/bi/").content.decode()
    assert analyst.get("/bi/files/orders.parquet").status_code == 403
    granted = CliRunner().invoke(users.users, ["grant", "oya", "download-tables"])
    assert granted.exit_code == 0, granted.output
    told = analyst.get("/bi/files/orders.parquet")
    assert pq.read_table(io.BytesIO(b"".join(told.streaming_content))).num_rows > 0
    entry = AuditEntry.objects.get(verb="bi.fetched")
    assert (entry.actor, entry.object) == ("oya", "orders.parquet")
    for name in ("manifest.json", "..", "%2e%2e%2fsecret.key", "nothing.csv"):
        assert analyst.get(f"/bi/files/{name}").status_code == 404


def test_settings_are_changed_by_who_has_the_right(analyst, admin):
    given = {"is_on": "on", "format": "csv", "every_hours": "6", "with_identifiers": "on"}
    assert analyst.post("/bi/", given).status_code == 403
    assert admin.post("/bi/", given).status_code == 302
    chosen = queries.chosen()
    assert (chosen.is_on, chosen.format, chosen.every_hours) == (True, "csv", 6)
    assert AuditEntry.objects.get(verb="bi.identifiers_on").actor == "ayse"
    assert "The tables hold names" in admin.get("/bi/").content.decode()
    assert admin.post("/bi/", given | {"every_hours": "-1"}).status_code == 422
    assert queries.chosen().every_hours == 6


def test_writing_now_begins_in_the_background(analyst, admin, monkeypatch):
    begun = []
    monkeypatch.setattr(background, "start", lambda: begun.append(1))
    assert analyst.post("/bi/refresh/").status_code == 403
    assert admin.post("/bi/refresh/").status_code == 302
    assert begun == [1]


def test_a_writing_that_failed_is_said(admin, home):
    exporting.run(home / "bi")
    (home / "bi" / ".new").write_text("in the way")
    with pytest.raises(exporting.BiError):
        exporting.run(home / "bi")
    page = admin.get("/bi/").content.decode()
    assert "The last writing failed" in page
    assert "master_table" in page


def test_the_dictionary_names_every_column(analyst):
    page = analyst.get("/bi/dictionary/").content.decode()
    for name in ("master_table", "n_orders", "in_lapsing", "bi_journey_enrollments"):
        assert name in page


def test_the_command_writes_files_and_views_and_says_what_they_hold(company, home):
    told = CliRunner().invoke(command.bi, ["export", "--format", "csv", "--to", str(home / "x")])
    assert told.exit_code == 0, told.output
    assert "master_table.csv: 80 rows" in told.output
    assert CliRunner().invoke(command.bi, ["views", "install"]).exit_code == 0
    assert "bi_orders" in views.installed()
    shown = CliRunner().invoke(command.bi, ["dictionary", "--language", "en"]).output
    assert "## master_table" in shown
    assert "`n_orders`" in shown
    told = CliRunner().invoke(command.bi, ["set", "--on", "--every-hours", "2"])
    assert "is_on = True" in told.output
    assert CliRunner().invoke(command.bi, ["views", "drop"]).exit_code == 0
    assert views.installed() == []


def test_a_run_writes_the_files_if_they_are_wanted_and_old(company, home, monkeypatch):
    monkeypatch.setattr("pusula.ops.run.proposals.is_due", lambda: False)
    monkeypatch.setattr("pusula.ops.run.predicting.is_due", lambda: False)
    CliRunner().invoke(run, [])
    assert not (home / "bi").exists()
    CliRunner().invoke(command.bi, ["set", "--on"])
    CliRunner().invoke(run, [])
    first = (home / "bi" / "manifest.json").stat().st_ino
    CliRunner().invoke(run, [])
    assert (home / "bi" / "manifest.json").stat().st_ino == first
    CliRunner().invoke(command.bi, ["set", "--every-hours", "0"])
    CliRunner().invoke(run, [])
    assert (home / "bi" / "manifest.json").stat().st_ino != first
