"""The rules of an RFM run as a file: TOML or YAML in, errors that name the place."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import yaml

from pusula.lib.errors import PusulaError
from pusula.rfm.scoring import Config


class ConfigError(PusulaError):
    """The rules cannot be used."""

    code = "bad_rfm_config"


def read(file: Path) -> Config:
    """Return the rules in ``file``: YAML if it ends in .yaml or .yml, else TOML."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8 text") from error
    is_yaml = file.suffix in {".yaml", ".yml"}
    try:
        data = yaml.safe_load(text) if is_yaml else tomllib.loads(text)
    except (yaml.YAMLError, tomllib.TOMLDecodeError) as error:
        kind = "YAML" if is_yaml else "TOML"
        raise ConfigError(f"{file}: not valid {kind}: {error}") from error
    return parse(data or {}, str(file))


def parse(data: Any, where: str = "RFM") -> Config:
    """Return the rules of a plain mapping; ``where`` begins the sentence of an error."""
    try:
        return msgspec.convert(data, Config)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        path = re.sub(r"^`\$\.?|`$", "", place)
        raise ConfigError(f"{where}: {path}: {what}" if path else f"{where}: {what}") from error


def as_json(config: Config) -> dict[str, Any]:
    """Return the rules as plain values that ``parse`` reads back."""
    plain: dict[str, Any] = msgspec.to_builtins(config)
    return plain


def key(config: Config) -> str:
    """Return a digest that is the same for the same rules."""
    return hashlib.sha256(msgspec.json.encode(config, order="deterministic")).hexdigest()
