"""Reasons are stored in English and read in Turkish; no sentence that is raised is forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

import pusula
from pusula.sources import phrases

PACKAGES = ("pipeline", "sources", "consent/proofs.py", "profiles/contacts.py")
# What is stored as a reason, by the error that carries it.
ERRORS = {
    "RefusedError", "CallError", "LaterError", "ExpiredError", "TooMuchError", "MewsError",
    "FieldError",
    "ElektrawebError", "BookingError", "DocumentError", "OperaError", "CallRecordError",
    "IysError", "NeedError", "BadProofError", "UntranslatedError", "ContactError",
}  # fmt: skip
LISTS = {"left", "refused", "faults"}
VALUE = "X7"


def words(node: ast.expr | None) -> str:
    """Return the text a node comes to, each value as ``VALUE``; empty: it is no text of ours."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(words(one) if isinstance(one, ast.Constant) else VALUE for one in values)
        case ast.Call(args=[first, *_]) if getattr(node.func, "id", "") == "_":
            return words(first)
    return ""


def raised(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call(args=[first, *_]) as call):
                if getattr(call.func, "id", getattr(call.func, "attr", "")) in ERRORS:
                    yield words(first)
            case ast.Call(func=ast.Attribute(attr="append", value=listed), args=[first]):
                if getattr(listed, "attr", getattr(listed, "id", "")) in LISTS:
                    yield words(first.elts[-1] if isinstance(first, ast.Tuple) else first)


def sentences() -> set[str]:
    root = Path(pusula.__file__).parent
    found: set[str] = set()
    for package in PACKAGES:
        path = root / package
        for file in [path] if path.is_file() else path.rglob("*.py"):
            found.update(raised(ast.parse(file.read_text(encoding="utf-8"))))
    has_words = {one for one in found if any(c.isalpha() for c in one.replace(VALUE, ""))}
    return {one for one in has_words if not one.endswith(f": {VALUE}")}  # around another reason


@pytest.fixture
def marked(monkeypatch):
    """Translate by marking: a reason that is known is shown in angles."""
    monkeypatch.setattr(phrases, "gettext", lambda sentence: f"«{sentence}»")
    with translation.override("tr"):
        yield


def test_every_sentence_that_is_raised_is_known(marked):
    raised_ = sentences()
    assert len(raised_) > 80
    assert [one for one in sorted(raised_) if "«" not in phrases.shown(one)] == []


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("phone: not a phone number", "phone: «not a phone number»"),
        (
            "email: not an e-mail address; phone: not a phone number",
            "email: «not an e-mail address»; phone: «not a phone number»",
        ),
        ("in part: traits.x: is not kept", "«in part: traits.x: «is not kept»»"),
        (
            "order 12: only a server key changes orders",
            "«order 12: «only a server key changes orders»»",
        ),
        (
            "kind: there is no 'evnt'; there are event, order",
            "kind: «there is no 'evnt'; there are event, order»",
        ),
        (
            "pms: mews.example: 429, too much was asked at once",
            "«pms: mews.example: 429, too much was asked at once»",
        ),
        (
            "body: Expected `int`, got `str` - at `$.n`",
            "body: «Expected `int`, got `str` - at `$.n`»",
        ),
        ("3: phone: is missing or withheld", "3: phone: «is missing or withheld»"),
        ("IntegrityError: 100 %s", "IntegrityError: 100 %s"),
        ("", ""),
    ],
)
def test_places_and_values_stay_as_they_are(marked, stored, shown):
    assert phrases.shown(stored) == shown


def test_on_english_pages_they_stand_as_they_are_stored():
    with translation.override("en"):
        assert phrases.shown("phone: not a phone number") == "phone: not a phone number"
