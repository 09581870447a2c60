"""A value inside a definition with the path that leads to it, and errors that name both."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, Translate, said

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

    def __init__(self, path: str | Saying, problem: str | Saying) -> None:
        super().__init__(Saying("%(place)s: %(problem)s", {"place": path, "problem": problem}))
        self.path = str(path)
        self.problem = str(problem)
        self._place, self._problem = path, problem

    def below(self, name: str) -> DefinitionError:
        """Return the error with ``name``, such as that of its file, in front of the path."""
        place = Saying("%(name)s: %(place)s", {"name": name, "place": self._place})
        return type(self)(place, self._problem)

    def problem_said(self, translate: Translate) -> str:
        """Return the problem alone, in the language that ``translate`` speaks."""
        return str(said(self._problem, translate))


@dataclass(frozen=True, slots=True)
class Place:
    """A value as it was read, and where it stands.

    Words for errors are English sentences or phrases with named gaps, which ``values`` fill: they
    are translated where somebody reads them.
    """

    value: object
    path: str

    def error(
        self, problem: str, near: Saying | None = None, /, **values: object
    ) -> DefinitionError:
        """Return an error that names this place, and behind it what ``hint`` says is ``near``."""
        what = Saying(problem, values)
        if near is not None:
            what = Saying("%(problem)s; %(hint)s", {"problem": what, "hint": near})
        return DefinitionError(self.path or Saying("definition"), what)

    def expected(self, what: str | Saying, /, **values: object) -> DefinitionError:
        """Return an error saying ``what`` was expected here and what was found."""
        found = shown(self.value)
        return self.error("expected %(what)s, found %(found)s", what=_of(what, values), found=found)

    def one_of(self, known: Collection[str], found: Collection[str]) -> DefinitionError:
        """Return an error saying that exactly one of ``known`` was expected here."""
        return self.error(
            "expected exactly one of %(known)s, found %(found)s",
            known=", ".join(known), found=", ".join(found) or Saying("none"),
        )  # fmt: skip

    def below(self, key: str, value: object) -> Place:
        """Return the place of ``value`` under ``key``."""
        return Place(value, f"{self.path}.{key}" if self.path else key)

    def fields(self, what: str | Saying) -> dict[str, Place]:
        """Return the places of a mapping by their words; ``what`` names it in errors."""
        if not isinstance(self.value, Mapping):
            raise self.expected(what)
        for key in self.value:
            if not isinstance(key, str):
                raise self.error("keys are words, found %(key)s; put it in quotes", key=shown(key))
            if len(key) > _LONGEST_WORD or not key.isprintable():
                raise self.error("%(key)s is no word to put here", key=shown(key))
        return {key: self.below(key, value) for key, value in self.value.items()}

    def record(self, required: Collection[str], optional: Collection[str]) -> dict[str, Place]:
        """Return the places of a mapping that has all ``required`` and no other than these keys."""
        known = [*required, *optional]
        fields = self.fields(Saying("a mapping with %(known)s", {"known": _listed(known)}))
        for key, place in fields.items():
            if key not in known:
                raise place.error("unknown key", hint(key, known))
        for key in required:
            if key not in fields:
                raise self.error("%(key)r is missing", key=key)
        return fields

    def single(self, known: Collection[str], what: str | Saying) -> tuple[str, Place]:
        """Return the only key of a mapping, one of ``known``, and the place under it."""
        one = _of(what, {})
        fields = self.fields(
            Saying("%(what)s: a mapping with one of %(known)s",
                   {"what": one, "known": _listed(known)})
        )  # fmt: skip
        if len(fields) != 1:
            found = _listed(fields) if fields else Saying("none")
            raise self.error(
                "expected %(what)s with exactly one key, found %(found)s", what=one, found=found
            )
        key, place = next(iter(fields.items()))
        if key not in known:
            raise place.error("unknown key", hint(key, known))
        return key, place

    def items(self, what: str, most: int) -> list[Place]:
        """Return the places of a list with one to ``most`` entries."""
        some = Saying(what)
        if not isinstance(self.value, (list, tuple)):
            raise self.expected("a list of %(what)s", what=some)
        if not self.value:
            raise self.error("expected at least one of %(what)s, the list is empty", what=some)
        n = len(self.value)
        if n > most:
            raise self.error(
                "%(n)s %(what)s are too many, at most %(most)s are allowed",
                n=n, what=some, most=most,
            )  # fmt: skip
        return [Place(value, f"{self.path}[{i}]") for i, value in enumerate(self.value)]

    def text(self, what: str, most: int = 200) -> str:
        """Return a text that is neither empty nor longer than ``most`` characters."""
        one = Saying(what)
        if not isinstance(self.value, str):
            if not isinstance(self.value, (bool, int, float)):
                raise self.expected(one)
            found = shown(self.value)
            raise self.error(
                'expected %(what)s, found %(found)s; put it in quotes: "…"', what=one, found=found
            )
        if not self.value.strip():
            raise self.error("expected %(what)s, found nothing", what=one)
        if len(self.value) > most:
            raise self.error("%(what)s is longer than %(most)s characters", what=one, most=most)
        for letter in self.value:
            if not letter.isprintable() and letter not in _BLANKS and _is_invisible(letter):
                raise self.error(
                    "%(what)s has a character that cannot be typed: %(letter)r",
                    what=one, letter=letter,
                )  # fmt: skip
        return self.value

    def choice(self, known: Collection[str], what: str) -> str:
        """Return one of the words ``known``."""
        one = Saying(what)
        if not isinstance(self.value, str):
            raise self.expected("%(what)s: one of %(known)s", what=one, known=_listed(known))
        if self.value not in known:
            given = shown(self.value)
            raise self.error(
                "unknown %(what)s %(given)s", hint(self.value, known), what=one, given=given
            )
        return self.value


def _of(what: str | Saying, values: Mapping[str, object]) -> Saying:
    return what if isinstance(what, Saying) else Saying(what, values)


def hint(word: str, known: Collection[str]) -> Saying:
    """Return the end of an error message: the nearest of ``known``, or all of them."""
    near = difflib.get_close_matches(word[:_LONGEST_WORD], known, n=1)
    if near:
        return Saying("did you mean %(near)r?", {"near": near[0]})
    return Saying("known are %(known)s", {"known": _listed(known)}) if known else _NONE_KNOWN


_NONE_KNOWN = Saying("none is known")


def _listed(words: Collection[str]) -> str | Saying:
    first = list(islice(words, _LISTED))
    more = len(words) - len(first)
    listed = ", ".join(first)
    return Saying("%(words)s and %(n)s more", {"words": listed, "n": more}) if more else listed


def _is_invisible(letter: str) -> bool:
    """Return whether it is a control character or half a character: no database takes them."""
    return unicodedata.category(letter) in ("Cc", "Cs")


def shown(value: object) -> str | Saying:
    """Return a value as an error message can show it: short."""
    if isinstance(value, Mapping):
        return Saying("a mapping")
    if isinstance(value, (list, tuple)):
        return Saying("a list")
    if value is None:
        return Saying("nothing")
    if isinstance(value, int) and abs(value) >= _HUGE:
        return Saying("a number of more than 64 bits")  # written out, it could be endless
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
