"""Conditions said in plain Turkish and English.

The one place where words depend on the language by code and not by catalogue: word order, plurals
and negation are grammar. Data values are quoted and never take a suffix.
"""

from __future__ import annotations

from collections.abc import Mapping

from pusula.segments.language.nodes import Condition, Definition
from pusula.segments.language.sentences.english import English
from pusula.segments.language.sentences.printer import Printer
from pusula.segments.language.sentences.turkish import Turkish

_PRINTERS: dict[str, type[Printer]] = {"tr": Turkish, "en": English}
LANGUAGES = tuple(_PRINTERS)


def sentence(
    node: Definition | Condition, language: str, titles: Mapping[str, str] | None = None
) -> str:
    """Return what ``node`` asks of a profile as one sentence in ``language`` ("tr" or "en").

    ``titles`` are the names of other segments by key; one that is not there is called by its key.
    """
    condition = node.where if isinstance(node, Definition) else node
    return _PRINTERS[language](condition, titles or {}).sentence(condition)
