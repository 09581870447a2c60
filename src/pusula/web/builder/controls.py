"""What a row of the builder is made of: controls and words, ready for the template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pusula.lib.errors import PusulaError

Sort = Literal[
    "select", "number", "text", "many", "day", "yaml", "word", "button", "area", "time", "check"
]


@dataclass(frozen=True)
class Option:
    """A choice: what the form sends, what a person reads."""

    value: str
    words: str
    hint: str = ""


@dataclass(frozen=True)
class Control:
    """One box of a row. ``name`` is that of its field without the condition's id in front.

    ``redraws``: other boxes depend on it, so that a change draws the row anew. ``is_quiet`` marks
    what narrows (when, which rows) beside what is asked. ``is_closed``: there are no values but the
    options; ``none`` stands where none of them is chosen.
    """

    sort: Sort
    name: str = ""
    label: str = ""
    values: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    before: str = ""
    unit: str = ""
    redraws: bool = False
    is_quiet: bool = False
    is_closed: bool = False
    none: str = ""

    @property
    def value(self) -> str:
        """The only value, where there is one."""
        return self.values[0] if self.values else ""

    @property
    def chosen(self) -> list[str]:
        """What the options that are chosen say."""
        words = {option.value: option.words for option in self.options}
        return [words.get(value, value) for value in self.values]

    @property
    def free(self) -> list[Option]:
        """The options with the chosen ones that are not among them in front."""
        known = {option.value for option in self.options}
        return [*(Option(v, v) for v in self.values if v not in known), *self.options]

    def below(self, prefix: str) -> Control:
        """Return the same control for fields called ``prefix.NAME``."""
        return replace(self, name=f"{prefix}.{self.name}") if self.name else self


@dataclass(frozen=True)
class Line:
    """Controls that belong together; a leading word says what they are about."""

    controls: tuple[Control, ...]
    lead: str = ""
    indent: bool = False


@dataclass
class Row:
    """A condition as its editor draws it: the first line asks, the others narrow."""

    lines: list[Line] = field(default_factory=list)


class IncompleteError(PusulaError):
    """A condition says too little, or something it cannot mean: it is named and not counted."""

    code = "segment_incomplete"


def word(text: str) -> Control:
    """Return a word between controls."""
    return Control("word", label=text)


def select(
    name: str,
    label: str,
    value: str,
    options: Iterable[tuple[str, str]],
    *,
    redraws: bool = False,
    is_quiet: bool = False,
) -> Control:
    """Return a menu; a value that it does not have is put in front as it is."""
    found = [Option(key, str(words)) for key, words in options]
    if value and value not in {option.value for option in found}:
        found.insert(0, Option(value, value))
    return Control(
        "select",
        name,
        label,
        (value,),
        tuple(found),
        redraws=redraws,
        is_quiet=is_quiet,
    )


def number(name: str, label: str, value: str, unit: str = "", before: str = "") -> Control:
    """Return a box for a number with its unit inside."""
    return Control("number", name, label, (value,), unit=unit, before=before)


def text(name: str, label: str, value: str) -> Control:
    """Return a box for a text."""
    return Control("text", name, label, (value,))


def day(name: str, label: str, value: str) -> Control:
    """Return a box for a day."""
    return Control("day", name, label, (value,))


def many(name: str, label: str, values: Sequence[str], options: Iterable[Option]) -> Control:
    """Return a list to tick, to which other values can be added."""
    return Control("many", name, label, tuple(values), tuple(options))
