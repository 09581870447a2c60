"""An entry of the picker: what a condition can ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pusula.web.builder.editors import Editor


@dataclass(frozen=True)
class Pick:
    """An entry of the picker.

    ``preset`` fills a new condition. An entry that ``leads_to`` another one is a usual way to fill
    that in.
    """

    key: str
    title: str
    hint: str
    editor: Editor
    word: str
    preset: Mapping[str, str | list[str]] = field(default_factory=dict)
    leads_to: str = ""
