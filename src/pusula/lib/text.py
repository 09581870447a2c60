"""Turkish-aware text: one fold for conditions, one key for finding people by name.

Engines disagree on İ/I/ı (SQLite, PostgreSQL, DuckDB and ``str.lower`` all differ), so folding
happens here alone, at write time, into stored columns. Nothing folds in SQL.
"""

from __future__ import annotations

import re
import unicodedata

_TURKISH_LOWER = str.maketrans({"İ": "i", "I": "ı"})
_TURKISH_UPPER = str.maketrans({"i": "İ", "ı": "I"})
_WORD = re.compile(r"\w+")
_LATIN_EXTRAS = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe"})
# What stands in front of names, as name_key writes it: Turkish, then the languages of guests.
_TITLES = frozenset(
    {
        "sn", "sayin", "bay", "bayan", "bn", "hanim", "dr", "doktor", "prof", "doc", "op", "uzm",
        "yrd", "ogr", "av", "avukat", "muh", "mim", "ecz", "dt", "dyt", "alb", "haci",
        "mr", "mrs", "ms", "miss", "mstr", "master", "sir", "madam", "mme", "mlle", "monsieur",
        "herr", "frau", "hr", "fr", "sr", "sra", "sig", "chd", "inf", "г", "гн", "гжа", "госпожа",
        "господин",
    }
)  # fmt: skip
# bir, iki ... dokuz; on, yirmi ... doksan: what makes each "its".
_ONES = ("", "i", "si", "ü", "ü", "i", "sı", "si", "i", "u")
_TENS = ("", "u", "si", "u", "ı", "si", "ı", "i", "i", "ı")
_TURKISH_ORDER = {c: i for i, c in enumerate("aâbcçdefgğhıiîjklmnoöpqrsştuûüvwxyz")}


def nfc(text: str) -> str:
    """Return ``text`` composed (macOS exports are decomposed) and without outer white space."""
    return unicodedata.normalize("NFC", text).strip()


def fold(text: str) -> str:
    """Return the form in which conditions compare text: NFC, Turkish dotted/dotless i, casefold.

    ``fold("İSTANBUL") == fold("istanbul")``; ``fold("IĞDIR") == fold("ığdır")``.
    """
    return unicodedata.normalize("NFC", nfc(text).translate(_TURKISH_LOWER).casefold())


def code_key(text: str) -> str:
    """Return the form of a short code that people type, a purpose such as ``marketing``.

    Folded, and all of the i's alike: ``MARKETING`` is the same code whether a Turkish or an
    English keyboard made it.
    """
    return fold(text).replace("ı", "i")


def name_key(text: str) -> str:
    """Return the key by which a person is found: accents, case and the four Turkish i's ignored.

    ``name_key("Şükrü ÇAĞLAR") == name_key("SUKRU CAGLAR") == "sukru caglar"``. Names in other
    scripts keep their letters (folded), so they never all collapse into the empty key.
    """
    plain = unicodedata.normalize("NFKC", text)
    plain = plain.replace("İ", "i").replace("I", "i").replace("ı", "i").casefold()
    plain = unicodedata.normalize("NFD", plain.translate(_LATIN_EXTRAS))
    if not plain.isascii():
        plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(_WORD.findall(plain.replace("_", " ")))


def person_key(text: str) -> str:
    """Return the ``name_key`` of a person's name without the titles in front of it.

    ``person_key("Sn. Dr. Şükrü ÇAĞLAR") == "sukru caglar"``. A name that is nothing but titles
    stays: *Bay* is a surname too.
    """
    words = name_key(text).split()
    first = 0
    while first < len(words) - 1 and words[first] in _TITLES:
        first += 1
    return " ".join(words[first:])


def lower(text: str) -> str:
    """Return ``text`` in lower case by Turkish rules; for display, never for e-mails or codes."""
    return text.translate(_TURKISH_LOWER).lower()


def upper(text: str) -> str:
    """Return ``text`` in upper case by Turkish rules; for display, never for e-mails or codes."""
    return text.translate(_TURKISH_UPPER).upper()


def sort_key(text: str) -> list[int]:
    """Return a key that sorts text in the order of the Turkish alphabet (c < ç, ı < i, s < ş)."""
    return [_TURKISH_ORDER.get(c, 100 + ord(c)) for c in lower(nfc(text))]


def email_key(text: str) -> str:
    """Return an e-mail address as it is compared: ASCII case only, so ``I`` becomes ``i``."""
    if text.isascii():
        return text.strip().lower()
    return "".join(c.lower() if c.isascii() else c for c in nfc(text))


def possessed(number: int) -> str:
    """Return a whole number with the suffix of Turkish possession: ``6’sı``, ``14’ü``, ``20’si``.

    The suffix follows the sound of the last word of the number as it is spoken.
    """
    size = abs(number)
    for unit, suffixes in ((1, _ONES), (10, _TENS)):
        if digit := size // unit % 10:
            return f"{number}’{suffixes[digit]}"
    for unit, suffix in ((10**3, "ü"), (10**6, "i"), (10**9, "u")):  # yüz, bin, milyon
        if size % unit:
            return f"{number}’{suffix}"
    return f"{number}’ı"  # sıfır, milyar
