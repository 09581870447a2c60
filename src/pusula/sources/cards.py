"""Card numbers out of text: what looks like one and passes its check digit is never kept."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"(?<!\d)\d(?:[ \-.]?\d){12,18}(?!\d)")
_SHORTEST, _LONGEST = 13, 19
INSTEAD = "[card]"


def without_cards(text: str) -> str:
    """Return ``text`` with every card number replaced."""
    return _DIGITS.sub(lambda found: INSTEAD if _is_card(found.group()) else found.group(), text)


def _is_card(text: str) -> bool:
    digits = [int(c) for c in text if c.isdecimal()]
    if not _SHORTEST <= len(digits) <= _LONGEST:
        return False
    doubled = [d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(reversed(digits))]  # noqa: PLR2004
    return sum(doubled) % 10 == 0
