"""The events that Pusula knows by name: what people call them, and what they do to orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any, cast

import yaml

from pusula.lib.text import code_key

# What an event can do to the order whose number it carries.
DEALS = ("placed", "changed", "cancelled", "refunded", "no_show", "arrived", "left")


@dataclass(frozen=True, slots=True)
class Known:
    """An event that has a title; ``stay`` is what a hotel calls the same, ``deal`` one of DEALS."""

    name: str
    tr: str
    en: str
    icon: str
    deal: str = ""
    stay: str = ""

    def title(self, language: str) -> str:
        """Return what people call it in ``language`` ("tr"; any other: English)."""
        return self.tr if language == "tr" else self.en


@cache
def events() -> Mapping[str, Known]:
    """Return the known events by name."""
    return MappingProxyType({name: Known(name, **told) for name, told in _file()["events"].items()})


@cache
def _file() -> dict[str, dict[str, Any]]:
    text = (resources.files("pusula.events") / "vocabulary.yaml").read_text(encoding="utf-8")
    return cast("dict[str, dict[str, Any]]", yaml.safe_load(text))


def title(name: str, language: str) -> str:
    """Return the title of an event; one we do not know is called as its sender calls it."""
    event = events().get(name)
    return name if event is None else event.title(language)


def property_title(name: str, language: str) -> str:
    """Return what the property ``name`` of events is called; one we do not know, by its name."""
    said: dict[str, str] = _file()["properties"].get(name, {})
    return said.get("tr" if language == "tr" else "en", name)


@lru_cache(maxsize=10_000)
def known(name: str) -> Known | None:
    """Return the event that a sender means by ``name``, however it writes capitals."""
    return events().get(name) or _by_key().get(code_key(name))


@cache
def _by_key() -> Mapping[str, Known]:
    return MappingProxyType({code_key(name): event for name, event in events().items()})
