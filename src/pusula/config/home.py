"""The home folder of an installation: its settings file, secret, databases and lock files."""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import available_timezones

from pusula.lib import money
from pusula.lib.errors import PusulaError

SETTINGS_FILE = "pusula.toml"
LOG_FILE = "log.db"
SQLITE = "django.db.backends.sqlite3"
SECRET_FILE = "secret.key"  # noqa: S105 - a file name


class SettingsError(PusulaError):
    """A setting of the home folder or the environment cannot be used."""

    code = "bad_setting"


@dataclass(frozen=True)
class Company:
    """What the installation knows of the company it serves."""

    name: str = "Pusula"
    currency: str = "TRY"
    time_zone: str = "Europe/Istanbul"
    language: str = "tr"
    phone_region: str = "TR"
    from_address: str = "Pusula <pusula@example.com>"
    public_url: str = "http://127.0.0.1:8000"


def path() -> Path:
    """Return the home folder: ``PUSULA_HOME``, else ``pusula-home`` in the working folder."""
    return Path(os.environ.get("PUSULA_HOME", "pusula-home")).expanduser().absolute()


def create(home: Path, company: Company | None = None) -> bool:
    """Make the home folder with its secret and settings file; return whether it was new.

    What is already there stays untouched.
    """
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    secret = home / SECRET_FILE
    if not secret.exists():
        _write_new(secret, secrets.token_urlsafe(48))
    settings = home / SETTINGS_FILE
    if settings.exists():
        return False
    company = company or Company()
    lines = [f"{key} = {_toml(value)}" for key, value in vars(company).items()]
    _write_new(settings, "[company]\n" + "\n".join(lines) + "\n")
    return True


def configure(home: Path, changes: dict[str, str]) -> None:
    """Set ``changes`` in the settings file of ``home``; other lines and comments stay.

    Raises ``SettingsError``, and changes nothing, if the result could not be read back.
    """
    file = home / SETTINGS_FILE
    before = file.read_text(encoding="utf-8")
    text = before
    for key, value in changes.items():
        line = f"{key} = {_toml(value)}"
        present = re.search(rf"^{re.escape(key)}\s*=.*$", text, re.MULTILINE)
        if present:
            text = text[: present.start()] + line + text[present.end() :]
        else:
            text = text.replace("[company]\n", f"[company]\n{line}\n", 1)
    _read(text, file)
    written = tomllib.loads(text).get("company", {})
    if lost := [key for key, value in changes.items() if written.get(key) != value]:
        raise SettingsError(f"{file}: {lost[0]} has to be written into its [company] part by hand")
    if text != before:
        file.write_text(text, encoding="utf-8")


def company(home: Path) -> Company:
    """Return the company settings of ``home``, defaults where the file or a line is missing."""
    file = home / SETTINGS_FILE
    found = _read(file.read_text(encoding="utf-8"), file) if file.exists() else Company()
    return replace(found, public_url=_public_url(found.public_url))


def _read(text: str, file: Path) -> Company:
    try:
        given = tomllib.loads(text).get("company", {})
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from error
    known = set(Company.__dataclass_fields__)
    if strange := sorted(set(given) - known):
        choices = ", ".join(sorted(known))
        raise SettingsError(f"{file}: [company] {strange[0]} is no setting; there are: {choices}")
    if wrong := [key for key, value in given.items() if not isinstance(value, str)]:
        raise SettingsError(f"{file}: [company] {wrong[0]} is a text in quotes")
    if "currency" in given:
        given["currency"] = money.currency(given["currency"])
    if "public_url" in given and urlsplit(given["public_url"]).scheme not in {"http", "https"}:
        raise SettingsError(f"{file}: [company] public_url starts with https:// or http://")
    if "time_zone" in given and given["time_zone"] not in available_timezones():
        raise SettingsError(f"{file}: [company] time_zone {given['time_zone']!r} is no zone")
    return Company(**given)


def _public_url(configured: str) -> str:
    """Return the address under which people reach the pages, without a slash at its end."""
    return os.environ.get("PUSULA_PUBLIC_URL", configured).rstrip("/")


def channels(home: Path) -> dict[str, object]:
    """Return the [channels] part of the settings file: which provider serves which channel."""
    file = home / SETTINGS_FILE
    if not file.exists():
        return {}
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8")).get("channels", {})
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from error
    if not isinstance(found, dict):
        raise SettingsError(f"{file}: channels is a table such as [channels.sms]")
    return found


def secret(home: Path) -> str:
    """Return the secret that signs cookies and links; a passing one if there is no home yet."""
    file = home / SECRET_FILE
    return file.read_text(encoding="ascii") if file.exists() else secrets.token_urlsafe(48)


def database(home: Path) -> dict[str, object]:
    """Return Django's database settings: ``PUSULA_DATABASE_URL``, else SQLite inside ``home``."""
    url = os.environ.get("PUSULA_DATABASE_URL", "")
    if not url:
        return _sqlite(home / "pusula.db")
    parts = urlsplit(url)
    if parts.scheme in {"postgresql", "postgres"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "OPTIONS": dict(parse_qsl(parts.query)),
        }
    if parts.scheme == "sqlite":
        return _sqlite(Path(unquote(parts.path)))
    raise SettingsError(
        f"PUSULA_DATABASE_URL starts with {parts.scheme!r}: "
        "use postgresql://user:password@host:port/name or sqlite:///path"
    )


def log_database(home: Path) -> dict[str, object]:
    """Return Django's settings of the log's database: on SQLite a file beside the main one.

    Elsewhere it is the main database through a connection of its own: an append commits alone.
    """
    main = database(home)
    if main["ENGINE"] == SQLITE:
        # A page of the log's index changes with almost every entry: moved over later, it is moved
        # over less often. 32 MB of it wait at most.
        return _sqlite(
            Path(str(main["NAME"])).with_name(LOG_FILE), "; PRAGMA wal_autocheckpoint=8000"
        )
    return main | {"TEST": {"MIRROR": "default"}}


def _sqlite(file: Path, more: str = "") -> dict[str, object]:
    # FULL: a committed row survives a power cut. IMMEDIATE: two writers queue instead of failing.
    return {
        "ENGINE": SQLITE,
        "NAME": str(file),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 60,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; "
                f"PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY{more}"
            ),
        },
    }


def _write_new(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)


def _toml(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
