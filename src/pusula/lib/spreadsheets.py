"""Text in files that people open with a spreadsheet."""

from __future__ import annotations

# What a spreadsheet takes for the beginning of a formula, the full-width forms included.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def guarded(text: str) -> str:
    """Return ``text`` so that no spreadsheet takes it for a formula: an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def bare(text: str) -> str:
    """Return ``text`` without the apostrophe of ``guarded``."""
    is_guarded = text.startswith("'") and text[1:].startswith(FORMULA_STARTS)
    return text[1:] if is_guarded else text
