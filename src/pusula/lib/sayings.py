"""A sentence for people with its values apart, so that everybody reads it in their language."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Translate = Callable[[str], str]
_TEXT, _VALUES = "say", "with"
_APART = '{"' + _TEXT  # so begins a row that keeps sentence and values apart
_GAPS = re.compile(r"%(?:\(\w+\)[srd]|%)")


@dataclass(frozen=True, slots=True)
class Saying:
    """``text`` is an English sentence with named gaps, the code of what is said.

    ``values`` fill the gaps; one may be a saying itself. As a string it is English: logs and
    programs read that.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def said(self, translate: Translate = str) -> str:
        """Return the sentence in the language that ``translate`` speaks, such as ``gettext``."""
        filled = {name: said(value, translate) for name, value in self.values.items()}
        return translate(self.text) % filled

    def __str__(self) -> str:
        """Return the sentence in English."""
        return self.said()


def said(value: object, translate: Translate) -> object:
    """Return a saying as a sentence, anything else as it is."""
    return value.said(translate) if isinstance(value, Saying) else value


def placed(place: str, why: Saying | str) -> Saying:
    """Return what is wrong at a place: a field, an address, the number of a record."""
    return Saying("%(place)s: %(why)s", {"place": place, "why": why})


def joined(reasons: Sequence[Saying | str]) -> Saying | str:
    """Return several reasons as one; thousands are no deeper than a dozen."""
    if len(reasons) == 1:
        return reasons[0]
    middle = len(reasons) // 2
    halves = {"one": joined(reasons[:middle]), "more": joined(reasons[middle:])}
    return Saying("%(one)s; %(more)s", halves)


def kept(what: Saying | str, most: int = 10_000) -> str:
    """Return ``what`` as a row keeps it: sentence and values apart, or cut English if too long.

    Plain words never begin as a sentence kept apart does, whoever chose them.
    """
    if isinstance(what, Saying):
        row = json.dumps(_parted(what), ensure_ascii=False)
        if len(row) <= most:
            return row
    plain = str(what)
    return f" {plain}"[:most] if plain.startswith(_APART) else plain[:most]


def found(row: str) -> Saying | str:
    """Return what ``kept`` gave to a row; words that stand there as they are stay so.

    So do words of strangers that only look like a saying: one that cannot be said is none.
    """
    if not row.startswith(_APART):
        return row
    try:
        read = _joined(json.loads(row))
        str(read)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return row
    return read if isinstance(read, Saying) else row


def told(row: str, translate: Translate = str) -> str:
    """Return what a row keeps as a sentence in the language that ``translate`` speaks."""
    return str(said(found(row), translate))


def _parted(value: object) -> object:
    if isinstance(value, Saying):
        return {_TEXT: value.text, _VALUES: {k: _parted(v) for k, v in value.values.items()}}
    return value if isinstance(value, (str, int, float)) else str(value)


def _joined(value: object) -> object:
    if isinstance(value, dict):
        # A gap of strangers may be as wide as the memory.
        if not value[_TEXT] or "%" in _GAPS.sub("", value[_TEXT]):
            raise ValueError(_TEXT)
        return Saying(value[_TEXT], {k: _joined(v) for k, v in value[_VALUES].items()})
    return value
