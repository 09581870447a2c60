"""Journeys written as YAML text that people read and change."""

from __future__ import annotations

import yaml

_WIDTH = 96


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines in one, with its breaks as signs."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def written(document: dict[str, object]) -> str:
    """Return ``document`` as YAML that reads well: what fits stands in one line."""
    return "".join(f"{line}\n" for line in _mapping(document, 0)).rstrip("\n")


def _mapping(document: dict[str, object], indent: int) -> list[str]:
    found = []
    for name, value in document.items():
        head = " " * indent + f"{_flow(name)}:"
        if _is_short(head, value, indent):
            found.append(f"{head} {_flow(value)}")
        else:
            found += [head, *_below(value, indent + 2)]
    return found


def _below(value: object, indent: int) -> list[str]:
    if isinstance(value, dict):
        return _mapping(value, indent)
    if isinstance(value, list):
        return [line for each in value for line in _item(each, indent)]
    return [" " * indent + _flow(value)]


def _item(value: object, indent: int) -> list[str]:
    space = " " * indent
    if not isinstance(value, dict) or _is_short(f"{space}-", value, 1):
        return [f"{space}- {_flow(value)}"]
    first, *rest = _mapping(value, indent + 2)
    return [f"{space}- {first.lstrip()}", *rest]


def _is_short(head: str, value: object, indent: int) -> bool:
    """Return whether ``value`` may stand behind ``head`` in one line."""
    if not value or not isinstance(value, (dict, list)):
        return True
    if isinstance(value, list) and not indent and any(isinstance(v, dict) for v in value):
        return False
    return len(f"{head} {_flow(value)}") <= _WIDTH


def _flow(value: object) -> str:
    """Return ``value`` as YAML in one line."""
    text = yaml.dump(
        value, Dumper=_Dumper, allow_unicode=True, default_flow_style=True, sort_keys=False,
        width=1_000_000,
    )  # fmt: skip
    return text.removesuffix("\n").removesuffix("\n...")
