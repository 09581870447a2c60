"""Patterns of RE2, the regular expressions that take no longer than the text is long."""

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

from pusula.lib.text import fold
from pusula.segments.language import complaints
from pusula.segments.language.place import Place

_LONGEST = 200
_ANY = pa.array([""])  # a pattern is looked at only if there is a text to look for it in
# What keeps its letters: groups with their flags and names, classes by name, escapes of all sorts;
# between \Q and \E stands plain text.
_VERBATIM = re.compile(
    r"\(\?P?<\w+>|\(\?[\w-]*[:)]?|\[:\^?\w+:\]|\\[pPx]\{[^}]*\}|\\[pP]?.|\\Q|\\E", re.DOTALL
)


def pattern(place: Place) -> str:
    """Return the pattern at ``place`` as it is written; raise if RE2 cannot take it."""
    written = place.text("a pattern such as '^vip-[0-9]+$'", _LONGEST)
    try:
        pc.match_substring_regex(_ANY, folded(written))
    except (pa.ArrowInvalid, UnicodeEncodeError) as error:
        why = str(error).removeprefix("Invalid regular expression: ")
        raise place.error("no pattern of RE2: %(why)s", why=complaints.of_pattern(why)) from None
    return written


def folded(written: str) -> str:
    """Return a pattern with its plain letters folded, as the text is that it is compared with.

    ``İZMİR`` matches what ``izmir`` matches; escapes, classes by name and flags stay as they are.
    """
    written = unicodedata.normalize("NFC", written)
    parts, at = [], 0
    for found in _VERBATIM.finditer(written):
        parts += [_fold(written[at : found.start()]), found[0]]
        at = found.end()
    return "".join([*parts, _fold(written[at:])])


def _fold(letters: str) -> str:
    return "".join(letter if letter.isspace() else fold(letter) for letter in letters)
