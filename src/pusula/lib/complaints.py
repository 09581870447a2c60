"""What libraries complain of, as code and values: they themselves say plain English only."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cached_property

from pusula.lib.sayings import Saying

_GAP = re.compile(r"%\((\w+)\)s")
_INNER = frozenset({"problem", "why"})  # gaps that hold a complaint themselves
_DEEPEST = 5  # no library goes deeper; values of people may


class Complaints:
    """The sentences of a library, and words that it puts into their gaps."""

    def __init__(self, sentences: Collection[Saying], words: Collection[Saying] = ()) -> None:
        self._sentences = sentences
        self._words: Mapping[str, Saying] = {word.text: word for word in words}

    def known(self, complaint: str) -> Saying | str:
        """Return a complaint as a saying; one that is no sentence here as it is."""
        return self._known(complaint, 1)

    def _known(self, complaint: str, depth: int) -> Saying | str:
        for pattern, sentence in self._patterns:
            if found := pattern.fullmatch(complaint):
                parts = found.groupdict().items()
                values = {name: self._value(name, text, depth) for name, text in parts}
                return Saying(sentence, values)
        return complaint

    def _value(self, name: str, text: str, depth: int) -> Saying | str:
        if name in _INNER and depth < _DEEPEST:
            return self._known(text, depth + 1)
        return self._words.get(text, text)

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        """The sentences as patterns, those with the most words of their own first."""
        texts = sorted((one.text for one in self._sentences), key=_n_own, reverse=True)
        return [(re.compile(_pattern(text), re.DOTALL), text) for text in texts]


def _n_own(text: str) -> int:
    return len(_GAP.sub("", text))


def _pattern(text: str) -> str:
    seen: set[str] = set()
    pieces = []
    for position, piece in enumerate(_GAP.split(text)):  # words, name, words, name ...
        if position % 2 == 0:
            pieces.append(re.escape(piece))
        else:
            pieces.append(f"(?P={piece})" if piece in seen else f"(?P<{piece}>.+?)")
            seen.add(piece)
    return "".join(pieces)
