"""Mapping documents as TOML text, in the order in which people read them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dumps(document: Mapping[str, Any]) -> str:
    """Return ``document`` as TOML: single values, then tables, then tables in tables.

    Values are texts, whole numbers, decimals, truth values, lists of texts, and tables.
    """
    lines = [f"{_key(k)} = {_value(v)}" for k, v in document.items() if not isinstance(v, Mapping)]
    for name, table in document.items():
        if isinstance(table, Mapping):
            lines += _table(name, table)
    return "\n".join(lines) + "\n"


def _table(name: str, table: Mapping[str, Any]) -> list[str]:
    own: dict[str, Any] = {}
    inner: dict[str, Any] = {}
    for key, value in table.items():
        (inner if name == "values" and isinstance(value, Mapping) else own)[key] = value
    lines = []
    if own:
        lines += ["", f"[{_key(name)}]", *(f"{_key(k)} = {_value(v)}" for k, v in own.items())]
    for key, values in inner.items():
        if values:
            lines += ["", f"[{_key(name)}.{_key(key)}]"]
            lines += [f"{_key(k)} = {_value(v)}" for k, v in values.items()]
    return lines


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return _text(str(value))


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
