"""The rules of RFM as a file: TOML or YAML in, errors that name the place."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.rfm.rules import Config, Rerun

Made = TypeVar("Made")


class ConfigError(PusulaError):
    """The rules cannot be used."""

    code = "bad_rfm_config"


@dataclass(frozen=True)
class Project:
    """By which rules customers are grouped, and how often the limits are measured anew."""

    rules: Config
    rerun: Rerun = field(default_factory=Rerun)


def read(file: Path) -> Config:
    """Return the rules in ``file``; how often they are measured anew is left aside."""
    return read_project(file).rules


def read_project(file: Path) -> Project:
    """Return what ``file`` says: YAML if it ends in .yaml or .yml, else TOML."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            Saying("%(file)s: cannot be read: %(why)s", {"file": file, "why": error.strerror})
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Saying("%(file)s: is not UTF-8 text", {"file": file})) from error
    is_yaml = file.suffix in {".yaml", ".yml"}
    try:
        data = yaml.safe_load(text) if is_yaml else tomllib.loads(text)
    except (yaml.YAMLError, tomllib.TOMLDecodeError) as error:
        kind = "YAML" if is_yaml else "TOML"
        raise ConfigError(
            Saying(
                "%(file)s: not valid %(kind)s: %(error)s",
                {"file": file, "kind": kind, "error": error},
            )
        ) from error
    return parse_project(data or {}, str(file))


def parse_project(data: Any, where: str = "RFM") -> Project:
    """Return rules and re-runs of a plain mapping, the latter under ``rerun``."""
    if not isinstance(data, Mapping):
        return Project(parse(data, where))
    rest = {name: part for name, part in data.items() if name != "rerun"}
    rerun = _convert(data.get("rerun", {}), Rerun, f"{where}: rerun")
    return Project(parse(rest, where), rerun)


def parse(data: Any, where: str = "RFM") -> Config:
    """Return the rules of a plain mapping; ``where`` begins the sentence of an error."""
    return _convert(data, Config, where)


def _convert(data: Any, kind: type[Made], where: str) -> Made:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        path = re.sub(r"^`\$\.?|`$", "", place)
        raise ConfigError(f"{where}: {path}: {what}" if path else f"{where}: {what}") from error


def as_json(config: Config | Rerun) -> dict[str, Any]:
    """Return the rules as plain values that ``parse`` reads back."""
    plain: dict[str, Any] = msgspec.to_builtins(config)
    return plain


def key(config: Config) -> str:
    """Return a digest that is the same for the same rules.

    What is as usual does not count: rules that a later release adds change no key, so that runs
    before and after it are known to be of the same rules.
    """
    said = _unusual(as_json(config), as_json(Config()))
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


def _unusual(given: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """Return what of ``given`` differs from ``usual``, tables within tables included."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        as_usual = usual.get(name)
        if isinstance(value, dict) and isinstance(as_usual, dict):
            value = _unusual(value, as_usual) or as_usual  # noqa: PLW2901 - the same rule, shorter
        if value != as_usual:
            found[name] = value
    return found
