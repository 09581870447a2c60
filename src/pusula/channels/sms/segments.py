"""How many SMS a text is (3GPP TS 23.038): the GSM alphabet, its Turkish single shift, Unicode."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # of two characters each
_TURKISH = frozenset("ĞİŞçğış")  # of two characters each, behind the shift to their table
_PLAIN = str.maketrans("ĞİŞçğışÂâÎîÛû", "GIScgisAaIiUu")
# What word processors make of quotes, dashes and spaces; one of them makes a whole text Unicode.
_TYPOGRAPHY = str.maketrans(
    {
        "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "′": "'",
        "–": "-", "—": "-", "−": "-", "…": "...", "•": "-", "\u00a0": " ", "\u202f": " ",
        "\u2009": " ", "\u200b": "", "\ufeff": "", "\t": " ", "´": "'", "`": "'", "₺": "TL",
    }
)  # fmt: skip


class Alphabet(StrEnum):
    """How a text goes over the air; each holds fewer characters than the one before."""

    GSM = "gsm"
    TURKISH = "turkish"
    UNICODE = "unicode"


# Characters of a message that fits into one, and of each part of one that does not.
SIZES = {Alphabet.GSM: (160, 153), Alphabet.TURKISH: (155, 149), Alphabet.UNICODE: (70, 67)}


@dataclass(frozen=True, slots=True)
class Count:
    """What a text costs: ``n_parts`` are paid for; ``n_left`` characters are free in the last."""

    alphabet: Alphabet
    n_characters: int
    n_parts: int
    n_left: int
    culprits: str = ""  # the letters that make it more than plain GSM, each once


def count(text: str) -> Count:
    """Return what ``text`` costs as it is. An empty text is one part."""
    text = unicodedata.normalize("NFC", text)
    letters = set(text)
    if letters <= _BASIC | _EXTENDED:
        alphabet, strange = Alphabet.GSM, set[str]()
    elif letters <= _BASIC | _EXTENDED | _TURKISH:
        alphabet, strange = Alphabet.TURKISH, letters & _TURKISH
    else:
        alphabet, strange = Alphabet.UNICODE, letters - _BASIC - _EXTENDED - _TURKISH
    lengths = [_length(letter, alphabet) for letter in text]
    one, each = SIZES[alphabet]
    n = sum(lengths)
    culprits = "".join(dict.fromkeys(letter for letter in text if letter in strange))
    if n <= one:
        return Count(alphabet, n, 1, one - n, culprits)
    n_parts, used = _parts(lengths, each)
    return Count(alphabet, n, n_parts, each - used, culprits)


def plain(text: str) -> str:
    """Return ``text`` without what costs more: Turkish letters as Latin ones, plain punctuation."""
    return tidied(text).translate(_PLAIN)


def tidied(text: str) -> str:
    """Return ``text`` with plain quotes, dashes and spaces; its letters stay as they are."""
    return unicodedata.normalize("NFC", text).translate(_TYPOGRAPHY)


def wire(text: str, details: Mapping[str, Any]) -> str:
    """Return the text that goes out: without Turkish letters where the content asks for that."""
    return plain(text) if details.get("encoding") == "plain" else tidied(text)


def _length(letter: str, alphabet: Alphabet) -> int:
    if alphabet is Alphabet.UNICODE:
        return 2 if ord(letter) > 0xFFFF else 1  # noqa: PLR2004 - beyond it UTF-16 takes two
    return 2 if letter in _EXTENDED or letter in _TURKISH else 1


def _parts(lengths: list[int], each: int) -> tuple[int, int]:
    """Return the number of parts and what the last holds; a letter of two is never cut in half."""
    n_parts, used = 1, 0
    for length in lengths:
        if used + length > each:
            n_parts, used = n_parts + 1, 0
        used += length
    return n_parts, used
