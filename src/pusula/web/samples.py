"""The first rows of a checked file as a table in words: what each of them would be to Pusula."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pusula.lib import money
from pusula.web import codes, formats, mapping_words, titles

# Beside the number of the line; what repeats these in other words stays out.
_HIDDEN = frozenset({"met_at", "gross_base_minor", "net_base_minor", "dedupe_key"})


_WORDS = {code: word for words in mapping_words.MEANINGS.values() for code, word in words.items()}


@dataclass(frozen=True)
class Table:
    """Titles of the columns that hold something, and the rows as text."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table(told: Sequence[dict[str, Any]]) -> Table:
    """Return rows as ``Report.sample`` has them, without the columns that are empty in all."""
    names = [
        name
        for name in (told[0] if told else ())
        if name not in _HIDDEN and any(row.get(name) not in {None, ""} for row in told)
    ]
    return Table(
        tuple(_title(name) for name in names),
        tuple(tuple(_shown(name, row) for name in names) for row in told),
    )


def _title(name: str) -> str:
    if name.startswith("trait "):
        return titles.trait(name.removeprefix("trait "))
    return codes.called(mapping_words.SAMPLE, name)


def _shown(name: str, row: dict[str, Any]) -> str:
    value = row.get(name)
    if value is None or value == "":
        return formats.NOTHING
    if name.endswith("_at") or name == "at":
        return formats.moment(int(value))
    if name.endswith("_minor"):
        currency = str(row["currency"])
        exact = money.from_minor(int(value), currency)
        return f"{formats.number(exact, money.EXPONENTS[currency])} {currency}"
    if name in {"status", "channel"} and value in _WORDS:
        return str(_WORDS[value])
    return _coded(name, value)


def _coded(name: str, value: Any) -> str:
    if name == "key":
        return str(value).partition(":")[2]
    if name == "properties":
        return ", ".join(f"{key}: {one}" for key, one in json.loads(str(value)).items())[:120]
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "✓" if value else "–"
    if isinstance(value, float):
        return formats.number(value, 0 if value == int(value) else 2)
    if isinstance(value, int):
        return str(value)
    try:
        return formats.day(dt.date.fromisoformat(str(value)))
    except ValueError:
        return str(value)
