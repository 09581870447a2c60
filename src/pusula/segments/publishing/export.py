"""Definitions of this installation written as files, one YAML document each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.segments import catalog
from pusula.segments.language import DefinitionError, dump, read_yaml
from pusula.segments.publishing.changeset import documents_in_use

_WIDTH = 96
_GROUPS = frozenset({"all", "any"})


class ExportError(PusulaError):
    """A folder cannot take the definitions."""

    code = "segment_export"


def write(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Write every definition in use to ``folder``; yield each file and whether it changed.

    A file that holds a segment already is written again, whatever its name. Those of segments
    that are not in use are left alone.
    """
    definitions = documents_in_use()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            Saying(
                "%(folder)s: no folder to write to: %(why)s",
                {"folder": folder, "why": error.strerror},
            )
        ) from error
    places = _present(folder)
    for key, definition in definitions.items():
        path = places.get(key, folder / f"{key}.yaml")
        text = as_yaml(dump(definition))
        is_changed = not path.exists() or path.read_text(encoding="utf-8") != text
        if is_changed:
            path.write_text(text, encoding="utf-8")
        yield path, is_changed


def as_yaml(document: dict[str, object]) -> str:
    """Return ``document`` as YAML that reads well and always comes out the same."""
    return "".join(f"{line}\n" for line in _lines(document, 0))


def _present(folder: Path) -> dict[str, Path]:
    """Return where in ``folder`` a segment is defined already, by its key."""
    found = {}
    for path in sorted(folder.glob("*")):
        if path.suffix in catalog.SUFFIXES - {".json"}:
            try:
                document = read_yaml(path.read_text(encoding="utf-8"))
            except (DefinitionError, UnicodeDecodeError) as error:
                raise ExportError(
                    Saying("%(path)s: not a definition: move it away first", {"path": path})
                ) from error
            if isinstance(document, dict) and isinstance(key := document.get("segment"), str):
                found[key] = path
    return found


def _lines(document: dict[str, object], indent: int) -> Iterator[str]:
    space = " " * indent
    for name, value in document.items():
        head = f"{space}{_flow(name)}:"
        is_tall = not indent or _is_group(value) or len(f"{head} {_flow(value)}") > _WIDTH
        if isinstance(value, dict) and is_tall:
            yield head
            yield from _lines(value, indent + 2)
        elif isinstance(value, list) and name in _GROUPS:
            yield head
            for each in value:
                yield from _item(each, indent + 2)
        else:
            yield f"{head} {_flow(value)}"


def _item(value: dict[str, object], indent: int) -> Iterator[str]:
    """Yield a condition as an item of a list; each has one key."""
    space = " " * indent
    short = f"{space}- {_flow(value)[1:-1]}"
    if len(short) <= _WIDTH and not _is_group(value):
        yield short
        return
    first, *rest = _lines(value, indent + 2)
    yield f"{space}- {first.lstrip()}"
    yield from rest


def _is_group(value: object) -> bool:
    """Return whether ``value`` is a condition that has parts."""
    if not isinstance(value, dict):
        return False
    return any(key in _GROUPS or (key == "not" and _is_group(part)) for key, part in value.items())


def _flow(value: object) -> str:
    """Return ``value`` as YAML in one line."""
    text = yaml.safe_dump(
        value, allow_unicode=True, default_flow_style=True, sort_keys=False, width=1_000_000
    )
    return text.removesuffix("\n").removesuffix("\n...")
