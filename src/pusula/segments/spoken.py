"""The language that definitions are said in to whoever reads them."""

from __future__ import annotations

from django.utils.translation import get_language


def language() -> str:
    """Return the reader's language, of those that definitions are said in: ``tr`` or ``en``."""
    return "tr" if (get_language() or "").startswith("tr") else "en"
