"""Whoever knows no language says what is wrong with code and values; each code has its Turkish."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages import pofile

import pusula
from pusula.campaigns import words

ROOT = Path(pusula.__file__).parent
CATALOGUE = ROOT / "config/locale/tr/LC_MESSAGES/django.po"
# Where each word for an error is handed over: the method, and the argument that holds the sentence.
METHODS = {
    "error": 0, "expected": 0, "fields": 0, "text": 0, "items": 0,
    "choice": 1, "single": 1, "_refuse": 1,
}  # fmt: skip
READERS = ("segments/language", "journeys/language")
# What is said there is read on pages as it is.
SPEAKERS = (
    "web/", "ops/", "journeys/tasks/", "campaigns/checklist.py", "campaigns/schedule.py",
    "campaigns/team.py", "pipeline/project.py",
)  # fmt: skip


def sentences(tree: ast.AST, *, is_reader: bool) -> Iterator[str]:
    """Yield the sentences of sayings that stand in a module."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name("Saying"), args=[ast.Constant(str(text)), *_]):
                yield text
            case ast.Call(func=ast.Name("Problem"), args=[_, _, _, ast.Constant(str(text)), *_]):
                yield text
            case ast.Call(func=ast.Attribute(attr=name), args=arguments) if is_reader and len(
                arguments
            ) > METHODS.get(name, 9):
                match arguments[METHODS[name]]:
                    case ast.Constant(str(text)):
                        yield text


def formatted(tree: ast.AST) -> Iterator[int]:
    """Yield the lines where a reader hands over a sentence with its values already in it."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.JoinedStr(), *_]) if (
                name in METHODS
            ):
                yield node.lineno
            case ast.Call(func=ast.Name("Saying"), args=[ast.JoinedStr(), *_]):
                yield node.lineno


# What is kept as a reason why an entry, a record or an answer was not taken over.
REFUSALS = {
    "RefusedError", "CallError", "LaterError", "ExpiredError", "TooMuchError", "MewsError",
    "FieldError", "ElektrawebError", "BookingError", "DocumentError", "OperaError",
    "CallRecordError", "IysError", "NeedError", "BadProofError", "UntranslatedError",
    "ContactError", "BadRecordError",
}  # fmt: skip
REFUSERS = ("pipeline/", "sources/", "consent/", "profiles/")
LISTS = {"left", "refused", "problems"}


def plain(tree: ast.AST) -> Iterator[int]:
    """Yield the lines where a reason is a sentence in one language."""
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call(args=[first, *_]) as call):
                name = getattr(call.func, "id", getattr(call.func, "attr", ""))
                if name in REFUSALS and isinstance(first, ast.JoinedStr | ast.Constant):
                    yield node.lineno
            case ast.Call(func=ast.Attribute(attr="append", value=listed), args=[first]):
                said = first.elts[-1] if isinstance(first, ast.Tuple) else first
                is_list = getattr(listed, "attr", getattr(listed, "id", "")) in LISTS
                if is_list and isinstance(said, ast.JoinedStr | ast.Constant):
                    yield node.lineno


def modules() -> Iterator[tuple[str, ast.AST]]:
    for file in sorted(ROOT.rglob("*.py")):
        yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def said() -> set[str]:
    found = {
        text
        for name, tree in modules()
        for text in sentences(tree, is_reader=name.startswith(READERS))
    }
    return found | set(words.PROBLEMS)


@pytest.fixture(scope="module")
def turkish() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        found = pofile.read_po(file)
    return {one.id: one.string for one in found if isinstance(one.id, str) and not one.context}


def is_word(text: str) -> bool:
    return any(letter.isalpha() for letter in text % defaultdict(int))


def test_every_sentence_of_an_error_has_its_turkish(said, turkish):
    assert len(said) > 150
    missing = sorted(text for text in said if is_word(text) and not turkish.get(text))
    assert not missing, f"add these to {CATALOGUE}, then `make messages`:\n\n" + "\n".join(
        f"#, python-format\nmsgid {pofile.normalize(text)}\nmsgstr {pofile.normalize('')}\n"
        for text in missing
    )


def test_turkish_leaves_out_no_value_and_invents_none(said, turkish):
    for text in said:
        asked, given = defaultdict(lambda: 7), defaultdict(lambda: 7)
        assert text % asked
        assert turkish.get(text, text) % given
        assert set(asked) == set(given), text


def test_no_reader_hands_over_a_sentence_with_its_values_in_it():
    assert [
        f"{name}:{line}"
        for name, tree in modules()
        if name.startswith(READERS)
        for line in formatted(tree)
    ] == []


def test_every_reason_why_something_is_not_taken_over_is_a_saying():
    assert [
        f"{name}:{line}"
        for name, tree in modules()
        if name.startswith(REFUSERS)
        for line in plain(tree)
    ] == []


def test_whatever_speaks_to_people_puts_errors_in_the_words_of_its_reader():
    """``error.message`` is English: it is for logs and programs."""
    found = []
    for name, tree in modules():
        if not name.startswith(SPEAKERS):
            continue
        for handler in (n for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler)):
            for node in ast.walk(handler):
                match node:
                    case ast.Attribute(ast.Name(caught), "message") if caught == handler.name:
                        found.append(f"{name}:{node.lineno}")
    assert found == []
