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
    """Yield the words that a command prints or complains in as they stand in the code."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in PRINTS or called.endswith("Error"):
                yield from words(node.args[0])


def words(node: ast.AST) -> Iterator[str]:
    """Yield the texts in an expression that nothing is called with: a call is gettext's."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif not isinstance(node, (ast.Call, ast.Subscript, ast.Compare, ast.Dict)):
        for part in ast.iter_child_nodes(node):
            yield from words(part)


def test_no_command_prints_words_past_the_catalogue():
    found = [
        f"{file.name}: {text!r}"
        for file in FILES
        if file.name not in LATER
        for text in said(file)
        if WORD.search(text) and not ALIKE.search(text)
    ]
    assert not found, "\n".join(found)
