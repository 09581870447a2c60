"""National numbers, passports and membership numbers as identifiers hold them.

Of a number of the state only a digest is kept, made with a key of this installation: there are so
few of them that a plain hash is undone in seconds.
"""

from __future__ import annotations

import hmac
import re

from django.conf import settings

from pusula.lib.sayings import Saying
from pusula.profiles.contacts import ContactError

_DIGITS = 11
_SHORTEST, _LONGEST = 5, 40
# What is typed where the form insists; 11111111110 has the right check digits.
_FILLERS = frozenset({"11111111110", "22222222220", "12345678950"})
_WORD = re.compile(r"[^0-9A-Z]+")
_BLANKS = frozenset({"YOK", "NONE", "NULL", "NAN", "PASAPORT", "PASSPORT", "UNKNOWN", "EMPTY"})


def national_id(text: str) -> str | None:
    """Return the digest of a Turkish identity number; ``None`` where there is none.

    ``None`` also for what is typed instead of one. Raises ``ContactError`` for a number that fails
    its check digits; it is not in the message.
    """
    digits = "".join(text.removesuffix(".0").split())
    if not digits or len(set(digits)) == 1 or digits in _FILLERS:
        return None
    if not is_national_id(digits):
        raise ContactError(Saying("not an identity number: the check digits do not fit"))
    return _digest("national_id", digits)


def is_national_id(digits: str) -> bool:
    """Say whether ``digits`` are a Turkish identity number by its check digits."""
    if len(digits) != _DIGITS or not (digits.isascii() and digits.isdecimal()):
        return False
    d = [int(c) for c in digits]
    tenth = (sum(d[0:9:2]) * 7 - sum(d[1:8:2])) % 10
    return d[0] != 0 and d[9] == tenth and d[10] == sum(d[:10]) % 10


def document(text: str) -> str | None:
    """Return the digest of a passport or another document; ``None`` for a blank or a filler."""
    number = _WORD.sub("", text.upper())
    is_blank = not _SHORTEST <= len(number) <= _LONGEST or len(set(number)) == 1
    if is_blank or number in _BLANKS or not any(c.isdecimal() for c in number):
        return None
    return _digest("document", number)


def loyalty(text: str, system: str) -> str | None:
    """Return a membership number with its programme in front; ``None`` for a blank."""
    number = _WORD.sub("", text.upper())
    if not number or len(set(number)) == 1 or number in _BLANKS:
        return None
    return f"{system}:{number}"


def _digest(kind: str, number: str) -> str:
    key = hmac.digest(settings.SECRET_KEY.encode(), b"pusula.profiles.documents", "sha256")
    return hmac.digest(key, f"{kind}\x1f{number}".encode(), "sha256").hex()
