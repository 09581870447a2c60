"""What commands print is in the language of the company: no text goes past gettext."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pusula.ops

FILES = sorted(Path(pusula.ops.__file__).parent.glob("*.py"))
PRINTS = {"echo", "secho", "UsageError", "ClickException", "BadParameter"}
WORD = re.compile(r"[^\W\d_]{3,}")
# YAML and names of files and commands are the same in every language.
ALIKE = re.compile(r"^# |\.csv|\.xlsx|`pusula|sha256:|pusula: ")
LATER = {"demo.py"}  # it speaks to who tries the program from its source


def said(file: Path) -> Iterator[str]:
    """Yield the words that a command prints as they stand in the code."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name in PRINTS:
            first = node.args[0]
            parts = first.values if isinstance(first, ast.JoinedStr) else [first]
            for part in parts:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def test_no_command_prints_words_past_the_catalogue():
    found = [
        f"{file.name}: {text!r}"
        for file in FILES
        if file.name not in LATER
        for text in said(file)
        if WORD.search(text) and not ALIKE.search(text)
    ]
    assert not found, "\n".join(found)
