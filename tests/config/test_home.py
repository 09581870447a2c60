"""The home folder."""

import os
import subprocess
import sys

import pytest

from pusula.config import home


def test_a_new_home_has_a_secret_that_stays(tmp_path):
    folder = tmp_path / "home"
    assert home.create(folder)
    secret = home.secret(folder)
    assert not home.create(folder)
    assert home.secret(folder) == secret
    assert len(secret) > 40


def test_the_secret_is_readable_by_its_owner_alone(tmp_path):
    home.create(tmp_path)
    assert (tmp_path / home.SECRET_FILE).stat().st_mode & 0o077 == 0


def test_settings_written_at_creation_are_read_back(tmp_path, monkeypatch):
    monkeypatch.delenv("PUSULA_PUBLIC_URL", raising=False)
    company = home.Company(name='Lodos "Otelleri"', currency="EUR")
    home.create(tmp_path, company)
    assert home.company(tmp_path) == company


def test_an_unknown_setting_names_the_file_and_the_choices(tmp_path):
    (tmp_path / home.SETTINGS_FILE).write_text("[company]\ncurency = 'TRY'\n")
    with pytest.raises(home.SettingsError, match=r"curency is no setting; there are: currency"):
        home.company(tmp_path)


def test_a_postgresql_address_becomes_djangos_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("PUSULA_DATABASE_URL", "postgresql://u:p%40ss@db:5433/pusula")
    settings = home.database(tmp_path)
    assert settings["NAME"] == "pusula"
    assert settings["PASSWORD"] == "p@ss"
    assert settings["PORT"] == "5433"


def test_a_database_of_another_kind_is_refused_with_the_choices(tmp_path, monkeypatch):
    monkeypatch.setenv("PUSULA_DATABASE_URL", "mysql://localhost/x")
    with pytest.raises(home.SettingsError, match="postgresql://"):
        home.database(tmp_path)


def test_settings_are_set_by_key_and_comments_stay(tmp_path, monkeypatch):
    monkeypatch.delenv("PUSULA_PUBLIC_URL", raising=False)
    home.create(tmp_path)
    file = tmp_path / home.SETTINGS_FILE
    file.write_text("# ours\n" + file.read_text())
    home.configure(tmp_path, {"name": r"Deniz \\1 & Oğulları", "currency": "EUR"})
    assert home.company(tmp_path) == home.Company(name=r"Deniz \\1 & Oğulları", currency="EUR")
    assert file.read_text().startswith("# ours\n[company]\n")


@pytest.mark.parametrize(
    ("key", "value"), [("curency", "TRY"), ("currency", "XYZ"), ("time_zone", "Europe/Ankara")]
)
def test_a_setting_that_cannot_be_read_back_changes_nothing(tmp_path, key, value):
    home.create(tmp_path)
    before = (tmp_path / home.SETTINGS_FILE).read_text()
    with pytest.raises(home.PusulaError):
        home.configure(tmp_path, {key: value})
    assert (tmp_path / home.SETTINGS_FILE).read_text() == before


def test_a_setting_that_cannot_be_placed_is_said(tmp_path):
    (tmp_path / home.SETTINGS_FILE).write_text("[company] # ours\n")
    with pytest.raises(home.SettingsError, match="currency has to be written"):
        home.configure(tmp_path, {"currency": "EUR"})


def test_the_host_of_the_public_address_is_answered(tmp_path):
    code = "from django.conf import settings; print(settings.ALLOWED_HOSTS)"
    environment = os.environ | {
        "PUSULA_HOME": str(tmp_path),
        "PUSULA_PUBLIC_URL": "https://crm.example.com/",
        "DJANGO_SETTINGS_MODULE": "pusula.config.settings",
    }
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "'crm.example.com'" in said.stdout
