"""A value inside a definition with the path that leads to it, and errors that name both."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice

from pusula.lib.errors import PusulaError

_SHOWN = 40
_LONGEST_WORD = 200
_LISTED = 60  # words in one message
_HUGE = 2**64
_BLANKS = "\n\t"


class DefinitionError(PusulaError):
    """A definition says something the language does not know.

    ``path`` leads to the place (``where.all[1].orders.count``), ``problem`` says what was expected
    there, what was found and, where there is one, the nearest word that would do.
    """

    code = "segment_definition"

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Place:
    """A value as it was read, and where it stands."""

    value: object
    path: str

    def error(self, problem: str) -> DefinitionError:
        """Return an error that names this place."""
        return DefinitionError(self.path or "definition", problem)

    def expected(self, what: str) -> DefinitionError:
        """Return an error saying ``what`` was expected here and what was found."""
        return self.error(f"expected {what}, found {shown(self.value)}")

    def below(self, key: str, value: object) -> Place:
        """Return the place of ``value`` under ``key``."""
        return Place(value, f"{self.path}.{key}" if self.path else key)

    def fields(self, what: str) -> dict[str, Place]:
        """Return the places of a mapping by their words; ``what`` names it in errors."""
        if not isinstance(self.value, Mapping):
            raise self.expected(what)
        for key in self.value:
            if not isinstance(key, str):
                raise self.error(f"keys are words, found {shown(key)}; put it in quotes")
            if len(key) > _LONGEST_WORD or not key.isprintable():
                raise self.error(f"{shown(key)} is no word to put here")
        return {key: self.below(key, value) for key, value in self.value.items()}

    def record(self, required: Collection[str], optional: Collection[str]) -> dict[str, Place]:
        """Return the places of a mapping that has all ``required`` and no other than these keys."""
        known = [*required, *optional]
        fields = self.fields(f"a mapping with {_listed(known)}")
        for key, place in fields.items():
            if key not in known:
                raise place.error(f"unknown key{hint(key, known)}")
        for key in required:
            if key not in fields:
                raise self.error(f"{key!r} is missing")
        return fields

    def single(self, known: Collection[str], what: str) -> tuple[str, Place]:
        """Return the only key of a mapping, one of ``known``, and the place under it."""
        fields = self.fields(f"{what}: a mapping with one of {_listed(known)}")
        if len(fields) != 1:
            found = _listed(fields) if fields else "none"
            raise self.error(f"expected {what} with exactly one key, found {found}")
        key, place = next(iter(fields.items()))
        if key not in known:
            raise place.error(f"unknown key{hint(key, known)}")
        return key, place

    def items(self, what: str, most: int) -> list[Place]:
        """Return the places of a list with one to ``most`` entries."""
        if not isinstance(self.value, (list, tuple)):
            raise self.expected(f"a list of {what}")
        if not self.value:
            raise self.error(f"expected at least one of {what}, the list is empty")
        if len(self.value) > most:
            raise self.error(f"{len(self.value)} {what} are too many, at most {most} are allowed")
        return [Place(value, f"{self.path}[{i}]") for i, value in enumerate(self.value)]

    def text(self, what: str, most: int = 200) -> str:
        """Return a text that is neither empty nor longer than ``most`` characters."""
        if not isinstance(self.value, str):
            quoted = isinstance(self.value, (bool, int, float))
            hint_ = '; put it in quotes: "…"' if quoted else ""
            raise self.error(f"expected {what}, found {shown(self.value)}{hint_}")
        if not self.value.strip():
            raise self.error(f"expected {what}, found nothing")
        if len(self.value) > most:
            raise self.error(f"{what} is longer than {most} characters")
        for letter in self.value:
            if not letter.isprintable() and letter not in _BLANKS and _is_invisible(letter):
                raise self.error(f"{what} has a character that cannot be typed: {letter!r}")
        return self.value

    def choice(self, known: Collection[str], what: str) -> str:
        """Return one of the words ``known``."""
        if not isinstance(self.value, str):
            raise self.expected(f"{what}: one of {_listed(known)}")
        if self.value not in known:
            raise self.error(f"unknown {what} {shown(self.value)}{hint(self.value, known)}")
        return self.value


def hint(word: str, known: Collection[str]) -> str:
    """Return the end of an error message: the nearest of ``known``, or all of them."""
    near = difflib.get_close_matches(word[:_LONGEST_WORD], known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {_listed(known)}" if known else "; none is known"


def _listed(words: Collection[str]) -> str:
    first = list(islice(words, _LISTED))
    more = len(words) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def _is_invisible(letter: str) -> bool:
    """Return whether it is a control character or half a character: no database takes them."""
    return unicodedata.category(letter) in ("Cc", "Cs")


def shown(value: object) -> str:
    """Return a value as an error message can show it: short."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, int) and abs(value) >= _HUGE:
        return "a number of more than 64 bits"  # written out, it could be endless
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
